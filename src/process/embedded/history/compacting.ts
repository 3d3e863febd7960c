/**
 * A history without what it no longer needs: the records of items that are over. Their ends stay, and so does what undo needs of
 * their steps. What is left reads as the whole did.
 */
import { finishedIn, type HistoryRecord, type ItemRecord, type ItemsRecord } from "./records.ts";

export function compacted(records: readonly HistoryRecord[]): HistoryRecord[] {
  const finished = finishedIn(records);
  const answered = new Set(records.flatMap((record) => (record.t === "got" ? [record.n] : [])));
  /** Steps of items that are over, which undo may still take back or recall. */
  const kept = new Set<number>();
  /** From where on a rewind superseded is known by the step it went back to. */
  const targets = new Set(records.flatMap((record) => (record.t === "rewound" ? [record.n] : [])));
  const left: HistoryRecord[] = [];
  let highest = 0;
  for (const record of records) {
    switch (record.t) {
      case "ask": {
        highest = Math.max(highest, record.n);
        if (!finished.passes(record.n, record.s)) left.push(record);
        else if (
          record.undo !== undefined ||
          targets.has(record.n) ||
          (record.child !== undefined && !answered.has(record.n))
        ) {
          kept.add(record.n);
          const { in: _, ...ask } = record;
          left.push(record.child === undefined ? ask : record);
        }
        break;
      }
      case "got": {
        if (!finished.passed(record.n)) left.push(record);
        else if (kept.has(record.n)) {
          const { ok: _, ...got } = record;
          left.push(got);
        }
        break;
      }
      case "try":
      case "again":
      case "held":
      case "give":
      case "recall":
        if (!finished.passed(record.n)) left.push(record);
        break;
      case "release":
        if (!record.ns.every((n) => finished.passed(n))) left.push(record);
        break;
      case "item":
        if (!finished.passed(record.m)) addItem(left, record);
        break;
      case "items":
        if (!finished.passed(record.m)) for (const item of itemsOf(record)) addItem(left, item);
        break;
      case "state":
      case "log":
        if (!finished.covers(record.s)) left.push(record);
        break;
      default:
        left.push(record);
    }
  }
  // No number is given again: effect keys are made of them.
  const [start] = left;
  if (start?.t === "start") left[0] = { ...start, from: Math.max(start.from ?? 0, highest) };
  return left;
}

type Writable = { -readonly [Name in keyof ItemsRecord]: ItemsRecord[Name] } & { d: ItemsRecord["d"][number][] };

/** Ends that follow each other are one record. */
function addItem(left: HistoryRecord[], { m, i, at, end }: ItemRecord): void {
  const last = left.at(-1);
  const short: ItemsRecord["d"][number] =
    "ok" in end ? [i, at - (last?.t === "items" && last.m === m ? last.at : at), end.ok] : [i, 0, null, end];
  if (last?.t === "items" && last.m === m) {
    (last as Writable).d.push("ok" in end ? short : [i, at - last.at, null, end]);
  } else left.push({ t: "items", m, at, d: [short] });
}

export function itemsOf({ m, at, d }: ItemsRecord): ItemRecord[] {
  return d.map(([i, later, ok, failed]) => ({ t: "item", m, i, at: at + later, end: failed ?? { ok } }));
}
