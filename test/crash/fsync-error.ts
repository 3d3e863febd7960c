/**
 * An fsync that fails once, at every fsync of the journal in turn. What the kernel could not write it may have dropped, so that a second
 * fsync proves nothing: the process has to stop, and everything that it had acknowledged must be there at the next start.
 */
import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { chanceOf } from "./chance.ts";
import { onDatabase, runToEnd, startChild } from "./child.ts";
import type { LogLine } from "./client-log.ts";
import { countCalls, scripted, shuffled, variantOf } from "./every-write.ts";
import { assertSound, judge } from "./judge.ts";
import { linesOf, startLedger } from "./ledger.ts";
import { filesOf, type Report, type ScenarioOptions } from "./scenario.ts";

export interface FsyncErrors {
  readonly fsyncs: number;
  readonly points: number;
  readonly accepted: number;
  /** Points at which the process went on as if nothing had happened. */
  readonly wentOn: readonly number[];
}

/** Fails fsyncs of a shuffled list, until `within` milliseconds are over (default: all). Throws at the first violation. */
export async function failFsyncs(options: {
  readonly folder: string;
  readonly seed: number;
  readonly within?: number;
  readonly tell?: (line: string) => void;
}): Promise<FsyncErrors> {
  const { folder, seed, within, tell } = options;
  const began = Date.now();
  const variant = variantOf(seed);
  const ledger = await startLedger(join(folder, "ledger.jsonl"));
  try {
    const fsyncs = (await countCalls(folder, ledger.url, variant)).fsync ?? 0;
    const wentOn: number[] = [];
    let points = 0;
    let accepted = 0;
    for (const nth of shuffled(
      Array.from({ length: fsyncs }, (_, at) => at + 1),
      chanceOf(seed),
    )) {
      if (points > 0 && within !== undefined && Date.now() - began > within) break;
      const where = `fsync ${nth} failed`;
      const place = join(folder, `fsync-${nth}`);
      mkdirSync(place);
      const prefix = `f${nth}`;
      const base = { ...scripted, ...variant, folder: place, ledger: ledger.url, prefix, lineage: prefix };
      const life: ScenarioOptions = { ...base, replays: 0 };
      const inject = ["-e", "trace=fsync", "-e", `inject=fsync:error=EIO:when=${nth}`, "-o", join(place, "trace")];
      const child = startChild(life, onDatabase(place, inject));
      const { code, signal } = await child.exit.finally(() => child.kill());
      if (signal !== null) throw new Error(`${where}: the process was ended by ${signal}`);
      const failed = readFileSync(join(place, "trace"), "utf8").includes("INJECTED");
      if (failed && code === 0) wentOn.push(nth);
      const options: ScenarioOptions = { ...life, replays: scripted.replays };
      await runToEnd(options, where);
      const files = filesOf(place);
      const report = JSON.parse(readFileSync(files.report, "utf8")) as Report;
      const mine = ledger.news().filter(({ id }) => id.startsWith(`f${nth}-`));
      const verdict = judge(variant.scenario, linesOf<LogLine>(files.log), mine, report);
      assertSound(verdict, where);
      points += 1;
      accepted += verdict.accepted;
      rmSync(place, { recursive: true });
      if (points % 25 === 0) tell?.(`${points} of ${fsyncs} fsyncs`);
    }
    return { fsyncs, points, accepted, wentOn };
  } finally {
    await ledger.stop();
  }
}
