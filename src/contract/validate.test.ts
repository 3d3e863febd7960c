import assert from "node:assert/strict";
import { test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import type { JsonSchema, Schema } from "../operation.ts";
import { type ContractModel, frozen } from "./model.ts";
import { compileSchema, modelValidator } from "./validate.ts";

const check = (json: JsonSchema, value: unknown) => compileSchema(frozen({ kind: "schema", json }) as Schema)(value);

test("a problem names place and rule, and never the value", () => {
  const schema: JsonSchema = {
    type: "object",
    properties: { lines: { type: "array", items: { $ref: "#/$defs/Line" } } },
    required: ["lines"],
    additionalProperties: false,
    $defs: {
      Line: { type: "object", properties: { quantity: { type: "integer", minimum: 1 }, kind: { enum: ["a", "b"] } } },
    },
  };
  assert.deepEqual(check(schema, { lines: [{ quantity: 1 }] }), []);
  assert.deepEqual(check(schema, { lines: [{}, { quantity: "hunter2" }] }), [
    { at: "/lines/1/quantity", message: "must be integer" },
  ]);
  assert.deepEqual(check(schema, { lines: [{ kind: "hunter2" }] }), [
    { at: "/lines/0/kind", message: 'must be one of "a", "b"' },
  ]);
  assert.deepEqual(check(schema, {}), [{ at: "", message: 'lacks the property "lines"' }]);
  assert.match(check(schema, { lines: [], more: 1 })[0]!.message, /"more", which the schema does not know/);
});

test("all problems of a value are told, up to twenty; of a huge value only the first", () => {
  const schema: JsonSchema = {
    type: "object",
    properties: { id: { type: "string", minLength: 1 }, lines: { type: "array", items: { $ref: "#/$defs/Line" } } },
    required: ["id", "customer"],
    additionalProperties: false,
    $defs: { Line: { type: "object", properties: { quantity: { type: "integer", minimum: 1 } } } },
  };
  assert.deepEqual(
    check(schema, { id: "", customr: "", lines: [{ quantity: 0 }, { quantity: 1 }, { quantity: "x" }] }).toSorted(
      (a, b) => a.at.localeCompare(b.at),
    ),
    [
      { at: "", message: 'lacks the property "customer"' },
      { at: "", message: 'has the property "customr", which the schema does not know' },
      { at: "/id", message: "must not be empty" },
      { at: "/lines/0/quantity", message: "must be >= 1" },
      { at: "/lines/2/quantity", message: "must be integer" },
    ],
  );
  const lines = (many: number) => Array.from({ length: many }, () => ({ quantity: 0 }));
  assert.equal(check(schema, { id: "a", customer: "b", lines: lines(100) }).length, 20);
  assert.equal(check(schema, { id: "a", lines: lines(5000) }).length, 1);
  assert.deepEqual(check({ ...schema, additionalProperties: true }, { id: "a", customer: "b" }), []);
});

test("booleans, and properties called like keywords, are schemas too", () => {
  assert.deepEqual(check(true, 1), []);
  assert.equal(check(false, 1).length, 1);
  const odd = {
    type: "object",
    properties: { default: { $ref: "#/$defs/N" }, $ref: { type: "string" } },
    $defs: { N: { type: "number" } },
  };
  assert.deepEqual(check(odd, { default: 1, $ref: "x" }), []);
  assert.equal(check(odd, { default: "x" }).length, 1);
});

test("a hostile pattern takes linear time, and patterns are not taken for each other", () => {
  const started = performance.now();
  assert.equal(check({ type: "string", pattern: "^(a+)+$" }, `${"a".repeat(40)}!`).length, 1);
  assert.ok(performance.now() - started < 1000);
  const both = { type: "object", properties: { a: { pattern: "^(a+)+$" }, b: { pattern: "^[0-9]{3}$" } } };
  assert.deepEqual(check(both, { a: "aa", b: "123" }), []);
  assert.equal(check(both, { a: "aa", b: "aa" })[0]!.at, "/b");
  assert.equal(check({ pattern: "^caf\\u00e9\\/$" }, "café/").length, 0);
});

test("a pattern that linear time can't express accepts everything", () => {
  for (const pattern of ["x(?=y)y$", "(a)\\1", "[", "[\\w-.]+", "(?i)x"]) assert.deepEqual(check({ pattern }, "x"), []);
});

test("deep values of a recursive schema are refused before they are walked", () => {
  const tree: JsonSchema = {
    $ref: "#/$defs/Tree",
    $defs: { Tree: { type: "object", properties: { next: { $ref: "#/$defs/Tree" } } } },
  };
  const nested = (depth: number) => {
    let value: object = {};
    for (let i = 0; i < depth; i++) value = { next: value };
    return value;
  };
  assert.deepEqual(check(tree, nested(150)), []);
  assert.match(check(tree, nested(50_000))[0]!.message, /deeper/);
  const twoSteps: JsonSchema = {
    properties: { a: { $ref: "#/$defs/A" } },
    $defs: { A: { properties: { b: { $ref: "#/$defs/B" } } }, B: { items: { $ref: "#/$defs/A" } } },
  };
  assert.match(check(twoSteps, { a: nested(50_000) })[0]!.message, /deeper/);
});

test("formats: known ones hold, unknown ones say nothing, exact numbers are strings", () => {
  assert.equal(check({ type: "string", format: "date" }, "2026-02-30").length, 1);
  assert.equal(check({ type: "string", format: "zip-code" }, "x").length, 0);
  assert.equal(check({ type: "string", format: "decimal" }, "12.50").length, 0);
  assert.equal(check({ type: "string", format: "decimal" }, "1e3").length, 1);
  assert.equal(check({ type: "string", format: "int64" }, "9223372036854775807").length, 0);
  assert.equal(check({ type: "string", format: "int64" }, "9223372036854775808").length, 1);
  assert.equal(check({ type: "integer", format: "int64" }, 12).length, 0);
});

test("members that every object inherits are not taken for the value's own", () => {
  assert.equal(check({ type: "object", required: ["constructor"] }, {}).length, 1);
  assert.deepEqual(check({ type: "object", properties: { toString: { type: "string" } } }, {}), []);
  assert.deepEqual(check({ type: "object", required: ["toString"] }, { toString: "x" }), []);
  assert.equal(check({ type: "object", additionalProperties: false }, JSON.parse('{"__proto__":1}')).length, 1);
});

test("extensions and unknown keywords stop nothing", () => {
  assert.deepEqual(check({ type: "string", xml: { name: "a" }, "x-more": 1 }, "a"), []);
});

test("named schemas that lead to each other in a line of thousands are validated as any other", () => {
  const long = 4000;
  const defs = (more: object): Record<string, JsonSchema> =>
    Object.fromEntries(
      Array.from({ length: long }, (_, n) => [
        `S${n}`,
        {
          type: "object",
          properties: { size: { type: "integer" }, next: { $ref: `#/$defs/S${(n + 1) % long}` } },
          required: ["size"],
          ...more,
        },
      ]),
    );
  const ring: JsonSchema = { anyOf: [{ type: "null" }, { $ref: "#/$defs/S0" }], $defs: defs({}) };
  assert.deepEqual(check(ring, { size: 1, next: { size: 2, next: { size: 3 } } }), []);
  assert.deepEqual(check(ring, null), []);
  const problems = check({ $ref: "#/$defs/S0", $defs: defs({}) }, { size: 1, next: { size: "2", next: {} } });
  assert.deepEqual(
    problems.map(({ at, message }) => `${at} ${message}`),
    ["/next/size must be integer", '/next/next lacks the property "size"'],
  );
  const own = modelValidator({ schemas: defs({}) } as unknown as ContractModel, { $ref: "#/$defs/S7" });
  assert.deepEqual(own({ size: 1, next: { size: 1 } }), []);
  assert.equal(own({ size: 1, next: { size: 1.5 } }).length, 1);
});

test("what was compiled goes with its schema, however many come and go", async () => {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  let count = 0;
  const heapAfter = async (schemas: number) => {
    for (let at = 0; at < schemas; at++) {
      count += 1;
      const word = String(count).repeat(1000);
      assert.deepEqual(check({ const: word, ...(count % 2 === 0 ? {} : { $defs: { a: {} } }) }, word), []);
    }
    for (let turn = 0; turn < 3; turn++) {
      await new Promise(setImmediate);
      collect();
    }
    return process.memoryUsage().heapUsed;
  };
  const early = await heapAfter(4_000);
  const late = await heapAfter(4_000);
  // The texts of the second half are 16 MB.
  assert.ok(late - early < 8_000_000, `the heap grew from ${early} to ${late} bytes`);
});

test("an event of a contract has one validator, whoever asks for it", () => {
  const payload = { type: "string" };
  const model = { schemas: {} } as ContractModel;
  assert.equal(modelValidator(model, payload), modelValidator(model, payload));
  assert.notEqual(modelValidator(model, payload), modelValidator({ schemas: {} } as ContractModel, payload));
});

test("a number with a format of integers is whole and within its bounds, whatever else it may be", () => {
  const formats: Readonly<Record<string, readonly [least: number, most: number, beyond: number]>> = {
    int8: [-128, 127, 128],
    int16: [-32_768, 32_767, 32_768],
    int32: [-2_147_483_648, 2_147_483_647, 2_147_483_648],
    // The last double before 2 to the 63rd, and that.
    int64: [-(2 ** 63), 2 ** 63 - 1024, 2 ** 63],
    uint8: [0, 255, 256],
    uint16: [0, 65_535, 65_536],
    uint32: [0, 4_294_967_295, 4_294_967_296],
    uint64: [0, 2 ** 64 - 2048, 2 ** 64],
    "double-int": [-Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER, 2 ** 53],
  };
  for (const [format, [least, most, beyond]] of Object.entries(formats)) {
    for (const type of ["integer", "number", ["integer", "null"], undefined]) {
      const schema = { ...(type === undefined ? {} : { type }), format } as JsonSchema;
      assert.deepEqual(
        [least, most, 1].map((value) => check(schema, value).length),
        [0, 0, 0],
        format,
      );
      for (const wrong of [beyond, 1e30, -1e30, 1.5]) assert.ok(check(schema, wrong).length > 0, `${format} ${wrong}`);
    }
    const [problem] = check({ type: "integer", format }, 1e30);
    assert.match(problem?.message ?? "", /^must be a whole number from -?\d+ to \d+$/);
  }
  assert.match(
    check({ type: "integer", format: "int64" }, 1e30)[0]!.message,
    /-9223372036854775808 to 9223372036854775807/,
  );
  // Texts and other formats are what they were.
  assert.deepEqual(check({ type: "string", format: "int64" }, "9223372036854775807"), []);
  assert.equal(check({ type: "string", format: "int64" }, "9223372036854775808").length, 1);
  assert.deepEqual(check({ type: "number", format: "double" }, 1e300), []);
  assert.deepEqual(check({ type: "number", format: "constructor" }, 1e300), []);
});
