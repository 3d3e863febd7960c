/**
 * `oneOf` and `anyOf`. Where both sides have one, the alternatives are paired (alternatives.ts). Where only the taker has one,
 * one of its options has to take all that is given; and where exactly one may fit (`oneOf`), the others have to be out of question.
 */
import { canonicalJson } from "../../../formats/json.ts";
import type { Json, JsonSchema } from "../../../operation.ts";
import { pairedIssues } from "./alternatives.ts";
import { allOf, and, copyOf, type Definitions, type Flat, flatten, memberOf, saysNothing, type Union } from "./flat.ts";
import { type Issue, spread, telling } from "./issue.ts";
import { flatValues, matches } from "./values.ts";
import type { Spot, Walk } from "./walk.ts";

/** `undefined`: the unions of both are the same, or none is left; the rest is looked at as usual. */
export function unionIssues(walk: Walk, giver: Flat, taker: Flat, spot: Spot): readonly Issue[] | undefined {
  const wanted = taker.unions.filter((union) => !giver.unions.some((own) => sameUnion(walk, own, union)));
  if (giver.unions.length > 0) {
    const [union, ...others] = giver.unions as [Union, ...Union[]];
    const same = taker.unions.some((each) => sameUnion(walk, union, each));
    const rest: Flat = { ...giver, unions: others };
    const without: Flat = same
      ? { ...taker, unions: taker.unions.filter((each) => !sameUnion(walk, union, each)), partial: true }
      : taker;
    if (same && saysNothing(without)) return [];
    if (!same && others.length === 0 && wanted.length === 1 && taker.unions.length === 1)
      return pairedIssues(walk, rest, union, { ...taker, unions: [] }, wanted[0]!, spot);
    return union.options.flatMap((option) => {
      const one = and(rest, option, walk.giver);
      if (union.kind === "oneOf") one.excluded.push(...union.options.filter((each) => each !== option));
      return walk.fitsFlat(one, without, spot);
    });
  }
  if (wanted.length === 0) return undefined;
  const split = kindsApart(giver);
  if (split.length > 1) return split.flatMap((one) => walk.fitsFlat(one, taker, spot));
  const base = walk.fitsFlat(giver, { ...taker, unions: [], partial: true }, spot);
  return [...base, ...wanted.flatMap((union) => optionIssues(walk, giver, taker, union, spot))];
}

/** The giver has no union any more. */
function optionIssues(walk: Walk, giver: Flat, taker: Flat, union: Union, spot: Spot): readonly Issue[] {
  const base: Flat = { ...taker, unions: [], partial: taker.unions.length > 1 };
  let best: { readonly issues: readonly Issue[]; readonly flat: Flat } | undefined;
  for (const option of union.options) {
    const flat = flatten(option, walk.taker);
    if (giver.values === undefined && apart(giver, walk.giver, flat, walk.taker)) continue;
    const all = walk.fitsFlat(giver, { ...flat, partial: true }, spot);
    const bare = telling(all);
    if (bare.length === 0) {
      // One that is being looked at may tell something yet.
      const pairs = all.filter(({ pair }) => pair !== undefined);
      // Whether it knows all that is given is asked with what stands beside the union.
      const ignored = walk
        .fitsFlat(giver, and(base, option, walk.taker), spot)
        .filter(({ rule }) => rule === "ignored-property");
      if (union.kind === "anyOf") return [...pairs, ...ignored];
      return [...pairs, ...ignored, ...ambiguous(walk, giver, union, option, spot)];
    }
    if (best === undefined || bare.length < best.issues.length) best = { issues: bare, flat };
  }
  const values = (): readonly Json[] => flatValues(giver, walk.giver, 0);
  if (best === undefined || giver.values !== undefined)
    return [walk.issue("alternatives", "values that fit none of the alternatives", spot, values)];
  const close = union.options.filter((option) => !apart(giver, walk.giver, flatten(option, walk.taker), walk.taker));
  if (close.length === 1) return best.issues;
  // Several are possible, and none takes everything: it may be that together they do.
  return [
    walk.issue("alternatives", "values that fit none, or several, of the alternatives", spot, () => [
      ...values(),
      ...spread(best.issues)
        .flatMap((issue) => issue.candidates().map((value) => unwrapped(issue, spot, value)))
        .slice(0, 40),
    ]),
  ];
}

