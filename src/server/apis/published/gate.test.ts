/** The gate against what is served: pairs of schemas by chance, always the same; what is held for safe has to be so for each value that can be found. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { valuesOf } from "../../../contract/compare/schema/values.ts";
import { compileSchema } from "../../../contract/validate.ts";
import type { Json, Problem } from "../../../operation.ts";
import { fieldsOf } from "../../../publish/fields.ts";
import { comparePublished, modelOf } from "./compare.ts";

type Members = { [keyword: string]: unknown };
const names = ["a", "b", "c", "d"];

/** A linear congruential generator: the same numbers each time. */
function dice(seed: number) {
  let state = seed;
  const next = (): number => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return state / 2_147_483_648;
  };
  return {
    next,
    upTo: (most: number) => Math.floor(next() * (most + 1)),
    of: <T>(list: readonly T[]) => list[Math.floor(next() * list.length)] as T,
  };
}
type Dice = ReturnType<typeof dice>;

function simple({ of, upTo }: Dice): unknown {
  return of<() => unknown>([
    () => ({ type: of(["string", "integer", "number", "boolean"]) }),
    () => ({ type: "string", minLength: upTo(2), maxLength: 3 + upTo(2) }),
    () => ({ type: "integer", minimum: upTo(2), maximum: 3 + upTo(2) }),
    () => ({ enum: names.slice(0, 1 + upTo(2)) }),
    () => ({ type: ["string", "null"] }),
    () => true,
  ])();
}

function schema(by: Dice, depth = 0): unknown {
  const { next, of, upTo } = by;
  const kind = next();
  if (depth > 2 || kind < 0.3) return simple(by);
  if (kind < 0.4) return { type: "array", items: schema(by, depth + 1), maxItems: 1 + upTo(2) };
  if (kind < 0.47) return { anyOf: [schema(by, depth + 1), schema(by, depth + 1)] };
  if (kind < 0.53) return { $ref: "#/components/schemas/Named", properties: { [of(names)]: schema(by, depth + 1) } };
  const made: Members = { type: "object" };
  const properties = names.filter(() => next() < 0.5).map((name) => [name, schema(by, depth + 1)]);
  if (properties.length > 0) made.properties = Object.fromEntries(properties);
  const required = names.filter(() => next() < 0.2);
  if (required.length > 0) made.required = required;
  // Not `true`: a member that an open object does not name is by convention not in use, until a version names it (compare/schema/walk.ts).
  const open = of([undefined, undefined, undefined, false, { type: "string" }]);
  if (open !== undefined) made.additionalProperties = open;
  return made;
}

function changed(given: unknown, by: Dice): unknown {
  const { next, of } = by;
  if (typeof given !== "object" || given === null || next() < 0.1) return schema(by, 1);
  const copy = structuredClone(given) as Members;
  const properties = copy.properties as Members | undefined;
  const name = of(Object.keys(properties ?? { a: true }));
  if (properties !== undefined && next() < 0.75) {
    of<() => void>([
      () => Reflect.deleteProperty(properties, name),
      () => Object.assign(properties, { [name]: changed(properties[name], by) }),
      () => Object.assign(properties, { [of(names)]: schema(by, 2) }),
      () => Object.assign(copy, { required: [name] }),
      () => Reflect.deleteProperty(copy, "required"),
      () => Object.assign(copy, { additionalProperties: false }),
      () => Reflect.deleteProperty(copy, "additionalProperties"),
    ])();
    return copy;
  }
  for (const bound of ["minLength", "maxLength", "minimum", "maximum", "maxItems"])
    if (typeof copy[bound] === "number") copy[bound] = Math.max(0, copy[bound] + of([-1, 1]));
  if (Array.isArray(copy.enum)) copy.enum = [...copy.enum.slice(1), "z"];
  if (copy.items !== undefined) copy.items = changed(copy.items, by);
  if (Array.isArray(copy.anyOf)) copy.anyOf = copy.anyOf.map((one, at) => (at === 0 ? changed(one, by) : one));
  return copy;
}

/** As requests are read and answers are made (publish/prepare.ts, publish/mappings.ts), by the contract as it is read. */
async function served(given: unknown, named: unknown) {
  const { operations, schemas } = await modelOf("f", documentOf(true, given, named));
  const json = { allOf: [operations.x?.output ?? true], $defs: schemas };
  const whole = { kind: "schema", json } as const;
  const valid = compileSchema(whole);
  const { unknown, drop } = fieldsOf(whole);
  const takes = (value: Json): readonly Problem[] => [...valid(value), ...unknown(value)];
  return { valid, drop, takes, values: valuesOf(json, schemas) };
}

/** The value, with a member more, less, or other. */
function around(value: Json): readonly Json[] {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return [value];
  const others: readonly Json[] = ["a", 1, {}, { a: "a", other: 1 }];
  return [
    value,
    ...[...names, "other"].flatMap((name) => others.map((other) => ({ ...value, [name]: other }) as Json)),
    ...Object.keys(value).map(
      (name) => Object.fromEntries(Object.entries(value).filter(([own]) => own !== name)) as Json,
    ),
  ];
}

function documentOf(request: unknown, answer: unknown, named: unknown): string {
  const content = (of: unknown) => ({ "application/json": { schema: of } });
  const post = {
    operationId: "x",
    requestBody: { required: true, content: content(request) },
    responses: { 200: { description: "-", content: content(answer) } },
  };
  return JSON.stringify({
    openapi: "3.1.1",
    info: { title: "t", version: "1.0.0" },
    servers: [{ url: "/t" }],
    paths: { "/x": { post } },
    components: { schemas: { Named: named } },
  });
}

test("what the gate holds for safe refuses no request that was taken, and gives no answer that was not promised", async () => {
  const by = dice(20_261_128);
  const counts = { safe: 0, breaking: 0, review: 0 };
  for (let pair = 0; pair < 60; pair++) {
    const named = { type: "object", properties: { a: schema(by, 2), b: schema(by, 2) } };
    const old = schema(by);
    const now = changed(old, by);
    const [before, after] = [await served(old, named), await served(now, named)];
    const shown = JSON.stringify({ old, now, named });

    const request = await comparePublished("f", documentOf(old, true, named), documentOf(now, true, named));
    counts[request.verdict] += 1;
    if (request.verdict === "safe")
      for (const value of [...before.values, ...after.values].slice(0, 40).flatMap(around))
        if (before.takes(value).length === 0)
          assert.deepEqual(after.takes(value), [], `${shown} request ${JSON.stringify(value)}`);

    const answer = await comparePublished("f", documentOf(true, old, named), documentOf(true, now, named));
    counts[answer.verdict] += 1;
    for (const value of after.values.slice(0, 40)) {
      if (after.valid(value).length > 0) continue;
      const told = after.drop(value);
      assert.deepEqual(after.valid(told), [], `${shown} told ${JSON.stringify(told)}`);
      if (answer.verdict === "safe")
        assert.deepEqual(before.valid(told), [], `${shown} answer ${JSON.stringify(told)}`);
    }
  }
  assert.ok(counts.safe > 20 && counts.breaking > 20, JSON.stringify(counts));
});
