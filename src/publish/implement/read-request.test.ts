import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { readOpenApi } from "../../contract/read/openapi.ts";
import { openSource } from "../../contract/read/source.ts";
import { operationValidators } from "../../contract/validate.ts";
import { ProblemError } from "../problem.ts";
import { requestReader } from "./read-request.ts";
import type { SpokenOperation } from "./spoken.ts";

async function readerOf(t: TestContext, parameters: readonly object[]) {
  const folder = mkdtempSync(join(tmpdir(), "mortise-read-request-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const document = {
    openapi: "3.1.0",
    info: { title: "Search", version: "1.0.0" },
    paths: { "/items": { get: { operationId: "find", parameters, responses: { "200": { description: "ok" } } } } },
  };
  writeFileSync(join(folder, "search.json"), JSON.stringify(document));
  const model = await readOpenApi(await openSource(join(folder, "search.json")), "search");
  const operation = model.operations.find as SpokenOperation;
  const read = requestReader({ model, operation }, "", operationValidators(model, operation).input, false);
  return async (query: string, headers: Readonly<Record<string, string>> = {}) => {
    const request = { id: "1", method: "GET", path: "/items", query, headers, address: "", body: () => assert.fail() };
    try {
      return (await read(request, 1000)).input;
    } catch (error) {
      assert.ok(error instanceof ProblemError, String(error));
      return error.extras.errors?.map(({ pointer, message }) => `${pointer} ${message}`);
    }
  };
}

test("a parameter of JSON that is half an object is refused by its name, also where it may be a text", async (t) => {
  const content = { "application/json": { schema: { type: ["object", "string"] } } };
  const read = await readerOf(t, [
    { name: "filter", in: "query", content },
    { name: "X-Filter", in: "header", content },
  ]);
  const refused = (name: string) => [
    `/${name} must be JSON, with each member once and no number that would be rounded; a text stands in quotes`,
  ];
  assert.deepEqual(await read("filter=%7B%22a%22%3A"), refused("filter"));
  assert.deepEqual(await read("filter=abc"), refused("filter"));
  assert.deepEqual(await read("filter=%7B%22a%22%3A9007199254740993%7D"), refused("filter"));
  assert.deepEqual(await read("", { "x-filter": '{"a":' }), refused("X-Filter"));
  assert.deepEqual(await read("filter=%22%7B%22"), { filter: "{" });
  assert.deepEqual(await read("filter=%7B%22a%22%3A1%7D"), { filter: { a: 1 } });
});

test("the spaces of a text in a header of JSON stay as they are", async (t) => {
  const read = await readerOf(t, [
    { name: "X-Filter", in: "header", content: { "application/json": { schema: { type: "object" } } } },
  ]);
  assert.deepEqual(await read("", { "x-filter": '{"a": "x , y"}' }), { xFilter: { a: "x , y" } });
});
