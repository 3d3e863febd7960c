/**
 * The worker's side of the engine: holds the executions of one code version, gives them their deliveries turn by turn, and sends
 * what a turn brought to the writer as one message.
 */
import type { DatabaseSync } from "node:sqlite";
import { type Clock, realClock } from "../../../clock.ts";
import type { Caller, StoredFailure } from "../../../operation.ts";
import { openReader } from "../../../store/database.ts";
import { type PortClient, portClient } from "../../../store/port-client.ts";
import type { BatchAnswer, Command } from "../../../store/store.ts";
import type { Work } from "../attempts/work.ts";
import type { ValueLimits } from "../history/json-text.ts";
import type { HistoryRecord } from "../history/records.ts";
import { newRunId } from "../history/run-id.ts";
import { Vault } from "../history/vault.ts";
import { Execution } from "../run/execution.ts";
import type { Held, Host, Identity } from "../run/host.ts";
import { Journal } from "../run/journal.ts";
import { compaction, readEnd, readRun, runsToTakeUp, type StoredEnd } from "../store/stored-run.ts";
import {
  appendCommand,
  type Delivery,
  type FromWorker,
  type NewRun,
  type ToWorker,
  type ToWorkerControl,
} from "../wire.ts";
import { AttemptCounts } from "./attempt-counts.ts";
import { Expected } from "./expected.ts";
import { Moving } from "./moving.ts";
import { reading, type Within } from "./reading.ts";
import { Replacing } from "./replacing.ts";
import { Residents, watchWhileCareful } from "./residents.ts";
import { type KnownProcess, knownProcesses, type WorkerLink, type WorkerOptions } from "./worker-options.ts";

const usualRestMs = 10_000;
const usualResidentRuns = 5000;

/** Takes up the version's open runs, and runs until the control port says stop. Resolves when it has stopped. */
export function runWorker(options: WorkerOptions): Promise<void> {
  return new VersionWorker(options).stopped.promise;
}

class VersionWorker implements Host {
  readonly stopped = Promise.withResolvers<void>();
  readonly caller: Caller;
  readonly valueLimits: ValueLimits;
  readonly vault: Vault;
  readonly operation: WorkerOptions["operation"];
  readonly systemRetry: Host["systemRetry"];
  readonly systemTimeoutMs: Host["systemTimeoutMs"];
  readonly gate: Host["gate"];
  readonly now: () => number;
  readonly chance: () => number;
  readonly later: Clock["later"];
  readonly newRun: Host["newRun"];
  readonly around: Host["around"];
  readonly where: Host["where"];
  readonly #clock: Clock;
  readonly #abort = new AbortController();
  readonly signal = this.#abort.signal;
  readonly #link: WorkerLink;
  readonly #processes: ReadonlyMap<string, KnownProcess>;
  readonly #residents: Residents;
  readonly #client: PortClient;
  readonly #db: DatabaseSync;
  readonly #ownsDb: boolean;
  #dirty = new Set<Execution>();
  readonly #replacing = new Replacing();
  #draining: Execution[] = [];
  #ticking = false;
  #stopping = false;
  get stopping(): boolean {
    return this.#stopping;
  }
  #underWay = 0;
  /** Executions that are still settling for the stop. */
  #settling = 0;
  #closed = false;
  readonly #counts: AttemptCounts;
  readonly #expected: Expected;
  readonly #within: Within | undefined;
  readonly #moving: Moving;

