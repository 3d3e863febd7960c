/**
 * The project's own TypeScript as a program that can be asked: what a name stands for, what type a value has, what is wrong. It
 * is the compiler's programmatic interface, which comes with TypeScript 7 and is marked as unstable there; where it is not found
 * or fails, callers fall back and say so. Files can be overlaid in memory: nothing has to be written to be checked.
 */
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, resolve, sep } from "node:path";
import { pathToFileURL } from "node:url";
import type * as Ast from "typescript/unstable/ast";
import type * as Sync from "typescript/unstable/sync";
import type { Finding } from "../check/finding.ts";

export type { Expression, Node, SourceFile } from "typescript/unstable/ast";
export type { Symbol as NamedSymbol, Type } from "typescript/unstable/sync";

export interface Compiler {
  readonly folder: string;
  readonly project: Sync.Project;
  readonly checker: Sync.Checker;
  readonly kinds: typeof Ast.SyntaxKind;
  readonly flags: typeof Sync.TypeFlags;
  /** By the path relative to the project, with `/`. */
  source(path: string): Ast.SourceFile | undefined;
  /** The same program with these texts in the place of those before. It reads and binds only what they change. */
  over(overlay: Overlay): Compiler;
  /** Also of those that were made by `over`. */
  close(): void;
}

/** Path relative to the project, with `/`, to the text that stands there instead of what is on disk. */
export type Overlay = Readonly<Record<string, string>>;

/** Why there is no compiler. */
export interface NoCompiler {
  readonly reason: string;
}

export async function openCompiler(folder: string, overlay: Overlay = {}): Promise<Compiler | NoCompiler> {
  const config = join(folder, "tsconfig.json");
  if (!existsSync(config)) return { reason: "there is no tsconfig.json; `mortise init` shows one" };
  const require = createRequire(join(folder, "package.json"));
  let sync: typeof Sync;
  let ast: typeof Ast;
  try {
    const load = async (name: string) => import(pathToFileURL(require.resolve(name)).href) as Promise<unknown>;
    sync = (await load("typescript/unstable/sync")) as typeof Sync;
    ast = (await load("typescript/unstable/ast")) as typeof Ast;
  } catch {
    return { reason: "TypeScript 7 or newer is not installed; run: npm i -D typescript @types/node" };
  }
  const placed = (given: Overlay) =>
    new Map(Object.entries(given).map(([path, text]) => [resolve(folder, path), text] as const));
  let texts = placed(overlay);
  const native = (path: string): string => (sep === "/" ? path : path.replaceAll("/", sep));
  let api: Sync.API | undefined;
  try {
    api = new sync.API({
      cwd: folder,
      fs: {
        readFile: (path) => texts.get(native(path)),
        fileExists: (path) => (texts.has(native(path)) ? true : undefined),
      },
    });
    const opened = api;
    const compiler = (project: Sync.Project | undefined): Compiler => {
      if (project === undefined) throw new Error("it opened no project");
      return {
        folder,
        project,
        checker: project.checker,
        kinds: ast.SyntaxKind,
        flags: sync.TypeFlags,
        source: (path) => project.program.getSourceFile(resolve(folder, path)),
        over(given) {
          const before = texts;
          texts = placed(given);
          const fileChanges = changesOf(before, texts);
          return compiler(opened.updateSnapshot({ fileChanges }).getProjects()[0]);
        },
        close: () => opened.close(),
      };
    };
    return compiler(api.updateSnapshot({ openProjects: [config] }).getProjects()[0]);
  } catch (error) {
    api?.close();
    return { reason: `the compiler could not be asked: ${(error as Error).message}` };
  }
}

type Texts = ReadonlyMap<string, string>;

function changesOf(before: Texts, after: Texts) {
  const changes = { created: [] as string[], changed: [] as string[], deleted: [] as string[] };
  for (const path of new Set([...before.keys(), ...after.keys()])) {
    const onDisk = existsSync(path);
    const [was, is] = [onDisk || before.has(path), onDisk || after.has(path)];
    changes[was && is ? "changed" : is ? "created" : "deleted"].push(path);
  }
  return changes;
}

