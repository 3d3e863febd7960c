/**
 * The modules of a pinned code version, in the thread that asks: in a worker to run them, in a trial to find out whether they load.
 * Packages are those of the project. The front, which outlives versions, loads them by load-sources.ts.
 */
import { registerHooks } from "node:module";
import { join, resolve, sep } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { definitionOf, type SystemDefinition } from "../../connectors/system.ts";
import { failure } from "../../errors.ts";
import type { AnyOperation } from "../../operation.ts";
import type { AnyProcess } from "../../process/define.ts";
import type { Exports } from "../project/files.ts";
import { useOwnMortise } from "../project/own-mortise.ts";
import type { SourceProblem } from "../project/sources.ts";
import type { VersionManifest } from "./versions.ts";

/** What a version's modules define. */
export interface VersionSources {
  readonly systems: readonly SystemDefinition[];
  /** By `system.name`. */
  readonly operations: ReadonlyMap<string, AnyOperation>;
  readonly processes: readonly AnyProcess[];
  /** `process booking` to `processes/booking.ts`. */
  readonly places: ReadonlyMap<string, string>;
}

/** Of a version. */
export interface VersionFiles {
  readonly folder: string;
  readonly manifest: VersionManifest;
}

/** `project`: where its packages are. Throws what a module throws. Node keeps the modules as long as the thread lives. */
export async function importVersion({ folder, manifest }: VersionFiles, project: string): Promise<VersionSources> {
  useOwnMortise();
  packagesFrom(folder, project);
  return sourcesFrom(manifest, async (path) => (await import(pathToFileURL(join(folder, path)).href)) as Exports);
}

export async function sourcesFrom(
  manifest: VersionManifest,
  load: (path: string) => Promise<Exports>,
): Promise<VersionSources> {
  const systems: SystemDefinition[] = [];
  const operations = new Map<string, AnyOperation>();
  const processes: AnyProcess[] = [];
  const places = new Map<string, string>();
  const exportsOf = async (path: string): Promise<readonly unknown[]> => Object.values(await load(path));
  for (const { path } of manifest.files) {
    if (!isSystem(path)) continue;
    for (const value of await exportsOf(path)) {
      const definition = definitionOf(value);
      if (definition === undefined || systems.includes(definition)) continue;
      systems.push(definition);
      const members = value as Readonly<Record<string, AnyOperation>>;
      for (const name of Object.keys(definition.contract.operations)) {
        operations.set(`${definition.name}.${name}`, members[name] as AnyOperation);
      }
    }
  }
  for (const path of manifest.entries) {
    for (const value of await exportsOf(path)) {
      const process = value as AnyProcess | null | undefined;
      if (process?.kind !== "process" || processes.includes(process)) continue;
      processes.push(process);
      places.set(`process ${process.name}`, path);
    }
  }
  return { systems, operations, processes, places };
}

export const isSystem = (path: string): boolean => /^systems\/[^/]+\/index\.ts$/.test(path);

/** Code that does not load. */
export function versionRefused(problems: readonly SourceProblem[]): Error {
  const list = problems.map(({ file, line, message }) => `${file}${line === undefined ? "" : `:${line}`}: ${message}`);
  return failure("version-refused", { problems: list.join("; ") }, { details: problems });
}

/** Snapshots of this thread, and the project that each was made of. */
const projects = new Map<string, string>();

/** A package is looked up from where the importing file stands in the project, not from its copy in the store. */
function packagesFrom(folder: string, project: string): void {
  const first = projects.size === 0;
  projects.set(resolve(folder), project);
  if (!first) return;
  registerHooks({
    resolve(specifier, context, next) {
      const { parentURL } = context;
      if (parentURL === undefined || /^(\.|\/|#|[a-z]+:)/.test(specifier)) return next(specifier, context);
      const parent = parentURL.startsWith("file:") ? fileURLToPath(parentURL) : "";
      for (const [snapshot, original] of projects) {
        if (!parent.startsWith(snapshot + sep)) continue;
        const place = join(original, parent.slice(snapshot.length));
        return next(specifier, { ...context, parentURL: pathToFileURL(place).href });
      }
      return next(specifier, context);
    },
  });
}

/** As `placeIn`, to be shown. */
export function placeText(folder: string, stack: string): string | undefined {
  const place = placeIn(folder, stack);
  return place && `${place.file}:${place.line}`;
}

/** The first place of a stack that is inside the folder: `processes/a.ts:12`. */
export function placeIn(folder: string, stack: string | undefined): { file: string; line: number } | undefined {
  const base = pathToFileURL(join(resolve(folder), "/")).href;
  for (const match of (stack ?? "").matchAll(/(file:\/\/[^\s:)]+|\/[^\s:)]+):(\d+)/g)) {
    const url = match[1]?.startsWith("file:") ? match[1] : pathToFileURL(match[1] ?? "").href;
    if (!url.startsWith(base) || url.includes("/node_modules/")) continue;
    return { file: decodeURIComponent(url.slice(base.length)), line: Number(match[2]) };
  }
  return undefined;
}