  constructor(options: WorkerOptions) {
    this.#link = options.link;
    this.caller = options.caller;
    this.valueLimits = options.link.valueLimits;
    this.operation = options.operation;
    this.systemRetry = options.systemRetry ?? (() => undefined);
    this.systemTimeoutMs = options.systemTimeoutMs ?? (() => undefined);
    this.gate = options.gate ?? (() => undefined);
    this.#clock = options.clock ?? realClock;
    const { now, chance, later } = this.#clock;
    this.now = now;
    this.chance = chance;
    this.later = later;
    this.#counts = new AttemptCounts((counts) => this.#tell({ kind: "attempts", counts }), later);
    const { runId = newRunId } = options;
    this.newRun = () => runId(now());
    this.around = options.around;
    this.where = options.where;
    this.#moving = new Moving({
      version: this.#link.version,
      host: this,
      soon: this.#clock.soon,
      residents: () => this.#residents,
      dirty: (execution) => this.#dirty.has(execution),
      read: (run) => readRun(this.#db, this.vault, run),
      known: (process) => this.#processes.get(process),
      send: (commands, done) => this.#send(commands, done),
      tell: (message) => this.#tell(message),
    });
    this.#expected = new Expected(later, (run) => {
      if (!this.#stopping) this.#residents.want(run);
    });
    const { careful } = options;
    this.#within = careful?.within;
    const usual = options.residentRuns ?? usualResidentRuns;
    this.#residents = new Residents({
      restMs: options.restMs ?? usualRestMs,
      atMost: careful === undefined ? usual : 1,
      watch: careful && watchWhileCareful(careful, later, () => this.#residents.limit(usual)),
      now,
      later,
      soon: this.#clock.soon,
      dirty: (execution) => this.#dirty.has(execution),
      load: (run) => this.#load(run),
    });
    this.#processes = knownProcesses(options);
    const { file, writer, control } = this.#link;
    this.#db = options.database ?? openReader(file);
    this.vault = new Vault(this.#db, options.cipher);
    this.#ownsDb = options.database === undefined;
    this.#client = portClient(
      writer,
      (messages) => {
        for (const message of messages as readonly ToWorker[]) this.#take(message);
      },
      (reason) => this.#tell({ kind: "failed", reason }),
      this.#clock.soon,
      options.portion,
    );
    control.on("message", (message: ToWorkerControl) => {
      if (message.kind === "stop") this.#stop(message.ms);
      else if (this.#stopping) return;
      else if (message.kind === "starts") for (const run of message.runs) this.#start(run);
      else this.#moving.take(message);
    });
    // Once the writer has answered here, what it commits is posted here; what it committed before stands in the database.
    this.#client.send(
      [],
      () => {
        this.#takeUp();
        this.#tell({ kind: "ready" });
      },
      (error) => this.#tell({ kind: "failed", reason: error.message }),
    );
  }

  #tell(message: FromWorker): void {
    this.#link.control.postMessage(message);
  }

  #takeUp(): void {
    for (const id of runsToTakeUp(this.#db, this.#link.version)) this.#residents.want(id);
  }

  #load(run: string): void {
    if (this.#moving.away(run)) return;
    const stored = readRun(this.#db, this.vault, run);
    if (stored === undefined || stored.row.version !== this.#link.version || stored.records.at(-1)?.t === "end") return;
    const { row, seq, records, inbox, unreadable } = stored;
    const identity: Identity = { id: run, key: row.key, process: row.process, version: row.version };
    const journal = new Journal(run, seq, row.status, row.reason, this.vault, stored.bytes);
    const halt = inbox.find(({ kind }) => kind === "halt");
    const execution = this.#execute(identity, journal, records, halt, unreadable);
    for (const delivery of inbox) reading(execution, () => execution.receive(delivery), this.#within);
  }

  #execute(
    identity: Identity,
    journal: Journal,
    records: readonly HistoryRecord[],
    halt?: Delivery,
    unreadable?: string,
  ): Execution {
    const known = this.#processes.get(identity.process);
    const execution = new Execution({
      host: this,
      identity,
      process: known?.definition,
      retry: known?.definition.retry,
      validateOutput: known?.validateOutput ?? (() => []),
      validateState: known?.validateState ?? (() => []),
      journal,
      records,
      unreadable,
    });
    this.#residents.add(identity.id, execution);
    reading(execution, () => execution.begin(halt), this.#within);
    return execution;
  }

  #take(message: ToWorker): void {
    // What comes now is in the store, and will be taken up at the next start.
    if (this.#stopping) return;
    const { run } = message;
    if (message.kind === "start") {
      this.#start(message);
      return;
    }
    if (message.kind === "started") {
      if (!this.#residents.has(run)) this.#expected.expect(run);
      return;
    }
    if (message.kind === "begin") {
      this.#residents.want(run);
      return;
    }
    const there = this.#residents.get(run);
    // A run that is loaded now, or later, finds the delivery in its inbox.
    if (there === undefined) this.#residents.want(run);
    else reading(there, () => there.receive(message.delivery), this.#within);
  }

  #start({ run, process, key, body }: NewRun): void {
    // Without a place it is taken from the store later: the writer's word of it is still to come.
    if (this.#residents.has(run) || !this.#residents.room()) return;
    this.#expected.told(run);
    const { version } = this.#link;
    const journal = new Journal(run, 1, "running", undefined, this.vault, body.length);
    this.#execute(
      { id: run, key, process, version },
      journal,
      this.vault.records(run, [{ seq: 0, body, sum: undefined }]).records,
    );
  }

  // --- Host -----------------------------------------------------------------------------------------------------------

  compact(execution: Held, done: (gone: number, left: number) => void): void {
    const { id } = execution.identity;
    const command = this.#stopping ? undefined : compaction(this.#db, this.vault, id);
    if (command === undefined) return;
    this.#send([{ name: "process.compact", parameters: command.parameters }], (answer) => {
      if (answer?.kind === "done") done(command.gone, command.left);
    });
  }
  endOf(run: string): StoredEnd | undefined {
    return readEnd(this.#db, this.vault, run);
  }
  recordsOf = (run: string): readonly HistoryRecord[] => readRun(this.#db, this.vault, run)?.records ?? [];
  process(name: string): KnownProcess | undefined {
    return this.#processes.get(name);
  }
  awoke(execution: Execution): void {
    this.#draining.push(execution);
    this.#tickSoon();
  }
  changed(execution: Execution): void {
    this.#dirty.add(execution);
    this.#tickSoon();
  }
  ready(execution: Held): void {
    if (this.#stopping) return;
    reading(execution, () => execution.takeMail(), this.#within);
  }
  ended(execution: Held): void {
    this.#residents.remove(execution.identity.id);
  }
  reload(execution: Held): void {
    this.#dirty.delete(execution as Execution);
    if (!this.#replacing.begin(execution as Execution)) return;
    this.#residents.remove(execution.identity.id);
    if (!this.#stopping) this.#load(execution.identity.id);
  }
  attempted(work: Work, ms: number, failed: StoredFailure | undefined): void {
    this.#counts.add(work.what, ms, failed);
  }

  // --- turns ----------------------------------------------------------------------------------------------------------

  #tickSoon(): void {
    if (this.#ticking) return;
    this.#ticking = true;
    this.#clock.soon(() => this.#tick());
  }

  /** The microtasks of every delivery have run dry: what the code asked is sent as one message. */
  #tick(): void {
    this.#ticking = false;
    const drained = this.#draining;
    this.#draining = [];
    for (const execution of drained) {
      try {
        execution.drained();
      } catch (error) {
        execution.failedToRead(error);
      }
    }
    const dirty = this.#dirty;
    this.#dirty = new Set();
    for (const execution of dirty) {
      // Its code runs again already: what it asks rides along.
      if (execution.awake) this.#dirty.add(execution);
      else this.#append(execution);
    }
    this.#client.flush();
  }

  #append(execution: Execution): void {
    if (this.#replacing.has(execution)) return;
    const { journal } = execution;
    const taken = journal.take();
    if (taken === undefined) {
      this.#residents.committed(execution);
      return;
    }
    journal.underWay += 1;
    this.#send([appendCommand(taken.parameters)], (answer) => {
      journal.underWay -= 1;
      if (answer?.kind !== "done") {
        // Another writer has this run: nothing of this execution counts any more.
        this.#replacing.drop(execution);
        this.#residents.remove(execution.identity.id);
        return;
      }
      for (const act of taken.committed) reading(execution, act, this.#within);
      if (this.#replacing.sent(execution)) this.reload(execution);
      if (!this.#replacing.has(execution)) this.#residents.committed(execution);
    });
  }

  /** Sent at the end of the turn. `done` is told the answer; nothing, if the store takes no more. */
  #send(commands: readonly Command[], done: (answer: BatchAnswer | undefined) => void): void {
    this.#underWay += 1;
    this.#client.send(
      commands,
      (answer) => {
        this.#underWay -= 1;
        done(answer);
        this.#stoppedYet();
      },
      (error) => {
        this.#underWay -= 1;
        done(undefined);
        this.#tell({ kind: "failed", reason: error.message });
      },
    );
  }

  // --- stop -----------------------------------------------------------------------------------------------------------

  #stop(ms: number): void {
    if (this.#stopping) return;
    this.#stopping = true;
    this.#residents.close();
    const stopHard = this.later(ms, () => {
      this.#abort.abort();
      for (const execution of this.#residents.all()) execution.abort();
      this.#close();
    });
    this.stopped.promise.finally(stopHard).catch(() => {});
    this.#settling = 1;
    const done = () => {
      this.#settling -= 1;
      this.#stoppedYet();
    };
    for (const execution of this.#residents.all()) {
      this.#settling += 1;
      execution.settleForStop(done);
    }
    done();
  }
  #stoppedYet(): void {
    if (!this.#stopping || this.#settling > 0 || this.#underWay > 0) return;
    if (this.#dirty.size > 0 || this.#draining.length > 0) {
      this.#clock.soon(() => this.#stoppedYet());
      return;
    }
    this.#close();
  }

  #close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#expected.close();
    this.#counts.flush();
    this.#tell({ kind: "stopped" });
    this.#client.close();
    if (this.#ownsDb) this.#db.close();
    this.#link.control.close();
    this.stopped.resolve();
  }
}
