/**
 * Alternatives on both sides, in pairs: by the name of the schema, else by what they say. Authors seldom mean that exactly one may
 * fit, even where they write `oneOf`; what counts is which kinds of thing there are, and how each has changed.
 */
import type { Json, JsonSchema } from "../../../operation.ts";
import { and, type Flat, memberOf, saysNothing, type Union } from "./flat.ts";
import { type Issue, telling } from "./issue.ts";
import { meaningOf } from "./same.ts";
import { flatValues, matches } from "./values.ts";
import type { Spot, Walk } from "./walk.ts";

/** `giver` and `taker`: what stands beside the two unions. */
export function pairedIssues(
  walk: Walk,
  giver: Flat,
  given: Union,
  taker: Flat,
  taken: Union,
  spot: Spot,
): readonly Issue[] {
  const pairs = new Map<JsonSchema, JsonSchema>();
  const free = new Set(taken.options);
  const pair = (matching: (one: JsonSchema, other: JsonSchema) => boolean): void => {
    for (const one of given.options) {
      if (pairs.has(one)) continue;
      const other = [...free].find((each) => matching(one, each));
      if (other === undefined) continue;
      pairs.set(one, other);
      free.delete(other);
    }
  };
  pair((one, other) => nameOf(one) !== undefined && nameOf(one) === nameOf(other));
  pair((one, other) => walk.same(one, other));
  pair((one, other) => meaningWithoutNames(walk, one, other, giver, taker, spot));
  const issues: Issue[] = [];
  for (const [one, other] of pairs)
    issues.push(
      ...(saysNothing(giver) && saysNothing(taker)
        ? walk.fits(one, other, spot)
        : walk.fitsFlat(and(giver, one, walk.giver), and(taker, other, walk.taker), at(spot, other))),
    );
  const left = given.options.filter((one) => !pairs.has(one));
  for (const one of left) {
    const flat = and(giver, one, walk.giver);
    const taking = (others: Iterable<JsonSchema>): boolean =>
      [...others].some((other) => takes(walk, flat, and(taker, other, walk.taker), spot));
    // Two that look alike are told apart by their names alone: one that goes is a kind that goes.
    const twin = given.options.some(
      (each) => each !== one && pairs.has(each) && meaningOf(resolved(walk, each)) === meaningOf(resolved(walk, one)),
    );
    if (taking(free) || (!twin && taking(taken.options))) continue;
    if (left.length === 1 && free.size === 1) {
      issues.push(...walk.fitsFlat(flat, and(taker, [...free][0]!, walk.taker), spot));
      continue;
    }
    const whole = (): readonly Json[] => fullest(flatValues(flat, walk.giver, 0));
    const name = nameOf(one);
    issues.push(
      walk.issue(
        "alternative",
        name === undefined ? "values of an alternative that was not there" : `values that are ${name}`,
        spot,
        whole,
        "breaking",
      ),
    );
  }
  return issues;
}

/** An option that has a name is where its changes are. */
function at(spot: Spot, option: JsonSchema): Spot {
  const named = nameOf(option);
  return named === undefined ? spot : { ...spot, named, below: [] };
}

/** It fits, and knows every member that is given. */
function takes(walk: Walk, giver: Flat, taker: Flat, spot: Spot): boolean {
  if (telling(walk.fitsFlat(giver, { ...taker, partial: true }, spot)).length > 0) return false;
  if (taker.unions.length > 0) return true;
  const names = giver.objects.flatMap(({ properties }) => Object.keys(properties));
  return names.every((name) => {
    const { schemas, named } = memberOf(taker, name, matches);
    return named || schemas.length > 0;
  });
}

/** Both take each other: the same, whatever they are called. */
function meaningWithoutNames(
  walk: Walk,
  one: JsonSchema,
  other: JsonSchema,
  giver: Flat,
  taker: Flat,
  spot: Spot,
): boolean {
  if (meaningOf(resolved(walk, one)) === meaningOf(target(other, walk.taker))) return true;
  const [here, there] = [and(giver, one, walk.giver), and(taker, other, walk.taker)];
  return takes(walk, here, there, spot) && takes(walk.reversed(), there, here, spot);
}

function resolved(walk: Walk, schema: JsonSchema): JsonSchema {
  return target(schema, walk.giver);
}

function target(schema: JsonSchema, definitions: Walk["giver"]): JsonSchema {
  const name = nameOf(schema);
  return name === undefined ? schema : (definitions[name] ?? schema);
}

/** The named schema that an alternative is, also with a discriminator's value beside it. */
function nameOf(schema: JsonSchema): string | undefined {
  if (typeof schema !== "object") return undefined;
  if (typeof schema.$ref === "string") return schema.$ref.slice("#/$defs/".length);
  const [first] = Array.isArray(schema.allOf) ? (schema.allOf as JsonSchema[]) : [];
  return typeof first === "object" && typeof first.$ref === "string" && schema.properties !== undefined
    ? first.$ref.slice("#/$defs/".length)
    : undefined;
}

/** Those that show most of an alternative first. */
function fullest(values: readonly Json[]): readonly Json[] {
  const size = (value: Json): number => (typeof value === "object" && value !== null ? Object.keys(value).length : 0);
  return [...values].sort((a, b) => size(b) - size(a));
}
