/** The value that shows a finding fails for the reason that the finding tells, whatever else has changed. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { JsonSchema } from "../../operation.ts";
import type { ContractModel } from "../model.ts";
import { modelValidator } from "../validate.ts";
import { compareContracts } from "./compare.ts";
import type { Finding } from "./finding.ts";

type Defs = { readonly [name: string]: JsonSchema };

function contract(input: JsonSchema, schemas: Defs): ContractModel {
  return {
    format: 1,
    name: "parcels",
    source: { language: "wsdl", languageVersion: "1.1", files: [] },
    operations: {
      send: {
        name: "send",
        effect: "unrepeatable",
        input,
        output: true,
        faults: {},
        binding: {
          ...{ protocol: "soap", version: "1.1", action: "send", style: "document", use: "literal", wrapped: true },
          ...{ request: { namespace: "urn:x", local: "send" }, response: { namespace: "urn:x", local: "sent" } },
          faults: [],
        },
      },
    },
    events: {},
    schemas,
    servers: [],
  };
}

/** Of requests: those that break, by rule and place. Each value is taken by the old version and refused by the new one. */
function breaks(old: JsonSchema, now: JsonSchema, defs: Defs = {}, nowDefs: Defs = defs): Map<string, Finding> {
  const [before, after] = [contract(old, defs), contract(now, nowDefs)];
  const found = compareContracts(before, after).findings.filter(({ verdict }) => verdict === "breaking");
  for (const { example } of found) {
    assert.deepEqual(modelValidator(before, old)(example?.value), []);
    assert.notDeepEqual(modelValidator(after, now)(example?.value), []);
  }
  return new Map(
    found.map((finding) => [`${finding.rule} ${finding.at.split("/").slice(1).join("/")}`.trim(), finding]),
  );
}

const text: JsonSchema = { type: "string" };
const from = (minimum: number): JsonSchema => ({ type: "integer", minimum });
const object = (properties: Defs, required: readonly string[], closed = false): JsonSchema => ({
  type: "object",
  properties,
  required,
  ...(closed ? { additionalProperties: false } : {}),
});
const needed = ["id", "grams"];
const grams = (least: number) => ({ id: text, grams: from(least) });

test("a value fails by its rule alone, where the old version lets it have what the new one needs besides", () => {
  const now = object({ ...grams(5), insured: { type: "boolean" } }, [...needed, "insured"]);
  const found = breaks(object({ ...grams(1), insured: { type: "boolean" } }, needed), now);
  const range = found.get("number-range grams")?.example;
  assert.match(range?.refusal ?? "", /^\/grams must be >= 5$/);
  assert.ok(Object.hasOwn(range?.value as object, "insured"));
  assert.equal(found.get("required-property")?.example?.refusal, 'it lacks the property "insured"');
});

test("where the old version knows nothing of what is needed now, the reason is that of the place", () => {
  const now = object({ ...grams(5), insured: { type: "boolean" } }, [...needed, "insured"], true);
  const found = breaks(object({ ...grams(1), colour: text }, needed, true), now);
  assert.deepEqual(found.get("number-range grams")?.example, {
    value: { id: "text", grams: 4 },
    proven: true,
    refusal: "/grams must be >= 5",
  });
  assert.equal(found.get("required-property")?.example?.refusal, 'it lacks the property "insured"');
  assert.match(found.get("unknown-property")?.example?.refusal ?? "", /^it has the property "colour"/);
});

test("two changes of one object are told apart, also inside of lists, maps and named schemas", () => {
  const parcel = (least: number) => object({ grams: from(least), height: from(least) }, ["grams", "height"]);
  const places: Readonly<Record<string, (inner: JsonSchema) => JsonSchema>> = {
    "": (inner) => inner,
    "/lines/0": (inner) => object({ lines: { type: "array", minItems: 1, items: inner } }, ["lines"]),
    "/by~1name/more1": (inner) => object({ "by/name": { type: "object", additionalProperties: inner } }, ["by/name"]),
    "/parcel": () => object({ parcel: { $ref: "#/$defs/Parcel" } }, ["parcel"]),
  };
  for (const [place, wrap] of Object.entries(places)) {
    const found = breaks(wrap(parcel(1)), wrap(parcel(5)), { Parcel: parcel(1) }, { Parcel: parcel(5) });
    assert.deepEqual(
      [...found.values()].map(({ example }) => example?.refusal).sort(),
      [`${place}/grams must be >= 5`, `${place}/height must be >= 5`],
      place,
    );
  }
});
