/** What a history tells of the calls of its run: the facts of a trace. */
import type { AttemptTrace, BeganBetween, CallTrace, KeyTrace, SaidOfAttempts } from "../../trace.ts";
import { type AskRecord, effectKey, finishedIn, type GotRecord, type HistoryRecord } from "../history/records.ts";

type Writable<T> = { -readonly [Name in keyof T]: T[Name] };
type KeyDraft = Writable<Omit<KeyTrace, "failed" | "said" | "cut" | "cleared" | "running">> & {
  readonly failed: AttemptTrace[];
  readonly said: SaidOfAttempts[];
  readonly cut: number[];
  readonly cleared: { probe: number; person: number };
  /** From when on an attempt may be under way of which there is no record; `undefined`: none is. */
  risk: number | undefined;
  /** Of a pause since `risk`: when the next attempt is due. A server that begins before makes it at once. */
  due: number | undefined;
};

class Draft {
  readonly ask: AskRecord;
  readonly keys: KeyDraft[];
  got: GotRecord | undefined;
  superseded = false;
  /** Until when the system honours the key, as a question said. */
  keyUntil: number | undefined;
  /** Attempts of the keys before. */
  before = 0;

  constructor(run: string, ask: AskRecord) {
    this.ask = ask;
    this.keys = [keyDraft(effectKey(run, ask.n), 1, ask.at)];
  }
  get last(): KeyDraft {
    return this.keys.at(-1) as KeyDraft;
  }
}

function keyDraft(key: string, generation: number, at: number): KeyDraft {
  return {
    generation,
    key,
    at,
    failed: [],
    attempts: 0,
    said: [],
    maybe: false,
    cleared: { probe: 0, person: 0 },
    cut: [],
    state: "underway",
    risk: at,
    due: undefined,
  };
}

/** The calls in recorded order. `until`: now, or when the run ended. */
export function callsIn(
  run: string,
  records: readonly HistoryRecord[],
  began: BeganBetween,
  until: number,
): readonly CallTrace[] {
  const drafts = new Map<number, Draft>();
  const names = new Map<number, string>();
  const finished = finishedIn(records);
  const order: Ask[] = [];
  for (const record of records) {
    if (record.t === "ask") {
      names.set(record.n, record.id);
      order.push(record);
      finished.passes(record.n, record.s);
      if (record.v === "call" || record.v === "step" || record.v === "undo")
        drafts.set(record.n, new Draft(run, record));
    } else if (record.t === "rewound") supersede(record.n, order, drafts, finished);
    else if (record.t === "undoing" && record.again !== true) {
      for (const { last } of drafts.values()) if (last.state === "asks") last.state = "left";
    } else if ("n" in record && record.n !== undefined) {
      const draft = drafts.get(record.n);
      if (draft !== undefined) take(run, draft, record, began);
    }
  }
  return [...drafts.values()].map((draft) => callOf(draft, names, began, until));
}

type Ask = Pick<AskRecord, "n" | "s">;

/** What was asked after it is superseded too, except in items of maps that were asked before it and are over. */
function supersede(
  n: number,
  order: readonly Ask[],
  drafts: ReadonlyMap<number, Draft>,
  finished: ReturnType<typeof finishedIn>,
): void {
  const from = order.findIndex((ask) => ask.n === n);
  if (from < 0) return;
  for (const { n: later, s } of order.slice(from)) {
    const draft = drafts.get(later);
    if (draft === undefined || draft.ask.v === "undo" || (s !== undefined && s[0] < n && finished.covers(s))) continue;
    draft.superseded = true;
  }
}

/** When something began after `risk` that had cut off an attempt without a record of it. */
function cutsIn({ risk, due }: KeyDraft, to: number, began: BeganBetween): readonly number[] {
  if (risk === undefined) return [];
  const times = began(risk, to);
  // In a pause nothing is cut off; what began in it made the next attempt.
  return due !== undefined && times[0] !== undefined && times[0] <= due ? times.slice(1) : times;
}

/** Up to here an attempt may have been under way; from here on none is. */
function settle(draft: Draft, to: number, began: BeganBetween): void {
  const key = draft.last;
  // Of an unrepeatable one the next life records that it was cut off.
  const cuts = draft.ask.e === "unrepeatable" ? [] : cutsIn(key, to, began);
  key.cut.push(...cuts);
  if (cuts.length > 0) key.maybe = true;
  key.risk = undefined;
  key.due = undefined;
}

/** Whether an attempt may be under way at this time. */
function mayRun({ risk, due }: KeyDraft, at: number, began: BeganBetween): boolean {
  if (risk === undefined || risk > at) return false;
  return due === undefined || due <= at || began(risk, at).length > 0;
}

function cleared(key: KeyDraft, by: "probe" | "person"): void {
  if (key.maybe) key.cleared[by] += 1;
  key.maybe = false;
}

