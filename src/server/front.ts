/**
 * The front of a running server: what it serves, and how it comes to serve another surface without a gap. Everything of the next one is
 * made aside and checked; then one function without a wait in it switches to it all, so a request is served by the one or the other. What
 * can only follow (threads, folders, schedules) follows at once.
 */
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { isDeepStrictEqual } from "node:util";
import type { BoundSystems } from "../connectors/bind.ts";
import type { Log } from "../observe/log.ts";
import type { Outbound } from "../outbound/outbound.ts";
import { openPermits, type SystemPermits } from "../outbound/permits.ts";
import type { EmbeddedEngine } from "../process/embedded/engine.ts";
import type { AccessSources } from "../publish/access/way.ts";
import type { HttpHandler, HttpRequest } from "../publish/http.ts";
import type { Listener, ListenerOptions } from "../publish/listener.ts";
import type { PublisherOptions } from "../publish/publisher.ts";
import type { OpenedStore } from "../store/open.ts";
import { docsSources } from "./apis/docs-sources.ts";
import { checkRetired, type FindInUse, openInUse } from "./apis/published/in-use.ts";
import { straightCalls, straightPasses, straightReads } from "./apis/straight-calls.ts";
import type { Surface } from "./apis/surface.ts";
import { apiTls } from "./apis/tls.ts";
import { openContracts } from "./contracts/open.ts";
import type { ContractWatch } from "./contracts/watch.ts";
import { createLive, type Live } from "./live.ts";
import { openReads } from "./reads/reads.ts";
import { fixedShare } from "./reads/share.ts";
import { openSchedules } from "./schedules/open.ts";
import type { Scheduler } from "./schedules/scheduler.ts";
import { type FileTriggers, openFileTriggers } from "./systems/file-triggers.ts";
import type { SharedSystems } from "./systems/shared.ts";
import { createWebhooks, webhookBase } from "./systems/webhooks.ts";
import type { VersionSources } from "./versions/sources.ts";
import type { Workers } from "./workers/workers.ts";

/** What is served next. */
export interface Next {
  readonly surface: Surface;
  /** Of the processes. */
  readonly version: string;
  readonly sources: VersionSources;
}

/** Made, and not yet served. */
export interface Ready {
  /** Serves it from now on. */
  switchTo(): void;
  /** Lets follow what can't be switched in one go. What goes wrong in it is told in the log: it is too late to stay with what was. */
  follow(): Promise<void>;
}

export interface Front {
  surface(): Surface;
  readonly live: Live;
  readonly inUse: FindInUse;
  readonly api: HttpHandler;
  /** Told of what came in clear to a port with TLS. */
  readonly exposed: (request: HttpRequest) => void;
  readonly tls: Pick<ListenerOptions, "tls" | "certificateProxies">;
  scheduler(): Scheduler;
  watch(): ContractWatch;
  /** Throws what keeps it from being served; then nothing is changed. */
  prepare(next: Next): Promise<Ready>;
  /** The server listens: what comes from folders is taken from now on. */
  open(listener: Pick<Listener, "renewTls">): Promise<void>;
  /** Takes nothing from folders any more. */
  stopTaking(withinMs: number): Promise<void>;
  close(): Promise<void>;
}

export interface FrontOptions extends Next {
  readonly store: OpenedStore;
  readonly engine: EmbeddedEngine;
  readonly bound: BoundSystems;
  readonly permits: ReadonlyMap<string, SystemPermits>;
  readonly shared: SharedSystems;
  readonly workers: Pick<Workers, "share">;
  readonly outbound: Outbound;
  readonly cipher: PublisherOptions["cipher"];
  readonly log: Log;
}

/** How long is waited for threads to go by new settings: one that is busy for longer does so when it can. */
const shareMs = 5_000;

