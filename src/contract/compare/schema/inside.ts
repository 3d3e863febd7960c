/** Members of objects and items of lists: what is named on one side only, and what both name. */
import { canonicalJson } from "../../../formats/json.ts";
import type { Json, JsonSchema } from "../../../operation.ts";
import type { XmlNote } from "../../xml-note.ts";
import { allOf, type Flat, flatten, itemOf, memberOf } from "./flat.ts";
import type { Issue } from "./issue.ts";
import { quoted } from "./rule.ts";
import { flatValues, matches, nameFor, smallest, valuesOf } from "./values.ts";
import type { Spot, Walk } from "./walk.ts";

export function memberIssues(walk: Walk, giver: Flat, taker: Flat, spot: Spot): readonly Issue[] {
  const issues: Issue[] = [];
  const base = lazy(
    () => smallest({ ...giver, kinds: new Set(["object"]) }, walk.giver) as { readonly [name: string]: Json },
  );
  const withMember =
    (name: string) =>
    (value: Json): Json => ({ ...base(), [name]: value });
  const given = namesOf(giver);
  for (const name of new Set([...given, ...namesOf(taker)])) {
    const from = memberOf(giver, name, matches);
    const to = memberOf(taker, name, matches);
    if (isNever(from.schemas)) continue;
    const here = walk.inside(spot, name, withMember(name));
    // By the convention of walk.ts, a name that is new is not in use; unless the giver says what any member is.
    if (!from.named && from.schemas.length === 0 && !giver.required.has(name)) {
      if (!taker.partial && !giver.partial)
        issues.push(walk.told(walk.forgetful ? "property-added" : "property-removed", name, here));
      continue;
    }
    if (from.named && !to.named) {
      if (!walk.forgetful && isNever(to.schemas) && goesToWildcard(walk, from.schemas, taker)) {
        issues.push(walk.told("property-added", name, here));
        continue;
      }
      if (isNever(to.schemas)) {
        issues.push({
          ...walk.issue("unknown-property", `objects with the property ${quoted(name)}`, spot, () =>
            valuesOf(allOf(from.schemas), walk.giver).map(withMember(name)),
          ),
          about: [name],
        });
        continue;
      }
      if (!walk.forgetful && to.schemas.length === 0 && !taker.partial && !giver.partial)
        issues.push(walk.told("property-added", name, here));
      if (walk.forgetful && to.schemas.length === 0 && !taker.partial)
        issues.push(
          walk.issue(
            "ignored-property",
            `values of the property ${quoted(name)}`,
            here,
            () => valuesOf(allOf(from.schemas), walk.giver),
            giver.required.has(name) ? "review" : "safe",
          ),
        );
    }
    if (to.schemas.length === 0) continue;
    issues.push(...xmlForm(walk, from.schemas, to.schemas, here));
    issues.push(...walk.fits(allOf(from.schemas), allOf(to.schemas), here));
  }
  // Demanded before, and never described: whether it is still known, who serves the contract says.
  const demanded = [...giver.required, ...giver.dependent.flatMap(({ name, needs }) => [name, ...needs])];
  if (walk.forgetful && !taker.partial)
    for (const name of new Set(demanded))
      if (memberOf(giver, name, matches).schemas.length + memberOf(taker, name, matches).schemas.length === 0) {
        const here = walk.inside(spot, name, withMember(name));
        issues.push(
          walk.issue(unnamedMembers, `values of the property ${quoted(name)}`, here, () => ["text", 1], "safe"),
        );
      }
  issues.push(...otherMembers(walk, giver, taker, spot, base), ...xmlOrder(walk, giver, taker, spot, base));
  return issues;
}

/** An element that whoever reads an answer does not name, and finds among those that its contract leaves open (`xs:any`). */
function goesToWildcard(walk: Walk, from: readonly JsonSchema[], taker: Flat): boolean {
  const note = flatten(allOf(from), walk.giver).xml as XmlNote | undefined;
  if (note?.name === undefined || note.attribute === true) return false;
  return taker.objects.some(({ properties }) =>
    Object.values(properties).some((schema) => flatten(schema, walk.taker).xml?.wildcard === true),
  );
}

/** No finding of its own: a question to who serves the contract. */
export const unnamedMembers = "unnamed-members";

/** Members that nobody names: maps, open and closed objects, names by pattern. */
function otherMembers(
  walk: Walk,
  giver: Flat,
  taker: Flat,
  spot: Spot,
  base: () => { readonly [name: string]: Json },
): readonly Issue[] {
  const issues: Issue[] = [];
  const named = new Set([...namesOf(giver), ...namesOf(taker)]);
  const free = ["more1", "more2", "another"].find((name) => !named.has(name)) ?? "more1";
  // A name that stands for all those that nobody names, and one for each pattern of the taker.
  const probes: { readonly name: string; readonly shown: string; readonly pattern?: string }[] = [
    { name: free, shown: "*" },
  ];
  for (const { patterns } of taker.objects)
    for (const pattern of Object.keys(patterns)) {
      const name = nameFor(pattern);
      if (name !== undefined && !named.has(name)) probes.push({ name, shown: `{${pattern}}`, pattern });
    }
  for (const { name, shown, pattern } of probes) {
    const to = memberOf(taker, name, matches);
    const from = memberOf(giver, name, matches);
    // Both are open by what they say; whether both are by who serves them, between.ts asks.
    if (walk.forgetful && name === free && to.schemas.length === 0 && !isNever(from.schemas) && !taker.partial)
      issues.push(
        walk.issue(
          unnamedMembers,
          "properties that are not named",
          spot,
          () => valuesOf(allOf(from.schemas), walk.giver).map((value) => ({ ...base(), [name]: value })),
          "safe",
        ),
      );
    if (to.schemas.length === 0 || isNever(from.schemas)) continue;
    const here = walk.inside(spot, shown, (value) => ({ ...base(), [name]: value }));
    if (isNever(to.schemas))
      issues.push(
        walk.issue("unknown-property", "objects with properties that are not named", spot, () =>
          valuesOf(allOf(from.schemas), walk.giver).map((value) => ({ ...base(), [name]: value })),
        ),
      );
    else if (from.schemas.length > 0) issues.push(...walk.fits(allOf(from.schemas), allOf(to.schemas), here));
    else if (!mayBeAnything(allOf(to.schemas), walk))
      issues.push(
        walk.issue(
          "property-values",
          pattern === undefined
            ? "properties of any kind that are not named"
            : `properties of any kind whose name matches ${pattern}`,
          here,
          () => [1, "text", null, [], {}, true],
        ),
      );
  }
  return issues;
}

