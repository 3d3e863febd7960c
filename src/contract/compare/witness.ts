/**
 * The value that shows an issue, and the reason why it is refused. A value that fails for something else besides (a member that is needed now,
 * another range) would tell the wrong reason: what lies elsewhere is made as the taker wants it where the giver allows that; else the reason
 * is the one at the place of the issue.
 */
import { inWords, type Json, type JsonSchema, type Problem, pointerToken } from "../../operation.ts";
import { checkOf, type Whole } from "./checked.ts";
import type { Example } from "./finding.ts";
import { allOf, flatten, itemOf, memberOf } from "./schema/flat.ts";
import { matches, smallest, valuesOf } from "./schema/values.ts";

/** What of an issue says where its reason is to be found. */
export interface Where {
  /** Steps from the value: names of members, `*` for items and for members of any name. */
  readonly path: readonly string[];
  /** Members of the object there that it is about; absent: what stands there itself. */
  readonly about?: readonly string[];
}

/** Members and items of one value that are looked at. */
const mostLooked = 30;

type Members = { readonly [name: string]: Json };

/** `value` is one that the giver takes and the taker refuses with `problems`. */
export function witness(value: Json, problems: readonly Problem[], where: Where, giver: Whole, taker: Whole): Example {
  const example = (shown: Json, refused: readonly Problem[]): Example => ({
    value: shown,
    proven: true,
    refusal: inWords(refused),
  });
  if (problems.every((problem) => isAbout(problem, where))) return example(value, problems);
  const mended = mend(value, taker, where);
  const refused = checkOf(giver)(mended).length > 0 ? [] : checkOf(taker)(mended);
  if (refused.length > 0 && refused.every((problem) => isAbout(problem, where))) return example(mended, refused);
  const own = reasonAt(value, taker, where, "");
  return example(value, own.length > 0 ? own : problems);
}

/** Whether the problem lies at the place; of an object's members, whether it names one of them. */
function isAbout({ at, message }: Problem, { path, about }: Where): boolean {
  const steps = at.split("/").slice(1);
  const isThere = path.every(
    (step, index) => step === "*" || step.startsWith("{") || pointerToken(step) === steps[index],
  );
  if (!isThere || steps.length < path.length) return false;
  return about === undefined || about.some((name) => message.includes(JSON.stringify(name)));
}

/** The value with what the taker needs beside the place, as far as it can be told. */
function mend(value: Json, { schema, definitions }: Whole, { path, about = [] }: Where): Json {
  const flat = flatten(schema, definitions);
  const [step, ...rest] = path;
  if (flat.unions.length > 0 || (step === undefined && about.length === 0)) return value;
  const inner = (one: Json, schemas: readonly JsonSchema[], isOnTheWay: boolean): Json => {
    const whole = { schema: allOf(schemas), definitions };
    if (isOnTheWay) return mend(one, whole, { path: rest, about });
    if (checkOf(whole)(one).length === 0) return one;
    return valuesOf(whole.schema, definitions).find((other) => checkOf(whole)(other).length === 0) ?? one;
  };
  if (Array.isArray(value)) {
    if (step === undefined) return value;
    return value.map((item, index) =>
      index < mostLooked ? inner(item, itemOf(flat, index), step === "*" || step === String(index)) : item,
    );
  }
  if (typeof value !== "object" || value === null) return value;
  const here = step === undefined ? about : [step];
  const members: [name: string, value: Json][] = Object.entries(value as Members);
  const lacking = [...flat.required].filter((name) => !Object.hasOwn(value, name) && !here.includes(name));
  const schemasOf = (name: string) => memberOf(flat, name, matches).schemas;
  return Object.fromEntries([
    ...members.map(([name, one], index) => {
      if (index >= mostLooked || (step === undefined && about.includes(name))) return [name, one];
      return [name, inner(one, schemasOf(name), step !== undefined && isStep(step, name, flat.objects))];
    }),
    ...lacking.map((name) => [name, smallest(flatten(allOf(schemasOf(name)), definitions), definitions)]),
  ]) as Json;
}

/** Why the taker refuses what stands at the place, whatever it says of the rest; empty where that can't be told. */
function reasonAt(value: Json, { schema, definitions }: Whole, { path, about }: Where, at: string): readonly Problem[] {
  const flat = flatten(schema, definitions);
  const [step, ...rest] = path;
  if (step === undefined && about === undefined)
    return checkOf({ schema, definitions })(value).map((problem) => ({ ...problem, at: `${at}${problem.at}` }));
  if (flat.unions.length > 0 || typeof value !== "object" || value === null) return [];
  if (step === undefined) {
    if (Array.isArray(value)) return [];
    const lacking = (about ?? []).filter((name) => flat.required.has(name) && !Object.hasOwn(value, name));
    if (lacking.length > 0)
      return checkOf({ schema: { required: lacking.slice(0, 1) }, definitions })(value).map(placed);
    const strange = (about ?? []).find(
      (name) => Object.hasOwn(value, name) && memberOf(flat, name, matches).schemas.includes(false),
    );
    if (strange === undefined) return [];
    const message = `has the property ${JSON.stringify(strange)}, which the schema does not know`;
    return [{ at, message }];
  }
  const parts: readonly (readonly [step: string, value: Json, schemas: readonly JsonSchema[]])[] = Array.isArray(value)
    ? value.map((item: Json, index) => [String(index), item, itemOf(flat, index)])
    : Object.entries(value as Members).map(([name, one]) => [name, one, memberOf(flat, name, matches).schemas]);
  for (const [name, one, schemas] of parts.slice(0, mostLooked)) {
    if (Array.isArray(value) ? step !== "*" && step !== name : !isStep(step, name, flat.objects)) continue;
    const inside = { schema: allOf(schemas), definitions };
    const found = reasonAt(
      one,
      inside,
      about === undefined ? { path: rest } : { path: rest, about },
      `${at}/${pointerToken(name)}`,
    );
    if (found.length > 0) return found;
  }
  return [];

  function placed(problem: Problem): Problem {
    return { ...problem, at: `${at}${problem.at}` };
  }
}

/** `*` and `{pattern}` stand for the members that nobody names. */
function isStep(step: string, name: string, objects: readonly { readonly properties: object }[]): boolean {
  if (step === name) return true;
  return (step === "*" || step.startsWith("{")) && !objects.some(({ properties }) => Object.hasOwn(properties, name));
}