/** What the compiler finds wrong in the whole project, each at its file and line; as `mortise check` shows it. */
export function compileErrors({ project, folder }: Compiler): readonly Finding[] {
  const { program } = project;
  const ours = ownSources(folder);
  const all = [
    ...program.getConfigFileParsingDiagnostics(),
    ...program.getProgramDiagnostics(),
    ...program.getGlobalDiagnostics(),
    ...program.getSyntacticDiagnostics(),
    ...program.getSourceFileNames().flatMap((file) => (ours(file) ? [] : program.getSemanticDiagnostics(file))),
  ];
  return all
    .filter(({ category }) => category === 1)
    .map(({ fileName, pos, code, text, messageChain = [] }): Finding => {
      const source = fileName === undefined ? undefined : program.getSourceFile(fileName);
      const reason = deepest(messageChain);
      return {
        level: "error",
        rule: "type",
        ...(fileName === undefined ? {} : { file: relativePath(folder, fileName) }),
        ...(source === undefined ? {} : { line: lineAt(source.text, pos) }),
        message: `TS${code}: ${text.length <= longestHead ? text : `${text.slice(0, longestHead)}…`}${reason === undefined ? "" : `\n${reason}`}`,
      };
    });
}
const longestHead = 160;

/** Whether a file is one of Mortise's: a project that is linked to a checkout has its sources in the program, and they are checked there. */
function ownSources(folder: string): (file: string) => boolean {
  const shape = (path: string) => `${path.replaceAll("\\", "/").toLowerCase()}/`;
  let own: string;
  try {
    own = shape(dirname(createRequire(join(folder, "package.json")).resolve("mortise/package.json")));
  } catch {
    return () => false;
  }
  const project = shape(folder);
  return (file) => shape(file).startsWith(own) && !shape(file).startsWith(project);
}

type Chain = NonNullable<Sync.Diagnostic["messageChain"]>;

/** Under a message stands what led to it, ever deeper: the property that is wrong comes last. */
function deepest(chain: Chain): string | undefined {
  const last = chain.at(-1);
  return last === undefined ? undefined : (deepest(last.messageChain ?? []) ?? last.text);
}

export function lineAt(text: string, position: number): number {
  let line = 1;
  for (let at = text.indexOf("\n"); at !== -1 && at < position; at = text.indexOf("\n", at + 1)) line++;
  return line;
}

export function relativePath(folder: string, file: string): string {
  const [from, to] = [folder, file].map((each) => each.replaceAll("\\", "/"));
  return to!.startsWith(`${from}/`) ? to!.slice(from!.length + 1) : to!;
}

/** Visits a node and all below it, in order; where `visit` gives false, not what is below. */
export function walk(from: Ast.Node, visit: (node: Ast.Node) => boolean): void {
  // An explicit stack: sources may be nested deeper than the call stack.
  const open: Ast.Node[] = [from];
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    if (!visit(node)) continue;
    const below: Ast.Node[] = [];
    node.forEachChild((child) => void below.push(child));
    open.push(...below.reverse());
  }
}

/** Whose a file is, by the path that the compiler has for it: in lower case, where the file system does not tell cases apart. */
export function ownerOf(folder: string, path: string): "project" | "package" | "mortise" | "language" {
  const [home, file] = [folder, path].map((each) => each.replaceAll("\\", "/").toLowerCase());
  const packages = /^.*\/node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(file!)?.[1];
  if (packages !== undefined)
    return packages === "mortise" ? "mortise" : /^@?typescript/.test(packages) ? "language" : "package";
  if (file!.startsWith(`${home}/`)) return "project";
  // A checkout of Mortise that the project is linked to; or the compiler's own declarations, which have no place in the file system.
  return /^[a-z]{2,}:/.test(file!) ? "language" : "mortise";
}