function mayBeAnything(schema: JsonSchema, walk: Walk): boolean {
  return walk.fits(true, schema, { path: [], named: undefined, below: [], wrap: (value) => value }).length === 0;
}

export function itemIssues(walk: Walk, giver: Flat, taker: Flat, spot: Spot): readonly Issue[] {
  const issues: Issue[] = [];
  if (giver.maxItems === 0) return issues;
  const longest = Math.max(0, ...[...giver.lists, ...taker.lists].map(({ prefix }) => prefix.length));
  for (let index = 0; index <= longest && index < giver.maxItems; index++) {
    const at = index === longest ? -1 : index;
    const from = allOf(itemOf(giver, at));
    const to = allOf(itemOf(taker, at));
    if (from === false || to === true) continue;
    const before = lazy(() =>
      Array.from({ length: Math.max(index, 0) }, (_, n) =>
        smallest(flatten(allOf(itemOf(giver, n)), walk.giver), walk.giver),
      ),
    );
    const wrap = (value: Json): Json => {
      const items: Json[] = [...before(), value];
      while (items.length < giver.minItems && items.length < 200)
        items.push(smallest(flatten(allOf(itemOf(giver, items.length)), walk.giver), walk.giver));
      return items;
    };
    if (walk.same(from, to)) continue;
    issues.push(...walk.fits(from, to, walk.inside(spot, at === -1 ? "*" : String(index), wrap)));
  }
  return issues;
}

/** Element, attribute or text; name and namespace; how a list of a type is written: another form is another message. */
function xmlForm(walk: Walk, from: readonly JsonSchema[], to: readonly JsonSchema[], spot: Spot): readonly Issue[] {
  const old = formOf(flatten(allOf(from), walk.giver), walk.giver);
  const now = formOf(flatten(allOf(to), walk.taker), walk.taker);
  if (canonicalJson(old) === canonicalJson(now)) return [];
  const values = (): readonly Json[] => flatValues(flatten(allOf(from), walk.giver), walk.giver, 0);
  return [walk.issue("xml-form", "values in the old XML form", spot, values, "breaking")];
}

/**
 * How a member is written. Whether it may be null, and whether it may stand several times, is a matter of its values; the name of its
 * type (`xsi:type`) is a member of its own where it may be another one.
 */
function formOf(flat: Flat, definitions: Walk["giver"]): unknown {
  const {
    nillable,
    many,
    optional: _,
    space: __,
    any: ___,
    derived: ____,
    type: _____,
    free: ______,
    ...place
  } = (flat.xml ?? {}) as XmlNote;
  if (nillable !== true && many !== true) return place;
  const item = many === true ? flatten(allOf(itemOf(flat, -1)), definitions) : flat;
  const one = nillable === true ? item.unions[0]?.options.map((option) => flatten(option, definitions))[0] : item;
  const { list, array } = (one?.xml ?? {}) as XmlNote;
  return { ...place, ...(list === undefined ? {} : { list }), ...(array === undefined ? {} : { array }) };
}

/** The order of properties is the order of elements (xml-note.ts); those of `xs:all` stand anywhere. */
function xmlOrder(
  walk: Walk,
  giver: Flat,
  taker: Flat,
  spot: Spot,
  base: () => { readonly [name: string]: Json },
): readonly Issue[] {
  const old = elementsOf(giver, walk.giver);
  const now = elementsOf(taker, walk.taker);
  const common = [...old.keys()].filter((name) => now.get(name) === false);
  if (common.length < 2) return [];
  const free = common.find((name) => old.get(name) === true);
  const inOrder = canonicalJson(common) === canonicalJson([...now.keys()].filter((name) => common.includes(name)));
  if (inOrder && free === undefined) return [];
  const what = inOrder ? "elements in any order" : "elements in the old order";
  return [walk.issue("xml-order", what, spot, () => [base()], "breaking")];
}

/** Names of the members that are elements, in their order, and whether each may stand anywhere. */
function elementsOf(flat: Flat, definitions: Walk["giver"]): ReadonlyMap<string, boolean> {
  const found = new Map<string, boolean>();
  for (const { properties } of flat.objects)
    for (const [name, schema] of Object.entries(properties)) {
      const note = flatten(schema, definitions).xml as XmlNote | undefined;
      if (note !== undefined && note.attribute !== true && note.text !== true && note.xsiType !== true)
        found.set(name, note.free === true);
    }
  return found;
}

function namesOf(flat: Flat): string[] {
  return [...new Set([...flat.objects.flatMap(({ properties }) => Object.keys(properties))])];
}

function isNever(schemas: readonly JsonSchema[]): boolean {
  return schemas.includes(false);
}

function lazy<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}
