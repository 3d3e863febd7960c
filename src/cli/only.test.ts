/** `--only` through the command: `mortise add` and `mortise types`. */
import assert from "node:assert/strict";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { fileURLToPath } from "node:url";
import type { ContractModel } from "../contract/model.ts";
import { mortise } from "./test-terminal.ts";

const shop = `openapi: 3.1.0
info: { title: Shop, version: "1" }
servers: [{ url: https://shop.example/ }]
paths:
  /orders:
    post:
      operationId: placeOrder
      requestBody: { required: true, content: { application/json: { schema: { $ref: "#/components/schemas/Order" } } } }
      responses:
        "201":
          description: ok
          content: { application/json: { schema: { $ref: "#/components/schemas/Order" } } }
          links: { order: { operationId: getOrder, parameters: { id: "$response.body#/id" } } }
  /orders/{id}:
    get:
      operationId: getOrder
      security: [{ key: [] }]
      parameters: [{ name: id, in: path, required: true, schema: { type: string } }]
      responses: { "200": { description: ok, content: { application/json: { schema: { $ref: "#/components/schemas/Order" } } } } }
  /people:
    get:
      operationId: listPeople
      responses: { "200": { description: ok, content: { application/json: { schema: { type: array, items: { $ref: "#/components/schemas/Person" } } } } } }
webhooks:
  paid: { post: { requestBody: { content: { application/json: { schema: { $ref: "#/components/schemas/Payment" } } } }, responses: { "200": { description: ok } } } }
components:
  securitySchemes: { key: { type: apiKey, in: header, name: X-Key } }
  schemas:
    Order: { type: object, properties: { id: { type: string }, lines: { type: array, items: { $ref: "#/components/schemas/Line" } } } }
    Line: { type: object, properties: { sku: { type: string } } }
    Person: { type: object, properties: { name: { type: string } } }
    Payment: { type: object, properties: { amount: { type: integer } } }
`;

function project(t: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), "mortise-only-"));
  t.after(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, "mortise.config.ts"), "export default {};\n");
  writeFileSync(join(folder, "shop.yaml"), shop);
  const read = (path: string): string => readFileSync(join(folder, "systems", path), "utf8");
  return {
    folder,
    read,
    run: (...args: string[]) => mortise(args, { folder }),
    model: (system: string) => JSON.parse(read(`${system}/contract.json`)) as ContractModel,
  };
}

const partsOf = ({ operations, events, schemas, security = {}, source }: ContractModel): object => ({
  operations: Object.keys(operations),
  events: Object.keys(events),
  schemas: Object.keys(schemas),
  security: Object.keys(security),
  only: source.only,
});

test("add --only pins the whole contract, and of it the model and the types of what is named, with the schemas that those need", async (t) => {
  const { run, read, model } = project(t);
  const added = await run("add", "shop", "shop.yaml", "--only", "placeOrder,paid", "--json");
  assert.equal(added.code, 0, added.err);
  assert.deepEqual(
    (JSON.parse(added.out) as { operations: { name: string }[] }).operations.map(({ name }) => name),
    ["placeOrder"],
  );
  assert.equal(read("shop/shop.yaml"), shop);
  assert.deepEqual(partsOf(model("shop")), {
    operations: ["placeOrder"],
    events: ["paid"],
    schemas: ["Order", "Line", "Payment"],
    security: [],
    only: ["paid", "placeOrder"],
  });
  assert.equal(model("shop").operations.placeOrder?.links, undefined, "a link out of the part leads nowhere");
  const types = read("shop/contract.ts");
  for (const there of ["placeOrder", "Payment"]) assert.match(types, new RegExp(there));
  for (const gone of ["getOrder", "listPeople", "Person"]) assert.doesNotMatch(types, new RegExp(gone));
  assert.equal((await run("types", "--check")).code, 0, "what was chosen is remembered");
});

