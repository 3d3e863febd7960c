/**
 * The composition root: puts the rooms together, starts them in order, and stops them in the reverse one.
 *
 * Start: lock, store, secrets, code version, front's clients, engine with its workers, what is served (front.ts), admin listener, API
 * listener, triggers, schedules. Nothing is taken from outside before everything behind it stands.
 * Stop: not ready, API listener and triggers (what is under way ends), engine, clients, admin listener, store, lock. What is open
 * resumes at the next start.
 */
import { rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { bindSystems } from "../connectors/bind.ts";
import type { Log } from "../observe/log.ts";
import { createMetrics } from "../observe/metrics.ts";
import type { Redactor } from "../observe/redact.ts";
import { createOutbound } from "../outbound/client.ts";
import { openPermits } from "../outbound/permits.ts";
import { createEngine, type EmbeddedEngine, frontInbox } from "../process/embedded/engine.ts";
import { limitsOf } from "../process/limits.ts";
import { listen } from "../publish/listener.ts";
import { openAdmin } from "./admin/open.ts";
import { openTokens } from "./admin/tokens.ts";
import { openSurfaces } from "./apis/surface.ts";
import { apiLimits } from "./apis/tls.ts";
import type { Closers } from "./closers.ts";
import { openFront } from "./front.ts";
import { keepHouse } from "./housekeeping.ts";
import { listening } from "./listening.ts";
import { unfit, unfitness } from "./live.ts";
import { openLives } from "./lives.ts";
import { connectionsAllowed, openFilesAllowed } from "./open-files.ts";
import type { Config } from "./project/config.ts";
import type { Project } from "./project/project.ts";
import { openReader } from "./project/reading.ts";
import { serverFiles } from "./project/server-files.ts";
import { createReloads } from "./reload/reload.ts";
import { openSecretActs, shadowed } from "./secrets/acts.ts";
import { clearNotices } from "./secrets/encryption.ts";
import { writePrivate } from "./secrets/private-file.ts";
import { plainWarning } from "./secrets/secrets.ts";
import type { RunningServer, ServerOptions } from "./server.ts";
import { lockStore } from "./storage/lock.ts";
import { openFrontStore } from "./storage/open.ts";
import { checkGiven } from "./systems/answers.ts";
import { watchHealth } from "./systems/health.ts";
import { shareSystems } from "./systems/shared.ts";
import { takeTurns } from "./turns.ts";
import { openVersionBook } from "./versions/book.ts";
import { createDeployments, type Decision } from "./versions/deployments.ts";
import { firstVersion, tellMoved } from "./versions/first-version.ts";
import { loadVersionSources } from "./versions/load-sources.ts";
import { lostSystems } from "./versions/lost-systems.ts";
import { openMoves } from "./versions/run-moves.ts";
import { createTrials } from "./versions/trials.ts";
import { planVersion } from "./versions/versions.ts";
import { createWorkers, type Workers } from "./workers/workers.ts";

export interface Composition {
  readonly project: Project;
  readonly config: Config;
  readonly options: ServerOptions;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly log: Log;
  readonly redactor: Redactor;
  readonly closers: Closers;
  readonly notices: readonly string[];
}

export async function compose({
  project,
  config,
  options,
  environment,
  log,
  redactor,
  closers,
  notices,
}: Composition): Promise<RunningServer> {
  const folder = resolve(project.folder, config.store);
  for (const notice of [...notices, ...clearNotices(project)]) log.info({}, notice);

  const unlock = lockStore(folder);
  closers.add(async () => unlock());

  const inbox = frontInbox();
  let failed: string | undefined;
  const onFailed = (reason: string) => {
    if (failed !== undefined) return;
    failed = reason;
    log.error({ reason }, "the store failed; nothing more is accepted");
    options.onFailed?.(reason);
  };
  const surfaces = openSurfaces({ project, config, environment, redactor });
  const plan = planVersion(project);
  const readAtStart = serverFiles(project.folder);
  const { store, disk, cipher, keys, secrets } = await openFrontStore({
    folder,
    config,
    keyText: surfaces.keyText,
    inbox,
    onFailed,
    redactor,
    log,
    closers,
  });
  const first = surfaces.resolve(project, config, secrets.value);
  for (const name of shadowed(first, secrets))
    log.warn({ name }, "the secret is in the store and in a file; the file counts");
  for (const secret of first.plain) log.warn({ value: secret }, plainWarning);

  const lives = await openLives(store);
  const book = openVersionBook(store);
  const firstOne = await firstVersion({
    folder,
    plan,
    book,
    mode: config.versions,
    promote: options.promote === true,
    log,
  });
  const version = firstOne.id;
  const sources = await loadVersionSources(firstOne, project.folder);
  const problems = await unfitness(project, sources, (notice) => log.info({}, notice));
  if (problems.length > 0) throw unfit(version, problems, { start: version === plan.id ? "own" : "kept" });

  const outbound = createOutbound();
  closers.add(() => outbound.close());
  const shared = shareSystems(first.settings);
  const { circuits } = shared;
  const permits = openPermits(shared.now().permits, 0);
  const bound = bindSystems({
    definitions: [...project.systems.values()],
    settings: first.settings,
    environment: { outbound, project: project.folder },
    permits,
  });
  closers.add(() => bound.close());

  const workers: Workers = createWorkers({
    store: folder,
    project: project.folder,
    shared: shared.now,
    keys,
    circuits,
    memoryMiB: config.workers.memoryMiB,
    blockedAfterMs: config.workers.blockedAfter,
    lost: (lost, culprit) => {
      engine.workerLost(lost);
      // A store that can't be written any more has told so itself.
      const halted = culprit === undefined ? undefined : engine.quarantine(culprit.run, culprit.reason);
      const done = Promise.all([lives.worker(), halted]);
      done.catch(() => {}).finally(() => engine.ensureWorker(lost));
    },
    printed: (of, stream, line) => log.info({ version: of, stream }, line),
  });
  closers.add(() => workers.close());
  const { valueBytes, valueDepth, historyBytes } = config.limits;
  const valueLimits = { bytes: valueBytes, depth: valueDepth, historyBytes };
  // Acts on many runs go on at once, before the front stands.
  let projectNow = () => project;
  const engine: EmbeddedEngine = createEngine(
    {
      store,
      version,
      startWorker: workers.start,
      cipher,
      valueLimits,
      onFailed,
      limits: limitsOf(sources.processes),
      unfit: (run, act) => checkGiven(projectNow(), run, act, engine.value),
      admission: { openRuns: config.limits.openRuns, disk: disk.state },
    },
    inbox,
  );
  closers.add(async (ms) => {
    workers.stopping();
    await engine.stop(ms);
  });
  tellMoved(project.folder, folder, log);
  for (const lost of lostSystems(folder, engine.openByVersion(), project)) log.warn({}, lost);

  const front = await openFront({
    surface: first,
    version,
    sources,
    store,
    engine,
    bound,
    permits,
    shared,
    workers,
    outbound,
    cipher,
    log,
  });
  closers.add(() => front.close());
  const { live } = front;
  projectNow = live.project;

  const metrics = createMetrics({
    runs: () => engine.counts(),
    openTasks: engine.openTasks,
    systems: () => [...front.surface().settings.keys()],
    away: circuits.away,
  });
  closers.add(async () => metrics.close());
  const health = watchHealth({
    system: (name) => front.surface().project.systems.get(name),
    project: project.folder,
    folder: (name) => front.surface().settings.get(name)?.connection ?? "",
    ask: bound.health,
    circuit: circuits.view,
  });
  const inTurn = takeTurns();
  const house = keepHouse({
    engine,
    workers,
    folder,
    book,
    history: config.history,
    processes: () => live.project().processes,
    inTurn,
    log,
  });
  closers.add(async () => house.close());
  await house.removeDrained();
  const { memoryMiB } = config.workers;
  const trials = createTrials({ project, memoryMiB, engine, workers });
  const reloads = createReloads({
    reader: options.reader ?? openReader(project.folder),
    started: config,
    environment,
    folder,
    store,
    secrets,
    surfaces,
    front,
    engine,
    book,
    trials,
    house,
    files: readAtStart,
    inTurn,
    log,
  });
  const deployments = createDeployments({
    project,
    folder,
    book,
    engine,
    trials,
    live,
    held: house.held,
    serverFiles: reloads.files,
    inTurn,
    log,
  });
  const secretActs = openSecretActs({
    stored: secrets,
    front,
    version: () => engine.version,
    resolve: (instead) => {
      const { project: present, config: set } = front.surface();
      return surfaces.resolve(present, set, (name) => (instead?.name === name ? instead.value : secrets.value(name)));
    },
    inTurn,
    redactor,
    log,
    ...(options.secretsEveryMs === undefined ? {} : { everyMs: options.secretsEveryMs }),
  });
  closers.add(async () => secretActs.close());

  const moves = openMoves({
    store,
    folder,
    project: project.folder,
    memoryMiB,
    valueLimits,
    keys,
    engine,
    book,
    live,
    hold: house.hold,
  });
  closers.add(() => moves.close());

  const state = { stopping: false };
  const tokens = openTokens(store);
  const admin = openAdmin({
    front,
    store,
    engine,
    tokens,
    deployments,
    reloads,
    secrets: secretActs,
    moves,
    metrics,
    health,
    began: lives.between,
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
  const adminPort = options.adminPort ?? config.admin.port;
  const adminListener = await listening("admin", listen(admin, { host: config.admin.host, port: adminPort, onError }));
  closers.add((ms) => adminListener.close(Math.min(ms, 1000)));
  const allowed = openFilesAllowed();
  const connections = connectionsAllowed(config.limits.connections, allowed);
  if (connections < config.limits.connections)
    log.warn(
      { openFiles: allowed },
      `the APIs take at most ${connections} connections at a time, half of the files that may be open; raise that limit (ulimit -n, LimitNOFILE) to take limits.connections`,
    );
  const apiListener = await listening(
    "api",
    listen(front.api, {
      host: config.api.host,
      port: options.apiPort ?? config.api.port,
      ...apiLimits(config),
      maxConnections: connections,
      ...front.tls,
      onClear: front.exposed,
      onError,
    }),
  );
  // A request may wait long for the end of its run; half of the grace is for the attempts under way.
  closers.add((ms) => apiListener.close(ms / 2));
  closers.add((ms) => front.stopTaking(ms / 4));
  await front.open(apiListener);

  void front.scheduler().look();

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
    reload: (reason) => reloads.reload({ promote: false }, asSignal(reason)),
    stop() {
      state.stopping = true;
      // Who waits for a run's end is told how far it is: its request is then over. So are streams of events.
      engine.answerWaiters();
      live.publisher.drain();
      stopped ??= closers.close(config.shutdown.grace);
      return stopped;
    },
  };
}

/** What the machine itself asks for, as the audit has it. */
function asSignal(reason: string): Decision {
  const parameters = { by: "server", role: "admin", action: "server.reload", target: "", reason, result: "done" };
  return { by: "server", reason, audit: () => ({ name: "admin.audit", parameters }) };
}
