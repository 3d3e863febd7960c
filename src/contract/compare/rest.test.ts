import assert from "node:assert/strict";
import { test } from "node:test";
import { readContract } from "../read/read-contract.ts";
import { openTexts } from "../read/source.ts";
import { compareContracts } from "./compare.ts";

const api = (operation: string, more = ""): string => `openapi: 3.1.0
info: { title: t, version: "1" }
paths:
  /things/{id}:
    put:
      operationId: putThing
${operation.replace(/^/gm, "      ")}
${more}`;
const ok = `responses: { "200": { description: ok } }`;

async function found(old: string, now: string): Promise<string[]> {
  const [before, after] = await Promise.all(
    [old, now].map(async (text) => readContract(await openTexts({ "api.yaml": text }), "x")),
  );
  return compareContracts(before!, after!).findings.map(({ rule, verdict, at }) => `${verdict} ${rule} ${at}`);
}

const both = (old: string, now: string): Promise<string[]> => found(api(old), api(now));
const parameter = (text: string): string =>
  `parameters: [{ name: id, in: path, required: true, schema: { type: string } }, ${text}]\n${ok}`;

test("parameters go by their name on the wire, those of the path by position", async () => {
  const q = "{ name: q, in: query, schema: { type: string } }";
  assert.deepEqual(await both(parameter(q), ok.replace("ok", "ok")), ["breaking parameter-removed putThing: query q"]);
  assert.deepEqual(await both(ok, parameter(q)), ["safe parameter-added putThing: query q"]);
  assert.deepEqual(await both(ok, parameter(q.replace("in: query", "in: query, required: true"))), [
    "breaking parameter-required putThing: query q",
  ]);
  assert.deepEqual(await found(api(ok), api(ok).replaceAll("{id}", "{thing}")), []);
  assert.deepEqual(await both(parameter(q), parameter(q.replace("type: string", "type: string, default: a"))), [
    "breaking default-value putThing: query q",
  ]);
});

test("on the wire a number is a text, and a value a list of one", async () => {
  const q = (schema: string): string => parameter(`{ name: q, in: query, schema: ${schema} }`);
  assert.deepEqual(await both(q("{ type: integer }"), q("{ type: string }")), ["safe type putThing: query q"]);
  assert.deepEqual(await both(q("{ type: string }"), q("{ type: array, items: { type: string } }")), []);
  assert.match(String(await both(q("{ type: string }"), q("{ type: integer }"))), /breaking type/);
});

test("bodies, media types and required bodies", async () => {
  const body = (content: string, required = ""): string => `requestBody: { ${required}content: { ${content} } }\n${ok}`;
  const json = "application/json: { schema: { type: object, properties: { a: { type: string } } } }";
  const xml = "application/xml: { schema: { type: string } }";
  assert.match(String(await both(body(json), ok)), /breaking request-body putThing: request/);
  assert.deepEqual(await both(body(`${json}, ${xml}`), body(json)), [
    "breaking request-media-type putThing: request application/xml",
  ]);
  assert.deepEqual(await both(body(json), body(`${json}, ${xml}`)), [
    "safe request-media-type putThing: request application/xml",
  ]);
  assert.match(
    String(await both(body(json), body(json, "required: true, "))),
    /breaking request-body putThing: request/,
  );
});

test("answers: statuses, media types and headers", async () => {
  const answers = (text: string): string => `responses: { ${text} }`;
  const two = `"200": { description: ok }, "404": { description: no }`;
  assert.deepEqual(await both(answers(two), answers(`"200": { description: ok }`)), [
    "safe answer-status putThing: answer 404",
  ]);
  assert.deepEqual(await both(answers(`"200": { description: ok }, "202": { description: later }`), answers(two)), [
    "breaking answer-status putThing: answer 202",
    "safe answer-status putThing: answer 404",
  ]);
  const header = `"200": { description: ok, headers: { X-A: { schema: { type: string } } } }`;
  assert.deepEqual(await both(answers(header), ok), ["breaking answer-header putThing: answer 200 header x-a"]);
});

test("what only one direction has: a member that becomes readOnly is refused in requests", async () => {
  const body = (flag: string): string =>
    `requestBody: { content: { application/json: { schema: { type: object, properties: { a: { type: string${flag} } } } } } }\n${ok}`;
  assert.deepEqual(await both(body(""), body(", readOnly: true")), ["breaking not-allowed putThing: request /a"]);
});

test("credentials that were enough have to be enough", async () => {
  const schemes = `components: { securitySchemes: { a: { type: http, scheme: basic }, b: { type: apiKey, name: k, in: header } } }`;
  const with_ = (security: string): string => api(`security: ${security}\n${ok}`, schemes);
  assert.deepEqual(await found(with_("[{ a: [] }]"), with_("[{ a: [], b: [] }]")), [
    "breaking security-requirement putThing: security",
  ]);
  assert.deepEqual(await found(with_("[{ a: [] }]"), with_("[{ a: [] }, { b: [] }]")), [
    "safe security-requirement putThing: security",
  ]);
  assert.deepEqual(await found(with_("[{ b: [] }]"), with_("[{ b: [] }]").replace("in: header", "in: query")), [
    "breaking security-scheme security b",
  ]);
});

test("a pattern is solved to find the text that fails", async () => {
  const q = (pattern: string): string =>
    parameter(`{ name: q, in: query, required: true, schema: { type: string, pattern: "${pattern}" } }`);
  assert.deepEqual(await both(q("^[A-Z]{3}-[0-9]{7}$"), q("^[A-Z]{3}-[0-9]{6}$")), [
    "breaking pattern putThing: query q",
  ]);
});

test("SQL: other statements are for review, a column of another type breaks", async () => {
  const read = async (column: string, statement: string) =>
    readContract(
      await openTexts({ "w.sql": `-- @operation getStock\n-- @returns one\n-- @column a ${column}\n${statement};\n` }),
      "w",
    );
  const [one, other, wider] = await Promise.all([
    read("text", "SELECT 1 AS a"),
    read("text", "SELECT 2 AS a"),
    read("integer", "SELECT 1 AS a"),
  ]);
  const rules = (findings: ReturnType<typeof compareContracts>["findings"]): string[] =>
    findings.map(({ rule, verdict }) => `${rule} ${verdict}`);
  assert.deepEqual(rules(compareContracts(one, other).findings), ["sql-statement review"]);
  assert.deepEqual(rules(compareContracts(one, wider).findings), ["type breaking"]);
});
