import assert from "node:assert/strict";
import { test } from "node:test";
import { parseJson } from "../formats/json.ts";
import type { Json, JsonSchema } from "../operation.ts";
import { fieldsOf } from "../publish/fields.ts";
import { schemaOf } from "./contract.ts";
import type { ContractModel } from "./model.ts";
import { textCheck as bytesCheck } from "./text-check.ts";
import { modelValidator } from "./validate.ts";

const model = {
  format: 1,
  name: "catalogue",
  source: { language: "openapi", languageVersion: "3.1.0", files: [] },
  servers: [],
  events: {},
  operations: {},
  schemas: {
    Site: {
      type: "object",
      required: ["site", "free"],
      properties: { site: { type: "string" }, free: { type: "integer" }, share: { type: "number" } },
    },
    Ring: { type: "object", properties: { next: { $ref: "#/$defs/Ring" } } },
  },
} as unknown as ContractModel;

const item: JsonSchema = {
  type: "object",
  description: "An item.",
  required: ["sku", "stock"],
  properties: {
    sku: { type: "string" },
    name: { type: ["string", "null"], maxLength: 10 },
    since: { type: "string", format: "date" },
    state: { type: "string", enum: ["new", "old"] },
    price: { type: "number", minimum: 0 },
    sold: { type: "boolean" },
    stock: { type: "array", maxItems: 3, items: { $ref: "#/$defs/Site" } },
    home: { type: ["object", "null"], properties: { a: { type: "integer" } } },
  },
};

function textCheck(of: ContractModel, schema: JsonSchema): ((text: string) => boolean) | undefined {
  const check = bytesCheck(of, schema);
  return check && ((text) => check(Buffer.from(text)));
}

/** What the general way makes of it; `undefined`: it refuses it. */
function general(schema: JsonSchema, text: string): { readonly changed: boolean } | undefined {
  try {
    const value = parseJson(text, { duplicates: "refuse" });
    if (modelValidator(model, schema)(value).length > 0) return undefined;
    const dropped = fieldsOf(schemaOf(model, schema)).drop(value);
    return { changed: JSON.stringify(dropped) !== JSON.stringify(value) };
  } catch {
    return undefined;
  }
}

test("text is passed that fits and holds nothing that is not named", () => {
  const check = textCheck(model, item);
  assert.ok(check);
  for (const text of [
    '{"sku":"A","stock":[]}',
    '{"stock":[{"site":"north","free":3},{"free":-12,"site":"süd – 東","share":0.25}],"sku":""}',
    '{ "sku": "A", "stock": [ { "site": "n", "free": 0 } ], "home": null, "name": null }',
    '{"sku":"A","stock":[],"name":"0123456789","since":"2026-11-27","state":"old","price":12.5,"sold":false,"home":{"a":1}}',
    '{"sku":"A","stock":[],"home":{}}',
    '{"sku":"A","stock":[]}\n',
    '{"sku":"A","stock":[]}\r\n',
  ]) {
    assert.ok(check(text), text);
    assert.deepEqual(general(item, text), { changed: false }, text);
  }
});

test("nothing is said of text that does not fit, is no JSON, is unusual, or holds what is not named", () => {
  const check = textCheck(model, item);
  assert.ok(check);
  for (const text of [
    "",
    "null",
    "{",
    '{"sku":"A"}',
    '{"sku":"A","stock":[]',
    '{"sku":"A","stock":[]}\n{}',
    '\n{"sku":"A","stock":[]}',
    '{"sku":"A","stock":[],}',
    '{"sku":"A","stock":[],"other":1}',
    '{"sku":"A","stock":[],"sku":"B"}',
    '{"sku":"A","stock":[{"site":"n","free":1,"free":2}]}',
    '{"sku":"A","stock":[{"site":"n","free":1,"inner":2}]}',
    '{"sku":"A","stock":[{"site":"n"}]}',
    '{"sku":1,"stock":[]}',
    '{"sku":"a\\u0041","stock":[]}',
    '{"sku":"a\nb","stock":[]}',
    '{"sku":"A",\n"stock":[]}',
    '{"sku":"A","stock":[],"name":"01234567890"}',
    '{"sku":"A","stock":[],"since":"yesterday"}',
    '{"sku":"A","stock":[],"state":"lost"}',
    '{"sku":"A","stock":[],"price":-1}',
    '{"sku":"A","stock":[],"price":1e2}',
    '{"sku":"A","stock":[],"price":.5}',
    '{"sku":"A","stock":[],"price":5.}',
    '{"sku":"A","stock":[],"price":05}',
    '{"sku":"A","stock":[],"price":1234567890123456}',
    '{"sku":"A","stock":[],"sold":tru}',
    '{"sku":"A","stock":[{"site":"n","free":1.0}]}',
    '{"sku":"A","stock":[{"site":"n","free":-0}]}',
    '{"sku":"A","stock":[{"site":"n","free":1,"share":-0.0}]}',
    '{"sku":"A","stock":[{"site":"n","free":1},{"site":"n","free":1},{"site":"n","free":1},{"site":"n","free":1}]}',
    '{"sku":"A","stock":null}',
    '{"__proto__":{},"sku":"A","stock":[]}',
    "[]",
  ])
    assert.equal(check(text), false, text);
});

