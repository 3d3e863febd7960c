/**
 * Listing: a million finished runs (and a few thousand open ones) of five processes; a page by key, by status, by process and of the newest, in
 * process, against the bare query with the index that is best for it, in a copy that has such indexes. `ratio` is the worst of those by
 * key and by status.
 */
import { copyFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { views } from "../../src/process/embedded/front/views.ts";
import { newRunId } from "../../src/process/embedded/history/run-id.ts";
import { Vault } from "../../src/process/embedded/history/vault.ts";
import { migrations } from "../../src/process/embedded/store/tables.ts";
import type { RunFilter } from "../../src/process/engine.ts";
import { type BenchOptions, median, printer } from "../report.ts";

const processes = ["order-to-cash", "stock-availability", "invoice-intake", "returns", "price-update"];
const columns = "id, process, key, version, status, origin, reason, created, updated, history_gone";
const times = 2000;
/** What the result's `ratio` is the worst of; `worstRatio` is of all. */
const asked = new Set(["key", "status", "open"]);

export async function runListing(options: BenchOptions): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "mortise-listing-"));
  const print = printer(options);
  const file = join(folder, "runs.db");
  try {
    seed(file, options.orders);
    const db = new DatabaseSync(file, { readOnly: true });
    const ours = views(db, new Vault(db, undefined), Number.POSITIVE_INFINITY);
    const other = bestIndexed(file, join(folder, "bare.db"));
    const bare = {
      key: other.prepare(`select ${columns} from runs where process = ? and key = ?`),
      status: other.prepare(`select ${columns} from runs where status = ? order by id desc limit 50`),
      both: other.prepare(
        `select ${columns} from runs where process = ? and status = 'completed' order by id desc limit 50`,
      ),
      process: other.prepare(`select ${columns} from runs where process = ? order by id desc limit 50`),
      newest: other.prepare(`select ${columns} from runs order by id desc limit 50`),
    };
    const key = (at: number) => `HS-${(at * 7919) % options.orders}`;
    const process_ = (at: number) => processes[((at * 7919) % options.orders) % processes.length] as string;
    const cases: readonly [string, (at: number) => RunFilter, (at: number) => unknown[]][] = [
      ["key", (at) => ({ process: process_(at), key: key(at) }), (at) => bare.key.all(process_(at), key(at))],
      ["status", () => ({ status: "completed" }), () => bare.status.all("completed")],
      ["open", () => ({ status: "parked" }), () => bare.status.all("parked")],
      [
        "process and status",
        (at) => ({ process: process_(at), status: "completed" }),
        (at) => bare.both.all(process_(at)),
      ],
      ["process", (at) => ({ process: process_(at) }), (at) => bare.process.all(process_(at))],
      ["newest", () => ({}), () => bare.newest.all()],
    ];
    const worst = { asked: 0, any: 0 };
    for (const [name, filter, query] of cases) {
      const ratios: number[] = [];
      const micros: number[] = [];
      for (let round = 0; round <= options.rounds; round++) {
        const base = time(() => (at: number) => query(at).length);
        const mine = time(() => (at: number) => ours.runs(filter(at)).length);
        if (round === 0) continue;
        ratios.push(mine / base);
        micros.push(mine * 1000);
      }
      const ratio = median(ratios) as number;
      worst.any = Math.max(worst.any, ratio);
      if (asked.has(name)) worst.asked = Math.max(worst.asked, ratio);
      print({ bench: "listing", by: name, ratio, micros: median(micros) });
    }
    const counting = performance.now();
    ours.counts();
    print({
      bench: "listing",
      ratio: worst.asked,
      worstRatio: worst.any,
      countMs: performance.now() - counting,
      runs: options.orders,
      node: process.version,
    });
    db.close();
    other.close();
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Milliseconds of one call, in the middle of many. */
function time(make: () => (at: number) => number): number {
  const act = make();
  const begun = performance.now();
  let rows = 0;
  for (let at = 0; at < times; at++) rows += act(at);
  if (rows === 0) throw new Error("nothing was found");
  return (performance.now() - begun) / times;
}

/** A copy of the runs, with the index that is best for each of the bare queries. */
function bestIndexed(file: string, copy: string): DatabaseSync {
  copyFileSync(file, copy);
  const db = new DatabaseSync(copy);
  db.exec("pragma synchronous = off; create index bare_status on runs (status, id)");
  db.exec("create index bare_process on runs (process, id); create index bare_both on runs (process, status, id)");
  return db;
}

function seed(file: string, runs: number): void {
  const db = new DatabaseSync(file);
  db.exec("pragma page_size = 2048; pragma journal_mode = wal; pragma synchronous = off");
  for (const sql of migrations) db.exec(sql);
  const insert = db.prepare(
    "insert into runs (id, process, key, input_hash, version, status, origin, created, updated, ended, number) values (?, ?, ?, '', 'v1', ?, 'api:orders', ?, ?, ?, ?)",
  );
  db.exec("begin");
  for (let at = 0; at < runs; at++) {
    const process = processes[at % processes.length] as string;
    const status = at % 500 === 7 ? "parked" : at % 50 === 3 ? "rejected" : "completed";
    const created = 1_750_000_000_000 + at * 100;
    const updated = created + 1000;
    const ended = status === "parked" ? null : updated;
    insert.run(newRunId(created), process, `HS-${at}`, status, created, updated, ended, at + 1);
  }
  db.exec(`insert into run_totals select process, status, count(*) from runs where status in ('completed', 'rejected')
    group by process, status`);
  db.exec("commit; pragma wal_checkpoint(truncate)");
  db.close();
}
