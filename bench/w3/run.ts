/**
 * W3, the floor under every step: so many runs at a time of ten recorded local steps, each on disk before the next begins, against a bare
 * loop that appends the same rows with group commit to the same disk under the same rule. They take turns, round by round.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { migrations } from "../../src/process/embedded/store/tables.ts";
import { fsyncMs } from "../measure.ts";
import { type BenchOptions, median, printer } from "../report.ts";
import { type BareRow, openBare } from "./bare.ts";
import { openMortise } from "./mortise.ts";
import { steps } from "./processes.ts";

/** Runs after which V8's compilers have little left to do: after 4,000 a step of the engine takes a fifth longer than after 30,000. */
const warmUp = 32_000;

export async function runW3(options: BenchOptions): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "mortise-w3-"));
  const print = printer(options);
  const file = join(folder, "mortise.db");
  const mortise = await openMortise(file);
  try {
    await mortise.run(200, options.inFlight, "sample");
    const bare = openBare(join(folder, "bare.db"), migrations, rowsOf(file), pragmasOf(file));
    const ratios: number[] = [];
    const found: { name: string; stepsPerSecond: number }[] = [];
    for (let round = 0; round <= options.rounds; round++) {
      // Round 0 warms both up and does not count: a compiler that is still at work is not what a step costs.
      const runs = round === 0 ? Math.max(options.orders, warmUp) : options.orders;
      const seconds = {
        bare: bare.run(runs, options.inFlight, `bare-${round}`),
        mortise: await mortise.run(runs, options.inFlight, `mortise-${round}`),
      };
      if (round === 0) continue;
      for (const name of ["bare", "mortise"] as const) {
        const stepsPerSecond = (options.orders * steps) / seconds[name];
        found.push({ name, stepsPerSecond });
        print({ bench: "w3", round, name, seconds: seconds[name], stepsPerSecond });
      }
      ratios.push(seconds.bare / seconds.mortise);
    }
    bare.close();
    const of = (name: string) => median(found.filter((one) => one.name === name).map((one) => one.stepsPerSecond));
    print({
      bench: "w3",
      ratio: median(ratios),
      stepsPerSecond: of("mortise"),
      bareStepsPerSecond: of("bare"),
      fsyncMs: fsyncMs(folder),
      node: process.version,
    });
  } finally {
    await mortise.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** What the engine wrote for one of its runs: the bare loop writes the same. */
function rowsOf(file: string): BareRow[] {
  const db = new DatabaseSync(file, { readOnly: true });
  const bodies = db
    .prepare("select body from history where run = (select run from history order by run limit 1) order by seq")
    .all() as unknown as { body: string }[];
  db.close();
  return bodies.map(({ body }, at) => (at === bodies.length - 1 ? { body, status: "completed" } : { body }));
}

/** Page size and durability as the engine has them. */
function pragmasOf(file: string): string {
  const db = new DatabaseSync(file, { readOnly: true });
  const pageSize = Number(db.prepare("pragma page_size").get()?.page_size);
  const vacuum = Number(db.prepare("pragma auto_vacuum").get()?.auto_vacuum);
  db.close();
  return `pragma page_size = ${pageSize}; pragma auto_vacuum = ${vacuum}; pragma journal_mode = wal; pragma synchronous = full;
    pragma wal_autocheckpoint = 0; pragma temp_store = memory; pragma cache_size = -16384`;
}
