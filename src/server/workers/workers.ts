/**
 * The worker threads: one per code version. What dies is started again, after a pause that grows; what blocks for a minute is
 * ended and started again. What a worker had in hand is in the store, so its runs resume.
 */
import { channel } from "node:diagnostics_channel";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { type MessagePort, Worker } from "node:worker_threads";
import type { Deprecation } from "../../connectors/deprecation.ts";
import type { ResolvedSettings } from "../../connectors/system.ts";
import { asMortiseError } from "../../errors.ts";
import { moduleUrl } from "../../module-url.ts";
import type { OutboundCounts, WorkerFact } from "../../observe/facts.ts";
import type { CircuitTable } from "../../outbound/circuit.ts";
import type { CircuitChange } from "../../outbound/gates.ts";
import { type PermitTable, reclaim } from "../../outbound/permits.ts";
import type { WorkerLink } from "../../process/embedded/worker/worker-options.ts";
import type { Circuits } from "../systems/circuits.ts";
import { loadVersion, type VersionManifest } from "../versions/versions.ts";

/** Of the systems, for every thread; may become another while threads run. */
export interface Shared {
  readonly settings: ReadonlyMap<string, ResolvedSettings>;
  readonly permits: PermitTable;
  readonly circuits: CircuitTable;
}

/** What the supervisor says to a worker thread: from now on it is this. Answered with `shared`. */
export interface SharedMessage {
  readonly shared: Shared;
  readonly round: number;
}

/** What a worker thread is given. */
export interface WorkerStart {
  readonly link: WorkerLink;
  /** Folder of the version's snapshot. */
  readonly folder: string;
  readonly manifest: VersionManifest;
  /** Folder of the project: for packages, and for relative paths of connections. */
  readonly project: string;
  readonly shared: Shared;
  /** Of the store, the newest first; none: it keeps all in clear. */
  readonly keys: readonly Uint8Array[];
  /** Of the permits: no other living thread has it. */
  readonly slot: number;
  /** How often it says that it is alive. */
  readonly aliveEveryMs: number;
  /** Present where the workers before it died: it runs one run at a time for a while, and writes here which (`markRun`). */
  readonly mark?: SharedArrayBuffer | undefined;
}

/** Bytes of a mark; a run id is shorter. */
const markBytes = 64;

/** Says which run is run now. A thread that dies leaves its last word. */
export function markRun(mark: SharedArrayBuffer, run: string | undefined): void {
  const bytes = Buffer.from(mark);
  bytes.fill(0);
  if (run !== undefined) bytes.write(run, "latin1");
}

function markedRun(mark: SharedArrayBuffer): string | undefined {
  const text = Buffer.from(mark).toString("latin1").replaceAll("\0", "");
  return text === "" ? undefined : text;
}

/** What a worker thread says to its supervisor. */
export type WorkerMessage =
  /** It runs; repeated, so that a blocked one is noticed. */
  | { readonly kind: "alive" }
  | { readonly kind: "outbound"; readonly counts: readonly OutboundCounts[] }
  /** New calls go by what was shared in this round. */
  | { readonly kind: "shared"; readonly round: number }
  /** A system is away, or back. */
  | { readonly kind: "circuit"; readonly change: CircuitChange }
  /** A system says that an operation ends. */
  | { readonly kind: "deprecated"; readonly fact: Deprecation };

const blockedAfterMs = 60_000;
/** Signs of life in the time after which their lack counts. */
const signs = 12;
const firstPauseMs = 250;
const longestPauseMs = 30_000;
/** A thread that lived so long did not die in a row with the one before it. */
const soundAfterMs = 600_000;
/** After so many deaths in a row the next worker runs one run at a time, so that a death says whose code it was. */
const carefulAfter = 2;

export type WorkerState = "running" | "starting" | "failed" | "none";

export interface WorkersOptions {
  /** The store's folder. */
  readonly store: string;
  readonly project: string;
  /** What threads are given from now on. */
  readonly shared: () => Shared;
  /** Of the store, the newest first. Default: none. */
  readonly keys?: readonly Uint8Array[];
  readonly circuits: Pick<Circuits, "changed">;
  readonly memoryMiB: number;
  /**
   * A thread is gone; start it again by way of the engine. `culprit`: of this run it is known that its code ended the thread, as it or
   * others did before: it must not be run again before a person has looked at it.
   */
  readonly lost: (version: string, culprit?: { readonly run: string; readonly reason: string }) => void;
  /** A line that the project's code wrote to standard output or error. */
  readonly printed: (version: string, stream: "stdout" | "stderr", line: string) => void;
  /** Milliseconds after which a silent worker counts as blocked. Default 60000. */
  readonly blockedAfterMs?: number;
}

