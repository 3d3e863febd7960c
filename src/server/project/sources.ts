/**
 * Which files a module needs at run time: its transitive relative imports, read with a parser and never by running them.
 * Code versions are made of these files, and a syntax error is reported from here with its line.
 *
 * Found are static imports and re-exports, `import("literal")`, JSON imports, `new URL("literal", import.meta.url)`, and for
 * each `contract.ts` the `contract.json` beside it, which `pinnedContract` reads. A file that is read in any other way (a path
 * that is computed) is not found, so it does not belong to the code version.
 */
import { existsSync, readFileSync, statSync } from "node:fs";
import { isBuiltin } from "node:module";
import { basename, dirname, join, relative, resolve, sep } from "node:path";
import { parseSync } from "oxc-parser";
import { failure } from "../../errors.ts";

/** Something wrong in a file of the project. `file` is relative to the project, with `/`. */
export interface SourceProblem {
  readonly file: string;
  /** From 1; absent where it concerns the whole file. */
  readonly line?: number;
  readonly message: string;
}

/** The error that names every problem; they stand in its `details` too. */
export function projectInvalid(folder: string, problems: readonly SourceProblem[]): Error {
  const list = problems.map(({ file, line, message }) => `${file}${line === undefined ? "" : `:${line}`}: ${message}`);
  return failure("project-invalid", { folder, problems: list.join("; ") }, { details: problems });
}

export interface Sources {
  /** Paths relative to the project, with `/`, sorted. */
  readonly files: readonly string[];
  /** Names of packages that are imported, sorted; without `mortise` and Node's own. */
  readonly packages: readonly string[];
  /** Paths that are imported and are not there, relative to the project, with `/`; sorted. */
  readonly missing: readonly string[];
  readonly problems: readonly SourceProblem[];
}

/** The files that `entries` (relative to `folder`) need, themselves included; `without` are left out, with what only they need. */
export function sourcesOf(folder: string, entries: readonly string[], without?: ReadonlySet<string>): Sources {
  const files = new Set<string>();
  const packages = new Set<string>();
  const missing = new Set<string>();
  const problems: SourceProblem[] = [];
  const open = entries.map((entry) => resolve(folder, entry));
  for (let file = open.pop(); file !== undefined; file = open.pop()) {
    const name = projectPath(folder, file);
    if (files.has(name) || without?.has(name) === true) continue;
    files.add(name);
    if (!/\.[cm]?[jt]s$/.test(name)) continue;
    const found = importsOf(readFileSync(file, "utf8"), name);
    problems.push(...found.problems);
    if (basename(name) === "contract.ts") {
      const pin = join(dirname(file), "contract.json");
      if (existsSync(pin)) open.push(pin);
    }
    for (const { specifier, line } of found.imports) {
      if (specifier.startsWith("./") || specifier.startsWith("../")) {
        const target = resolve(dirname(file), decodeURIComponent(specifier.replace(/[?#].*$/, "")));
        if (relative(folder, target).startsWith("..")) {
          const message = `imports ${specifier}, which is outside the project: a code version could not hold it. Move it into the project, or make it a package`;
          problems.push({ file: name, line, message });
        } else if (isFile(target)) open.push(target);
        else {
          missing.add(projectPath(folder, target));
          const message = `imports ${specifier}, and there is no such file${hint(target)}`;
          problems.push({ file: name, line, message });
        }
      } else if (specifier.startsWith("#") || specifier.startsWith("/") || /^(file|data|https?):/.test(specifier)) {
        problems.push({ file: name, line, message: `imports ${specifier}; write a relative path or a package name` });
      } else if (!isBuiltin(specifier)) {
        const name = packageName(specifier);
        if (name !== "mortise") packages.add(name);
      }
    }
  }
  return { files: [...files].sort(), packages: [...packages].sort(), missing: [...missing].sort(), problems };
}

/** Path relative to the project, with `/`. */
export function projectPath(folder: string, file: string): string {
  return relative(folder, file).split(sep).join("/");
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() === true;
}

function hint(target: string): string {
  for (const extension of [".ts", ".js", ".mts", ".json"]) {
    if (isFile(target + extension)) return `; write the extension too: ${extension}`;
  }
  if (target.endsWith(".js") && isFile(`${target.slice(0, -3)}.ts`)) return "; write .ts instead of .js";
  return "";
}

function packageName(specifier: string): string {
  const parts = specifier.split("/");
  return specifier.startsWith("@") ? parts.slice(0, 2).join("/") : (parts[0] as string);
}

interface Import {
  readonly specifier: string;
  readonly line: number;
}

interface Node {
  readonly type: string;
  readonly start: number;
  readonly [property: string]: unknown;
}

export function importsOf(
  text: string,
  file: string,
): { readonly imports: readonly Import[]; readonly problems: readonly SourceProblem[] } {
  const parsed = parseSync(file, text);
  const lineAt = (offset: number) => text.slice(0, offset).split("\n").length;
  const errors = parsed.errors.filter((error) => error.severity === "Error");
  if (errors.length > 0) {
    const problems = errors.map((error) => {
      const start = error.labels[0]?.start;
      return { file, ...(start === undefined ? {} : { line: lineAt(start) }), message: `syntax: ${error.message}` };
    });
    return { imports: [], problems };
  }
  const imports: Import[] = [];
  const problems: SourceProblem[] = [];
  const take = (node: unknown, whole: Node) => {
    const { value } = node as { value?: unknown };
    if (typeof value === "string") imports.push({ specifier: value, line: lineAt(whole.start) });
  };
  // An explicit stack: sources may be nested deeper than the call stack.
  const open: unknown[] = [parsed.program];
  while (open.length > 0) {
    const value = open.pop();
    if (typeof value !== "object" || value === null) continue;
    if (Array.isArray(value)) {
      open.push(...value);
      continue;
    }
    const node = value as Node;
    switch (node.type) {
      case "ImportDeclaration":
        if (node.importKind !== "type") take(node.source, node);
        continue;
      case "ExportAllDeclaration":
        if (node.exportKind !== "type") take(node.source, node);
        continue;
      case "ExportNamedDeclaration":
        if (node.source !== null && node.exportKind !== "type") take(node.source, node);
        break;
      case "ImportExpression": {
        const { value: name } = node.source as { value?: unknown };
        if (typeof name === "string") take(node.source, node);
        else {
          const message = "imports a computed path, which a code version can't hold; write the path as a plain text";
          problems.push({ file, line: lineAt(node.start), message });
        }
        break;
      }
      case "NewExpression":
        if (isOwnUrl(node)) take((node.arguments as unknown[])[0], node);
        break;
      default:
        // Types are not there at run time.
        if (typeOnly.has(node.type)) continue;
    }
    for (const [name, inner] of Object.entries(node)) if (name !== "parent") open.push(inner);
  }
  return { imports: imports.sort((a, b) => a.line - b.line), problems };
}

const typeOnly: ReadonlySet<string> = new Set([
  "TSInterfaceDeclaration",
  "TSTypeAliasDeclaration",
  "TSTypeAnnotation",
  "TSTypeParameterInstantiation",
  "TSTypeParameterDeclaration",
]);

/** `new URL("./x", import.meta.url)`, of a relative path. */
function isOwnUrl(node: Node): boolean {
  const callee = node.callee as Node;
  const [first, second] = node.arguments as (Node | undefined)[];
  if (callee.name !== "URL" || typeof first?.value !== "string" || !first.value.startsWith(".")) return false;
  const object = second?.object as Node | undefined;
  return object?.type === "MetaProperty" && (second?.property as Node | undefined)?.name === "url";
}
