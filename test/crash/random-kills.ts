/**
 * Kills at random moments under load: the scenario is killed again and again on the same database, with new runs in each of its lives,
 * then driven to its end and judged.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { chanceOf } from "./chance.ts";
import { runToEnd, startChild } from "./child.ts";
import type { LogLine } from "./client-log.ts";
import { variantOf } from "./every-write.ts";
import type { ScenarioName } from "./journey.ts";
import { judge, type Verdict } from "./judge.ts";
import { follow, linesOf, startLedger } from "./ledger.ts";
import { filesOf, type Report, type ScenarioOptions } from "./scenario.ts";

/** Longest time from `ready`, or from the start of the process, to the kill. */
const longestLifeMs = 800;
const longestStartMs = 900;
const shareInStart = 0.15;
const runsPerLife = 24;
/** As many as the rate of their limits lets through in the time of a life or two. */
const pressesPerLife = 12;
const claimsPerLife = 12;

export interface KillsOptions {
  /** Empty. */
  readonly folder: string;
  readonly seed: number;
  readonly kills: number;
  readonly scenario: ScenarioName;
  readonly tell?: (line: string) => void;
}

export interface KillsResult extends Verdict {
  readonly kills: number;
  readonly encrypted: boolean;
  /** What was started and ended beside the journeys. */
  readonly ticks: number;
  readonly presses: number;
  readonly claims: number;
  readonly moves: number;
  readonly jobs: number;
  /**
   * Calls without key and probe that were in flight at the kills: runs that, in the life that ended, asked for one, and of which the
   * ledger had not seen the step after it. No fewer than those whose outcome the engine can't know.
   */
  readonly unrepeatableInFlight: number;
  readonly replayed: number;
}

export async function randomKills(options: KillsOptions): Promise<KillsResult> {
  const { folder, seed, scenario, tell } = options;
  const chance = chanceOf(seed);
  const files = filesOf(folder);
  const ledger = await startLedger(join(folder, "ledger.jsonl"));
  const { encrypted } = variantOf(seed);
  const works = { lineage: "k", presses: pressesPerLife, claims: claimsPerLife };
  const base = {
    folder,
    ledger: ledger.url,
    scenario,
    encrypted,
    ...works,
    inFlight: 32,
    replays: 2000,
    checkpointPages: 200,
  };
  const logNews = follow<LogLine>(files.log);
  const past = new Set<string>();
  let unrepeatableInFlight = 0;
  try {
    for (let kill = 1; kill <= options.kills; kill++) {
      const life: ScenarioOptions = { ...base, prefix: `k${kill}`, runs: runsPerLife, finish: false };
      await liveAndDie(life, chance.next() < shareInStart, chance.next());
      const asked = new Set(logNews().flatMap((line) => (line.kind === "asking" ? [line.key] : [])));
      for (const { operation, id } of ledger.news()) if (operation === "noted") past.add(id);
      for (const id of asked) if (!past.has(id)) unrepeatableInFlight += 1;
      if (kill % 25 === 0) tell?.(`${kill} of ${options.kills} kills`);
    }
    await runToEnd(
      { ...base, prefix: "end", runs: runsPerLife, finish: true },
      `after ${options.kills} kills`,
      600_000,
    );
    const report = JSON.parse(readFileSync(files.report, "utf8")) as Report;
    const log = linesOf<LogLine>(files.log);
    const verdict = judge(scenario, log, ledger.lines(), report);
    const ended = (process: string) => report.runs.filter((run) => run.process === process).length;
    const acts = (what: string) => log.filter((line) => line.kind === "accepted" && line.what === what).length;
    return {
      ...verdict,
      kills: options.kills,
      encrypted,
      ticks: ended("tick"),
      presses: ended("press"),
      claims: ended("claim"),
      moves: acts("move"),
      jobs: acts("bulk"),
      unrepeatableInFlight,
      replayed: report.replay.replayed,
    };
  } finally {
    await ledger.stop();
  }
}

/** Starts the scenario, and kills it at a random moment: of its start, or of its work. */
async function liveAndDie(options: ScenarioOptions, inStart: boolean, moment: number): Promise<void> {
  const child = startChild(options);
  try {
    if (!inStart) await child.said("ready");
    await Promise.race([pause(moment * (inStart ? longestStartMs : longestLifeMs)), child.exit]);
  } finally {
    child.kill();
  }
  const { signal, code, errors } = await child.exit;
  if (signal !== "SIGKILL") throw new Error(`the scenario ended by itself with ${String(code)}\n${errors}`);
}
