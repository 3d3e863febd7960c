/**
 * A project folder, loaded: its configuration, systems, processes, APIs and requirements. No secret is needed for it, so that
 * `check`, `types` and tests can load a project anywhere. Everything wrong is reported at once, with file and line.
 */
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { isDeepStrictEqual } from "node:util";
import { definitionOf, type SystemDefinition } from "../connectors/system.ts";
import { compileSchema } from "../contract/validate.ts";
import { failure } from "../errors.ts";
import type { Requirement } from "../observe/requirement.ts";
import type { AnyProcess } from "../process/define.ts";
import type { ApiDefinition } from "../publish/define.ts";
import { type ConfigDefinition, configProblems, defineConfig, dotted, isConfig } from "./config.ts";
import { useOwnMortise } from "./own-mortise.ts";
import { projectPath, type SourceProblem, sourcesOf } from "./sources.ts";

export interface Project {
  /** Absolute. */
  readonly folder: string;
  /** Of package.json, else of the folder. */
  readonly name: string;
  readonly config: ConfigDefinition;
  readonly systems: ReadonlyMap<string, SystemDefinition>;
  readonly processes: ReadonlyMap<string, AnyProcess>;
  readonly apis: readonly ApiDefinition[];
  readonly requirements: readonly Requirement[];
  /** Where each definition stands: `system erp` to `systems/erp/index.ts`. */
  readonly places: ReadonlyMap<string, string>;
  /** Files with processes, relative to the folder: what a code version starts from. */
  readonly processFiles: readonly string[];
}

/** What stands in `details` of `project-invalid`. */
export type ProjectProblem = SourceProblem;

/** Loads the project in `folder`. Throws `project-invalid` with every problem in `details`, as `ProjectProblem[]`. */
export async function loadProject(folder: string): Promise<Project> {
  const root = resolve(folder);
  const problems: ProjectProblem[] = [];
  const configFile = "mortise.config.ts";
  if (!existsSync(join(root, configFile))) {
    throw invalid(root, [{ file: configFile, message: "is missing; `mortise init` makes a project" }]);
  }
  const files = {
    system: systemFiles(root),
    process: sourceFiles(root, "processes"),
    api: sourceFiles(root, "apis"),
    requirement: sourceFiles(root, "requirements"),
  };
  const all = [configFile, ...Object.values(files).flat()];
  problems.push(...sourcesOf(root, all).problems);
  if (problems.length > 0) throw invalid(root, problems);

  useOwnMortise();
  const modules = new Map<string, Readonly<Record<string, unknown>>>();
  for (const file of all) {
    try {
      modules.set(file, (await import(pathToFileURL(join(root, file)).href)) as Readonly<Record<string, unknown>>);
    } catch (error) {
      const problem = importProblem(root, file, error);
      // A file that others import fails once for each of them.
      if (!problems.some((known) => isDeepStrictEqual(known, problem))) problems.push(problem);
    }
  }
  if (problems.length > 0) throw invalid(root, problems);

  const exported = (list: readonly string[]) =>
    list.flatMap((file) => Object.values(modules.get(file) ?? {}).map((value) => ({ file, value })));
  const places = new Map<string, string>();
  const seen = new Map<unknown, string>();
  /** Adds a definition once; another one of the same name is a problem. */
  const place = (what: string, name: string, value: unknown, file: string): boolean => {
    if (seen.has(value)) return false;
    seen.set(value, file);
    const before = places.get(`${what} ${name}`);
    if (before !== undefined) {
      problems.push({ file, message: `defines the ${what} ${name} again; it stands in ${before}` });
      return false;
    }
    places.set(`${what} ${name}`, file);
    return true;
  };

  const config = modules.get(configFile)?.default;
  if (!isConfig(config)) problems.push({ file: configFile, message: "must have `export default defineConfig({...})`" });
  else {
    for (const problem of configProblems(config)) {
      problems.push({ file: configFile, message: `${dotted(problem.at)} ${problem.message}` });
    }
  }
  const systems = new Map<string, SystemDefinition>();
  for (const { file, value } of exported(files.system)) {
    const definition = definitionOf(value);
    if (definition !== undefined && place("system", definition.name, definition, file))
      systems.set(definition.name, definition);
  }
  const processes = new Map<string, AnyProcess>();
  for (const { file, value } of exported(files.process)) {
    if (isKind<AnyProcess>(value, "process") && place("process", value.name, value, file))
      processes.set(value.name, value);
  }
  for (const process of processes.values()) {
    const file = places.get(`process ${process.name}`) as string;
    for (const message of processProblems(process)) problems.push({ file, message: `${process.name}: ${message}` });
  }
  const apis: ApiDefinition[] = [];
  for (const { file, value } of exported(files.api)) {
    if (isKind<ApiDefinition>(value, "api") && place("API", `${value.name} ${value.version}`, value, file))
      apis.push(value);
  }
  const requirements: Requirement[] = [];
  for (const { file, value } of exported(files.requirement)) {
    if (!isKind<Requirement>(value, "requirement")) continue;
    if (place("requirement of", value.process, value, file)) requirements.push(value);
  }
  for (const process of processes.values()) {
    const { on } = process;
    if (on === undefined) continue;
    const event = systems.get(on.system)?.contract.events[on.name];
    if (event === undefined) {
      const file = places.get(`process ${process.name}`) as string;
      problems.push({ file, message: `${process.name} starts on ${on.system}.${on.name}, which no system here has` });
    }
  }
  for (const api of apis) {
    const file = places.get(`API ${api.name} ${api.version}`) as string;
    for (const [name, operation] of Object.entries(api.operations)) {
      if (operation.kind === "calls") {
        const { system, name: called } = operation.operation;
        if (systems.get(system)?.contract.operations[called] === undefined) {
          problems.push({ file, message: `${name} calls ${system}.${called}, which no system here has` });
        }
      } else if (processes.get(operation.process.name) !== operation.process) {
        const message = `${name} names the process ${operation.process.name}, which no file in processes/ exports`;
        problems.push({ file, message });
      }
    }
  }
  if (problems.length > 0) throw invalid(root, problems);
  return Object.freeze({
    folder: root,
    name: projectName(root),
    config: isConfig(config) ? config : defineConfig(),
    systems,
    processes,
    apis,
    requirements,
    places,
    processFiles: files.process,
  });
}

