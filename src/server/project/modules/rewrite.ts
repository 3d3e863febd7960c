/**
 * A module of the project as a function's text: types taken out by Node itself, `import` and `export` by their places in the syntax tree. What is left is
 * the code as it was written, in its lines, so that a stack names the right one.
 *
 * The function is a generator: entered, it has declared its functions and told its exports, as linking does; gone on with, it runs. Names that are imported
 * are looked up in an object around it (`with`), each time they are used: so they are live, as the language wants them, and no other name is touched. Where
 * one is called, it is called as `(0, name)()`: else that object would be its `this`.
 */
import { stripTypeScriptTypes } from "node:module";
import { type EcmaScriptModule, type ModuleExportName, parseSync } from "oxc-parser";

export interface Rewritten {
  /** An expression: a function of the scope object, which gives the generator function. */
  readonly code: string;
  /** Length of what stands before the module's own first character. */
  readonly prefix: number;
  /** What it imports or exports again, in the order in which that is evaluated. */
  readonly requests: readonly Request[];
  /** Names of local bindings that are exported. */
  readonly own: readonly string[];
  readonly again: readonly { readonly name: string; readonly from: string; readonly imported: string }[];
  /** `export * from`. */
  readonly stars: readonly string[];
  /** What `import()` may be asked for. */
  readonly later: readonly string[];
}

export interface Request {
  readonly from: string;
  /** From 1. */
  readonly line: number;
  readonly names: readonly { readonly imported: string; readonly local: string }[];
}

/** Stands for the whole namespace, where the name of an export is meant. */
export const whole = "*";

