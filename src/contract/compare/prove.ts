/** Proves an issue by a value: the giver's validator accepts it, the taker's refuses it. */
import { inWords, type Json } from "../../operation.ts";
import { type Check, checkOf, type Whole } from "./checked.ts";
import type { Example } from "./finding.ts";
import type { Issue } from "./schema/issue.ts";
import type { Work } from "./schema/walk.ts";
import { type Where, witness } from "./witness.ts";

/**
 * Steps from the whole value to the place, above which only the nearest named schema is looked at: a validator tries every option of
 * every union on the way.
 */
const deepest = 5;
/** Values tried for one issue, and in all; beyond, an issue stays open. */
const mostTries = 80;
const mostTriesInAll = 500_000;

export interface Proof {
  /** `none`: all values there are were tried, and each is taken. */
  readonly result: "proven" | "open" | "none";
  readonly example?: Example;
}

/** `check`: what refuses in the taker's place. Default: its schema. */
export function prove(
  issue: Issue,
  giver: Whole,
  taker: Whole,
  work: Work,
  check: (whole: Whole) => Check = checkOf,
): Proof {
  if (work.tries > mostTriesInAll) return { result: "open" };
  const near = issue.path.length > deepest ? issue.inner : undefined;
  const gives = near === undefined ? giver : { ...giver, schema: near.giver };
  const demands = near === undefined ? taker : { ...taker, schema: near.taker };
  const [accepts, takes] = [checkOf(gives), check(demands)];
  const wrap = near?.wrap ?? issue.wrap;
  let candidates: readonly Json[];
  try {
    candidates = issue.candidates();
  } catch {
    candidates = []; // a schema too odd to make values of: not proven
  }
  let some: Json | undefined;
  let tried = 0;
  let accepted = 0;
  for (const candidate of candidates.slice(0, mostTries)) {
    tried++;
    work.tries++;
    const value = wrap(candidate);
    if (accepts(value).length > 0 || (check !== checkOf && check(gives)(value).length > 0)) continue;
    accepted++;
    some ??= value;
    const problems = takes(value);
    if (problems.length === 0) continue;
    if (check !== checkOf) return { result: "proven", example: { value, proven: true, refusal: inWords(problems) } };
    const { path = issue.path } = near ?? {};
    const where: Where = issue.about === undefined ? { path } : { path, about: issue.about };
    return { result: "proven", example: witness(value, problems, where, gives, demands) };
  }
  if (issue.finite === true && accepted === tried && tried === candidates.length) return { result: "none" };
  if (some === undefined) return { result: "open" };
  return { result: "open", example: { value: some, proven: false } };
}

/** Whether one value is taken, and why not. */
export function refusal(value: Json, whole: Whole): string | undefined {
  const problems = checkOf(whole)(value);
  return problems.length === 0 ? undefined : inWords(problems);
}