test("types --only chooses again from the pinned files; a star takes all", async (t) => {
  const { folder, run, model } = project(t);
  await run("add", "shop", "shop.yaml", "--only", "placeOrder");
  rmSync(join(folder, "shop.yaml"));
  const more = await run("types", "shop", "--only", "placeOrder,getOrder");
  assert.equal(more.code, 0, more.err);
  assert.deepEqual(partsOf(model("shop")), {
    operations: ["placeOrder", "getOrder"],
    events: [],
    schemas: ["Order", "Line"],
    security: ["key"],
    only: ["getOrder", "placeOrder"],
  });
  assert.deepEqual(Object.keys(model("shop").operations.placeOrder!.links!), ["order"]);
  const all = await run("types", "shop", "--only", "*");
  assert.equal(all.code, 0, all.err);
  assert.deepEqual(Object.keys(model("shop").operations), ["placeOrder", "getOrder", "listPeople"]);
  assert.equal(model("shop").source.only, undefined);
  assert.equal((await run("types", "--check")).code, 0);
});

test("a name that the contract does not have is refused, and nothing is written", async (t) => {
  const { run, read } = project(t);
  const refused = await run("add", "shop", "shop.yaml", "--only", "placeOrder,placeOrdr");
  assert.equal(refused.code, 1);
  assert.match(refused.err, /option-invalid/);
  assert.match(refused.err, /placeOrdr/);
  assert.throws(() => read("shop/contract.json"));
  await run("add", "shop", "shop.yaml");
  const before = read("shop/contract.json");
  assert.equal((await run("types", "shop", "--only", "nothing")).code, 1);
  assert.equal((await run("types", "--only", "placeOrder")).code, 1, "of which system?");
  assert.equal(read("shop/contract.json"), before);
});

test("of a WSDL over several files, too", async (t) => {
  const { folder, run, model } = project(t);
  mkdirSync(join(folder, "erp"));
  cpSync(fileURLToPath(new URL("../contract/read/fixtures/wsdl/erp/", import.meta.url)), join(folder, "erp"), {
    recursive: true,
  });
  const added = await run("add", "erp", "erp/erp.wsdl", "--only", "getOrder");
  assert.equal(added.code, 0, added.err);
  const { operations, schemas, source } = model("erp");
  assert.deepEqual(Object.keys(operations), ["getOrder"]);
  assert.equal(source.files.length, 4);
  assert.ok(Object.keys(schemas).length > 0);
  assert.equal((await run("types", "erp", "--only", "*")).code, 0);
  assert.deepEqual(Object.keys(model("erp").operations), ["createOrder", "getOrder", "notify"]);
  assert.ok(Object.keys(model("erp").schemas).length > Object.keys(schemas).length);
});

test("a name with a slip in it is told with the one that was meant, any other with those that there are", async (t) => {
  const { run } = project(t);
  const said = async (only: string) => (await run("add", "shop", "shop.yaml", "--only", only)).err;
  assert.match(
    await said("placeOrder,getOder"),
    /no operation or event "getOder" \(did you mean getOrder\?\)\. Examples/,
  );
  assert.match(
    await said("refund"),
    /no operation or event "refund"; it has placeOrder, getOrder, listPeople, paid\. Examples/,
  );
  assert.match(await said("People,padi"), /"People", "padi" \(did you mean paid\?\); it has listPeople\. Examples/);
});

test("of many operations and events the first are told, and how many more there are", async (t) => {
  const { folder, run } = project(t);
  const many = (of: (n: number) => string) => Array.from({ length: 14 }, (_, n) => of(n)).join("\n");
  writeFileSync(
    join(folder, "many.yaml"),
    `openapi: 3.1.0
info: { title: Many, version: "1" }
paths:
${many((n) => `  /a${n}: { get: { operationId: read${n}, summary: ${"word ".repeat(20)}end, responses: {} } }`)}
webhooks:
${many((n) => `  told${n}: { post: { requestBody: { content: { application/json: { schema: {} } } }, responses: {} } }`)}
`,
  );
  const { out } = await run("add", "many", "many.yaml");
  assert.match(
    out,
    /read11 .*word…\nand 2 more, in contract\.ts\n14 events: told0, .*, told11 and 2 more, in contract\.ts/,
  );
});

test("a fake of a system has the events and operations that the project has", async (t) => {
  const { run } = project(t);
  assert.equal((await run("add", "shop", "shop.yaml", "--only", "getOrder,paid")).code, 0);
  assert.equal((await run("fake", "shop", "--emit", "paid")).code, 0);
  assert.equal((await run("types", "shop", "--only", "getOrder")).code, 0);
  assert.match((await run("fake", "shop", "--emit", "paid")).err, /the contract has no events/);
  assert.match((await run("fake", "shop", "--set", "placeOrder=503", "--port", "0")).err, /no operation "placeOrder"/);
});