function isKind<T extends { readonly kind: string }>(value: unknown, kind: T["kind"]): value is T {
  return typeof value === "object" && value !== null && (value as { kind?: unknown }).kind === kind;
}

function sourceFiles(root: string, folder: string): readonly string[] {
  const path = join(root, folder);
  if (!existsSync(path)) return [];
  return readdirSync(path, { withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(".ts") && !/\.(test|d)\.ts$/.test(entry.name))
    .map((entry) => `${folder}/${entry.name}`)
    .sort();
}

function systemFiles(root: string): readonly string[] {
  const path = join(root, "systems");
  if (!existsSync(path)) return [];
  return readdirSync(path)
    .map((name) => `systems/${name}/index.ts`)
    .filter((file) => statSync(join(root, file), { throwIfNoEntry: false })?.isFile() === true)
    .sort();
}

function projectName(root: string): string {
  try {
    const { name } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { name?: unknown };
    if (typeof name === "string") return name;
  } catch {
    // A project needs no package.json of its own.
  }
  return root.split(/[\\/]/).at(-1) ?? "project";
}

/** What the types would have said, and the schemas: they are compiled here, so that no caller is the first to find out. */
function processProblems(process: AnyProcess): readonly string[] {
  const problems = (["key", "run"] as const)
    .filter((name) => typeof process[name] !== "function")
    .map((name) => `${name} must be a function`);
  for (const name of ["input", "output"] as const) {
    try {
      compileSchema(process[name])(null);
    } catch (error) {
      problems.push(`its ${name} schema can't be used: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  return problems;
}

/** What a module threw while it was loaded: the message, at the first place of the stack that is inside the project. */
function importProblem(root: string, file: string, error: unknown): ProjectProblem {
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

function invalid(root: string, problems: readonly ProjectProblem[]): Error {
  const list = problems.map(({ file, line, message }) => `${file}${line === undefined ? "" : `:${line}`}: ${message}`);
  return failure("project-invalid", { folder: root, problems: list.join("; ") }, { details: problems });
}
