/**
 * The embedded engine's front: takes starts, signals, answers and operators' acts, and has them on disk before it says so (P1).
 * It runs no user code and knows no connector; the runs live in workers, one per code version.
 */
import { MessageChannel, type MessagePort } from "node:worker_threads";
import { type Clock, realClock } from "../../clock.ts";
import { asMortiseError, failure } from "../../errors.ts";
import type { Cipher, Json, Problem } from "../../operation.ts";
import { NamedSlots } from "../../slots.ts";
import type { OpenedStore } from "../../store/open.ts";
import type { Actor, Engine, OperatorAct, RunDetail, RunStatus, SignalAnswer, SignalCommand } from "../engine.ts";
import { finalStatuses, wholeRun } from "../engine.ts";
import { limitData, type ProcessLimits } from "../limits.ts";
import type { Traces } from "../trace.ts";
import { attemptFacts, type RunFact, runFacts } from "./facts.ts";
import { acting } from "./front/acting.ts";
import { type AdmissionOptions, admission } from "./front/admission.ts";
import { bulks } from "./front/bulk.ts";
import { type Moves, type MovesParts, moves } from "./front/moves.ts";
import { previewOf } from "./front/preview.ts";
import { type Kept, retainAll } from "./front/retention.ts";
import { starting } from "./front/starting.ts";
import { views } from "./front/views.ts";
import { asText, defaultHistoryBytes, defaultLimits, type ValueLimits } from "./history/json-text.ts";
import { newRunId } from "./history/run-id.ts";
import { places, Vault } from "./history/vault.ts";
import { readInput } from "./store/stored-run.ts";
import { type FromWorker, portName, type ToFront } from "./wire.ts";
import type { WorkerLink } from "./worker/worker-options.ts";

export interface EngineOptions {
  /** Problems of what an operator gives many runs at once, as the result or the input of the call that each asks about. Default none. */
  readonly unfit?: (run: RunDetail, act: OperatorAct) => readonly Problem[];
  readonly store: Omit<OpenedStore, "close">;
  /** The code version that new runs start on. */
  readonly version: string;
  /**
   * Starts the worker thread of a code version with this link; `transfer` lists the ports inside it. Called for the current
   * version, for every version that has open runs, and again after `workerLost`.
   */
  readonly startWorker: (version: string, link: WorkerLink, transfer: readonly MessagePort[]) => void;
  /** Of the values that histories take. Default: as `defaultLimits`. */
  readonly valueLimits?: ValueLimits;
  /** Of what the store keeps. Default: it keeps all in clear. The workers need the same. */
  readonly cipher?: Cipher | undefined;
  /** The store refused to write: stop the server. */
  readonly onFailed?: (reason: string) => void;
  /** Bounds on what is taken from outside. */
  readonly admission?: AdmissionOptions;
  /** Limits of processes, by their name. Default none. */
  readonly limits?: ReadonlyMap<string, ProcessLimits<never>>;
  /** Default: the real one. */
  readonly clock?: Clock;
  /** Both ends of what joins the front and a worker. Default: a `MessageChannel`. */
  readonly channel?: () => { readonly port1: MessagePort; readonly port2: MessagePort };
  /** The id of a new run. Default: by time and chance (run-id.ts). */
  readonly runId?: (now: number) => string;
}

/** After which limits are told again that the store could not take: its disk was full. */
const fullMs = 1000;

export interface EmbeddedEngine extends Engine, Traces {
  /** That new runs start on. */
  readonly version: string;
  /** Makes the worker of a version run, if it does not. */
  ensureWorker(version: string): void;
  /** The worker's thread is gone; what it did is in the store. Call `ensureWorker` to go on. */
  workerLost(version: string): void;
  /** The code of this run is not to be run any more: it parks, and a person is asked. For one whose code ends its worker again and again. */
  quarantine(run: string, reason: string): Promise<void>;
  /** Whoever waits in `settled` is answered with the run's present state: the server is about to stop. */
  answerWaiters(): void;
  readonly move: Moves["move"];
  /** New runs start on this version from now on. */
  promote(version: string): void;
  /** These limits hold from now on, for what is queued too. */
  limit(limits: ReadonlyMap<string, ProcessLimits<never>>): void;
  /** Versions with open runs. */
  openVersions(): readonly string[];
  /** How many tasks wait for an answer. */
  openTasks(): number;
  /** Open runs of each version that has any. */
  openByVersion(): readonly { readonly version: string; readonly runs: number }[];
  /** Removes old histories and, later, keys: bounded portions, between other work. Resolves with the rows touched. */
  retain(
    historyBefore: number,
    keyBefore: number,
    /** `atMost`: histories of a process. `own`: what a process says itself. */
    more?: { readonly atMost?: number; readonly own?: (process: string) => Partial<Kept> },
  ): Promise<number>;
}

/** Somebody who waits for a run's end. */
interface Waiter {
  told(message: Settled): void;
  /** With the run's present state. */
  answer(): void;
}