/** Throws what can't be served. */
export async function openFront(options: FrontOptions): Promise<Front> {
  const { store, engine, bound, shared, workers, outbound, cipher, log } = options;
  let { surface, permits } = options;
  const { config } = surface;
  const gates = { circuits: () => shared.now().circuits, changed: shared.circuits.changed };
  const reads = openReads({
    bound,
    project: surface.project.folder,
    systems: () => surface.project.systems.values(),
    shared: shared.now,
    ...(config.workers.reads === "auto" ? {} : { share: fixedShare(config.workers.reads === "always") }),
    died: (reason) => log.error({ reason }, "the thread of reads ended; reads go on without it"),
  });
  const live = createLive({
    project: surface.project,
    version: options.version,
    sources: options.sources,
    access: accessOf(surface, outbound),
    engine,
    calls: {
      call: straightCalls({ caller: bound.caller, ...gates }),
      read: straightReads({ caller: reads.caller, ...gates }),
      pass: straightPasses({ passer: bound.passer, ...gates }),
    },
    publisher: {
      store,
      maxBodyBytes: config.limits.bodyBytes,
      idempotencyRetentionMs: config.idempotency.retention,
      usage: { retentionMs: config.lifecycle.usage },
      cipher,
      docs: docsSources(surface.project.folder),
      streams: { atMost: config.limits.streams, perConsumer: config.limits.streamsPerConsumer },
    },
  });
  const { publisher, deliver } = live;
  const inUse = openInUse({
    lifecycle: publisher.lifecycle,
    read: store.read,
    windowMs: config.lifecycle.window,
    clock: Date.now,
  });
  const webhooksOf = ({ project, settings }: Surface) =>
    createWebhooks({
      systems: project.systems.values(),
      secret: (name) => settings.get(name)?.webhookSecret,
      deliver,
      maxBodyBytes: config.limits.bodyBytes,
    });
  const watchOf = ({ project, settings, config: { watch } }: Surface) =>
    openContracts(project, settings, store, watch.every, log);
  let webhooks: HttpHandler;
  let scheduler: Scheduler;
  const tls = apiTls(() => surface, log);
  const folders: FileTriggers = openFileTriggers(deliver);
  try {
    await checkRetired(surface.project, publisher.lifecycle, inUse);
    webhooks = webhooksOf(surface);
    scheduler = await openSchedules(live, engine, store);
  } catch (error) {
    await publisher.close();
    throw error;
  }
  let watch = watchOf(surface);
  let listener: Pick<Listener, "renewTls"> | undefined;

  /** One thing that follows. */
  async function follow(what: string, act: () => Promise<unknown> | undefined): Promise<void> {
    try {
      await act();
    } catch (error) {
      log.error({ error }, `after a change, ${what} failed`);
    }
  }

  return {
    surface: () => surface,
    live,
    inUse,
    api: (request) => (request.path.startsWith(webhookBase) ? webhooks(request) : publisher.handle(request)),
    exposed: (request) => void publisher.exposed(request),
    tls,
    scheduler: () => scheduler,
    watch: () => watch,
    async prepare(next) {
      const before = surface;
      const to = next.surface;
      await folders.check(to);
      const freshWebhooks = webhooksOf(to);
      const switchLive = live.prepare({
        project: to.project,
        version: next.version,
        sources: next.sources,
        access: accessOf(to, outbound),
      });
      return {
        switchTo() {
          shared.update(to.settings);
          permits = openPermits(shared.now().permits, 0, permits);
          bound.rebind({ definitions: [...to.project.systems.values()], settings: to.settings, permits });
          webhooks = freshWebhooks;
          surface = to;
          reads.rebind();
          switchLive();
        },
        async follow() {
          listener?.renewTls();
          await follow("telling the workers", () => within(shareMs, workers.share()));
          await follow("watching folders", () => folders.watch(to));
          if (!sameList(to.project.schedules, before.project.schedules))
            await follow("opening the schedules", async () => {
              await scheduler.close();
              scheduler = await openSchedules(live, engine, store, scheduler);
              void scheduler.look();
            });
          if (!sameSystems(to, before))
            await follow("watching contracts", async () => {
              const old = watch;
              watch = watchOf(to);
              await old.stop();
            });
        },
      };
    },
    async open(opened) {
      listener = opened;
      await folders.watch(surface);
    },
    stopTaking: folders.stop,
    async close() {
      await watch.stop();
      await scheduler.close();
      await publisher.close();
      await reads.close();
    },
  };
}

/** Resolves with it, or after so long without. The timer goes with it: reloads may follow each other closely. */
async function within(ms: number, act: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((done) => {
    timer = setTimeout(done, ms);
  });
  await Promise.race([act, late]).finally(() => clearTimeout(timer));
}

function sameList(one: readonly unknown[], other: readonly unknown[]): boolean {
  return one.length === other.length && one.every((entry, at) => entry === other[at]);
}

function sameSystems(one: Surface, other: Surface): boolean {
  const { systems } = one.project;
  return (
    systems.size === other.project.systems.size &&
    [...systems].every(([name, definition]) => other.project.systems.get(name) === definition) &&
    isDeepStrictEqual(one.settings, other.settings)
  );
}

function accessOf({ project, access }: Surface, outbound: Outbound): AccessSources {
  return {
    resolve: access,
    outbound,
    readFile: (path) => readFileSync(resolve(project.folder, path), "utf8"),
  };
}
