/**
 * A kill between an effect and its record: the ledger holds one call, before or after its act, and the process is killed while it waits for
 * the answer. For each operation with an effect, and both moments.
 */
import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { chanceOf } from "./chance.ts";
import { runToEnd, startChild } from "./child.ts";
import type { LogLine } from "./client-log.ts";
import { scripted, shuffled, variantOf } from "./every-write.ts";
import { assertSound, judge } from "./judge.ts";
import { type Hold, linesOf, startLedger } from "./ledger.ts";
import { filesOf, type Report, type ScenarioOptions } from "./scenario.ts";

const operations =
  "pay deposit book stamp note mail noted refund redeposit release filed sealed ticked claimed unclaimed enter leave".split(
    " ",
  );
const moments: readonly Hold[] = operations.flatMap((operation) => [
  { operation, when: "received" as const },
  { operation, when: "applied" as const },
]);

export interface Between {
  readonly points: number;
  readonly all: number;
  readonly accepted: number;
}

/** Takes the moments in shuffled order, until `within` milliseconds are over (default: all). Throws at the first violation. */
export async function killBetween(options: {
  readonly folder: string;
  readonly seed: number;
  readonly within?: number;
}): Promise<Between> {
  const { folder, seed, within } = options;
  const began = Date.now();
  const ledger = await startLedger(join(folder, "ledger.jsonl"));
  let points = 0;
  let accepted = 0;
  try {
    for (const hold of shuffled(moments, chanceOf(seed))) {
      if (points > 0 && within !== undefined && Date.now() - began > within) break;
      const where = `killed with ${hold.operation} ${hold.when}`;
      const place = join(folder, `${hold.operation}-${hold.when}`);
      mkdirSync(place);
      // Only where the held call has neither key nor probe, some run makes such calls at all.
      const scenario = ["mail", "noted", "filed"].includes(hold.operation) ? "all" : "keyed";
      const prefix = `b${points}`;
      const base = { ...scripted, scenario, encrypted: variantOf(seed).encrypted, ledger: ledger.url } as const;
      const life: ScenarioOptions = { ...base, folder: place, prefix, lineage: prefix };
      const { came } = await ledger.hold(hold);
      const child = startChild(life);
      const ended = child.exit.then(({ errors }) => Promise.reject(new Error(`${where}: it ended before\n${errors}`)));
      ended.catch(() => {});
      try {
        await Promise.race([came, ended]);
      } finally {
        child.kill();
        await child.exit;
      }
      await runToEnd(life, where);
      const files = filesOf(place);
      const report = JSON.parse(readFileSync(files.report, "utf8")) as Report;
      const mine = ledger.news().filter(({ id }) => id.startsWith(`b${points}-`));
      const verdict = judge(scenario, linesOf<LogLine>(files.log), mine, report);
      assertSound(verdict, where);
      if (scenario === "keyed" && verdict.parked > 0) throw new Error(`${where}: a run asked a person`);
      if (hold.operation === "mail" && verdict.parked === 0) throw new Error(`${where}: nobody was asked`);
      points += 1;
      accepted += verdict.accepted;
      rmSync(place, { recursive: true });
    }
    return { points, all: moments.length, accepted };
  } finally {
    await ledger.stop();
  }
}