type Settled = ToFront & { readonly kind: "settled" };

/** Posts of the writer to the front: hand `take` to the store as `onPost`, before the engine is made. */
export function frontInbox(): {
  take(messages: readonly unknown[]): void;
  connect(to: (message: ToFront) => void): void;
} {
  let early: ToFront[] | undefined = [];
  let target: ((message: ToFront) => void) | undefined;
  return {
    take(messages) {
      for (const message of messages as readonly ToFront[]) {
        if (target === undefined) early?.push(message);
        else target(message);
      }
    },
    connect(to) {
      target = to;
      for (const message of early ?? []) to(message);
      early = undefined;
    },
  };
}

export function createEngine(options: EngineOptions, inbox: ReturnType<typeof frontInbox>): EmbeddedEngine {
  const {
    store,
    valueLimits = defaultLimits,
    clock = realClock,
    channel: newChannel = () => new MessageChannel(),
    runId = newRunId,
  } = options;
  const vault = new Vault(store.read, options.cipher);
  const read = views(store.read, vault, valueLimits.historyBytes ?? defaultHistoryBytes);
  const rowOf = store.read.prepare("select version, status from runs where id = ?");
  const statusOf = store.read.prepare("select status from runs where id = ?");
  const controls = new Map<string, { readonly port: MessagePort; readonly stopped: Promise<void> }>();
  const waiters = new NamedSlots<Set<Waiter>>();
  let version = options.version;
  let limits: ReadonlyMap<string, ProcessLimits<never>> = options.limits ?? new Map();
  const admitted = admission(store.read, clock, options.admission ?? {});
  let stopping = false;
  let noWaiting = false;

  const { start, begunNow, settledNow } = starting({
    store,
    valueLimits,
    vault,
    clock,
    runId,
    admission: admitted,
    limits: () => limits,
    version: () => version,
    control: (wanted) => controls.get(wanted)?.port,
  });

  inbox.connect((posted) => {
    if (posted.kind === "worker-needed") {
      ensureWorker(posted.version);
      return;
    }
    if (posted.kind === "begun") {
      const { kind: _, ...run } = posted;
      if (runFacts.hasSubscribers) runFacts.publish({ ...run, kind: "started", status: "running" } satisfies RunFact);
      return;
    }
    const message = vault.isSealed(posted.reason)
      ? { ...posted, reason: vault.openReason(posted.reason, posted.run) as string }
      : posted;
    const { run, process, key, status, reason, createdAt, updatedAt } = message;
    if (finalStatuses.has(status)) admitted.ended();
    if (runFacts.hasSubscribers) {
      runFacts.publish({
        kind: "settled",
        run,
        process,
        key,
        version: message.version,
        status,
        ...(reason === undefined ? {} : { reason }),
        durationMs: updatedAt - createdAt,
      } satisfies RunFact);
    }
    settledNow(run);
    for (const waiter of [...(waiters.get(run) ?? [])]) waiter.told(message);
  });

  function ensureWorker(wanted: string): void {
    if (controls.has(wanted) || stopping) return;
    const control = newChannel();
    const writer = store.attach(portName(wanted));
    const stopped = Promise.withResolvers<void>();
    control.port1.on("message", (message: FromWorker) => {
      if (message.kind === "attempts") for (const count of message.counts) attemptFacts.publish(count);
      else if (message.kind === "failed") options.onFailed?.(message.reason);
      else if (message.kind === "stopped") stopped.resolve();
      else if (message.kind !== "ready") mover.heard(wanted, message);
    });
    control.port1.on("close", () => stopped.resolve());
    controls.set(wanted, { port: control.port1, stopped: stopped.promise });
    const link: WorkerLink = { file: store.file, version: wanted, valueLimits, writer, control: control.port2 };
    options.startWorker(wanted, link, [writer, control.port2]);
  }

  const mover = moves({
    row: (run) => rowOf.get(run) as ReturnType<MovesParts["row"]>,
    control(of, make) {
      if (make) ensureWorker(of);
      return controls.get(of)?.port;
    },
    later: clock.later,
  });

  const openVersions = (): string[] => read.openByVersion().map((one) => one.version);

  const { operate, prepare } = acting({
    store,
    vault,
    valueLimits,
    clock,
    runId,
    read,
    inputOf: (run) => readInput(store.read, vault, run),
    limits: () => limits,
    version: () => version,
  });
  const { resume, ...many } = bulks({
    store,
    clock,
    runId,
    read,
    vault,
    unfit: options.unfit ?? (() => []),
    prepare,
    stopping: () => stopping,
  });

  async function signal(command: SignalCommand): Promise<SignalAnswer> {
    const { system, event, key, delivery } = command;
    const name = `${system}.${event}`;
    const text = asText(command.payload, `the event ${name}`, valueLimits);
    const payload = vault.seal(text, places.signal(name, key));
    const answer = await store.submit([
      { name: "process.signal", parameters: { event: name, key, payload, delivery } },
    ]);
    return (answer as { answers: readonly SignalAnswer[] }).answers[0] as SignalAnswer;
  }

  async function answerTask(task: string, given: Json, actor: Actor): Promise<void> {
    const text = asText(given, `the answer of task ${task}`, valueLimits);
    const parameters = { task, answer: vault.seal(text, places.answer(task)), by: actor.by };
    const answer = await store.submit([{ name: "process.answer", parameters }]);
    if (answer.kind === "done") return;
    if (answer.answer === "unknown") throw failure("task-unknown", { task });
    throw failure("task-closed", { task, status: String(answer.answer) });
  }

  function settled(run: string, ms: number): ReturnType<Engine["settled"]> {
    return new Promise((resolve, reject) => {
      const waiting = waiters.get(run) ?? new Set();
      let stopTimer = () => {};
      const finish = (act: () => void) => {
        stopTimer();
        waiting.delete(waiter);
        if (waiting.size === 0) waiters.delete(run);
        // What can't be read is this waiter's failure alone: out of a timer it would end the server.
        try {
          act();
        } catch (error) {
          reject(error as Error);
        }
      };
      const look = () => {
        const detail = read.run(run);
        if (detail === undefined) reject(failure("run-unknown", { run }));
        else resolve(wholeRun(detail, read.value));
      };
      const waiter: Waiter = {
        told: (message) => finish(() => resolve(fromSettled(message))),
        answer: () => finish(look),
      };
      waiting.add(waiter);
      waiters.set(run, waiting);
      stopTimer = clock.later(ms, () => finish(look));
      // Of a run that began in this very turn nothing came yet, unless with that; any other may have settled before anybody waited.
      if (!noWaiting && begunNow(run)) return;
      const status = statusOf.get(run)?.status as RunStatus | undefined;
      if (noWaiting || status === undefined || status === "parked" || finalStatuses.has(status)) finish(look);
    });
  }

  function answerWaiters(): void {
    noWaiting = true;
    for (const waiting of waiters.values()) for (const waiter of [...waiting]) waiter.answer();
  }

  const retain: EmbeddedEngine["retain"] = (historyBefore, keyBefore, { atMost, own } = {}) => {
    const kept: Kept = { historyBefore, keyBefore, atMost: atMost ?? Number.POSITIVE_INFINITY };
    return retainAll({ store, clock, stopping: () => stopping }, (name) => ({ ...kept, ...own?.(name) }), keyBefore);
  };

  function limit(next: ReadonlyMap<string, ProcessLimits<never>>): void {
    limits = next;
    const all = [...next].map(([process, one]) => limitData(process, one));
    store.submit([{ name: "process.limits", parameters: all }]).catch((error: unknown) => {
      // A full disk passes, and until it is told nothing begins that waits for its turn. A store that failed says so by itself.
      const later = () => void (limits === next && !stopping && limit(next));
      if (asMortiseError(error).code === "store-full") clock.later(fullMs, later, true);
    });
  }

  limit(limits);
  for (const open of new Set([version, ...openVersions()])) ensureWorker(open);

  resume();

  return {
    ...read,
    ...many,
    preview(run, act) {
      const detail = read.run(run);
      if (detail === undefined) throw failure("run-unknown", { run });
      return previewOf(detail, act);
    },
    get version() {
      return version;
    },
    start,
    signal,
    answer: answerTask,
    operate,
    settled,
    ensureWorker,
    openVersions,
    retain,
    workerLost(lost) {
      const control = controls.get(lost);
      controls.delete(lost);
      mover.lost(lost);
      control?.port.close();
      store.detach(portName(lost));
    },
    move: mover.move,
    async quarantine(run, reason) {
      await store.submit([{ name: "process.halt", parameters: { run, reason: vault.seal(reason, places.halt(run)) } }]);
    },
    promote(next) {
      version = next;
      ensureWorker(next);
    },
    limit,
    answerWaiters,
    async stop(ms) {
      stopping = true;
      answerWaiters();
      const all = [...controls.values()];
      for (const { port } of all) port.postMessage({ kind: "stop", ms });
      await Promise.all(all.map(({ stopped }) => stopped));
      for (const { port } of all) port.close();
    },
  };
}

function fromSettled(message: Settled): Awaited<ReturnType<Engine["settled"]>> {
  const { run, process, key, status, reason, createdAt, updatedAt, out, failure: failed } = message;
  return {
    id: run,
    process,
    key,
    version: message.version,
    status,
    origin: "",
    createdAt,
    updatedAt,
    ...(reason === undefined ? {} : { reason }),
    ...(out === undefined ? {} : { output: JSON.parse(out) as Json }),
    ...(failed === undefined ? {} : { failure: JSON.parse(failed) as NonNullable<RunDetail["failure"]> }),
  };
}
