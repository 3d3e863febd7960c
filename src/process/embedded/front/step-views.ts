/** A history as people see it: a list of steps in recorded order, each with its end folded in. */
import type { Json } from "../../../operation.ts";
import type { StepView, ValueReference } from "../../engine.ts";
import { itemsOf } from "../history/compacting.ts";
import type { ItemEnd } from "../history/finished-items.ts";
import { namedIn } from "../history/named.ts";
import { type AskRecord, effectKey, finishedIn, type GotRecord, type HistoryRecord } from "../history/records.ts";

type Draft = { -readonly [Name in keyof StepView]: StepView[Name] };

/** A history as a list of steps in recorded order, each with its end folded in. */
export function stepViews(run: string, records: readonly HistoryRecord[]): StepView[] {
  const list: Draft[] = [];
  const byNumber = new Map<number, Draft>();
  const add = (view: Omit<Draft, "position">): Draft => {
    const draft = { position: list.length + 1, ...view };
    list.push(draft);
    return draft;
  };
  const finished = finishedIn(records);
  const maps = new Map<number, MapProgress>();
  /** Views before each ask, also of those that are not shown. */
  const before = new Map<number, number>();
  const count = (m: number, i: number, end: ItemEnd): void => {
    const map = maps.get(m);
    // Told again after a rewind.
    if (map === undefined || map.over.has(i)) return;
    map.over.add(i);
    if (!("ok" in end)) map.failed += 1;
  };
  for (const record of records) {
    switch (record.t) {
      case "ask":
        before.set(record.n, list.length);
        // What items that are over did, is told by the map.
        if (finished.passes(record.n, record.s)) break;
        if (record.v === "map") maps.set(record.n, { total: itemsIn(record), over: new Set(), failed: 0 });
        byNumber.set(record.n, add(askView(run, record)));
        break;
      case "got":
        fold(byNumber.get(record.n), record);
        break;
      case "item":
        count(record.m, record.i, record.end);
        break;
      case "items":
        for (const item of itemsOf(record)) count(item.m, item.i, item.end);
        break;
      case "log":
        add({
          id: "log",
          kind: "log",
          status: "done",
          at: record.at,
          note: record.m,
          ...(record.f === undefined ? {} : { output: record.f }),
        });
        break;
      case "missing": {
        const step = byNumber.get(record.n);
        if (step === undefined) break;
        Object.assign(step, {
          status: "failed",
          endedAt: record.at,
          note: "its probe found nothing: it did not happen",
        });
        delete step.nextAttemptAt;
        break;
      }
      case "release":
        for (const n of record.ns) {
          const step = byNumber.get(n);
          if (step === undefined) continue;
          Object.assign(step, { status: "released", endedAt: record.at, note: "lost a race" });
          for (const inside of list.slice(step.position)) inside.inRace = true;
        }
        break;
      case "try": {
        const step = byNumber.get(record.n);
        if (step === undefined) break;
        step.attempts = record.a;
        step.failure = record.f;
        delete step.nextAttemptAt;
        if (record.next !== undefined) step.nextAttemptAt = record.next;
        if (record.next !== undefined) step.note = `next attempt ${new Date(record.next).toISOString()}`;
        break;
      }
      case "begin":
        add({ id: "begin", kind: "begin", status: "done", at: record.at });
        break;
      case "pivot":
        add({ id: "pivot", kind: "pivot", status: "done", at: list.at(-1)?.endedAt ?? list.at(-1)?.at ?? 0 });
        break;
      case "park": {
        const step = record.n === undefined ? undefined : byNumber.get(record.n);
        if (step !== undefined) {
          step.status = "failed";
          delete step.nextAttemptAt;
        }
        add({ id: "parked", kind: "park", status: "done", at: record.at, note: record.q.message });
        break;
      }
      case "op": {
        const step = record.n === undefined ? undefined : byNumber.get(record.n);
        if (step !== undefined && record.g !== undefined) step.key = effectKey(run, record.n as number, record.g);
        if (step !== undefined && record.op.kind === "edit") step.editedInput = record.op.input;
        add({
          id: record.op.kind,
          kind: "operator",
          status: "done",
          at: record.at,
          note: `${record.actor.by}: ${record.actor.reason}`,
        });
        break;
      }
      case "rewound": {
        for (const step of list.slice(before.get(record.n) ?? list.length))
          if (step.n !== undefined || step.kind === "pivot") step.superseded = true;
        break;
      }
      case "moved":
        add({
          id: "moved",
          kind: "operator",
          status: "done",
          at: record.at,
          note: `${record.actor.by}: ${record.actor.reason} (from code version ${record.from.slice(0, 12)} to ${record.to.slice(0, 12)})`,
        });
        break;
      case "undoing":
        add({ id: "undo", kind: "undo", status: "done", at: record.at, note: record.reason });
        break;
      case "end":
        add({
          id: record.status,
          kind: "end",
          status: "done",
          at: record.at,
          ...(record.reason === undefined ? {} : { note: record.reason }),
        });
        break;
      default:
        break;
    }
  }
  for (const [n, { total, over, failed }] of maps) {
    const step = byNumber.get(n);
    if (step === undefined) continue;
    step.note = `${over.size} of ${total} items are over${failed === 0 ? "" : `, ${failed} of them failed`}`;
    if (over.size > 0) step.itemsOver = over.size;
    if (step.status === "done") delete step.output;
  }
  return list;
}