export interface Workers {
  /** For the engine: starts the thread of a version, at once or after a pause. */
  start(version: string, link: WorkerLink, transfer: readonly MessagePort[]): void;
  /** Tells every thread what `shared` gives now. Resolves when their new calls go by it; a thread that is busy takes its time, or dies. */
  share(): Promise<void>;
  state(version: string): WorkerState;
  /** Resolves once the version's thread has loaded its code, or has died; with the reason then. Call it after `start`. */
  settled(version: string): Promise<string | undefined>;
  /** Ends the thread of a version that is not needed any more. */
  retire(version: string): Promise<void>;
  /** Nothing is started again from now on; what waits to be started is given up. */
  stopping(): void;
  /** Ends what is still there. */
  close(): Promise<void>;
}

interface Entry {
  state: WorkerState;
  thread: Worker | undefined;
  timer: NodeJS.Timeout | undefined;
  link: WorkerLink | undefined;
  /** Deaths in a row. */
  deaths: number;
  startedAt: number;
  aliveAt: number;
  retired: boolean;
  /** Who waits for it to run or to die. */
  waiting: ((reason: string | undefined) => void)[];
}

const facts = channel("mortise:server:worker");
const outboundFacts = channel("mortise:server:outbound");
const deprecatedFacts = channel("mortise:connectors:deprecated");

