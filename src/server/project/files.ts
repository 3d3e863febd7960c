/** The files of a project: which there are, and what they export when they are loaded. */
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { isDeepStrictEqual } from "node:util";
import { projectPath, type SourceProblem } from "./sources.ts";

export const configFile = "mortise.config.ts";

/** Files with definitions, relative to the project with `/`, by what they define. */
export interface ProjectFiles {
  readonly system: readonly string[];
  readonly process: readonly string[];
  readonly api: readonly string[];
  readonly requirement: readonly string[];
  readonly schedule: readonly string[];
}

export function projectFiles(root: string): ProjectFiles {
  return {
    system: indexFiles(root, "systems"),
    process: sourceFiles(root, "processes"),
    api: [...sourceFiles(root, "apis"), ...indexFiles(root, "apis")],
    requirement: sourceFiles(root, "requirements"),
    schedule: sourceFiles(root, "schedules"),
  };
}

function sourceFiles(root: string, folder: string): readonly string[] {
  const path = join(root, folder);
  if (!existsSync(path)) return [];
  return readdirSync(path, { withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(".ts") && !/\.(test|d)\.ts$/.test(entry.name))
    .map((entry) => `${folder}/${entry.name}`)
    .sort();
}

/** Of what has a folder of its own, with its contract: a system, and an API whose contract is given. */
function indexFiles(root: string, folder: string): readonly string[] {
  const path = join(root, folder);
  if (!existsSync(path)) return [];
  return readdirSync(path)
    .map((name) => `${folder}/${name}/index.ts`)
    .filter((file) => statSync(join(root, file), { throwIfNoEntry: false })?.isFile() === true)
    .sort();
}

/** Of package.json, else of the folder. */
export function projectName(root: string): string {
  try {
    const { name } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { name?: unknown };
    if (typeof name === "string") return name;
  } catch {
    // A project needs no package.json of its own.
  }
  return root.split(/[\\/]/).at(-1) ?? "project";
}

/** What a file exports, by name. */
export type Exports = Readonly<Record<string, unknown>>;

/** Runs the modules. What they throw becomes problems. */
export async function importFiles(
  root: string,
  files: readonly string[],
): Promise<{ readonly modules: ReadonlyMap<string, Exports>; readonly problems: readonly SourceProblem[] }> {
  const modules = new Map<string, Exports>();
  const problems: SourceProblem[] = [];
  for (const file of files) {
    try {
      modules.set(file, (await import(pathToFileURL(join(root, file)).href)) as Exports);
    } catch (error) {
      const problem = importProblem(root, file, error);
      // A file that others import fails once for each of them.
      if (!problems.some((known) => isDeepStrictEqual(known, problem))) problems.push(problem);
    }
  }
  return { modules, problems };
}

/** What a module threw while it was loaded: the message, at the first place of the stack that is inside the project. */
export function importProblem(root: string, file: string, error: unknown): SourceProblem {
  const message = error instanceof Error ? (error.message.split("\n")[0] as string) : String(error);
  const stack = error instanceof Error ? (error.stack ?? "") : "";
  const base = pathToFileURL(join(root, "/")).href;
  for (const match of stack.matchAll(/(file:\/\/[^\s:)]+|\/[^\s:)]+):(\d+)/g)) {
    const url = match[1]?.startsWith("file:") ? match[1] : pathToFileURL(match[1] ?? "").href;
    if (url.startsWith(base) && !url.includes("/node_modules/")) {
      return { file: projectPath(root, decodeURIComponent(new URL(url).pathname)), line: Number(match[2]), message };
    }
  }
  return { file, message };
}
