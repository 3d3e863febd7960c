/** A source file as a tree, with what its names stand for. Parsed, never run. */
import { parseSync } from "oxc-parser";

/** A node of the tree, by the names of ESTree; looked at without types. */
export interface Node {
  readonly type: string;
  readonly [field: string]: unknown;
}

export interface Scope {
  readonly program: Node;
  /** Functions declared at the top of the file, by name: `function f() {}` and `const f = () => {}`. */
  readonly functions: ReadonlyMap<string, Node>;
  /** Local name to module and exported name (`default`, `*`). */
  readonly imports: ReadonlyMap<string, { readonly from: string; readonly name: string }>;
  /** Names declared or imported at the top of the file. */
  readonly declared: ReadonlySet<string>;
  /** Visits a node and all below it; where `visit` gives false, not what is below. */
  walk(from: Node, visit: (node: Node) => boolean): void;
  lineOf(node: Node): number;
  textOf(node: Node): string;
}

interface Parsed {
  readonly text: string;
  readonly program: Node;
}

/** Parses a source file. One with syntax errors gives as much of a tree as there is. */
export function parse(file: string, text: string): Parsed {
  const { program } = parseSync(file, text, { preserveParens: false });
  return { text, program: program as unknown as Node };
}

export function scopeOf({ text, program }: Parsed): Scope {
  const functions = new Map<string, Node>();
  const imports = new Map<string, { from: string; name: string }>();
  const declared = new Set<string>();
  for (const statement of program.body as Node[]) {
    if (statement.type === "ImportDeclaration") {
      for (const one of statement.specifiers as Node[]) {
        const imported = one.imported as Node | undefined;
        const name =
          one.type === "ImportDefaultSpecifier" ? "default" : ((imported?.name ?? imported?.value ?? "*") as string);
        imports.set((one.local as Node).name as string, { from: (statement.source as Node).value as string, name });
        if (!((statement.source as Node).value as string).startsWith("node:"))
          declared.add((one.local as Node).name as string);
      }
      continue;
    }
    const declaration = (statement.declaration ?? statement) as Node;
    const name = (declaration.id as Node | undefined)?.name as string | undefined;
    if (declaration.type === "FunctionDeclaration") {
      functions.set(name ?? "default", declaration);
      if (statement.type === "ExportDefaultDeclaration") functions.set("default", declaration);
    }
    if (name !== undefined) declared.add(name);
    if (declaration.type !== "VariableDeclaration") continue;
    for (const one of declaration.declarations as Node[]) {
      const own = (one.id as Node).name as string | undefined;
      if (own === undefined) continue;
      declared.add(own);
      const value = one.init as Node | null;
      if (value !== null && /Function/.test(value.type)) functions.set(own, value);
    }
  }
  return {
    program,
    functions,
    imports,
    declared,
    walk,
    lineOf: (node) => text.slice(0, node.start as number).split("\n").length,
    textOf: (node) => text.slice(node.start as number, node.end as number),
  };
}

function walk(from: Node, visit: (node: Node) => boolean): void {
  // An explicit stack: sources may be nested deeper than the call stack.
  const open: unknown[] = [from];
  while (open.length > 0) {
    const value = open.pop();
    if (typeof value !== "object" || value === null) continue;
    if (!Array.isArray(value) && typeof (value as Node).type === "string" && !visit(value as Node)) continue;
    open.push(...Object.values(value).reverse());
  }
}
