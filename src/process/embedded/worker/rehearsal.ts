/**
 * A rehearsal: the code of a version runs on a run's history, and nothing comes of it. No step is performed, nothing is written, no
 * system is called. It is the execution itself that runs, in a host that begins nothing, so that what a rehearsal says is what
 * would happen.
 */
import type { AnyOperation, Validate } from "../../../operation.ts";
import type { AnyProcess } from "../../define.ts";
import type { ParkedQuestion } from "../../engine.ts";
import type { ValueLimits } from "../history/json-text.ts";
import type { AskRecord, HistoryRecord } from "../history/records.ts";
import { Vault } from "../history/vault.ts";
import { Execution } from "../run/execution.ts";
import { type Host, type Identity, openSteps } from "../run/host.ts";
import { Journal } from "../run/journal.ts";
import { divergenceIn } from "../run/questions.ts";
import { stackHere } from "../run/stack.ts";
import type { Verdict } from "../verdict.ts";

export interface RehearsalParts {
  /** With the version that is rehearsed. */
  readonly identity: Identity;
  readonly process: AnyProcess | undefined;
  readonly validateOutput: Validate;
  readonly validateState: Validate;
  readonly valueLimits: ValueLimits;
  readonly records: readonly HistoryRecord[];
  /** An operation of the version by `system.name`: an undo needs it. */
  operation(name: string): AnyOperation | undefined;
  /** Place of a stack in the version's sources. */
  readonly where?: ((stack: string) => string | undefined) | undefined;
  now(): number;
  /** Calls when the microtasks have run dry. */
  soon(act: () => void): void;
}

const nothingStored = new Vault(undefined, undefined);
/** Of a history that can't be read: the code is not tried on it. */
export function unread(reason: string): Verdict {
  return { kind: "stops", code: "history-unreadable", message: `Its history can't be read: ${reason}` };
}

const actor = Object.freeze({ by: "rehearsal", reason: "rehearsal" });

/** Resolves when the code has asked all that it asks. Code that blocks its thread blocks this. */
export function rehearse(parts: RehearsalParts): Promise<Verdict> {
  const { identity, now, soon } = parts;
  return new Promise((resolve) => {
    const journal = new DryJournal(identity.id, parts.where);
    let awake = false;
    const host: Host = {
      caller: () => Promise.reject(new TypeError("a rehearsal calls nothing")),
      operation: parts.operation,
      valueLimits: parts.valueLimits,
      vault: nothingStored,
      systemRetry: () => undefined,
      systemTimeoutMs: () => undefined,
      gate: () => undefined,
      compact: () => {},
      endOf: () => undefined,
      recordsOf: () => parts.records,
      newRun: () => "rehearsal",
      // Whether a child that is asked for anew can begin is looked at when it does.
      process: () => ({ validateInput: () => [] }),
      // So no step is begun.
      stopping: true,
      changed: () => {},
      ready: (held) => held.takeMail(),
      awoke() {
        awake = true;
        soon(turn);
      },
      ended: () => {},
      reload: () => {},
      now,
      chance: () => 0,
      later: () => () => {},
      signal: neverAborted,
      around: undefined,
      attempted: () => {},
      where: parts.where,
    };
    const execution = new Execution({
      host,
      identity,
      process: parts.process,
      retry: undefined,
      validateOutput: parts.validateOutput,
      validateState: parts.validateState,
      journal,
      records: goingOn(parts.records, now()),
    });
    const turn = () => {
      awake = false;
      execution.drained();
      if (!awake) resolve(verdictOf(execution, journal, parts));
    };
    execution.begin();
    if (!awake) resolve(verdictOf(execution, journal, parts));
  });
}

const neverAborted = new AbortController().signal;

/** A run that was stopped or paused is rehearsed as if it went on. */
function goingOn(records: readonly HistoryRecord[], at: number): readonly HistoryRecord[] {
  return [...records, { t: "op", at, op: { kind: "resume" }, actor }, { t: "moved", at, from: "", to: "", actor }];
}

function verdictOf(execution: Execution, journal: DryJournal, parts: RehearsalParts): Verdict {
  const { stop, ended } = journal;
  if (stop !== undefined) return stopped(stop);
  const missing = missingUndo(execution, parts);
  if (missing !== undefined) return missing;
  const comes = ended ? "the end" : execution.phase === "undoing" ? "the undo" : "steps";
  const next = openSteps(execution.steps).map(({ ask, recorded }) => {
    const at = journal.places.get(ask.n);
    return { step: `${ask.v} ${ask.id}`, fresh: !recorded, ...(at === undefined ? {} : { at }) };
  });
  return { kind: "continues", comes, next: comes === "steps" ? next : [] };
}

function stopped({ code, message, step, recorded, asked, at }: ParkedQuestion): Verdict {
  const place = at === undefined ? {} : { at };
  if (code !== "process-diverged") return { kind: "stops", code, message, ...place };
  const differs = divergenceIn(message);
  return {
    kind: "diverges",
    step: step ?? "",
    message: differs,
    recorded: recorded ?? null,
    asked: asked ?? null,
    ...place,
  };
}

/** An undo is data, and needs its operation: a version without it could not take back what was done. */
function missingUndo({ steps }: Execution, { operation, records }: RehearsalParts): Verdict | undefined {
  const kept = new Map<number, AskRecord>();
  for (const record of records) if (record.t === "ask") kept.set(record.n, record);
  for (const { ask, got } of steps.values()) if (got?.fault !== undefined) kept.delete(ask.n);
  for (const { id, v, op, undo } of kept.values()) {
    const needed = v === "undo" ? op : undo?.op;
    if (needed === undefined || operation(needed) !== undefined) continue;
    const message = `The undo of ${id} calls ${needed}, which this code version does not have: nothing in it imports that system.`;
    return { kind: "stops", code: "operation-missing", message };
  }
  return undefined;
}

/** Takes everything, and is never written. */
class DryJournal extends Journal {
  readonly #where: RehearsalParts["where"];
  /** Why the code stopped. */
  stop: ParkedQuestion | undefined;
  ended = false;
  /** Of the asks that the code made beyond the history. */
  readonly places = new Map<number, string>();

  constructor(run: string, where: RehearsalParts["where"]) {
    super(run, 0, "running", undefined, nothingStored);
    this.#where = where;
  }
  override record(record: Parameters<Journal["record"]>[0]): void {
    if (record.t === "park") this.stop ??= record.q;
  }
  override ask(ask: Parameters<Journal["ask"]>[0]): void {
    const at = this.#where === undefined ? undefined : this.#where(stackHere());
    if (at !== undefined) this.places.set(ask.n, at);
  }
  override got(): void {}
  override next(): void {
    this.ended = true;
  }
  override end(): void {
    this.ended = true;
  }
}