function take(run: string, draft: Draft, record: HistoryRecord & { readonly n?: number }, began: BeganBetween): void {
  const key = draft.last;
  switch (record.t) {
    case "try": {
      const { a, at, f, by, m, next } = record;
      if (by === "probe") {
        key.said.push({ what: "probe-failed", at, message: f.message });
        return;
      }
      settle(draft, at, began);
      key.failed.push({ number: a, at, failure: f, ...(m === true ? { afterLost: true as const } : {}) });
      key.attempts = Math.max(key.attempts, a - draft.before);
      if (f.outcome === "unknown" || m === true) key.maybe = true;
      key.state = next === undefined ? "underway" : "pausing";
      delete key.nextAt;
      if (next !== undefined) key.nextAt = next;
      // From then on there may be another attempt of which there is no record yet.
      key.risk = next === undefined ? undefined : at;
      key.due = next;
      return;
    }
    case "again":
      if (record.found === "nothing") {
        key.said.push({ what: "probe-nothing", at: record.at });
        cleared(key, "probe");
      }
      key.state = "underway";
      delete key.nextAt;
      key.risk = record.at;
      key.due = undefined;
      return;
    case "held":
      // It was asked just now, and was not begun; a later beginning is recorded where that matters for what is unrepeatable or undone.
      key.state = "held";
      key.risk = draft.ask.e === "unrepeatable" || draft.ask.undo !== undefined ? undefined : record.at;
      key.due = undefined;
      return;
    case "missing":
      settle(draft, record.at, began);
      key.said.push({ what: "probe-nothing", at: record.at });
      key.maybe = false;
      key.state = "absent";
      return;
    case "park": {
      settle(draft, record.at, began);
      const { keyUntil, probeFoundNothingAt } = record.q.known ?? {};
      draft.keyUntil = keyUntil;
      if (probeFoundNothingAt !== undefined && !key.said.some(({ at }) => at === probeFoundNothingAt)) {
        key.said.push({ what: "probe-nothing", at: probeFoundNothingAt });
        key.maybe = false;
      }
      key.state = "asks";
      delete key.nextAt;
      if (record.q.code === "step-result") key.unrecorded = true;
      return;
    }
    case "op":
      act(run, draft, record);
      return;
    case "got":
      settle(draft, record.at, began);
      draft.got = record;
      key.attempts = Math.max(key.attempts, (record.a ?? 1) - draft.before);
      if (record.by !== undefined) key.attempts = key.failed.length;
      if (record.by === "probe") key.said.push({ what: "probe-found", at: record.at });
      if (record.by === "operator") key.state = "given";
      else if (record.by === "probe") key.state = "found";
      else key.state = record.fault === undefined ? "answered" : "fault";
      return;
    default:
      return;
  }
}

function act(run: string, draft: Draft, record: HistoryRecord & { readonly t: "op" }): void {
  const key = draft.last;
  const { at, actor, g, op } = record;
  const { kind } = op;
  if (kind === "happened" || kind === "repeat" || kind === "retry" || kind === "edit") {
    const expired = draft.keyUntil !== undefined && at > draft.keyUntil ? { expired: true as const } : {};
    key.said.push({ what: kind, at, by: actor.by, reason: actor.reason, ...expired });
  }
  if (g !== undefined) {
    key.state = "replaced";
    // What the engine knew then.
    if (record.maybe === true) key.maybe = true;
    draft.before += key.attempts;
    draft.keys.push(keyDraft(effectKey(run, draft.ask.n, g), g, at));
  } else if (kind === "retry" || kind === "repeat") {
    if (kind === "repeat") cleared(key, "person");
    key.state = "underway";
    key.risk = at;
    key.due = undefined;
  }
}

const ended: ReadonlySet<KeyTrace["state"]> = new Set(["answered", "fault", "found", "given", "absent"]);

function callOf(draft: Draft, names: ReadonlyMap<number, string>, began: BeganBetween, until: number): CallTrace {
  const { ask, keys, got, superseded, last } = draft;
  const { n, id, v, op, e, at, s, undo, of, og } = ask;
  const running = !ended.has(last.state) && mayRun(last, until, began);
  settle(draft, until, began);
  return {
    n,
    step: id,
    kind: v as CallTrace["kind"],
    ...(op === undefined ? {} : { operation: op }),
    effect: e ?? "unrepeatable",
    at,
    ...(got === undefined || !ended.has(last.state) ? {} : { endedAt: got.at }),
    ...(got?.fault === undefined ? {} : { fault: { name: got.fault.name, message: got.fault.message } }),
    ...(s === undefined ? {} : { item: { map: names.get(s[0]) ?? "", index: s[1] } }),
    ...(superseded ? { superseded: true as const } : {}),
    keys: keys.map(({ risk: _, due: __, ...key }) => ({ ...key, running: running && key.key === last.key })),
    ...(undo === undefined ? {} : { undo: undo.op }),
    ...(of === undefined ? {} : { of: { n: of, ...(og === undefined ? {} : { generation: og }) } }),
  };
}
