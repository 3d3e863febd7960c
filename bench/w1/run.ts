/**
 * W1, order-to-cash: HTTP in, four HTTP calls to a separate process, durable end. Mortise and plain Node take turns, round by round, against
 * the same systems and the same load.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Children } from "../children.ts";
import type { LoadResult } from "../load.ts";
import { cpuSeconds, diskFlushes, fsyncMs, writtenKib } from "../measure.ts";
import { type BenchOptions, median, printer, ratio } from "../report.ts";
import { setStage } from "./stage.ts";

interface Measured extends LoadResult {
  readonly name: "plain" | "mortise";
  readonly perSecond: number;
  readonly cpuPer1000: number | null;
  readonly fsyncsPerRun: number | null;
  readonly kibPerRun: number | null;
}

/** Orders after which V8's compilers have little left to do: after 10,000 they still take 40 µs of CPU for each order of Mortise, after 60,000 less than 20. */
const warmUp = 40_000;

export async function runW1(options: BenchOptions): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "mortise-w1-"));
  const children = new Children();
  const print = printer(options);
  try {
    const stage = await setStage(children, folder);
    const results: Measured[] = [];
    for (let round = 0; round <= options.rounds; round++) {
      for (const name of ["plain", "mortise"] as const) {
        // Round 0 warms both up and does not count: a compiler that is still at work is not what a server costs.
        const orders = round === 0 ? Math.max(options.orders, warmUp) : options.orders;
        const { pid } = stage[name];
        const before = { cpu: cpuSeconds(pid), kib: writtenKib(pid), flushes: diskFlushes(folder) };
        const result = await stage.load(stage[name], {
          orders,
          inFlight: options.inFlight,
          prefix: `${name}-${round}`,
        });
        const per = (now: number | null, then: number | null) =>
          now === null || then === null ? null : (now - then) / orders;
        const cpu = per(cpuSeconds(pid), before.cpu);
        const measured: Measured = {
          name,
          ...result,
          perSecond: orders / result.seconds,
          cpuPer1000: cpu === null ? null : cpu * 1000,
          fsyncsPerRun: per(diskFlushes(folder), before.flushes),
          kibPerRun: per(writtenKib(pid), before.kib),
        };
        if (round === 0) continue;
        results.push(measured);
        print({ bench: "w1", round, ...measured });
      }
    }
    const of = (name: Measured["name"], pick: (one: Measured) => number | null) =>
      median(results.filter((one) => one.name === name).map(pick));
    const plain = results.filter(({ name }) => name === "plain");
    const ratios = results
      .filter(({ name }) => name === "mortise")
      .map((one, index) => ratio(one.perSecond, plain[index]?.perSecond ?? null));
    const cpu = of("mortise", (one) => one.cpuPer1000);
    print({
      bench: "w1",
      ratio: median(ratios),
      perSecond: of("mortise", (one) => one.perSecond),
      plainPerSecond: of("plain", (one) => one.perSecond),
      cpuPer1000: cpu,
      cpuRatio: ratio(
        cpu,
        of("plain", (one) => one.cpuPer1000),
      ),
      p50: of("mortise", (one) => one.p50),
      p99: of("mortise", (one) => one.p99),
      fsyncMs: fsyncMs(folder),
      fsyncsPerRun: of("mortise", (one) => one.fsyncsPerRun),
      kibPerRun: of("mortise", (one) => one.kibPerRun),
      node: process.version,
    });
  } finally {
    await children.end();
    rmSync(folder, { recursive: true, force: true });
  }
}
