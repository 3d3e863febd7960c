/**
 * What the front knows of the project, and how it changes when a code version is promoted: processes (input schemas, keys, what
 * starts them, what is sensitive) are those of the promoted version; systems, APIs, requirements and the configuration are those that
 * the server read when it started. The switch is one assignment: a request is served by the one side or the other, and the
 * run that it starts runs on the version that its input was checked for.
 */
import { failure } from "../errors.ts";
import type { Caller } from "../operation.ts";
import type { AnyProcess } from "../process/define.ts";
import type { EmbeddedEngine } from "../process/embedded/engine.ts";
import type { Engine } from "../process/engine.ts";
import type { ApiDefinition } from "../publish/define.ts";
import { createPublisher, type Publisher, type PublisherOptions } from "../publish/publisher.ts";
import { backendOf } from "./backend.ts";
import { createDeliver, type Deliver } from "./deliver.ts";
import { createMasking, type Masking } from "./masking.ts";
import type { Project } from "./project.ts";
import { definitionProblems } from "./project-problems.ts";
import { publicationOf } from "./publication.ts";
import type { SourceProblem } from "./sources.ts";
import type { VersionSources } from "./version-sources.ts";

export interface Live {
  /** As it is published now. */
  project(): Project;
  masking(): Masking;
  readonly deliver: Deliver;
  readonly publisher: Publisher;
  /** From now on the processes are those of this version. Refused with `version-unfit`; then nothing is changed. */
  take(version: string, sources: VersionSources): void;
}

export interface LiveOptions {
  /** As the server read it at its start. */
  readonly project: Project;
  readonly version: string;
  /** Of the version. The project's own files may be others by now. */
  readonly sources: VersionSources;
  readonly engine: Pick<EmbeddedEngine, "start" | "signal" | "settled" | "run" | "runByKey" | "mark" | "value">;
  readonly caller: Caller;
  readonly publisher: Omit<PublisherOptions, "apis" | "backend">;
}

export function createLive(options: LiveOptions): Live {
  const { engine, caller } = options;
  let { version } = options;
  let project = projectWith(options.project, options.sources);
  const backend = () => backendOf(engine, caller, version, { run: (run) => masking.run(run) });
  const publisher = createPublisher({ ...options.publisher, apis: project.apis, backend: backend() });
  let deliver = createDeliver(project, engine, version);
  const value: Engine["value"] = (run, hash) => engine.value(run, hash);
  let masking = createMasking(project, value, (run) => engine.run(run));
  return {
    project: () => project,
    masking: () => masking,
    deliver: (event) => deliver(event),
    publisher,
    take(next, sources) {
      const fresh = projectWith(project, sources);
      const problems = definitionProblems(fresh);
      if (problems.length > 0) throw unfit(next, problems);
      version = next;
      project = fresh;
      publisher.republish(fresh.apis, backend());
      deliver = createDeliver(fresh, engine, next);
      masking = createMasking(fresh, value, (run) => engine.run(run));
    },
  };
}

/** What keeps a version from being promoted under this server, found without changing anything. `tell`: of what keeps nothing back. */
export async function unfitness(
  project: Project,
  sources: VersionSources,
  tell: (notice: string) => void = () => {},
): Promise<readonly SourceProblem[]> {
  const fresh = projectWith(project, sources);
  const missing = sources.systems
    .filter(({ name }) => !project.systems.has(name))
    .map(({ name }) => ({
      file: `systems/${name}/index.ts`,
      message: `the running server has not read the system ${name}; restart it`,
    }));
  const problems = definitionProblems(fresh);
  if (problems.length > 0) return [...missing, ...problems];
  const publication = await publicationOf(fresh);
  for (const { message } of publication.notices) tell(message);
  const published = publication.problems.map(({ file, message }) => ({ file, message }));
  return [...missing, ...published];
}

export function unfit(version: string, problems: readonly SourceProblem[]): Error {
  const list = problems.map(({ file, message }) => `${file}: ${message}`).join("; ");
  return failure("version-unfit", { version, problems: list }, { details: problems });
}

/** The project with the processes of a version; its APIs and schedules start those. */
function projectWith(project: Project, sources: VersionSources): Project {
  const processes = new Map(
    sources.processes.map((process) => [process.name, masksToo(process, project.processes.get(process.name))]),
  );
  const places = new Map([...project.places].filter(([what]) => !what.startsWith("process ")));
  for (const [what, file] of sources.places) places.set(what, file);
  return Object.freeze({
    ...project,
    processes,
    places,
    apis: project.apis.map((api) => bound(api, processes)),
    schedules: project.schedules.map((schedule) =>
      Object.freeze({ ...schedule, process: processes.get(schedule.process.name) ?? schedule.process }),
    ),
  });
}

/** Older runs are shown too: what was sensitive for their version stays hidden. */
function masksToo(process: AnyProcess, before: AnyProcess | undefined): AnyProcess {
  const sensitive = [...new Set([...(before?.sensitive ?? []), ...(process.sensitive ?? [])])];
  return sensitive.length === (process.sensitive?.length ?? 0) ? process : Object.freeze({ ...process, sensitive });
}

function bound(api: ApiDefinition, processes: ReadonlyMap<string, AnyProcess>): ApiDefinition {
  const operations = Object.fromEntries(
    Object.entries(api.operations).map(([name, operation]) => {
      if (operation.kind === "calls") return [name, operation];
      return [name, { ...operation, process: processes.get(operation.process.name) ?? operation.process }];
    }),
  );
  return Object.freeze({ ...api, operations });
}
