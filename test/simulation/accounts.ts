/** What became of every signal and of every child, from the committed rows. */
import type { DatabaseSync } from "node:sqlite";
import type { AskRecord, HistoryRecord } from "../../src/process/embedded/history/records.ts";

type Histories = ReadonlyMap<string, readonly HistoryRecord[]>;

export function accounts(db: DatabaseSync, histories: Histories): string[] {
  return [...signals(db, histories), ...children(db, histories)];
}

/** The asks that count: not those that a rewind superseded. What an item did that is over stays with its map. */
function standing(records: readonly HistoryRecord[]): ReadonlyMap<number, AskRecord> {
  const asks = new Map<number, AskRecord>();
  const over = new Set<string>();
  for (const record of records) {
    if (record.t === "ask") asks.set(record.n, record);
    // Over by then: one that ends after the rewind had not, and what it had asked was superseded.
    else if (record.t === "item") over.add(`${record.m} ${record.i}`);
    else if (record.t === "items") for (const [i] of record.d) over.add(`${record.m} ${i}`);
    if (record.t !== "rewound") continue;
    const stays = (s: AskRecord["s"]): boolean =>
      s !== undefined && ((s[0] < record.n && over.has(s.join(" "))) || stays(asks.get(s[0])?.s));
    const gone = [...asks.values()].filter(({ n, s }) => n >= record.n && !stays(s));
    for (const { n } of gone) asks.delete(n);
  }
  return asks;
}

interface Signal {
  readonly id: number;
  readonly delivery: string;
  readonly key: string;
  readonly run: string | null;
  readonly dropped: number;
}

function signals(db: DatabaseSync, histories: Histories): string[] {
  const broken: string[] = [];
  const rows = db
    .prepare("select id, delivery, key, run, dropped from signals order by id")
    .all() as unknown as Signal[];
  const places = new Map(rows.map(({ id, delivery }) => [delivery, id]));
  /** By delivery, the runs that were given it. */
  const given = new Map<string, string[]>();
  for (const [run, records] of histories) {
    const asks = standing(records);
    const last = new Map<string, number>();
    const released = new Set<string>();
    const answered = new Set(records.flatMap((record) => (record.t === "got" ? [record.n] : [])));
    for (const record of records)
      if (record.t === "release") for (const n of record.ns) released.add(asks.get(n)?.key ?? "");
      // An item that is over lets go what it still waited for.
      else if (record.t === "item")
        for (const { n, s, key } of asks.values())
          if (s?.[0] === record.m && s[1] === record.i && key !== undefined && !answered.has(n)) released.add(key);
    for (const record of records) {
      const key = record.t === "got" && record.timeout !== true ? asks.get(record.n)?.key : undefined;
      if (key === undefined || record.t !== "got") continue;
      const delivery = `${key} ${String(record.ok)}`;
      given.set(delivery, [...(given.get(delivery) ?? []), run]);
      const place = places.get(delivery) ?? -1;
      // One that a race let go may come after one that came later, to another receive of the same run.
      if (place <= (last.get(key) ?? 0) && !released.has(key))
        broken.push(`F: ${run} was given signal ${delivery} out of order or twice`);
      last.set(key, place);
    }
  }
  for (const { delivery, run, dropped } of rows) {
    const runs = given.get(delivery) ?? [];
    if (runs.length > 1) broken.push(`G: signal ${delivery} was given to ${runs.join(" and ")}`);
    // The history of a part that is over is gone, and so is what an item got whose map was folded.
    const parts = histories
      .get(run ?? "")
      ?.some((record) => record.t === "start" && (record.part !== undefined || record.from !== undefined));
    if (run !== null && dropped === 0 && parts !== true && runs[0] !== run)
      broken.push(`G: signal ${delivery} counts as given to ${run}, which has not got it`);
    if ((run === null || dropped === 1) && runs.length > 0)
      broken.push(`G: signal ${delivery} counts as kept or dropped, and ${runs[0] ?? ""} has got it`);
  }
  return broken;
}

function children(db: DatabaseSync, histories: Histories): string[] {
  const broken: string[] = [];
  const byKey = db.prepare("select 1 from runs where process = ? and key = ?");
  for (const [run, records] of histories) {
    const asks = standing(records);
    const end = records.findLast((record) => record.t === "end");
    const got = new Map<number, HistoryRecord & { readonly t: "got" }>();
    for (const record of records) if (record.t === "got") got.set(record.n, record);
    const undone = end?.t === "end" && ["cancelled", "undone", "rejected"].includes(end.status);
    for (const [n, { child, id }] of asks) {
      if (child === undefined) continue;
      if (byKey.get(child.process, child.key) === undefined)
        broken.push(`G: ${run} asked for ${id}, and there is no ${child.process} ${child.key}`);
      const result = got.get(n);
      if (undone && child.wait !== false && child.leave !== true && result === undefined)
        broken.push(`G: ${run} has undone, and not waited for the end of ${id}`);
      // The one it got its output from is there, and has that output.
      if (result === undefined || result.by === "operator" || child.wait === false || result.fault !== undefined)
        continue;
      // Folded with the item of the map that got it: its undo is left.
      if (result.ok === undefined && records.some((record) => record.t === "start" && record.from !== undefined))
        continue;
      const outputs = [...histories.values()]
        .map((other) => other.findLast((record) => record.t === "end"))
        .map((other) =>
          JSON.stringify(other?.t === "end" && other.status === "completed" ? (other.out ?? null) : undefined),
        );
      if (!outputs.includes(JSON.stringify(result.ok ?? null)))
        broken.push(`G: ${run} has an output of ${id} that no run has`);
    }
  }
  return broken;
}
