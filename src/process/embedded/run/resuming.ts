/** The code has followed its history to the end: what was under way is taken up again. */
import { pastsOf } from "../attempts/past.ts";
import type { GotRecord, HistoryRecord, ItemRecord } from "../history/records.ts";
import { openQuestions } from "../history/script.ts";
import { openSteps, type Running } from "./host.ts";
import { perform } from "./performing.ts";
import type { Mail } from "./steps.ts";

/** Performs the steps whose intent is on disk and whose result is not. Gives the results that are known, and are to be given now. */
export function resume(
  execution: Running,
  known: { readonly held: readonly GotRecord[]; readonly heldItems: readonly ItemRecord[] },
  records: readonly HistoryRecord[],
): Mail[] {
  const questions = openQuestions(records);
  const pasts = pastsOf(records);
  const held: Mail[] = [];
  // A map has its result after its items.
  for (const { m: n, i, end } of known.heldItems) held.push({ kind: "item", n, i, end });
  for (const got of known.held) {
    const step = execution.steps.get(got.n);
    if (step === undefined) continue;
    step.got = got;
    held.push({ kind: "held", n: got.n });
  }
  for (const step of openSteps(execution.steps)) {
    if (!step.recorded) continue;
    const { n } = step.ask;
    step.question = questions.get(n);
    step.past = pasts.get(n);
    if (step.question === undefined) perform(execution, step, step.past?.resting !== true);
  }
  return held;
}

/** The run undoes from its records: those must say which steps were asked, and never begun. */
export function holdBack({ steps, journal, host }: Running): void {
  for (const { ask, live, recorded, got, performance } of steps.values())
    if (!recorded && got === undefined && performance === undefined && live !== undefined && live.kind !== "wait")
      journal.record({ t: "held", n: ask.n, at: host.now() });
}
