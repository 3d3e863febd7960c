/** What the tests of the tree share: the source files of this checkout, and the imports of one. */
import { readFileSync } from "node:fs";
import { glob } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseSync } from "oxc-parser";

/** The checkout's folder. */
export const root: string = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** Paths relative to the checkout, with `/`, sorted, that match a glob and are neither installed nor made. */
export async function files(...patterns: string[]): Promise<string[]> {
  const found: string[] = [];
  for await (const path of glob(patterns, {
    cwd: root,
    exclude: (name) => ["node_modules", "dist", ".mortise", ".git"].includes(name),
  })) {
    found.push(path.replaceAll("\\", "/"));
  }
  return found.sort();
}

/** The tests that must pass before a change lands. */
export const testGlobs = ["src/**/*.{test,slice-test}.ts", "test/**/*.{test,slice-test}.ts"] as const;

export function isTest(path: string): boolean {
  return /\.((long|slice)-)?test\.ts$/.test(path);
}

export function text(path: string): string {
  return readFileSync(join(root, path), "utf8");
}

/** One module that a source names: by import, re-export, `import()` of a literal, or an import type. */
export interface Import {
  readonly specifier: string;
  readonly line: number;
  /** It is loaded with the source: named by import or re-export, and not for its types alone. */
  readonly loads: boolean;
}

/** Every module that the source names; type imports count. */
export function importsOf(path: string, source: string): Import[] {
  const { program, module, errors } = parseSync(path, source, { sourceType: "module" });
  if (errors.length > 0) throw new Error(`${path} can't be parsed: ${errors[0]?.message}`);
  const found: Import[] = [];
  const add = (specifier: string, start: number, loads = false) =>
    found.push({ specifier, line: source.slice(0, start).split("\n").length, loads });
  for (const { moduleRequest, entries } of module.staticImports)
    add(moduleRequest.value, moduleRequest.start, entries.length === 0 || entries.some(({ isType }) => !isType));
  for (const { entries } of module.staticExports) {
    for (const { moduleRequest, isType } of entries)
      if (moduleRequest) add(moduleRequest.value, moduleRequest.start, !isType);
  }
  walk(program, (node) => {
    if (node.type === "ImportExpression" || node.type === "TSImportType") {
      const literal = (node.source ?? node.argument) as Node | undefined;
      const value = (literal?.literal as Node | undefined)?.value ?? literal?.value;
      if (typeof value === "string") add(value, node.start as number);
    }
    // Workers are started by moduleUrl("./worker", import.meta.url): as much an arrow as an import is.
    if (node.type === "CallExpression" && (node.callee as Node).name === "moduleUrl") {
      const first = (node.arguments as Node[])[0];
      if (typeof first?.value === "string") add(`${first.value}.ts`, node.start as number);
    }
  });
  return found;
}

/** A node of a syntax tree, looked at without its types. */
export interface Node {
  readonly type: string;
  readonly [field: string]: unknown;
}

/** Visits every node of a syntax tree. */
export function walk(tree: unknown, visit: (node: Node) => void): void {
  if (Array.isArray(tree)) for (const item of tree) walk(item, visit);
  else if (typeof tree === "object" && tree !== null) {
    if (typeof (tree as Node).type === "string") visit(tree as Node);
    for (const field of Object.values(tree)) if (typeof field === "object") walk(field, visit);
  }
}
