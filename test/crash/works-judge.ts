/**
 * What the ledger must show of the small processes (works.ts):
 *
 *  - of a schedule: each second from the first tick to the last one run, whatever was killed;
 *  - of a limit: never more entered than may be, each lane in the order of acceptance, no faster than the rate;
 *  - of a bulk job: each claim was cancelled once and started anew once.
 */
import type { LogLine } from "./client-log.ts";
import type { LedgerLine } from "./ledger.ts";
import type { ReportedRun } from "./scenario.ts";
import { limits, tickId } from "./works.ts";

export interface WorksVerdict {
  readonly lost: readonly string[];
  readonly duplicated: readonly string[];
  readonly stuck: readonly string[];
}

/** How often each operation is applied for a run of a process. */
const expected: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  tick: { ticked: 1 },
  press: { enter: 1, leave: 1 },
  claim: { claimed: 2, unclaimed: 1 },
};
const tickKey = /^schedule:([^:]+):(.+)$/;
const secondMs = 1000;

/** What the ledger calls a run. */
export function idOf({ process, key }: Pick<ReportedRun, "process" | "key">): string {
  const [, lineage, at] = (process === "tick" ? tickKey.exec(key) : undefined) ?? [];
  return lineage === undefined ? key : tickId(lineage, at as string);
}

/** `byId`: what was applied, by the id of the run. */
export function judgeWorks(
  log: readonly LogLine[],
  byId: ReadonlyMap<string, readonly LedgerLine[]>,
  runs: readonly ReportedRun[],
): WorksVerdict {
  const lost: string[] = [];
  const duplicated: string[] = [];
  const stuck: string[] = [];
  const works = runs.filter(({ process }) => process in expected);
  for (const { process, key, status, reason, id } of works) {
    const cancelled = process === "claim" && status === "cancelled";
    if (status !== "completed" && !cancelled) stuck.push(`${key} (${id}) is ${status}: ${reason ?? "no reason"}`);
  }
  for (const one of new Map(works.map((run) => [idOf(run), run])).values()) {
    const wanted = expected[one.process] as Readonly<Record<string, number>>;
    const lines = byId.get(idOf(one)) ?? [];
    for (const [operation, want] of Object.entries(wanted)) {
      const have = lines.filter((line) => line.operation === operation).length;
      if (have < want) lost.push(`${operation} of ${one.key} was applied ${have} times, not ${want}`);
      if (have > want) duplicated.push(`${operation} of ${one.key} was applied ${have} times, not ${want}`);
    }
  }
  lost.push(...missedTicks(works));
  const entries = [...byId.values()].flat().filter(({ operation }) => operation === "enter" || operation === "leave");
  duplicated.push(
    ...judgeLimits(
      entries.sort((a, b) => a.n - b.n),
      log,
    ),
  );
  return { lost, duplicated, stuck };
}

function missedTicks(runs: readonly ReportedRun[]): string[] {
  const ticks = runs
    .flatMap(({ process, key }) => (process === "tick" ? [Date.parse(tickKey.exec(key)?.[2] ?? "")] : []))
    .sort((a, b) => a - b);
  return ticks.flatMap((at, index) => {
    const before = ticks[index - 1];
    if (before === undefined || at === before + secondMs) return [];
    return [
      `the schedule missed what lies between ${new Date(before).toISOString()} and ${new Date(at).toISOString()}`,
    ];
  });
}

interface PressBody {
  readonly lane: string;
}
const numberOf = (id: string): number => Number(id.slice(id.lastIndexOf("-") + 1));

function judgeLimits(entries: readonly LedgerLine[], log: readonly LogLine[]): string[] {
  const broken: string[] = [];
  const inside = new Map<string, string>();
  const first = log.find((line) => line.kind === "pressing");
  let entered = 0;
  for (const { operation, id, body, at } of entries) {
    const { lane } = body as unknown as PressBody;
    if (operation === "leave") {
      inside.delete(id);
      continue;
    }
    const other = [...inside].find(([, taken]) => taken === lane);
    if (other !== undefined) broken.push(`${id} entered ${lane} while ${other[0]} was there`);
    inside.set(id, lane);
    if (inside.size > limits.concurrency) broken.push(`${[...inside.keys()].join(", ")} were under way at a time`);
    entered += 1;
    const most = limits.burst + ((at - (first?.kind === "pressing" ? first.at : 0)) * limits.starts) / limits.everyMs;
    if (entered > most + 1) broken.push(`${id} was the ${entered}th to enter, where ${Math.floor(most)} were allowed`);
  }
  return [...broken, ...outOfOrder(entries, log)];
}

/** Starts of a lane are sent one after the other: they enter in the order of their acknowledgements. */
function outOfOrder(entries: readonly LedgerLine[], log: readonly LogLine[]): string[] {
  const place = new Map(entries.filter(({ operation }) => operation === "enter").map(({ id }, at) => [id, at]));
  const broken: string[] = [];
  const last = new Map<number, string>();
  for (const line of log) {
    if (line.kind !== "accepted" || line.what !== "start" || !line.key.includes("-press-")) continue;
    const lane = numberOf(line.key) % limits.lanes;
    const before = last.get(lane);
    if (before !== undefined && (place.get(before) ?? 0) > (place.get(line.key) ?? Number.POSITIVE_INFINITY))
      broken.push(`${line.key} entered before ${before}, which was accepted before it`);
    last.set(lane, line.key);
  }
  return broken;
}
