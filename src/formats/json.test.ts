import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { MortiseError } from "../errors.ts";
import { canonicalJson, parseJson } from "./json.ts";

const refused = (code: string, message?: RegExp) => (error: unknown) => {
  assert.ok(error instanceof MortiseError, String(error));
  assert.equal(error.code, code);
  if (message !== undefined) assert.match(error.message, message);
  return true;
};

test("any JSON value comes back as it was written", () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 5 }), (value) => {
      const text = JSON.stringify(value);
      assert.deepEqual(parseJson(text), JSON.parse(text));
      assert.deepEqual(parseJson(Buffer.from(text)), JSON.parse(text));
    }),
    { numRuns: 200 },
  );
});

test("each limit holds at its last allowed value and refuses the next", () => {
  const deep = (n: number) => "[".repeat(n) + "]".repeat(n);
  parseJson(deep(64));
  assert.throws(() => parseJson(deep(65)), refused("json-limit", /depth.*64/));
  assert.throws(() => parseJson("[".repeat(200_000)), refused("json-limit"));
  assert.throws(() => parseJson('{"a":'.repeat(200_000)), refused("json-limit"));
  parseJson(deep(70), { maxDepth: 70 });
  const keys = (n: number) => `{${Array.from({ length: n }, (_, i) => `"k${i}":1`).join(",")}}`;
  parseJson(keys(10_000));
  assert.throws(() => parseJson(keys(10_001)), refused("json-limit", /members/));
  const list = (n: number) => `[${Array(n).fill(1).join(",")}]`;
  assert.equal((parseJson(list(20_000)) as unknown[]).length, 20_000);
  assert.throws(() => parseJson(list(100_000)), refused("json-limit", /values/));
  parseJson('"123"', { maxBytes: 5 });
  assert.throws(() => parseJson('"1234"', { maxBytes: 5 }), refused("json-limit", /bytes/));
});

test("brackets and commas inside strings count for nothing", () => {
  const text = JSON.stringify({ a: '[[[["\\,,,', b: "\\" });
  assert.deepEqual(parseJson(text, { maxDepth: 1, maxItems: 3 }), JSON.parse(text));
});

test("__proto__ is plain data", () => {
  const value = parseJson('{"__proto__":{"admin":true}}') as Record<string, unknown>;
  assert.ok(Object.hasOwn(value, "__proto__"));
  assert.equal((value as { admin?: boolean }).admin, undefined);
  assert.equal(Object.getPrototypeOf(value), Object.prototype);
});

test("broken text is refused with line and column, and never quoted", () => {
  const cases: [string, RegExp][] = [
    ["", /line 1, column 1.*ends/],
    ['{"a":\n  secret}', /line 2, column 3, a value/],
    ['{"a":1,}', /column 8.*name of a member/],
    ['{"a" 1}', /column 6.*":"/],
    ["[1 2]", /column 4/],
    ["[01]", /column 3/],
    ['["\\x"]', /column 3.*escape/],
    ['["a\nb"]', /control/],
    ["{} {}", /column 4.*after the end/],
    ['"abc', /ends inside a string/],
    ["nul", /a value/],
  ];
  for (const [text, message] of cases) {
    assert.throws(
      () => parseJson(text),
      (error) => {
        refused("json-invalid", message)(error);
        assert.doesNotMatch((error as Error).message, /secret/);
        return true;
      },
    );
  }
  assert.throws(() => parseJson(Buffer.from([0x22, 0xff, 0x22])), refused("json-invalid", /UTF-8/));
});

test("numbers are kept exactly or refused", () => {
  assert.deepEqual(parseJson("[9007199254740991, 0.1234567890123456789, 1e3, 12345678901234567890e-3]"), [
    9007199254740991,
    Number("0.1234567890123456789"),
    1000,
    Number("12345678901234567890e-3"),
  ]);
  assert.throws(() => parseJson('{"a":9007199254740993}'), refused("json-invalid", /column 6.*number/));
  assert.throws(() => parseJson("[1e999]"), refused("json-invalid", /number/));
  assert.equal(parseJson("9007199254740993", { numbers: "nearest" }), 9007199254740992);
  assert.throws(() => parseJson("1e999", { numbers: "nearest" }), refused("json-invalid"));
});

test("half of a surrogate pair is refused, a whole one is not", () => {
  assert.equal(parseJson('"\\ud83d\\ude00"'), "😀");
  assert.throws(() => parseJson('{"\\ud83d":1}'), refused("json-invalid", /surrogate/));
});

test("a member named twice is refused where asked, however it is escaped", () => {
  assert.deepEqual(parseJson('{"a":1,"a":2}'), { a: 2 });
  assert.throws(() => parseJson('{"a":1,"\\u0061":2}', { duplicates: "refuse" }), refused("json-invalid", /twice/));
  parseJson('{"a":{"b":1},"b":[{"a":1},{"a":2}]}', { duplicates: "refuse" });
});

test("canonical text is the same for equal values", () => {
  assert.equal(
    canonicalJson({ b: [1, { d: 1, c: undefined }], a: "é", 1: null }),
    '{"1":null,"a":"é","b":[1,{"d":1}]}',
  );
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      assert.deepEqual(JSON.parse(canonicalJson(value)), JSON.parse(JSON.stringify(value)));
    }),
    { numRuns: 100 },
  );
});