/** A candidate of an issue further inside, as a value at this spot. */
function unwrapped(issue: Issue, spot: Spot, value: Json): Json {
  const whole = issue.wrap(value);
  if (spot.path.length === 0) return whole;
  let at: Json = whole;
  for (const step of spot.path) {
    if (typeof at !== "object" || at === null) return value;
    const next: Json | undefined = Array.isArray(at)
      ? at[step === "*" ? at.length - 1 : Number(step)]
      : (at as { readonly [name: string]: Json })[step];
    if (next === undefined) return value;
    at = next;
  }
  return at;
}

/** One option of a `oneOf` takes it all; does another take some of it? */
function ambiguous(walk: Walk, giver: Flat, union: Union, taken: JsonSchema, spot: Spot): readonly Issue[] {
  const back = walk.reversed();
  const doubtful = union.options.filter((option) => {
    if (option === taken) return false;
    const flat = flatten(option, walk.taker);
    if (apart(giver, walk.giver, flat, walk.taker)) return false;
    // What fits this option fitted an option that was out of question before.
    return !giver.excluded.some((excluded) => telling(back.ask(option, excluded)).length === 0);
  });
  if (doubtful.length === 0) return [];
  return [
    walk.issue("alternatives", "values that fit more than one of the alternatives", spot, () => {
      const members = doubtful.flatMap((option) => flatValues(flatten(option, walk.taker), walk.taker, 0));
      const own = flatValues(giver, walk.giver, 0);
      return [
        ...own,
        ...members,
        ...own.slice(0, 5).flatMap((one) => members.slice(0, 8).map((other) => merged(one, other))),
      ];
    }),
  ];
}

function merged(one: Json, other: Json): Json {
  const objects = [one, other].every((each) => typeof each === "object" && each !== null && !Array.isArray(each));
  return objects ? { ...(other as object), ...(one as object) } : other;
}

/** Whether surely no value fits both: other kinds, other constants, a member that differs, a member that is not allowed. */
export function apart(one: Flat, ones: Definitions, other: Flat, others: Definitions, depth = 0): boolean {
  const kinds = [...one.kinds].filter((kind) => other.kinds.has(kind));
  if (kinds.length === 0) return true;
  if (one.values !== undefined && other.values !== undefined) {
    const known = new Set(one.values.map((value) => canonicalJson(value)));
    return !other.values.some((value) => known.has(canonicalJson(value)));
  }
  if (depth > 3 || kinds.length !== 1 || kinds[0] !== "object") return optionsApart(one, ones, other, others, depth);
  for (const name of new Set([...one.required, ...other.required])) {
    const here = memberOf(one, name, matches).schemas;
    const there = memberOf(other, name, matches).schemas;
    if (here.includes(false) || there.includes(false)) return true;
    if (here.length === 0 || there.length === 0) continue;
    if (apart(flatten(allOf(here), ones), ones, flatten(allOf(there), others), others, depth + 1)) return true;
  }
  return optionsApart(one, ones, other, others, depth);
}

/** Every option of a union that one of them has is apart from the other. */
function optionsApart(one: Flat, ones: Definitions, other: Flat, others: Definitions, depth: number): boolean {
  if (depth > 2) return false;
  const [mine] = one.unions;
  if (mine !== undefined) {
    const rest = { ...copyOf(one), unions: one.unions.slice(1) };
    return mine.options.every((option) => apart(and(rest, option, ones), ones, other, others, depth + 1));
  }
  const [theirs] = other.unions;
  if (theirs === undefined) return false;
  const rest = { ...copyOf(other), unions: other.unions.slice(1) };
  return theirs.options.every((option) => apart(one, ones, and(rest, option, others), others, depth + 1));
}

/** One for each kind. */
function kindsApart(flat: Flat): Flat[] {
  if (flat.kinds.size < 2) return [flat];
  return [...flat.kinds].map((kind) => {
    const one = copyOf(flat);
    one.kinds = new Set([kind]);
    if (flat.values !== undefined) one.values = flat.values.filter((value) => kindIs(value, kind));
    return one;
  });
}

function kindIs(value: Json, kind: string): boolean {
  if (value === null) return kind === "null";
  return Array.isArray(value) ? kind === "array" : typeof value === kind;
}

function sameUnion(walk: Walk, own: Union, other: Union): boolean {
  if (own.options.length !== other.options.length) return false;
  if (other.kind === "oneOf" && own.kind !== "oneOf") return false;
  const left = [...other.options];
  return own.options.every((option) => {
    const at = left.findIndex((each) => walk.same(option, each));
    if (at >= 0) left.splice(at, 1);
    return at >= 0;
  });
}
