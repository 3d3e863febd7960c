/** An OpenAPI document that says what an API must be: taken, typed, checked; what the compiler says of what is missing. */
import assert from "node:assert/strict";
import { appendFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { mortise, type Ran } from "./test-terminal.ts";

const document = `openapi: 3.1.0
info: { title: Board stock, version: 2.1.0 }
servers: [{ url: https://board.example/stock/v2 }]
paths:
  /items/{item-no}:
    get:
      operationId: getItem
      summary: One */ item
      parameters: [{ name: item-no, in: path, required: true, schema: { type: string } }]
      responses:
        "200": { description: ok, content: { application/json: { schema: { type: object, required: [available], properties: { available: { type: integer } } } }, application/xml: {} } }
        "404": { description: none, content: { application/json: { schema: { type: object, required: [text], properties: { text: { type: string } } } } } }
  /orders:
    post:
      operationId: placeOrder
      requestBody: { required: true, content: { application/json: { schema: { type: object, required: [id], properties: { id: { type: string } } } } } }
      responses: { "202": { description: taken } }
      callbacks: { told: { "{$request.query.url}": { post: { requestBody: { content: { application/json: { schema: {} } } }, responses: { "200": { description: ok } } } } } }
`;
const processes = `import { defineProcess, t } from "mortise";
export const ordering = defineProcess({ name: "ordering", input: t.object({ id: t.string(), customer: t.string() }),
  output: t.object({ number: t.string() }), key: ({ id }) => id, run: async () => ({ number: "N" }) });
export const counting = defineProcess({ name: "counting", input: t.object({ itemNo: t.string() }),
  output: t.object({ count: t.integer() }), key: ({ itemNo }) => itemNo, run: async () => ({ count: 1 }) });
`;
const good = {
  getItem: `getItem: { scope: "s", run: counting, allow: () => true,
    responds: ({ output }) => output === undefined ? fault("notFound", { text: "none" }) : { available: output.count } },`,
  placeOrder: `placeOrder: { scope: "s", starts: ordering, accepts: ({ id }, { caller }) => ({ id, customer: caller.id }), responds: () => null },`,
};
const file = (operations: string, folder: string) => `import { apiKey, fault, implementApi, published } from "mortise";
import { counting, ordering } from "${folder}/processes/all.ts";
import { contract } from "${folder}/apis/stock.v2/contract.ts";
export default implementApi(contract, { base: "/stock/v2", lifecycle: published(), access: [apiKey()], without: ["told"],
  problems: ({ detail }) => ({ text: detail }),
  operations: { ${operations} },
});
export const used = [counting, ordering, fault];
`;

// Inside the checkout, so that "mortise" and the compiler are found.
const root = fileURLToPath(new URL("../..", import.meta.url));
let project: string;
const run = (...args: string[]): Promise<Ran> => mortise(args, { folder: project });

before(() => {
  mkdirSync(join(root, ".mortise"), { recursive: true });
  project = mkdtempSync(join(root, ".mortise", "implement-"));
  for (const folder of ["processes", "requirements", "wrong"]) mkdirSync(join(project, folder));
  writeFileSync(
    join(project, "mortise.config.ts"),
    'import { defineConfig } from "mortise";\nexport default defineConfig();\n',
  );
  writeFileSync(
    join(project, "tsconfig.json"),
    JSON.stringify({ extends: "../../tsconfig.json", include: ["**/*.ts"], exclude: [] }),
  );
  writeFileSync(join(project, "processes", "all.ts"), processes);
  writeFileSync(join(project, "board.yaml"), document);
});
after(() => rmSync(project, { recursive: true, force: true }));

test("the document is pinned beside its types, with an index.ts that lists what there is to implement", async () => {
  const taken = await run("implement", "stock.v2", "board.yaml");
  assert.equal(taken.code, 0, taken.err);
  assert.match(taken.out, /taken stock\.v2: OpenAPI 3\.1\.0, Board stock 2\.1\.0/);
  assert.match(taken.out, /getItem +GET \/items\/\{item-no\}/);
  assert.match(taken.out, /1 callback or webhook: told/);
  assert.match(taken.out, /getItem answers 200 as application\/xml too: here it is application\/json only/);
  const folder = join(project, "apis", "stock.v2");
  assert.equal(readFileSync(join(folder, "board.yaml"), "utf8"), document);
  const index = readFileSync(join(folder, "index.ts"), "utf8");
  assert.match(index, /base: "\/stock\/v2"/);
  assert.match(index, /\/\/ getItem: \{\}, {3}GET \/items\/\{item-no\}/);
  assert.match(index, /without: \["told"\]/);
  assert.match(readFileSync(join(folder, "contract.ts"), "utf8"), /The contract of the API "stock\.v2"/);

  const again = await run("implement", "stock.v2", "board.yaml");
  assert.match(again.err, /There is a contract stock\.v2 already, in apis\/stock\.v2/);
  assert.equal((await run("implement", "stock.v2", "board.yaml", "--replace", "--json")).code, 0);
  assert.equal(readFileSync(join(folder, "index.ts"), "utf8"), index);
  // The name of the file is its address.
  writeFileSync(join(project, "board-2.yaml"), document);
  const moved = await run("implement", "stock.v2", "board-2.yaml", "--replace");
  assert.match(
    `${moved.out}${moved.err}`,
    /served at <base>\/openapi\/board\.yaml, and is at <base>\/openapi\/board-2\.yaml/,
  );
  assert.match(`${moved.out}${moved.err}`, /take it from a file called board\.yaml/);
  const back = await run("implement", "stock.v2", "board.yaml", "--replace", "--json");
  assert.deepEqual(JSON.parse(back.out).moved, { from: "board-2.yaml", to: "board.yaml" });
  assert.ok(!existsSync(join(folder, "board-2.yaml")));
  for (const name of ["published", "Stock", "../x"])
    assert.notEqual((await run("implement", name, "board.yaml")).code, 0);
  writeFileSync(join(project, "old.yaml"), 'swagger: "2.0"\ninfo: { title: X, version: "1" }\npaths: {}\n');
  assert.match(
    (await run("implement", "old", "old.yaml")).err,
    /OpenAPI document of version 3, and this is openapi 2\.0/,
  );
  assert.ok(!existsSync(join(project, "apis", "old")));
});

test("every request that a document has the API send is left out from the beginning, also one that is no event", async () => {
  writeFileSync(
    join(project, "sends.yaml"),
    `${document}webhooks:
  stock-low: { post: { requestBody: { content: { application/json: { schema: { type: object } } } }, responses: { "200": { description: ok } } } }
  ping-us: { post: { responses: { "200": { description: ok } } } }
`,
  );
  assert.equal((await run("implement", "sends", "sends.yaml")).code, 0);
  const folder = join(project, "apis", "sends");
  const index = readFileSync(join(folder, "index.ts"), "utf8");
  assert.match(index, /without: \["stockLow","told","ping-us"\]/);
  assert.doesNotMatch(index, /ownAccess/);
  rmSync(folder, { recursive: true });
});

test("a way to call that nothing here takes is named, and access counts in its place", async () => {
  const scheme = (header: string) =>
    `${document}components: { securitySchemes: { house-key: { type: apiKey, in: header, name: ${header} } } }\nsecurity: [{ house-key: [] }]\n`;
  const indexOf = async (name: string, header: string) => {
    writeFileSync(join(project, `${name}.yaml`), scheme(header));
    assert.equal((await run("implement", name, `${name}.yaml`)).code, 0);
    const folder = join(project, "apis", name);
    const text = readFileSync(join(folder, "index.ts"), "utf8");
    rmSync(folder, { recursive: true });
    return text;
  };
  assert.match(await indexOf("strange", "api-key"), /access: \[apiKey\(\)\],\n {2}ownAccess: true, .*\(house-key\)$/m);
  assert.doesNotMatch(await indexOf("usual", "X-API-Key"), /ownAccess/);
});

test("faults in one place of the document are told; what can't be checked is refused, and nothing is written", async () => {
  const twice = document.replace("operationId: placeOrder", "operationId: getItem");
  writeFileSync(join(project, "twice.yaml"), twice);
  const told = await run("implement", "twice", "twice.yaml");
  assert.equal(told.code, 0, told.err);
  assert.match(told.out, /1 place of it breaks the rules of its language:\n.*the operationId "getItem".*getItem2/);
  rmSync(join(project, "apis", "twice"), { recursive: true });
  writeFileSync(
    join(project, "broken.yaml"),
    document
      .replace("required: [id],", "required: 1,")
      .replace("id: { type: string }", 'id: { type: string, pattern: "^S-[0-9" }'),
  );
  const refused = await run("implement", "broken", "broken.yaml");
  assert.equal(refused.code, 1);
  assert.match(refused.err, /callers would be promised it: .*"required" is no list of names.*; .*pattern "\^S-\[0-9"/);
  assert.ok(!existsSync(join(project, "apis", "broken")));
  const added = await run("add", "broken", "broken.yaml");
  assert.equal(added.code, 0, added.err);
  assert.match(added.out, /2 places of it break the rules of its language:/);
  rmSync(join(project, "systems", "broken"), { recursive: true });
});

test("each operation that is missing, not there, or of another shape is named by the compiler, in words about the contract", async () => {
  const wrong: Readonly<Record<string, readonly [operations: string, said: RegExp]>> = {
    missing: [good.getItem, /The contract has the operation placeOrder, and it is not implemented/],
    all: ["", /The contract has operations that are not implemented: getItem, placeOrder/],
    more: [
      `${good.getItem} ${good.placeOrder} cancel: { scope: "s", starts: ordering },`,
      /The contract has no operation cancel\./,
    ],
    accepts: [
      `${good.getItem} placeOrder: { scope: "s", starts: ordering, responds: () => null },`,
      /say how it becomes that, accepts/,
    ],
    responds: [
      `${good.getItem} placeOrder: { scope: "s", starts: ordering, accepts: ({ id }) => ({ id, customer: id }) },`,
      /say how it is made, responds/,
    ],
    input: [
      `${good.getItem} ${good.placeOrder.replace("customer: caller.id", "customer: caller.id.length")}`,
      /Type 'number' is not assignable to type 'string'/,
    ],
    output: [
      `${good.getItem.replace("available: output.count", "left: output.count")} ${good.placeOrder}`,
      /'\{ left: number; \}' is not assignable to type .*GetItemOutput/,
    ],
    fault: [`${good.getItem.replace('"notFound"', '"gone"')} ${good.placeOrder}`, /"gone"/],
    detail: [`${good.getItem.replace("text:", "words:")} ${good.placeOrder}`, /words: string.*GetItemNotFound/s],
    setting: [
      `${good.getItem.replace("scope:", "wait: 1, scope:")} ${good.placeOrder}`,
      /'wait' does not exist in type/,
    ],
  };
  for (const [name, [operations]] of Object.entries(wrong))
    writeFileSync(join(project, "wrong", `${name}.ts`), file(operations, ".."));
  writeFileSync(join(project, "apis", "stock.v2", "index.ts"), file(good.getItem + good.placeOrder, "../.."));
  const { findings } = JSON.parse((await run("check", "--json")).out) as {
    findings: readonly { rule: string; level: string; file?: string; message: string }[];
  };
  for (const [name, [, said]] of Object.entries(wrong)) {
    const own = findings.filter((finding) => finding.file === `wrong/${name}.ts`);
    assert.equal(own.length, 1, `${name}: ${JSON.stringify(own, null, 1)}`);
    assert.match(own[0]!.message, said);
    assert.ok(own[0]!.message.length < 400, own[0]!.message);
  }
  const others = findings.filter((finding) => finding.file?.startsWith("wrong/") !== true && finding.level === "error");
  assert.deepEqual(others, []);
  rmSync(join(project, "wrong"), { recursive: true });
});

test("the pin of an API is kept like that of a system: stale types and changed documents are found", async () => {
  const folder = join(project, "apis", "stock.v2");
  assert.match((await run("types", "--check")).out, /1 contract, nothing changed/);
  appendFileSync(join(folder, "contract.ts"), "// mine\n");
  assert.match((await run("types", "apis/stock.v2", "--check")).out, /would change apis\/stock\.v2: contract\.ts/);
  assert.match((await run("check", "--no-types")).out, /write it again with: mortise types apis\/stock\.v2/);
  assert.match((await run("types", "stock.v2")).out, /changed apis\/stock\.v2: contract\.ts/);
  appendFileSync(join(folder, "board.yaml"), "# more\n");
  assert.match(
    (await run("check", "--no-types")).out,
    /board\.yaml.*\n?.*has changed since it was pinned; take it over with: mortise types apis\/stock\.v2/,
  );
});
