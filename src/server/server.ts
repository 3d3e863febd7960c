/**
 * The composition root: puts the rooms together, starts them in order, and stops them in the reverse one.
 *
 * Start: runtime, configuration, lock, secrets, code version, store, front's clients, engine with its workers, publisher, admin
 * listener, triggers, API listener, schedules. Nothing is taken from outside before everything behind it stands.
 * Stop: not ready, API listener and triggers (what is under way ends), engine, clients, admin listener, store, lock. What is open
 * resumes at the next start.
 */
import { readFileSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { bindSystems } from "../connectors/bind.ts";
import { createLog, type Log } from "../observe/log.ts";
import { createMetrics } from "../observe/metrics.ts";
import { createRedactor } from "../observe/redact.ts";
import { createOutbound } from "../outbound/client.ts";
import { openPermits, permitTable } from "../outbound/permits.ts";
import { createEngine, type EmbeddedEngine, frontInbox } from "../process/embedded/engine.ts";
import { limitsOf } from "../process/limits.ts";
import type { HttpHandler } from "../publish/http.ts";
import { type Listener, listen } from "../publish/listener.ts";
import { openStore } from "../store/open.ts";
import { accessReferences } from "./access-references.ts";
import { openAdmin } from "./admin/open.ts";
import { openTokens } from "./admin/tokens.ts";
import { apiLimits, apiTls } from "./api-tls.ts";
import { createCircuits } from "./circuits.ts";
import { Closers } from "./closers.ts";
import { type Config, resolveConfig } from "./config.ts";
import { openContracts } from "./contracts/open.ts";
import { createDeployments } from "./deployments.ts";
import { tellDisk, watchDisk } from "./disk.ts";
import { docsSources } from "./docs-sources.ts";
import { clearNotices, createCipher, readKeys } from "./encryption.ts";
import { openFileTriggers } from "./file-triggers.ts";
import { firstVersion, tellMoved } from "./first-version.ts";
import { watchHealth } from "./health.ts";
import { keepHouse } from "./housekeeping.ts";
import { createLive, unfit, unfitness } from "./live.ts";
import { lockStore } from "./lock.ts";
import { writePrivate } from "./private-file.ts";
import type { Project } from "./project.ts";
import { checkRetired, openInUse } from "./published/in-use.ts";
import { openMoves } from "./run-moves.ts";
import { checkRuntime, tuneThreads } from "./runtime.ts";
import { openSchedules } from "./schedules/open.ts";
import { createResolver, resolveSystems } from "./secrets.ts";
import { serverFiles } from "./server-files.ts";
import { startFailure } from "./start-failure.ts";
import { checkStoreKeys } from "./store-keys.ts";
import { storeParts } from "./store-parts.ts";
import { openVersionBook } from "./version-book.ts";
import { importVersion } from "./version-sources.ts";
import { planVersion } from "./versions.ts";
import { watchDatabase } from "./watch-database.ts";
import { createWebhooks, webhookBase } from "./webhooks.ts";
import { createWorkers, type Workers } from "./workers.ts";

export interface ServerOptions {
  /** Default `process.env`. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** Instead of the configuration's. */
  readonly apiPort?: number;
  readonly adminPort?: number;
  /** Promote the version of the project's files, whatever was decided before. Default false. */
  readonly promote?: boolean;
  /** Takes the log's lines. Default: standard output. */
  readonly log?: (line: string) => void;
  /** The store can't be written any more; nothing is accepted. Stop, and start again. Default: nothing. */
  readonly onFailed?: (reason: string) => void;
}

export interface RunningServer {
  readonly apiUrl: string;
  readonly adminUrl: string;
  /** Of this start; the same stands in admin.json. */
  readonly adminToken: string;
  /** The code version that new runs start on. */
  readonly version: string;
  /** Stops gracefully, within the configured grace. Everything that is open resumes at the next start. */
  stop(): Promise<void>;
}

/** Starts the server of a project. Rejects with the first thing that can't work; then nothing is left running. */
export async function startServer(project: Project, options: ServerOptions = {}): Promise<RunningServer> {
  const environment = options.environment ?? process.env;
  const notices = checkRuntime();
  tuneThreads();
  const config = resolveConfig(project.config, environment);
  const redactor = createRedactor();
  const log = createLog({
    level: config.log.level,
    redactor,
    ...(options.log === undefined ? {} : { write: options.log }),
  });
  const closers = new Closers();
  closers.add(async () => log.close());
  try {
    return await compose({ project, config, options, environment, log, redactor, closers, notices });
  } catch (error) {
    await closers.close();
    throw startFailure(error);
  }
}

interface Composition {
  readonly project: Project;
  readonly config: Config;
  readonly options: ServerOptions;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly log: Log;
  readonly redactor: ReturnType<typeof createRedactor>;
  readonly closers: Closers;
  readonly notices: readonly string[];
}

async function compose({
  project,
  config,
  options,
  environment,
  log,
  redactor,
  closers,
  notices,
}: Composition): Promise<RunningServer> {
  const { systems } = project;
  const folder = resolve(project.folder, config.store);
  for (const notice of [...notices, ...clearNotices(project)]) log.info({}, notice);

  const unlock = lockStore(folder);
  closers.add(async () => unlock());

  const resolver = createResolver({ folder: resolve(project.folder, config.secrets), environment, redactor });
  const settings = resolveSystems(systems.values(), resolver, redactor);
  const referenced = accessReferences(project.apis, resolver);
  const keyText = config.encryption.key && resolver.hidden(config.encryption.key, "encryption.key");
  resolver.finish();
  const keys = keyText === undefined ? [] : readKeys(keyText);
  const cipher = keys.length === 0 ? undefined : createCipher(keys);

  const plan = planVersion(project);
  const readAtStart = serverFiles(project.folder);
  const { valueBytes, valueDepth, historyBytes } = config.limits;
  const valueLimits = { bytes: valueBytes, depth: valueDepth, historyBytes };
  const inbox = frontInbox();
  let failed: string | undefined;
  const onFailed = (reason: string) => {
    if (failed !== undefined) return;
    failed = reason;
    log.error({ reason }, "the store failed; nothing more is accepted");
    options.onFailed?.(reason);
  };
  const disk = watchDisk({
    folder,
    reserveBytes: config.limits.diskReserveMiB * 1_048_576,
    changed: (state, freeBytes) => tellDisk(log, state, freeBytes),
  });
  closers.add(async () => disk.close());
  await disk.look();
  const store = await openStore({
    file: join(folder, "mortise.db"),
    parts: storeParts(),
    onPost: inbox.take,
    onFailed,
    onFull: disk.full,
  });
  closers.add(() => store.close());
  const unwatch = watchDatabase(store.file, () => onFailed(`its file ${store.file} was removed or replaced`));
  closers.add(async () => unwatch());

  await checkStoreKeys(store, cipher, keys);

  const book = openVersionBook(store);
  const first = await firstVersion({
    folder,
    plan,
    book,
    mode: config.versions,
    promote: options.promote === true,
    log,
  });
  const version = first.id;
  const sources = await importVersion(first, project.folder);
  const problems = await unfitness(project, sources, (notice) => log.info({}, notice));
  if (problems.length > 0) throw unfit(version, problems);

  const outbound = createOutbound();
  closers.add(() => outbound.close());
  const permits = permitTable(new Map([...settings].map(([name, { concurrency }]) => [name, concurrency])));
  const circuits = createCircuits(settings);
  const bound = bindSystems({
    definitions: [...systems.values()],
    settings,
    environment: { outbound, project: project.folder },
    permits: openPermits(permits, 0),
  });
  closers.add(() => bound.close());

  const workers: Workers = createWorkers({
    store: folder,
    project: project.folder,
    settings,
    keys,
    permits,
    circuits,
    memoryMiB: config.workers.memoryMiB,
    blockedAfterMs: config.workers.blockedAfter,
    lost: (lost, culprit) => {
      engine.workerLost(lost);
      // A store that can't be written any more has told so itself.
      const done = culprit === undefined ? Promise.resolve() : engine.quarantine(culprit.run, culprit.reason);
      done.catch(() => {}).finally(() => engine.ensureWorker(lost));
    },
    printed: (of, stream, line) => log.info({ version: of, stream }, line),
  });
  closers.add(() => workers.close());
  const engine: EmbeddedEngine = createEngine(
    {
      store,
      version,
      startWorker: workers.start,
      cipher,
      valueLimits,
      onFailed,
      limits: limitsOf(sources.processes),
      admission: { openRuns: config.limits.openRuns, disk: disk.state },
    },
    inbox,
  );
  closers.add(async (ms) => {
    workers.stopping();
    await engine.stop(ms);
  });
  tellMoved(project.folder, folder, log);

  const contracts = new Map([...systems].map(([name, { contract }]) => [name, contract]));
  const live = createLive({
    project,
    version,
    sources,
    engine,
    caller: bound.caller,
    publisher: {
      store,
      contracts,
      maxBodyBytes: config.limits.bodyBytes,
      idempotencyRetentionMs: config.idempotency.retention,
      usage: { retentionMs: config.lifecycle.usage },
      cipher,
      streams: { atMost: config.limits.streams, perConsumer: config.limits.streamsPerConsumer },
      access: {
        resolve: referenced,
        outbound,
        readFile: (path) => readFileSync(resolve(project.folder, path), "utf8"),
      },
      ...docsSources(project.folder),
    },
  });
  const { publisher, deliver } = live;
  closers.add(() => publisher.close());
  const windowMs = config.lifecycle.window;
  const inUse = openInUse({ lifecycle: publisher.lifecycle, read: store.read, windowMs, clock: Date.now });
  await checkRetired(project, publisher.lifecycle, inUse);

  const webhooks = createWebhooks({
    systems: systems.values(),
    secret: (name) => settings.get(name)?.webhookSecret,
    deliver,
    maxBodyBytes: config.limits.bodyBytes,
  });
  const metrics = createMetrics({
    runs: () => engine.counts(),
    openTasks: () => engine.tasks({ status: "open" }).length,
    systems: () => [...settings.keys()],
    away: circuits.away,
  });
  closers.add(async () => metrics.close());
  const folderOf = (name: string) => settings.get(name)?.connection ?? "";
  const health = watchHealth({
    systems,
    project: project.folder,
    folder: folderOf,
    ask: bound.health,
    circuit: circuits.view,
  });
  const house = keepHouse({
    engine,
    workers,
    folder,
    book,
    history: config.history,
    processes: () => live.project().processes,
    log,
  });
  closers.add(async () => house.close());
  await house.removeDrained();
  const deployments = createDeployments({
    project,
    folder,
    memoryMiB: config.workers.memoryMiB,
    book,
    engine,
    workers,
    live,
    serverFiles: readAtStart,
    log,
  });

  const moves = openMoves({
    store,
    folder,
    project: project.folder,
    memoryMiB: config.workers.memoryMiB,
    valueLimits,
    keys,
    engine,
    book,
    live,
    hold: house.hold,
  });
  closers.add(() => moves.close());
  const scheduler = await openSchedules(live, engine, store);
  closers.add(() => scheduler.close());
  const watch = openContracts(project, settings, store, config.watch.every, log);
  closers.add(() => watch.stop());

  const state = { stopping: false };
  const tokens = openTokens(store);
  const admin = openAdmin({
    live,
    inUse,
    store,
    engine,
    tokens,
    scheduler,
    watch,
    deployments,
    moves,
    metrics,
    health,
    keyring: publisher.keys,
    settings: (name) => settings.get(name),
    versions: () => house.versions(),
    notReady: () => [
      ...(state.stopping ? ["stopping"] : []),
      ...(failed === undefined ? [] : ["the store failed"]),
      ...(disk.state() === "ok" ? [] : ["the store's disk has too little space"]),
      ...(workers.state(engine.version) === "failed" ? ["the worker of the current code version fails"] : []),
    ],
  });

  const onError = (error: unknown, request: { readonly id: string }) =>
    log.error({ error, request: request.id }, "request failed");
  const adminListener = await listen(admin, {
    host: config.admin.host,
    port: options.adminPort ?? config.admin.port,
    onError,
  });
  closers.add((ms) => adminListener.close(Math.min(ms, 1000)));
  const api: HttpHandler = (request) =>
    request.path.startsWith(webhookBase) ? webhooks(request) : publisher.handle(request);
  const apiListener: Listener = await listen(api, {
    host: config.api.host,
    port: options.apiPort ?? config.api.port,
    ...apiLimits(config),
    ...apiTls(project, config, log),
    onError,
  });
  // A request may wait long for the end of its run; half of the grace is for the attempts under way.
  closers.add((ms) => apiListener.close(ms / 2));
  await openFileTriggers({ systems: systems.values(), project: project.folder, folder: folderOf, deliver, closers });

  void scheduler.look();

  const adminFile = join(folder, "admin.json");
  writePrivate(
    adminFile,
    JSON.stringify({ url: adminListener.url, apiUrl: apiListener.url, token: tokens.local, pid: process.pid }),
  );
  closers.add(async () => rmSync(adminFile, { force: true }));
  log.info({ api: apiListener.url, admin: adminListener.url, version, project: project.name }, "started");

  let stopped: Promise<void> | undefined;
  return {
    apiUrl: apiListener.url,
    adminUrl: adminListener.url,
    adminToken: tokens.local,
    get version() {
      return engine.version;
    },
    stop() {
      state.stopping = true;
      // Who waits for a run's end is told how far it is: its request is then over. So are streams of events.
      engine.answerWaiters();
      publisher.drain();
      stopped ??= closers.close(config.shutdown.grace);
      return stopped;
    },
  };
}
