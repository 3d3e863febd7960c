/**
 * The judge: compares what the client was promised (its log) with what the ledger, a process of its own, saw.
 *
 *  A  every acknowledged start, signal, answer and operator's act is there, and had its effect
 *  B  what was applied under one key was applied once; nothing was applied that the run's plan does not have
 *  C  every run ended as planned; one that had asked a person, after the answer that the ledger gives
 *  D  every history replays on a fresh worker to the same end, calling nothing
 */
import { finalStatuses } from "../../src/process/engine.ts";
import type { LogLine } from "./client-log.ts";
import {
  abridged,
  expectedOf,
  goodsOf,
  papersOf,
  planOf,
  type ScenarioName,
  toldOfGoods,
  versions,
} from "./journey.ts";
import type { LedgerLine } from "./ledger.ts";
import type { Report } from "./scenario.ts";
import { idOf, judgeWorks } from "./works-judge.ts";

/** Each list holds one sentence per case. */
export interface Verdict {
  /** Acknowledged starts, signals, answers and operator's acts. */
  readonly accepted: number;
  readonly lost: readonly string[];
  readonly duplicated: readonly string[];
  readonly stuck: readonly string[];
  /** Histories that did not replay. */
  readonly differs: readonly string[];
  /** Times that a run asked a person. */
  readonly parked: number;
}

export function judge(
  scenario: ScenarioName,
  log: readonly LogLine[],
  ledger: readonly LedgerLine[],
  report: Report,
): Verdict {
  const lost: string[] = [];
  const stuck: string[] = [];
  const byId = new Map<string, LedgerLine[]>();
  for (const line of ledger) {
    if (line.kind !== "applied") continue;
    const lines = byId.get(line.id);
    if (lines === undefined) byId.set(line.id, [line]);
    else lines.push(line);
  }
  const runs = new Map(report.runs.map((run) => [run.key, run]));
  const ids = new Set(report.runs.map(idOf));
  const journeys = report.runs.filter(({ process }) => process === "journey" || process === "errand");
  const accepted = log.filter((line) => line.kind === "accepted");

  for (const line of accepted) {
    const { what, key } = line;
    const run = runs.get(key);
    if (what === "start") {
      if (run === undefined) lost.push(`the start of ${key} was acknowledged, and there is no such run`);
      else if (run.id !== line.run && run.process !== "claim")
        lost.push(`${key} was acknowledged as ${line.run}, and is now ${run.id}`);
    }
    if (what === "move" && run?.version !== versions[1])
      lost.push(`the move of ${key} was acknowledged, and it is not there`);
    if (what !== "signal" && what !== "answer") continue;
    // A signal that came before its start was lost with the client, not by the engine.
    if (run === undefined || !finalStatuses.has(run.status) || planOf(key, scenario).end === "cancelled") continue;
    const noted = byId.get(key)?.find(({ operation }) => operation === "note")?.body as
      | { readonly signal?: unknown; readonly answer?: unknown; readonly text?: unknown }
      | undefined;
    if ((noted?.text ?? null) !== (planOf(key, scenario).papers === "start" ? abridged(papersOf(key)) : null))
      lost.push(
        `the papers of ${key} were accepted with its start, and the ledger was told ${JSON.stringify(noted?.text)}`,
      );
    const [promised, came] = what === "signal" ? [line.payload, noted?.signal] : [line.answer, noted?.answer];
    if (JSON.stringify(promised) !== JSON.stringify(came))
      lost.push(`the ${what} of ${key} was acknowledged, and the ledger was told ${JSON.stringify(came)}`);
  }

  const duplicated = appliedTwice(byId);
  for (const run of journeys) {
    const plan = planOf(run.key, scenario);
    if (run.process === "errand" && run.status === "completed") continue;
    if (!finalStatuses.has(run.status) || run.process === "errand") {
      stuck.push(`${run.key} (${run.id}) is ${run.status}: ${run.reason ?? "no reason"}`);
      continue;
    }
    if (run.status !== plan.end) stuck.push(`${run.key} (${run.id}) ended as ${run.status} instead of ${plan.end}`);
    const wanted = expectedOf(plan);
    const counts = countsOf(byId.get(run.key) ?? []);
    for (const operation of new Set([...Object.keys(wanted), ...counts.keys()])) {
      const [want, have] = [wanted[operation] ?? 0, counts.get(operation) ?? 0];
      if (have < want) lost.push(`${operation} of ${run.key} (${run.id}), which ended, was never applied`);
      if (have > want) duplicated.push(`${operation} of ${run.key} (${run.id}) was applied ${have} times, not ${want}`);
    }
  }
  for (const [id, lines] of byId) {
    const filed = lines.find(({ operation }) => operation === "filed")?.body;
    if (filed !== undefined && JSON.stringify(filed) !== JSON.stringify(abridged({ id, text: papersOf(id) })))
      lost.push(`${id} made papers, and filed ${JSON.stringify(filed)}`);
    for (const { operation, body } of lines) {
      const told = (body as { readonly goods?: unknown } | null)?.goods;
      if (toldOfGoods.has(operation) && JSON.stringify(told) !== JSON.stringify(goodsOf(id)))
        lost.push(`${operation} of ${id} was told of goods that nobody ordered: ${JSON.stringify(told)}`);
    }
  }
  const works = judgeWorks(log, byId, report.runs);
  for (const id of byId.keys()) if (!ids.has(id)) lost.push(`the ledger knows ${id}, and there is no such run`);
  return {
    accepted: accepted.length,
    lost: [...lost, ...works.lost],
    duplicated: [...duplicated, ...works.duplicated],
    stuck: [...stuck, ...works.stuck],
    differs: report.replay.differs,
    parked: report.runs.reduce((sum, { parks }) => sum + parks, 0),
  };
}

function countsOf(lines: readonly LedgerLine[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { operation } of lines) counts.set(operation, (counts.get(operation) ?? 0) + 1);
  return counts;
}

function appliedTwice(byId: ReadonlyMap<string, readonly LedgerLine[]>): string[] {
  const twice: string[] = [];
  for (const lines of byId.values()) {
    const keys = new Set<string>();
    for (const { key, operation, id } of lines) {
      if (keys.has(key)) twice.push(`${operation} of ${id} was applied again under the key ${key}`);
      keys.add(key);
    }
  }
  return twice;
}

/** Throws with every case, if there is any. */
export function assertSound({ lost, duplicated, stuck, differs }: Verdict, where: string): void {
  const cases = [...lost, ...duplicated, ...stuck, ...differs];
  if (cases.length > 0) throw new Error(`${where}:\n  ${cases.slice(0, 20).join("\n  ")}`);
}
