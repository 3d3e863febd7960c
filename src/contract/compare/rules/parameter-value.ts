/**
 * What a parameter may be. On the wire it is a text: a number is also a text, and a single value is also a list of one where
 * lists repeat the name.
 */
import { canonicalJson } from "../../../formats/json.ts";
import type { JsonSchema } from "../../../operation.ts";
import type { RestParameter } from "../../model.ts";
import { between } from "../between.ts";
import { allOf, type Definitions, type Flat, flatten, itemOf } from "../schema/flat.ts";
import { parameterPairs, parameterSchema } from "./parameters.ts";
import type { Rule } from "./rule.ts";

export const parameterValue: Rule = {
  ids: ["default-value"],
  *operation(both, { name: member, old, now }) {
    if (old.binding.protocol !== "rest" || now.binding.protocol !== "rest") return;
    const homeless = now.binding.declared?.parameters ?? {};
    for (const [name, schema] of Object.entries(old.binding.declared?.parameters ?? {}))
      if (Object.hasOwn(homeless, name))
        yield* between(both, { side: "request", member, place: `path ${name}` }, schema, homeless[name]!);
    for (const { shown, old: was, now: is } of parameterPairs(old.binding, now.binding)) {
      if (was === undefined || is === undefined) continue;
      const before = parameterSchema(old, was);
      const after = parameterSchema(now, is);
      const place = { side: "request", member, place: shown } as const;
      const wire = asWritten(after, is, flatten(before, both.old.schemas), both.now.schemas);
      yield* between(both, place, before, wire);
      const [defaultBefore, defaultAfter] = [defaultOf(before, both.old.schemas), defaultOf(after, both.now.schemas)];
      if (canonicalJson(defaultBefore) !== canonicalJson(defaultAfter) && !was.required)
        yield {
          ...place,
          rule: "default-value",
          verdict: "breaking",
          reason: `a request that leaves the parameter out means something else: the default was ${shownDefault(defaultBefore)} and is ${shownDefault(defaultAfter)}`,
        };
    }
  },
};

function asWritten(
  schema: JsonSchema,
  { json, style, explode }: RestParameter,
  giver: Flat,
  definitions: Definitions,
): JsonSchema {
  if (json === true || giver.kinds.has("object") || giver.kinds.has("array")) return schema;
  const taker = flatten(schema, definitions);
  if (taker.kinds.size === 1 && taker.kinds.has("array") && style === "form" && explode && taker.minItems <= 1)
    return asWritten(allOf(itemOf(taker, 0)), { style, explode } as RestParameter, giver, definitions);
  const anyText =
    taker.kinds.has("string") &&
    taker.values === undefined &&
    taker.patterns.length === 0 &&
    taker.formats.length === 0 &&
    taker.minLength <= 1 &&
    taker.maxLength === Number.POSITIVE_INFINITY &&
    taker.unions.length === 0 &&
    taker.conditions.length === 0;
  return anyText && !giver.kinds.has("string") && !giver.kinds.has("null")
    ? { anyOf: [schema, { type: ["number", "boolean"] }] }
    : schema;
}

function defaultOf(schema: JsonSchema, definitions: Definitions): unknown {
  for (let at: JsonSchema = schema, hops = 0; typeof at === "object" && hops < 20; hops++) {
    if (at.default !== undefined) return at.default;
    if (typeof at.$ref !== "string") return undefined;
    at = definitions[at.$ref.slice("#/$defs/".length)] ?? true;
  }
  return undefined;
}

function shownDefault(value: unknown): string {
  return value === undefined ? "not there" : JSON.stringify(value);
}
