/** For tests of this room: a real project in a temporary folder, with a shop's contract, that compiles. */
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import { mortise, type Ran } from "../test-terminal.ts";

/** Operations with enough shape to be used in part. */
export const shopContract = `openapi: 3.1.0
info: { title: Shop, version: "1.0" }
servers: [{ url: "http://127.0.0.1:1" }]
paths:
  /orders:
    post:
      operationId: placeOrder
      requestBody: { required: true, content: { application/json: { schema: { $ref: "#/components/schemas/NewOrder" } } } }
      responses:
        "201": { description: ok, content: { application/json: { schema: { $ref: "#/components/schemas/Order" } } } }
        "409": { description: taken, content: { application/json: { schema: { $ref: "#/components/schemas/Taken" } } } }
  /orders/{id}:
    get:
      operationId: getOrder
      parameters:
        - { name: id, in: path, required: true, schema: { type: string } }
        - { name: detail, in: query, schema: { type: string, enum: [short, long] } }
      responses: { "200": { description: ok, content: { application/json: { schema: { $ref: "#/components/schemas/Order" } } } } }
    delete:
      operationId: cancelOrder
      parameters: [{ name: id, in: path, required: true, schema: { type: string } }]
      responses: { "204": { description: ok } }
  /stock/{sku}:
    get:
      operationId: getStock
      parameters: [{ name: sku, in: path, required: true, schema: { type: string } }]
      responses: { "200": { description: ok, content: { application/json: { schema: { $ref: "#/components/schemas/Stock" } } } } }
  /ping:
    get: { operationId: ping, responses: { "200": { description: ok, content: { application/json: { schema: { $ref: "#/components/schemas/Pong" } } } } } }
webhooks:
  orderPaid:
    post:
      operationId: orderPaid
      requestBody: { content: { application/json: { schema: { $ref: "#/components/schemas/Paid" } } } }
      responses: { "204": { description: ok } }
components:
  schemas:
    NewOrder:
      type: object
      required: [id, lines]
      properties:
        id: { type: string }
        lines: { type: array, items: { $ref: "#/components/schemas/Line" } }
        note: { type: string }
        __proto__: { type: string }
    Order:
      type: object
      required: [id, status, customer, lines]
      properties:
        id: { type: string }
        status: { type: string, enum: [open, closed] }
        total: { type: string }
        customer: { type: object, required: [name, email], properties: { name: { type: string }, email: { type: string } } }
        lines: { type: array, items: { $ref: "#/components/schemas/Line" } }
        constructor: { type: string }
        __proto__: { type: string }
    Line:
      type: object
      required: [sku, quantity]
      properties: { sku: { type: string }, quantity: { type: integer }, price: { type: string } }
    Stock: { type: object, required: [sku, free], properties: { sku: { type: string }, free: { type: integer }, shelf: { type: string } } }
    Taken: { type: object, required: [by], properties: { by: { type: string }, since: { type: string } } }
    Pong: { type: object, required: [at], properties: { at: { type: string }, node: { type: string } } }
    Paid: { type: object, required: [order, amount], properties: { order: { type: string }, amount: { type: string } } }
`;

export interface TestShop {
  readonly folder: string;
  write(files: Readonly<Record<string, string>>): void;
  run(...args: string[]): Promise<Ran>;
}

const repository = fileURLToPath(new URL("../../../", import.meta.url));

/** A project with the system `shop` pinned from `shop.yaml` beside it, and these files. */
export async function testShop(
  t: TestContext,
  files: Readonly<Record<string, string>>,
  contract = shopContract,
): Promise<TestShop> {
  const home = realpathSync(mkdtempSync(join(tmpdir(), "mortise-impact-")));
  t.after(() => rmSync(home, { recursive: true, force: true }));
  const folder = join(home, "project");
  const write = (given: Readonly<Record<string, string>>): void => {
    for (const [path, text] of Object.entries(given)) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), text);
    }
  };
  write({
    "package.json": '{"name":"project","type":"module"}',
    "mortise.config.ts": `import { defineConfig } from "mortise";\nexport default defineConfig({ api: { port: 0 }, admin: { port: 0 } });\n`,
    "tsconfig.json": JSON.stringify({
      compilerOptions: {
        target: "ES2024",
        module: "NodeNext",
        types: ["node"],
        strict: true,
        noEmit: true,
        allowImportingTsExtensions: true,
        skipLibCheck: true,
        customConditions: ["mortise-source"],
      },
      include: ["**/*.ts"],
      exclude: ["node_modules", ".mortise"],
    }),
    "../shop.yaml": contract,
  });
  mkdirSync(join(folder, "node_modules"));
  symlinkSync(repository, join(folder, "node_modules", "mortise"));
  for (const name of ["typescript", "@types", "@typescript"])
    symlinkSync(join(repository, "node_modules", name), join(folder, "node_modules", name));
  const run = (...args: string[]): Promise<Ran> => mortise(args, { folder });
  const added = await run("add", "shop", "../shop.yaml");
  assert.equal(added.code, 0, added.err);
  write({
    "systems/shop/index.ts": `import { rest, secret } from "mortise";
import { contract } from "./contract.ts";
export const shop = rest(contract, {
  connection: "http://127.0.0.1:1",
  webhookSecret: secret("SHOP"),
  events: { orderPaid: { key: (paid) => paid.order } },
  sensitive: ["getOrder.output.customer.name"],
});
`,
    ...files,
  });
  return { folder, write, run };
}
