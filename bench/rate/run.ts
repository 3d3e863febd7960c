/**
 * Rate: 20 orders a second, far below what either can do. How long does one order take, and how much of that is the disk? The promises need
 * five commits of an order with four calls, one after the other: the start with the first intent, each result with the next
 * intent, the last result with the end. `ratio` is Mortise's median by what plain Node takes plus five bare commits of such rows.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Children } from "../children.ts";
import { commitTimes, fsyncMs } from "../measure.ts";
import { type BenchOptions, median, printer } from "../report.ts";
import { setStage } from "../w1/stage.ts";

const perSecond = 20;
const commitsNeeded = 5;

export async function runRate(options: BenchOptions): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "mortise-rate-"));
  const children = new Children();
  const print = printer(options);
  try {
    const stage = await setStage(children, folder);
    const found: { name: "plain" | "mortise"; p50: number; p99: number }[] = [];
    for (let round = 0; round <= options.rounds; round++) {
      for (const name of ["plain", "mortise"] as const) {
        const { p50, p99 } = await stage.load(stage[name], {
          orders: perSecond * 10,
          inFlight: 8,
          prefix: `${name}-${round}`,
          perSecond,
        });
        if (round === 0) continue;
        found.push({ name, p50, p99 });
        print({ bench: "rate", round, name, p50, p99 });
      }
    }
    const of = (name: "plain" | "mortise", which: "p50" | "p99") =>
      median(found.filter((one) => one.name === name).map((one) => one[which])) as number;
    const { hot, paced } = await commitTimes(folder, { commits: commitsNeeded, perSecond });
    const needed = of("plain", "p50") + paced;
    print({
      bench: "rate",
      ratio: of("mortise", "p50") / needed,
      p50: of("mortise", "p50"),
      p99: of("mortise", "p99"),
      plainP50: of("plain", "p50"),
      commitsMs: paced,
      hotCommitMs: hot,
      fsyncMs: fsyncMs(folder),
      commitsNeeded,
      node: process.version,
    });
  } finally {
    await children.end();
    rmSync(folder, { recursive: true, force: true });
  }
}