test("text with as many values as the general way takes is passed, and with one more nothing is said of it", () => {
  const rows: JsonSchema = { type: "array", items: { type: "array", items: { type: "integer" } } };
  const check = textCheck(model, rows);
  assert.ok(check);
  // Besides the text itself each list counts, and each comma.
  for (const [last, passes] of [
    [9_987, true],
    [9_988, false],
  ] as const) {
    const lists = [...Array.from({ length: 9 }, () => 10_000), last, 1].map((length) => Array(length).fill(1));
    const text = JSON.stringify(lists);
    assert.equal(general(rows, text) !== undefined, passes, `${last}`);
    assert.equal(check(text), passes, `${last}`);
  }
});

test("schemas that lead to the next by two ways are looked at once each, and not a billion times", () => {
  const last = 30;
  const schemas: Record<string, JsonSchema> = {
    [`S${last}`]: { type: "object", properties: { a: { type: "string" } } },
  };
  for (let at = 0; at < last; at++) {
    const next = { $ref: `#/$defs/S${at + 1}` };
    schemas[`S${at}`] = { type: "object", properties: { a: next, b: next } };
  }
  const check = textCheck({ ...model, schemas }, { $ref: "#/$defs/S0" });
  assert.equal(check?.('{"a":{"b":{}},"b":{}}'), true);
  assert.equal(check?.('{"a":{"b":1}}'), false);
});

test("a schema with choices, open objects or a ring has no check", () => {
  const object = (more: object): JsonSchema => ({ type: "object", properties: { a: { type: "string" } }, ...more });
  for (const schema of [
    true,
    {},
    { type: "object" },
    object({ additionalProperties: true }),
    object({ additionalProperties: { type: "string" } }),
    object({ patternProperties: { "^x": {} } }),
    object({ minProperties: 1 }),
    object({ required: ["b"] }),
    object({ properties: { "a\\b": { type: "string" } } }),
    object({ properties: { ["__proto__"]: { type: "string" } }, additionalProperties: false }),
    object({ properties: { a: { anyOf: [{ type: "string" }] } } }),
    object({ properties: { a: {} } }),
    { type: ["object", "string"], properties: { a: { type: "string" } } },
    { type: "array" },
    { type: "array", items: { type: "string" }, uniqueItems: true },
    { $ref: "#/$defs/Ring" },
    { $ref: "#/$defs/Site", required: ["share"] },
    { $ref: "#/$defs/Nowhere" },
    { anyOf: [{ type: "string" }] },
    {
      type: "object",
      properties: Object.fromEntries(Array.from({ length: 31 }, (_, at) => [`p${at}`, { type: "string" }])),
    },
  ] satisfies JsonSchema[])
    assert.equal(textCheck(model, schema), undefined, JSON.stringify(schema));
});

test("whatever is done to a text: what is passed is what the general way would have given", () => {
  const check = textCheck(model, item);
  assert.ok(check);
  const pieces = [
    '"',
    "\\",
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    " ",
    "\n",
    "-",
    "0",
    "1",
    ".",
    "e",
    "n",
    "null",
    "true",
    '"sku":"B"',
    '"free":2',
    '"x":1',
    "é",
    "\u0001",
    "99999999999999999",
  ];
  const whole: Json = {
    sku: "A-1",
    name: "rope",
    since: "2026-11-27",
    state: "new",
    price: 12.25,
    sold: true,
    stock: [
      { site: "north", free: 12, share: 0.5 },
      { site: "south", free: -3 },
    ],
    home: { a: 7 },
  };
  let seed = 20261127;
  const below = (limit: number) => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    return seed % limit;
  };
  let passed = 0;
  for (let turn = 0; turn < 20_000; turn++) {
    let text: string = JSON.stringify(whole);
    for (let edits = below(3); edits >= 0; edits--) {
      const at = below(text.length);
      text = text.slice(0, at) + (below(3) === 0 ? "" : pieces[below(pieces.length)]) + text.slice(at + below(3));
    }
    if (!check(text)) continue;
    passed += 1;
    assert.deepEqual(general(item, text), { changed: false }, text);
  }
  assert.ok(passed > 200, `${passed}`);
});
