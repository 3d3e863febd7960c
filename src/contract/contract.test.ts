import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";
import { pathToFileURL } from "node:url";
import type { Schema } from "../operation.ts";
import { type ContractTypes, pinnedContract } from "./contract.ts";
import { contractHash, serialise } from "./model.ts";
import { compileSchema } from "./validate.ts";

test("a pinned contract with another hash than its contract.ts says is refused, and nothing but it is read", (t) => {
  const folder = mkdtempSync(join(tmpdir(), "mortise-contract-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, "contract.json");
  // Its source is not even there.
  const source = {
    language: "openapi",
    languageVersion: "3.1.0",
    files: [{ path: "gone.yaml", sha256: "0" }],
  } as const;
  const model = { format: 1, name: "s", source, operations: {}, events: {}, schemas: {}, servers: [] } as const;
  writeFileSync(file, serialise(model));
  const url = pathToFileURL(join(folder, "contract.ts")).href;
  assert.equal(pinnedContract(url, contractHash(model)).model.name, "s");
  writeFileSync(file, serialise({ ...model, servers: ["https://elsewhere.example.com"] }));
  assert.throws(() => pinnedContract(url, contractHash(model)), {
    code: "contract-pin-changed",
    message: /contract\.json is not the one that its contract\.ts was written for.*mortise types/,
  });
});

test("a pinned contract gives its named schemas, each whole, as a system does", (t) => {
  const folder = mkdtempSync(join(tmpdir(), "mortise-contract-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const schemas = {
    Order: { type: "object", properties: { of: { $ref: "#/$defs/Party" } } },
    Party: { type: "string" },
  };
  const model = { format: 1, name: "s", operations: {}, events: {}, schemas };
  writeFileSync(join(folder, "contract.json"), JSON.stringify(model));
  const pinned = pinnedContract<ContractTypes & { schemas: { Order: { of: string } } }>(
    pathToFileURL(join(folder, "contract.ts")).href,
  );
  const validate = compileSchema(pinned.schemas.Order);
  assert.deepEqual(validate({ of: "a" }), []);
  assert.equal(validate({ of: 1 })[0]?.at, "/of");
});

type None = Readonly<Record<never, never>>;

test("a pinned contract gives what each operation takes, typed and whole", (t) => {
  const folder = mkdtempSync(join(tmpdir(), "mortise-contract-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const input = {
    type: "object",
    properties: { id: { type: "string" }, order: { $ref: "#/$defs/Order" } },
    required: ["id"],
  };
  const operations = { placeOrder: { name: "placeOrder", input, output: true, faults: {} } };
  const schemas = { Order: { type: "object", properties: { lines: { type: "integer" } } } };
  const model = { format: 1, name: "s", operations, events: {}, schemas };
  writeFileSync(join(folder, "contract.json"), JSON.stringify(model));
  const pinned = pinnedContract<{
    operations: { placeOrder: { input: { id: string; order?: { lines?: number } }; output: unknown; faults: None } };
    events: None;
    schemas: None;
  }>(pathToFileURL(join(folder, "contract.ts")).href);
  const { placeOrder } = pinned.inputs;
  const typed: Schema<{ id: string; order?: { lines?: number } }> = placeOrder;
  const validate = compileSchema(typed);
  assert.deepEqual(validate({ id: "a", order: { lines: 1 } }), []);
  assert.equal(validate({ id: "a", order: { lines: "x" } })[0]?.at, "/order/lines");
  assert.ok(Object.isFrozen(pinned.inputs));
  assert.equal((pinned.inputs as Readonly<Record<string, unknown>>).constructor, undefined);
});

test("a pinned contract that was edited by hand is refused with its file and what is wrong", (t) => {
  const folder = mkdtempSync(join(tmpdir(), "mortise-contract-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const read = (text: string) => {
    writeFileSync(join(folder, "contract.json"), text);
    return pinnedContract(pathToFileURL(join(folder, "contract.ts")).href);
  };
  const whole = { format: 1, name: "s", operations: {}, events: {}, schemas: {} };
  assert.equal(read(JSON.stringify(whole)).model.name, "s");
  for (const [text, reason] of [
    ["null", /it is no object/],
    ["[]", /it is no object/],
    ['{"format":1', /contract\.json can't be read/],
    ['{"format":99}', /format 99 is not known/],
    ['{"format":1}', /it has no name/],
    [JSON.stringify({ ...whole, operations: [] }), /it has no operations/],
    [JSON.stringify({ ...whole, schemas: undefined }), /it has no schemas/],
  ] as const) {
    assert.throws(() => read(text), { code: "contract-pin-unreadable", message: reason }, text);
  }
});