interface MapProgress {
  readonly total: number;
  /** Items that are over. */
  readonly over: Set<number>;
  failed: number;
}

function itemsIn(ask: AskRecord): number {
  return Number((ask.in as { readonly items?: Json } | undefined)?.items ?? 0);
}

/** A field of a record as `name`, or its reference as `nameReference`. */
export function shown<N extends string>(
  record: object,
  field: string,
  name: N,
): { readonly [K in N]?: Json } & { readonly [K in `${N}Reference`]?: ValueReference } {
  const reference = namedIn(record, field);
  const value = reference === undefined ? (record as { readonly [field: string]: Json | undefined })[field] : undefined;
  const view: { [name: string]: unknown } = {};
  if (value !== undefined) view[name] = value;
  if (reference !== undefined) view[`${name}Reference`] = { hash: reference.hash, bytes: reference.bytes };
  return view as ReturnType<typeof shown<N>>;
}

function askView(run: string, ask: AskRecord): Omit<Draft, "position"> {
  const acts = ask.v === "call" || ask.v === "step" || ask.v === "undo";
  return {
    n: ask.n,
    id: ask.id,
    kind: ask.v,
    status: "open",
    at: ask.at,
    ...(ask.e === undefined ? {} : { effect: ask.e }),
    ...(ask.op === undefined ? {} : { operation: ask.op }),
    ...(ask.ev === undefined ? {} : { operation: ask.ev }),
    ...(ask.child === undefined ? {} : { operation: ask.child.process, key: ask.child.key }),
    ...(ask.undo === undefined ? {} : { undo: ask.undo.op }),
    ...(ask.of === undefined ? {} : { of: ask.of }),
    ...(acts ? { key: effectKey(run, ask.n) } : {}),
    ...shown(ask, "in", "input"),
    ...(ask.ev === undefined ? {} : { note: `${ask.ev} of ${String(ask.key)}` }),
  };
}

function fold(step: Draft | undefined, got: GotRecord): void {
  if (step === undefined) return;
  step.endedAt = got.at;
  if (got.a !== undefined) step.attempts = got.a;
  delete step.note;
  delete step.nextAttemptAt;
  if (got.by !== undefined) step.note = got.by === "probe" ? "found by its probe" : "result given by a person";
  if (got.timeout === true) step.status = "timeout";
  else if (got.fault !== undefined) {
    step.status = "fault";
    Object.assign(step, shown(got, "fault", "output"));
  } else {
    step.status = "done";
    Object.assign(step, { output: null }, shown(got, "ok", "output"));
  }
}
