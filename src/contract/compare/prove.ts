/** Proves an issue by a value: the giver's validator accepts it, the taker's refuses it. */
import { inWords, type Json, type JsonSchema } from "../../operation.ts";
import { passingValidator } from "../validate.ts";
import type { Example } from "./finding.ts";
import type { Definitions } from "./schema/flat.ts";
import type { Issue, Work } from "./schema/walk.ts";

/**
 * Steps from the whole value to the place, above which only the nearest named schema is looked at: a validator tries every option of
 * every union on the way.
 */
const deepest = 5;
/** Values tried for one issue, and in all; beyond, an issue stays open. */
const mostTries = 80;
const mostTriesInAll = 500_000;

type Check = (value: Json) => { readonly accepted: boolean; readonly problems: string };

/** A whole schema with the named ones that it refers to. */
export interface Whole {
  readonly schema: JsonSchema;
  readonly definitions: Definitions;
}

export interface Proof {
  /** `none`: all values there are were tried, and each is taken. */
  readonly result: "proven" | "open" | "none";
  readonly example?: Example;
}

export function prove(issue: Issue, giver: Whole, taker: Whole, work: Work): Proof {
  if (work.tries > mostTriesInAll) return { result: "open" };
  const near = issue.path.length > deepest ? issue.inner : undefined;
  const accepts = checkOf(near === undefined ? giver : { ...giver, schema: near.giver });
  const takes = checkOf(near === undefined ? taker : { ...taker, schema: near.taker });
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
    if (!accepts(value).accepted) continue;
    accepted++;
    some ??= value;
    const answer = takes(value);
    if (!answer.accepted) return { result: "proven", example: { value, proven: true, refusal: answer.problems } };
  }
  if (issue.finite === true && accepted === tried && tried === candidates.length) return { result: "none" };
  if (some === undefined) return { result: "open" };
  return { result: "open", example: { value: some, proven: false } };
}

/** Whether one value is taken, and why not. */
export function refusal(value: Json, { schema, definitions }: Whole): string | undefined {
  const answer = checkOf({ schema, definitions })(value);
  return answer.accepted ? undefined : answer.problems;
}

const checks = new WeakMap<object, Map<JsonSchema, Check>>();

function checkOf({ schema, definitions }: Whole): Check {
  const known = checks.get(definitions) ?? new Map<JsonSchema, Check>();
  checks.set(definitions, known);
  let check = known.get(schema);
  if (check === undefined) {
    const validate = passingValidator(definitions, schema);
    check = (value) => {
      const problems = validate(value);
      return { accepted: problems.length === 0, problems: inWords(problems) };
    };
    known.set(schema, check);
  }
  return check;
}