/** `undefined`: it is no ECMAScript module by its syntax. Throws a `SyntaxError` on types that can't be stripped. */
export function rewriteModule(file: string, text: string): Rewritten | undefined {
  const source = /\.[cm]?ts$/.test(file) ? strip(text) : text;
  const { program, module, errors } = parseSync(`${file}.mjs`, source);
  const [broken] = errors;
  if (broken !== undefined) throw new SyntaxError(broken.message);
  if (!module.hasModuleSyntax) return undefined;

  const edits: Edit[] = [];
  const own: { name: string; local: string }[] = [];
  const again: { name: string; from: string; imported: string }[] = [];
  const stars: string[] = [];
  const found: (Request & { start: number })[] = [];
  const lineAt = (offset: number) => source.slice(0, offset).split("\n").length;
  const request = (from: string, start: number, names: Request["names"] = []) =>
    found.push({ from, line: lineAt(start), names, start });

  for (const { start, moduleRequest, entries } of module.staticImports) {
    const names = entries.map(({ importName, localName }) => ({
      imported: nameOf(importName),
      local: localName.value,
    }));
    request(moduleRequest.value, start, names);
  }
  for (const node of program.body) {
    switch (node.type) {
      case "ImportDeclaration":
        edits.push(blank(node));
        break;
      case "ExportAllDeclaration":
        request(node.source.value, node.start);
        if (node.exported === null) stars.push(node.source.value);
        else again.push({ name: written(node.exported), from: node.source.value, imported: whole });
        edits.push(blank(node));
        break;
      case "ExportNamedDeclaration":
        if (node.source !== null) request(node.source.value, node.start);
        for (const { local, exported } of node.specifiers) {
          const name = written(exported);
          if (node.source === null) own.push({ name, local: written(local) });
          else again.push({ name, from: node.source.value, imported: written(local) });
        }
        if (node.declaration === null) edits.push(blank(node));
        else {
          for (const name of declared(module, node)) own.push({ name, local: name });
          edits.push({ start: node.start, end: node.declaration.start, text: "" });
        }
        break;
      case "ExportDefaultDeclaration": {
        const { declaration } = node;
        const named =
          declaration.type === "FunctionDeclaration" ||
          (declaration.type === "ClassDeclaration" && declaration.id !== null);
        own.push({ name: "default", local: named ? (declaration.id?.name ?? defaultName) : defaultName });
        if (!named) {
          // As a member of that name, so that a function or class without a name is called "default".
          edits.push({ start: node.start, end: declaration.start, text: `const ${defaultName} = {default:` });
          edits.push({ start: declaration.end, end: declaration.end, text: "}.default;" });
        } else {
          edits.push({ start: node.start, end: declaration.start, text: "" });
          if (declaration.id === null) edits.push(naming(source, declaration));
        }
        break;
      }
      default:
    }
  }
  const later: string[] = [];
  for (const { start, moduleRequest } of module.dynamicImports) {
    edits.push({ start, end: start + "import".length, text: names.load });
    const literal = /^(["'])(.*)\1$/.exec(source.slice(moduleRequest.start, moduleRequest.end))?.[2];
    if (literal !== undefined) later.push(literal);
  }
  for (const { start, end } of module.importMetas) edits.push({ start, end, text: names.meta });

  const imported = new Set(found.flatMap((one) => one.names.map(({ local }) => local)));
  if (imported.size > 0) edits.push(...calls(program, imported));

  const exports = own.map(({ name, local }) => `${JSON.stringify(name)}:()=>${local}`).join(",");
  const before = `(function(${names.scope}){with(${names.scope}){return async function*(${names.tell},${names.meta},${names.load}){"use strict";${names.tell}({${exports}});yield;`;
  return {
    code: `${before}${edited(source, edits)}\n}}})`,
    prefix: before.length,
    requests: found
      .sort((a, b) => a.start - b.start)
      .map(({ from, line, names: list }) => ({ from, line, names: list })),
    own: own.map(({ name }) => name),
    again,
    stars,
    later,
  };
}

const names = {
  scope: "__mortise_scope",
  tell: "__mortise_exports",
  meta: "__mortise_meta",
  load: "__mortise_import",
} as const;
const defaultName = "__mortise_default";

function nameOf({ kind, name }: { readonly kind: string; readonly name: string | null }): string {
  return kind === "NamespaceObject" ? whole : (name ?? "default");
}

/** A name, or the text of one that is no identifier. */
function written(name: ModuleExportName): string {
  return name.type === "Literal" ? name.value : name.name;
}

/** What a declaration binds, patterns included. */
function declared({ staticExports }: EcmaScriptModule, { start }: { readonly start: number }): readonly string[] {
  const entries = staticExports.find((one) => one.start === start)?.entries ?? [];
  return entries.flatMap(({ localName }) => (localName.name === null ? [] : [localName.name]));
}

interface Edit {
  readonly start: number;
  readonly end: number;
  /** `undefined`: an empty statement over the same lines. */
  readonly text: string | undefined;
}

function blank({ start, end }: { readonly start: number; readonly end: number }): Edit {
  return { start, end, text: undefined };
}

interface Tree {
  readonly type?: unknown;
  readonly start?: number;
  readonly end?: number;
  readonly [member: string]: unknown;
}

/**
 * Brackets around each imported name where it is called. A statement that begins so gets a semicolon: without one before it, the bracket would go on with what stands in
 * the line above. Only in a list of statements, where an empty one more means nothing.
 */
function calls(program: unknown, imported: ReadonlySet<string>): readonly Edit[] {
  const edits: Edit[] = [];
  const begins = new Set<number>();
  const open: unknown[] = [program];
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    const tree = at as Tree;
    for (const member of Object.values(tree)) {
      if (typeof member !== "object" || member === null) continue;
      if (!Array.isArray(member)) open.push(member);
      else
        for (const one of member as readonly (Tree | null)[]) {
          if (typeof one !== "object" || one === null) continue;
          if (one.type === "ExpressionStatement") begins.add(one.start as number);
          open.push(one);
        }
    }
    let called = (tree.type === "CallExpression" ? tree.callee : tree.tag) as Tree | undefined;
    while (called?.type === "ParenthesizedExpression") called = called.expression as Tree;
    if (called === undefined) continue;
    const { type, name, start = 0, end = 0 } = called;
    if (type !== "Identifier" || !imported.has(String(name))) continue;
    edits.push({ start, end, text: `(0,${String(name)})` });
  }
  return edits.map((edit) => (begins.has(edit.start) ? { ...edit, text: `;${edit.text}` } : edit));
}

/** A name for a function that has none, so that it stays a declaration. */
function naming(source: string, { start, end }: { readonly start: number; readonly end: number }): Edit {
  const head = /^(async\s+)?function\s*\*?/;
  const at = start + (head.exec(source.slice(start, end))?.[0].length ?? 0);
  return { start: at, end: at, text: ` ${defaultName} ` };
}

function edited(source: string, edits: readonly Edit[]): string {
  let text = "";
  let at = 0;
  for (const edit of [...edits].sort((a, b) => a.start - b.start || a.end - b.end)) {
    text += source.slice(at, edit.start);
    // The line breaks stay.
    text += edit.text ?? `;${source.slice(edit.start + 1, edit.end).replace(/[^\r\n\u2028\u2029]/g, " ")}`;
    at = edit.end;
  }
  return text + source.slice(at);
}

let warned = false;

/** Node says once that this is experimental, as it says of nothing that it does to the same files when they are imported. */
function strip(text: string): string {
  if (warned) return stripTypeScriptTypes(text);
  const { emitWarning } = process;
  process.emitWarning = () => {};
  try {
    return stripTypeScriptTypes(text);
  } finally {
    process.emitWarning = emitWarning;
    warned = true;
  }
}
