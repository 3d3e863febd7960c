/**
 * A kill at every write and every fsync of the journal: the scripted scenario runs under strace, which kills it at the N-th call on the
 * database's files, from the first one of an empty folder on. Each time it is started again, driven to its end, and judged.
 */
import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { type Chance, chanceOf } from "./chance.ts";
import { onDatabase, runToEnd, startChild } from "./child.ts";
import type { LogLine } from "./client-log.ts";
import { assertSound, judge } from "./judge.ts";
import { type Ledger, type LedgerLine, linesOf, startLedger } from "./ledger.ts";
import { filesOf, type Report, type ScenarioOptions } from "./scenario.ts";

const calls = ["fsync", "fdatasync", "ftruncate", "pwrite64"] as const;

export interface Point {
  readonly call: (typeof calls)[number];
  /** Counted from 1. */
  readonly nth: number;
}

export interface Sweep extends ReturnType<typeof variantOf> {
  /** How often the scenario makes each call, when nothing kills it. */
  readonly counts: Readonly<Record<string, number>>;
  readonly points: number;
  /** Points at which the scenario was already over. */
  readonly late: number;
  readonly parked: number;
  readonly accepted: number;
}

/** However slow the machine: some points lie after the end, since no two runs write the same. */
const fewest = 3;

/** Six runs have every verb, every effect and every kind of end; 40 pages make checkpoints part of it. */
export const scripted = {
  runs: 6,
  presses: 3,
  claims: 2,
  inFlight: 6,
  finish: true,
  replays: 100,
  checkpointPages: 40,
} as const;

/** What one process can't be in both ways: a seed that is odd encrypts what is stored, and of each four the last two have papers. */
export function variantOf(seed: number): Pick<ScenarioOptions, "scenario" | "encrypted"> {
  return { scenario: seed % 4 < 2 ? "small" : "all", encrypted: seed % 2 === 1 };
}

/**
 * Kills at `chosen` of all points (default: each). Throws at the first violation, with the point.
 * @param within stop beginning points after so many milliseconds
 */
export async function sweep(options: {
  readonly folder: string;
  readonly seed: number;
  readonly within?: number;
  readonly every: boolean;
  /** Points at a time. */
  readonly jobs: number;
  /** Only a part of the points: the `part.number`-th of `part.of`, from 1. Default: all. */
  readonly part?: { readonly number: number; readonly of: number };
  readonly tell?: (line: string) => void;
}): Promise<Sweep> {
  const began = Date.now();
  const ledger = await startLedger(join(options.folder, "ledger.jsonl"));
  try {
    const variant = variantOf(options.seed);
    const counts = await countCalls(options.folder, ledger.url, variant);
    const { number: part, of } = options.part ?? { number: 1, of: 1 };
    const whole = calls.flatMap((call) =>
      Array.from({ length: counts[call] ?? 0 }, (_, at) => ({ call, nth: at + 1 })),
    );
    const all = whole.filter((_, at) => at % of === part - 1);
    const order = options.every ? all : shuffled(all, chanceOf(options.seed));
    const linesAbout = byPrefix(ledger);
    let begun = 0;
    let points = 0;
    let late = 0;
    let parked = 0;
    let accepted = 0;
    const work = async (): Promise<void> => {
      for (let point = order[begun]; point !== undefined; point = order[begun]) {
        if (begun >= fewest && options.within !== undefined && Date.now() - began > options.within) return;
        begun += 1;
        const prefix = `p${begun}`;
        const one = await killAt(point, prefix, variant, options.folder, ledger.url, () => linesAbout(prefix)).catch(
          (error) => {
            begun = order.length;
            throw error;
          },
        );
        points += 1;
        if (!one.killed) late += 1;
        parked += one.parked;
        accepted += one.accepted;
        if (points % 25 === 0) options.tell?.(`${points} of ${order.length} points`);
      }
    };
    const jobs = await Promise.allSettled(Array.from({ length: options.jobs }, work));
    for (const job of jobs) if (job.status === "rejected") throw job.reason as Error;
    return { ...variant, counts, points, late, parked, accepted };
  } finally {
    await ledger.stop();
  }
}

/** How often the scripted scenario makes each call on the database's files. */
export async function countCalls(
  folder: string,
  ledger: string,
  variant: ReturnType<typeof variantOf>,
): Promise<Record<string, number>> {
  const place = join(folder, "count");
  mkdirSync(place);
  const trace = join(place, "trace");
  const options: ScenarioOptions = {
    ...scripted,
    ...variant,
    folder: place,
    ledger,
    prefix: "count",
    lineage: "count",
  };
  const child = startChild(
    { ...options, replays: 0 },
    onDatabase(place, ["-e", `trace=${calls.join(",")}`, "-o", trace]),
  );
  try {
    const { code, errors } = await child.exit;
    if (code !== 0) throw new Error(`the scenario did not end under strace: ${errors}`);
  } finally {
    child.kill();
  }
  const counts: Record<string, number> = {};
  for (const [, call] of readFileSync(trace, "utf8").matchAll(/^\d+ +(\w+)\(/gm))
    counts[call as string] = (counts[call as string] ?? 0) + 1;
  rmSync(place, { recursive: true });
  return counts;
}

async function killAt(
  { call, nth }: Point,
  prefix: string,
  variant: ReturnType<typeof variantOf>,
  folder: string,
  ledger: string,
  lines: () => readonly LedgerLine[],
): Promise<{ killed: boolean; parked: number; accepted: number }> {
  const place = join(folder, `${call}-${nth}`);
  mkdirSync(place);
  const where = `killed at ${call} number ${nth}`;
  const options: ScenarioOptions = { ...scripted, ...variant, folder: place, ledger, prefix, lineage: prefix };
  const child = startChild(
    options,
    onDatabase(place, ["-e", `trace=${call}`, "-e", `inject=${call}:signal=KILL:when=${nth}`, "-o", "/dev/null"]),
  );
  const exit = await child.exit.finally(() => child.kill());
  const killed = exit.signal === "SIGKILL";
  if (!killed && exit.code !== 0) throw new Error(`${where}: it ended with ${String(exit.code)}\n${exit.errors}`);
  await runToEnd(options, where);
  const files = filesOf(place);
  const log = linesOf<LogLine>(files.log);
  const report = JSON.parse(readFileSync(files.report, "utf8")) as Report;
  const verdict = judge(variant.scenario, log, lines(), report);
  assertSound(verdict, where);
  if (report.runs.length < scripted.runs) throw new Error(`${where}: only ${report.runs.length} runs were started`);
  rmSync(place, { recursive: true });
  return { killed, parked: verdict.parked, accepted: verdict.accepted };
}

/** The lines about the runs of one prefix, which are then forgotten. */
function byPrefix(ledger: Ledger): (prefix: string) => readonly LedgerLine[] {
  const kept = new Map<string, LedgerLine[]>();
  return (prefix) => {
    for (const line of ledger.news()) {
      const of = line.id.slice(0, line.id.indexOf("-"));
      const lines = kept.get(of);
      if (lines === undefined) kept.set(of, [line]);
      else lines.push(line);
    }
    const mine = kept.get(prefix) ?? [];
    kept.delete(prefix);
    return mine;
  };
}

export function shuffled<T>(items: readonly T[], chance: Chance): T[] {
  const list = [...items];
  for (let at = list.length - 1; at > 0; at--) {
    const other = chance.below(at + 1);
    [list[at], list[other]] = [list[other] as T, list[at] as T];
  }
  return list;
}
