/**
 * A project folder, loaded: its configuration, systems, processes, APIs and requirements. No secret is needed for it, so that
 * `check`, `types` and tests can load a project anywhere. Everything wrong is reported at once, with file and line.
 */
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { missingDriver } from "../../connectors/sql/driver-package.ts";
import { definitionOf, type SystemDefinition } from "../../connectors/system.ts";
import type { Requirement } from "../../observe/requirement.ts";
import type { AnyProcess } from "../../process/define.ts";
import type { AnySchedule } from "../../process/schedule.ts";
import type { ApiDefinition } from "../../publish/define.ts";
import { type ConfigDefinition, configProblems, defineConfig, dotted, isConfig } from "./config.ts";
import { configFile, type Exports, importFiles, type ProjectFiles, projectFiles, projectName } from "./files.ts";
import { useOwnMortise } from "./own-mortise.ts";
import { definitionProblems } from "./problems.ts";
import { projectInvalid, type SourceProblem, sourcesOf } from "./sources.ts";

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
  readonly schedules: readonly AnySchedule[];
  /** Where each definition stands: `system erp` to `systems/erp/index.ts`. */
  readonly places: ReadonlyMap<string, string>;
  /** Files with processes, relative to the folder: what a code version starts from. */
  readonly processFiles: readonly string[];
}

/** What stands in `details` of `project-invalid`. */
export type ProjectProblem = SourceProblem;

/** Loads modules of a project, and says what they throw: Node's own import, or one that can do it again. */
export type LoadModules = (root: string, files: readonly string[]) => ReturnType<typeof importFiles>;

/**
 * Loads the project in `folder`. Throws `project-invalid` with every problem in `details`, as `ProjectProblem[]`. `load`: default Node's import,
 * which knows each file once and for all.
 */
export async function loadProject(folder: string, load: LoadModules = importFiles): Promise<Project> {
  const root = resolve(folder);
  const refuse = (problems: readonly ProjectProblem[]): void => {
    if (problems.length > 0) throw projectInvalid(root, problems);
  };
  if (!existsSync(join(root, configFile)))
    refuse([{ file: configFile, message: "is missing; `mortise init` makes a project" }]);
  const files = projectFiles(root);
  const all = [configFile, ...Object.values(files).flat()];
  refuse(sourcesOf(root, all).problems);

  useOwnMortise();
  const { modules, problems: thrown } = await load(root, all);
  refuse(thrown);
  const { problems, ...defined } = collect(files, modules);
  const config = modules.get(configFile)?.default;
  refuse([...problemsOfConfig(config), ...problems, ...definitionProblems(defined), ...driverProblems(root, defined)]);
  return Object.freeze({
    folder: root,
    name: projectName(root),
    config: isConfig(config) ? config : defineConfig(),
    ...defined,
    processFiles: files.process,
  });
}

function problemsOfConfig(config: unknown): readonly ProjectProblem[] {
  if (!isConfig(config)) return [{ file: configFile, message: "must have `export default defineConfig({...})`" }];
  return configProblems(config).map(({ at, message }) => ({ file: configFile, message: `${dotted(at)} ${message}` }));
}

/** Packages that a system speaks through and that nobody installed: else the first call would be the one to find out. */
function driverProblems(root: string, { systems, places }: Pick<Project, "systems" | "places">): ProjectProblem[] {
  return [...systems.values()].flatMap(({ name, contract }) => {
    const missing = missingDriver(contract, root);
    return missing === undefined ? [] : [{ file: places.get(`system ${name}`) as string, message: missing.message }];
  });
}

/** The definitions among what the files export, each once; two of one name are a problem. */
function collect(
  files: ProjectFiles,
  modules: ReadonlyMap<string, Exports>,
): Pick<Project, "systems" | "processes" | "apis" | "requirements" | "schedules" | "places"> & {
  readonly problems: readonly ProjectProblem[];
} {
  const problems: ProjectProblem[] = [];
  const places = new Map<string, string>();
  const seen = new Set<unknown>();
  const exported = (list: readonly string[]) =>
    list.flatMap((file) => Object.values(modules.get(file) ?? {}).map((value) => ({ file, value })));
  const place = (what: string, name: string, value: unknown, file: string): boolean => {
    if (seen.has(value)) return false;
    seen.add(value);
    const before = places.get(`${what} ${name}`);
    if (before !== undefined) {
      problems.push({ file, message: `defines the ${what} ${name} again; it stands in ${before}` });
      return false;
    }
    places.set(`${what} ${name}`, file);
    return true;
  };

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
  const apis: ApiDefinition[] = [];
  for (const { file, value } of exported(files.api)) {
    if (isKind<ApiDefinition>(value, "api") && place("API", `${value.name} ${value.version}`, value, file))
      apis.push(value);
  }
  const requirements: Requirement[] = [];
  for (const { file, value } of exported(files.requirement)) {
    if (isKind<Requirement>(value, "requirement") && place("requirement of", value.process, value, file))
      requirements.push(value);
  }
  const schedules: AnySchedule[] = [];
  for (const { file, value } of exported(files.schedule)) {
    if (isKind<AnySchedule>(value, "schedule") && place("schedule", value.name, value, file)) schedules.push(value);
  }
  return { systems, processes, apis, requirements, schedules, places, problems };
}

function isKind<T extends { readonly kind: string }>(value: unknown, kind: T["kind"]): value is T {
  return typeof value === "object" && value !== null && (value as { kind?: unknown }).kind === kind;
}
