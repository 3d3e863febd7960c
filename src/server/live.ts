/**
 * What the front knows of the project, and how it changes when a code version is promoted or the project is loaded again: processes (input
 * schemas, keys, what starts them, what is sensitive) are those of the promoted version; systems, APIs and requirements are those that
 * the server read last. The switch is one assignment: a request is served by the one side or the other, and the
 * run that it starts runs on the version that its input was checked for.
 */
import { failure } from "../errors.ts";
import type { AnyProcess } from "../process/define.ts";
import type { EmbeddedEngine } from "../process/embedded/engine.ts";
import type { Engine } from "../process/engine.ts";
import type { AccessSources } from "../publish/access/way.ts";
import type { Backend } from "../publish/backend.ts";
import type { ApiDefinition } from "../publish/define.ts";
import { createPublisher, type Publication, type Publisher, type PublisherOptions } from "../publish/publisher.ts";
import { backendOf } from "./apis/backend.ts";
import { publicationOf } from "./apis/publication.ts";
import { blamed } from "./apis/published/ahead.ts";
import { definitionProblems } from "./project/problems.ts";
import type { Project } from "./project/project.ts";
import type { SourceProblem } from "./project/sources.ts";
import { createMasking, type Masking } from "./secrets/masking.ts";
import { createDeliver, type Deliver } from "./systems/deliver.ts";
import type { VersionSources } from "./versions/sources.ts";

export interface Live {
  /** As it is published now. */
  project(): Project;
  masking(): Masking;
  /** Of the code version that is served. */
  sources(): VersionSources;
  readonly deliver: Deliver;
  readonly publisher: Publisher;
  /**
   * Makes what is served next, aside; what is not named stays. The function that this gives switches to it, at once and without fail. Throws
   * `version-unfit` and what publishing refuses; then nothing is changed. As for `Publisher.prepare`: switched to at once, or never.
   */
  prepare(next: Partial<LiveState>): () => void;
}

/** What is served is made of this. */
export interface LiveState {
  /** As the server read it. */
  readonly project: Project;
  readonly version: string;
  /** Of the version. The project's own files may be others by now. */
  readonly sources: VersionSources;
  /** For ways of access that need more than the store. */
  readonly access: AccessSources;
}

export interface LiveOptions extends LiveState {
  readonly engine: Pick<
    EmbeddedEngine,
    "start" | "signal" | "settled" | "run" | "runByKey" | "runs" | "mark" | "value"
  >;
  /** Straight calls, under their circuits. */
  readonly calls: Pick<Backend, "call" | "read" | "pass">;
  readonly publisher: Omit<PublisherOptions, keyof Publication>;
}

export function createLive(options: LiveOptions): Live {
  const { engine, calls } = options;
  let state: LiveState = options;
  let project = projectWith(options.project, options.sources);
  const publication = (to: LiveState, { apis }: Project): Publication => ({
    apis,
    backend: backendOf(engine, calls, to.version, { run: (run) => masking.run(run) }),
    contracts: new Map([...to.project.systems].map(([name, { contract }]) => [name, contract])),
    access: to.access,
  });
  const publisher = createPublisher({ ...options.publisher, ...publication(state, project) });
  let deliver = createDeliver(project, engine, state.version);
  const value: Engine["value"] = (run, hash) => engine.value(run, hash);
  let masks: Maskable = project;
  let masking = createMasking(masks, value, (run) => engine.run(run));
  return {
    project: () => project,
    sources: () => state.sources,
    masking: () => masking,
    async deliver(event) {
      const delivered = await deliver(event);
      publisher.arrived({ system: event.system, name: event.event });
      return delivered;
    },
    publisher,
    prepare(next) {
      const to: LiveState = { ...state, ...next };
      const fresh = projectWith(to.project, to.sources, project.processes);
      const problems = definitionProblems(fresh);
      if (problems.length > 0) throw unfit(to.version, problems);
      const publish = publisher.prepare(publication(to, fresh));
      const freshDeliver = createDeliver(fresh, engine, to.version);
      const freshMasks = maskedAsBefore(fresh, masks);
      const freshMasking = createMasking(freshMasks, value, (run) => engine.run(run));
      return () => {
        state = to;
        project = fresh;
        deliver = freshDeliver;
        masks = freshMasks;
        masking = freshMasking;
        publish();
      };
    },
  };
}

/**
 * What keeps a version from being promoted under this server, found without changing anything. `project`: as it is served. `tell`: of what keeps nothing
 * back. `unread`: the server's own files that have changed since it read them; published contracts may be ahead of it then.
 */
export async function unfitness(
  project: Project,
  sources: VersionSources,
  tell: (notice: string) => void = () => {},
  unread: readonly string[] = [],
): Promise<readonly SourceProblem[]> {
  const fresh = projectWith(project, sources);
  const missing = sources.systems
    .filter(({ name }) => !project.systems.has(name))
    .map(({ name }) => ({
      file: `systems/${name}/index.ts`,
      message: `the running server has not read the system ${name}; take it with: mortise reload`,
    }));
  const problems = definitionProblems(fresh);
  if (problems.length > 0) return [...missing, ...problems];
  const publication = await publicationOf(fresh);
  for (const { message } of publication.notices) tell(message);
  for (const { message } of publication.damaged) tell(`The changelog lacks a publication: ${message}`);
  if (publication.problems.length === 0) return missing;
  const served = unread.length === 0 ? publication : await publicationOf(project);
  const published = await blamed(publication.problems, served, unread);
  for (const notice of published.notices) tell(notice);
  return [...missing, ...published.problems];
}

/** `start`: there is no server yet that serves anything; `own`: the version is that of the project's files. */
export function unfit(
  version: string,
  problems: readonly SourceProblem[],
  at: "running" | { readonly start: "own" | "kept" } = "running",
): Error {
  const list = problems.map(({ file, message }) => `${file}: ${message}`).join("; ");
  const said =
    at === "running"
      ? {
          what: `The code version ${version} does not fit what the running server publishes`,
          done: "promoted",
          help: "`mortise reload --promote` takes the project's files where that is named",
        }
      : {
          what:
            at.start === "own"
              ? "The project can't be served"
              : `The code version ${version}, on which new runs start, does not fit the project's files`,
          done: "started",
          help:
            at.start === "own"
              ? "`mortise check` shows all of it"
              : "`mortise start --promote` takes the code of the project's files in its place",
        };
  return failure("version-unfit", { ...said, problems: list }, { details: problems });
}

/** The project with the processes of a version; its APIs and schedules start those. `before`: those that were served until now. */
function projectWith(project: Project, sources: VersionSources, before = project.processes): Project {
  const processes = new Map(
    sources.processes.map((process) => [process.name, masksToo(process, before.get(process.name))]),
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

type Maskable = Pick<Project, "systems" | "processes">;

/** Runs of systems and processes that are gone, or say less by now, are shown too: what was sensitive stays hidden. */
function maskedAsBefore({ systems, processes }: Maskable, before: Maskable): Maskable {
  const all = new Map(before.systems);
  for (const [name, system] of systems) {
    const sensitive = [
      ...new Set([...(before.systems.get(name)?.settings.sensitive ?? []), ...(system.settings.sensitive ?? [])]),
    ];
    all.set(name, { ...system, settings: { ...system.settings, sensitive } });
  }
  return { systems: all, processes: new Map([...before.processes, ...processes]) };
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
