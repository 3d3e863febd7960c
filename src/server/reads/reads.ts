/**
 * Reads of straight operations beside the front's own thread. The front reads requests, lets callers in and writes answers; what a read costs beyond
 * that (the HTTP client, the answer's JSON, its check against the contract) is done by another thread while the front is busy, so that two processors
 * serve one API. While it has time the front does all of it itself, which is sooner by the way to the other thread and back.
 *
 *  R1  Limits, keys, circuits, coalescing and counts stay in the front: they are exact, however many threads there are.
 *  R2  Permits of a system are shared memory, as for the threads of code versions.
 *  R3  What a rule, a mapping or a page looks at comes as it would have come here: all that the system sent, as a value.
 *  R4  A read goes by the systems and settings that were in force when it was asked for.
 *  R5  If the thread dies, the front asks again what was under way there (they are reads), and goes on by itself until another one is there.
 */
import { channel } from "node:diagnostics_channel";
import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import type { BoundSystems } from "../../connectors/bind.ts";
import type { SystemDefinition } from "../../connectors/system.ts";
import type { ContractModel } from "../../contract/model.ts";
import { failure } from "../../errors.ts";
import { canonicalJson } from "../../formats/json.ts";
import { moduleUrl } from "../../module-url.ts";
import type { Json, Told } from "../../operation.ts";
import { reclaim } from "../../outbound/permits.ts";
import type { ReadCaller } from "../../publish/backend.ts";
import { Slots } from "../../slots.ts";
import type { Shared } from "../workers/workers.ts";
import { type Batches, batches } from "./batches.ts";
import {
  type Answering,
  type Asking,
  answerSize,
  errorOf,
  type FromReads,
  type ReadStart,
  type ReadSystem,
  type ToReads,
} from "./messages.ts";
import { createShare, fixedShare, loopUtilization, type Share } from "./share.ts";

/** No thread of a code version comes so far: they take the lowest free number. */
const slot = 1_000_000_000;
/** After a death, until another thread is started. */
const pauseMs = 10_000;

export interface ReadsOptions {
  /** In this thread. */
  readonly bound: Pick<BoundSystems, "caller" | "teller">;
  readonly project: string;
  readonly systems: () => Iterable<SystemDefinition>;
  readonly shared: () => Shared;
  /** Which reads go to the other thread. Default: more of them the busier this one is; none where there is but one processor. */
  readonly share?: Share;
  /** Told of each thread that is started. */
  readonly started?: (thread: Worker) => void;
  /** The thread ended by itself. */
  readonly died: (reason: string) => void;
}

export interface Reads {
  readonly caller: ReadCaller;
  /** Other systems, settings or permits, for the reads that are asked for from now on. */
  rebind(): void;
  /** Whether the other thread takes calls. */
  readonly running: boolean;
  /** Ends the thread. What is under way there fails. */
  close(): Promise<void>;
}

interface Waiting {
  readonly resolve: (told: Told | Promise<Told>) => void;
  readonly reject: (error: Error) => void;
  /** Asks here instead. */
  readonly here: () => Promise<Told>;
  readonly whole: boolean;
}

/** A thread that was started. */
interface Helper {
  readonly thread: Worker;
  readonly asking: Batches<Asking[number]>;
  /** By the numbers that answers name. */
  readonly waiting: Slots<Waiting>;
  /** Numbers of the operations that it knows, by what names them. A reload makes other objects of the same operations. */
  readonly numbers: WeakMap<object, number>;
  readonly named: Map<string, number>;
  /** The contracts that it has. */
  contracts: ReadonlyMap<string, ContractModel>;
  ready: boolean;
  /** It goes by what is in force. */
  bound: boolean;
}

const outboundFacts = channel("mortise:server:outbound");
const deprecatedFacts = channel("mortise:connectors:deprecated");