export function createWorkers(options: WorkersOptions): Workers {
  const entries = new Map<string, Entry>();
  const slots = new Set<number>();
  const silence = options.blockedAfterMs ?? blockedAfterMs;
  const aliveEveryMs = silence / signs;
  let stopped = false;
  let round = 0;
  /** Threads that have not answered yet. */
  const told = new Map<Worker, { readonly round: number; readonly done: () => void }[]>();
  const tell = (fact: WorkerFact) => facts.publish(fact);

  const entryOf = (version: string): Entry => {
    let entry = entries.get(version);
    if (entry === undefined) {
      entry = {
        state: "none",
        thread: undefined,
        timer: undefined,
        link: undefined,
        deaths: 0,
        startedAt: 0,
        aliveAt: 0,
        retired: false,
        waiting: [],
      };
      entries.set(version, entry);
    }
    return entry;
  };

  function open(version: string, entry: Entry, link: WorkerLink, transfer: readonly MessagePort[]): void {
    entry.timer = undefined;
    let started: WorkerStart;
    let thread: Worker;
    const slot = freeSlot(slots);
    const mark = entry.deaths >= carefulAfter ? new SharedArrayBuffer(markBytes) : undefined;
    try {
      const { folder, manifest } = loadVersion(options.store, version);
      const { project, keys = [] } = options;
      started = { link, folder, manifest, project, shared: options.shared(), keys, slot, aliveEveryMs, mark };
      thread = new Worker(moduleUrl("./worker-main", import.meta.url), {
        name: `mortise-${version.slice(0, 8)}`,
        workerData: started,
        transferList: [...transfer],
        // A wider young generation: what a run allocates while it waits for the disk is garbage before it would be moved.
        resourceLimits: { maxOldGenerationSizeMb: options.memoryMiB, maxYoungGenerationSizeMb: 64 },
        stdout: true,
        stderr: true,
      });
    } catch (error) {
      closePorts(transfer);
      died(version, entry, asMortiseError(error).message);
      return;
    }
    slots.add(slot);
    entry.thread = thread;
    entry.startedAt = Date.now();
    entry.aliveAt = entry.startedAt;
    let reason: string | undefined;
    pipe(thread.stdout, (line) => options.printed(version, "stdout", line));
    pipe(thread.stderr, (line) => options.printed(version, "stderr", line));
    thread.on("message", (message: WorkerMessage) => {
      if (message.kind === "alive") {
        entry.aliveAt = Date.now();
        if (entry.state !== "running") {
          entry.state = "running";
          tell({ version, event: "started", restarts: entry.deaths });
          answer(entry, undefined);
        }
      } else if (message.kind === "shared") answered(thread, message.round);
      else if (message.kind === "circuit") options.circuits.changed(message.change);
      else if (message.kind === "deprecated") deprecatedFacts.publish(message.fact);
      else for (const counts of message.counts) outboundFacts.publish(counts);
    });
    thread.on("error", (error) => {
      reason = error instanceof Error ? error.message : String(error);
    });
    const watch = setInterval(() => {
      if (Date.now() - entry.aliveAt < silence) return;
      reason = "the project's code blocked its thread";
      thread.terminate().catch(() => {});
    }, aliveEveryMs).unref();
    thread.on("exit", (code) => {
      clearInterval(watch);
      answered(thread, round);
      told.delete(thread);
      reclaim(options.shared().permits, slot);
      slots.delete(slot);
      entry.thread = undefined;
      if (stopped || entry.retired) {
        entry.state = "none";
        tell({ version, event: "stopped" });
        answer(entry, "it was stopped");
      } else died(version, entry, reason ?? `it ended with code ${code}`, mark && markedRun(mark));
    });
  }

  function answered(thread: Worker, upTo: number): void {
    const open = told.get(thread) ?? [];
    told.set(
      thread,
      open.filter((one) => one.round > upTo),
    );
    for (const one of open) if (one.round <= upTo) one.done();
  }

  function answer(entry: Entry, reason: string | undefined): void {
    for (const tellOne of entry.waiting.splice(0)) tellOne(reason);
  }

  function died(version: string, entry: Entry, reason: string, run?: string): void {
    // One that lived for long starts again at once. A blocked one is found after a minute only: that is not long.
    if (Date.now() - entry.startedAt > soundAfterMs && entry.state === "running") entry.deaths = 0;
    entry.deaths += 1;
    entry.state = "failed";
    tell({ version, event: "died", reason, restarts: entry.deaths });
    answer(entry, reason);
    if (run === undefined) {
      if (!stopped) options.lost(version);
      return;
    }
    tell({ version, event: "quarantined", reason, run });
    const why = `The code of this run ended its worker, after the worker had ended ${entry.deaths - 1} times (${reason}). It is not run again before somebody has looked at it.`;
    // What remains is innocent.
    entry.deaths = 0;
    if (!stopped) options.lost(version, { run, reason: why });
  }

  function giveUp(): void {
    stopped = true;
    for (const entry of entries.values()) {
      if (entry.timer === undefined) continue;
      clearTimeout(entry.timer);
      entry.timer = undefined;
      // The engine waits for this port's end.
      if (entry.link !== undefined) closePorts([entry.link.control, entry.link.writer]);
    }
  }

  return {
    start(version, link, transfer) {
      if (stopped) {
        closePorts(transfer);
        return;
      }
      const entry = entryOf(version);
      entry.retired = false;
      entry.link = link;
      if (entry.state === "none") entry.state = "starting";
      const pause = entry.deaths === 0 ? 0 : Math.min(longestPauseMs, firstPauseMs * 2 ** (entry.deaths - 1));
      entry.timer = setTimeout(() => open(version, entry, link, transfer), pause);
    },
    async share() {
      round += 1;
      const message: SharedMessage = { shared: options.shared(), round };
      const threads = [...entries.values()].flatMap(({ thread }) => (thread === undefined ? [] : [thread]));
      await Promise.all(
        threads.map(
          (thread) =>
            new Promise<void>((done) => {
              told.set(thread, [...(told.get(thread) ?? []), { round: message.round, done }]);
              thread.postMessage(message);
            }),
        ),
      );
    },
    state: (version) => entries.get(version)?.state ?? "none",
    settled: (version) =>
      new Promise((resolve) => {
        const entry = entries.get(version);
        if (entry === undefined) resolve("it has no worker");
        else if (entry.state === "running") resolve(undefined);
        else entry.waiting.push(resolve);
      }),
    async retire(version) {
      const entry = entries.get(version);
      if (entry === undefined) return;
      entry.retired = true;
      clearTimeout(entry.timer);
      await entry.thread?.terminate();
      answer(entry, "it was stopped");
      entries.delete(version);
    },
    stopping: giveUp,
    async close() {
      giveUp();
      for (const entry of entries.values()) {
        await entry.thread?.terminate();
        answer(entry, "it was stopped");
      }
    },
  };
}

function freeSlot(taken: ReadonlySet<number>): number {
  // 0 is the front.
  for (let slot = 1; ; slot += 1) if (!taken.has(slot)) return slot;
}

function closePorts(ports: readonly MessagePort[]): void {
  for (const port of ports) port.close();
}

function pipe(stream: Readable, take: (line: string) => void): void {
  createInterface({ input: stream }).on("line", take);
}