export function openReads(options: ReadsOptions): Reads {
  const { bound, shared, died } = options;
  const alone = availableParallelism() === 1;
  const share = options.share ?? (alone ? fixedShare(false) : createShare(loopUtilization(), () => performance.now()));
  let helper: Helper | undefined;
  let startFrom = 0;
  let closed = false;

  function start(): Helper {
    const thread = new Worker(moduleUrl("./read-main", import.meta.url), {
      name: "mortise-reads",
      workerData: { project: options.project, slot } satisfies ReadStart,
      // What a read allocates is garbage before it would be moved.
      resourceLimits: { maxYoungGenerationSizeMb: 64 },
    });
    const made: Helper = {
      thread,
      asking: batches((batch) => thread.postMessage(batch satisfies ToReads)),
      waiting: new Slots(),
      numbers: new WeakMap(),
      named: new Map(),
      contracts: new Map(),
      ready: false,
      bound: true,
    };
    // It keeps nobody from ending: requests do.
    thread.unref();
    options.started?.(thread);
    let reason: string | undefined;
    thread.on("error", (error: unknown) => {
      reason = error instanceof Error ? error.message : String(error);
    });
    thread.on("message", (message: FromReads) => take(made, message));
    thread.on("exit", (code) => {
      reclaim(shared().permits, slot);
      if (helper !== made) return;
      helper = undefined;
      startFrom = Date.now() + pauseMs;
      for (const { resolve, here } of emptied(made.waiting)) resolve(here());
      died(reason ?? `it ended with code ${code}`);
    });
    bind(made);
    return made;
  }

  function take(from: Helper, message: FromReads): void {
    if (!("kind" in message)) {
      for (let at = 0; at < message.length; at += answerSize)
        answer(from, message[at] as number, message[at + 1] as Answering[1]);
    } else if (message.kind === "ready") from.ready = true;
    else if (message.kind === "deprecated") deprecatedFacts.publish(message.fact);
    else for (const counts of message.counts) outboundFacts.publish(counts);
  }

  function answer({ waiting }: Helper, id: number, what: Answering[1]): void {
    const who = waiting.take(id);
    if (who === undefined) return;
    if (typeof what === "string")
      who.resolve(who.whole ? { ok: true, output: JSON.parse(what) as Json } : { ok: true, text: what });
    else if ("code" in what) who.reject(errorOf(what));
    else who.resolve(what);
  }

  function bind(to: Helper): void {
    const { settings, permits } = shared();
    const contracts = new Map<string, ContractModel>();
    const systems: ReadSystem[] = [];
    for (const { name, connector, contract } of options.systems()) {
      contracts.set(name, contract);
      systems.push({ name, connector, ...(to.contracts.get(name) === contract ? {} : { contract }) });
    }
    to.contracts = contracts;
    // What was asked for before goes by what was in force then.
    to.asking.flush();
    try {
      to.thread.postMessage({ kind: "bind", systems, settings, permits } satisfies ToReads);
    } catch {
      // What can't travel is read here. A reload must not fail for it.
      to.bound = false;
      void to.thread.terminate();
    }
  }

  function numberOf({ numbers, named, thread }: Helper, operation: Parameters<ReadCaller>[0]): number {
    const known = numbers.get(operation);
    if (known !== undefined) return known;
    const { system, name } = operation;
    const both = `${system}\n${name}`;
    const number = named.get(both) ?? named.size;
    if (!named.has(both)) {
      named.set(both, number);
      thread.postMessage({ kind: "operation", number, system, name } satisfies ToReads);
    }
    numbers.set(operation, number);
    return number;
  }

  /** The thread, where it takes calls. The first read that is given away starts it, and is read here. */
  function ready(): Helper | undefined {
    if (helper === undefined && Date.now() >= startFrom) helper = start();
    return helper?.ready === true && helper.bound ? helper : undefined;
  }

  return {
    caller(operation, input, context, { text, whole }) {
      const here = () => (whole ? bound.caller(operation, input, context) : bound.teller(operation, input, context));
      const to = closed || !share.next() ? undefined : ready();
      if (to === undefined) return here();
      const { key, attempt, deadline } = context;
      return new Promise((resolve, reject) => {
        const id = to.waiting.put({ resolve, reject, here, whole });
        to.asking.add(id, numberOf(to, operation), text ?? canonicalJson(input), key, attempt, deadline, whole ? 1 : 0);
      });
    },
    rebind() {
      if (helper !== undefined) bind(helper);
    },
    get running() {
      return helper?.ready === true;
    },
    async close() {
      closed = true;
      const last = helper;
      helper = undefined;
      if (last === undefined) return;
      for (const { reject } of emptied(last.waiting))
        reject(failure("outbound-aborted", { host: "the systems" }, { outcome: "unknown" }));
      await last.thread.terminate();
    },
  };
}

function emptied(waiting: Slots<Waiting>): Waiting[] {
  return waiting.entries().map(([id, one]) => {
    waiting.take(id);
    return one;
  });
}
