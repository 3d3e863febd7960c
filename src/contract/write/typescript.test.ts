import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { JsonSchema } from "../../operation.ts";
import { type ContractModel, contractHash, frozen } from "../model.ts";
import { readOpenApi } from "../read/openapi.ts";
import { openSource } from "../read/source.ts";
import { readWsdl } from "../read/wsdl.ts";
import { writeContract } from "./typescript.ts";

const folders: string[] = [];
after(async () => {
  for (const folder of folders) await rm(folder, { recursive: true, force: true });
});

const source = {
  language: "openapi",
  languageVersion: "3.1.0",
  title: "Shop */ API",
  version: "2",
  files: [{ path: "shop.yaml", sha256: "0" }],
} as const;
const rest = { protocol: "rest", method: "POST", path: "/", parameters: [], success: [], faults: [] } as const;

const shop: ContractModel = frozen({
  format: 1,
  name: "web-shop",
  source,
  servers: [],
  schemas: {
    Order: {
      description: "What was ordered.\nEnds a comment: */ or not.",
      type: "object",
      properties: {
        id: { type: "string" },
        "line-items": { type: "array", items: { $ref: "#/$defs/Line" } },
        state: { enum: ["open", "paid", null] },
        total: { type: "string", format: "decimal", description: "In euro." },
        parent: { anyOf: [{ $ref: "#/$defs/Order" }, { type: "null" }] },
        extra: true,
      },
      required: ["id", "total"],
    },
    Line: {
      type: "object",
      properties: {
        serial: { type: "string", format: "int64" },
        pair: { prefixItems: [{ type: "string" }], items: { type: "number" } },
      },
      additionalProperties: true,
    },
    "ns:line": {
      allOf: [{ $ref: "#/$defs/Line" }, { type: "object", properties: { more: { type: ["boolean", "null"] } } }],
    },
    Decimal: { type: "object", additionalProperties: { type: "integer" } },
    Many: { enum: Array.from({ length: 12 }, (_, i) => `a-rather-long-value-${i}`) },
    Lists: { type: "array", items: { oneOf: [{ type: "string" }, { type: "array", items: { type: "null" } }] } },
    Never: false,
  } satisfies Record<string, JsonSchema>,
  operations: {
    placeOrder: {
      name: "placeOrder",
      summary: "Places an order.",
      description: "At once.",
      deprecated: true,
      effect: "unrepeatable",
      input: {
        type: "object",
        properties: { order: { $ref: "#/$defs/Order" } },
        required: ["order"],
        additionalProperties: false,
      },
      output: { $ref: "#/$defs/Order" },
      faults: {
        conflict: { description: "Taken.", detail: { type: "object", properties: { by: { type: "string" } } } },
        gone: { detail: { type: "null" } },
      },
      binding: rest,
    },
    ping: {
      name: "ping",
      effect: "read",
      input: { type: "object", properties: {}, additionalProperties: false },
      output: true,
      faults: {},
      binding: rest,
    },
  },
  events: {
    orderPaid: {
      name: "orderPaid",
      payload: { type: "object", properties: { id: { type: "string" } } },
      binding: { protocol: "webhook", mediaType: "application/json" },
    },
  },
});

test("the written contract reads like code of a colleague", () => {
  const text = writeContract(shop)["contract.ts"];
  for (const part of [
    "do not edit. Refresh it with: mortise types web-shop",
    'import { type Decimal, type Int64, pinnedContract } from "mortise";',
    "/**\n * What was ordered.\n * Ends a comment: *\\/ or not.\n */\nexport interface Order {\n  readonly id: string;\n",
    '  readonly "line-items"?: readonly Line[];\n  readonly state?: "open" | "paid" | null;\n  /** In euro. */\n  readonly total: Decimal;\n',
    "  readonly parent?: Order | null;\n  readonly extra?: unknown;\n}",
    "  readonly pair?: readonly [string, ...number[]];\n  readonly [name: string]: unknown;\n}",
    "export type NsLine = Line & {\n  readonly more?: boolean | null;\n};",
    "export type Decimal2 = { readonly [name: string]: number };",
    'export type Many =\n  | "a-rather-long-value-0"\n',
    "export type Lists = readonly (string | readonly null[])[];",
    "export type Never = never;",
    "export interface PlaceOrderInput {\n  readonly order: Order;\n}",
    "    /**\n     * Places an order.\n     *\n     * At once.\n     * @deprecated\n     */\n    readonly placeOrder: {\n      readonly input: PlaceOrderInput;\n      readonly output: Order;\n",
    "        /** Taken. */\n        readonly conflict: PlaceOrderConflict;\n        readonly gone: null;\n",
    "      readonly input: { readonly [name: string]: never };\n      readonly output: unknown;\n      readonly faults: {};\n",
    "    readonly orderPaid: OrderPaidEvent;\n",
    '    readonly "ns:line": NsLine;\n',
    `export const contract = pinnedContract<WebShopContract>(\n  import.meta.url,\n  "${contractHash(shop)}",\n);\n`,
  ])
    assert.ok(text.includes(part), `${part}\n--- is not in ---\n${text}`);
  assert.doesNotMatch(text, /\bany\b|\benum\b/);
  assert.equal(writeContract(shop)["contract.ts"], text);
});

test("a union inside a union that needs several lines is one union", () => {
  const long = (letter: string): JsonSchema => ({
    enum: Array.from({ length: 8 }, (_, n) => `${letter.repeat(14)} ${n}`),
  });
  const text = writeContract({ ...shop, schemas: { Status: { anyOf: [long("a"), long("b")] } } })["contract.ts"];
  const members = /export type Status =\n([^;]*);/.exec(text)?.[1]?.split("\n");
  assert.equal(members?.length, 16);
  for (const member of members ?? []) assert.match(member, /^ {2}\| "[ab]+ \d"$/);
});

test("what is written compiles under strict, with exact optional properties on and off, and catches wrong fields", async () => {
  const folder = await mkdtemp(join(tmpdir(), "mortise-write-"));
  folders.push(folder);
  const fixtures = fileURLToPath(new URL("../read/fixtures/openapi/", import.meta.url));
  const models = [shop];
  for (const file of [
    "petstore-expanded-3.0.yaml",
    "uspto-3.0.yaml",
    "tictactoe-3.1.yaml",
    "webhook-3.1.yaml",
    "nested-files-3.1/openapi.yaml",
  ])
    models.push(await readOpenApi(await openSource(join(fixtures, file)), file.replace(/\W+/g, "-")));
  const wsdl = fileURLToPath(new URL("../read/fixtures/wsdl/", import.meta.url));
  for (const file of ["erp/erp.wsdl", "every-shape.wsdl", "rpc_encoded_claim.wsdl"])
    models.push(await readWsdl(await openSource(join(wsdl, file)), file.replace(/\W+/g, "-")));
  for (const model of models) {
    await mkdir(join(folder, model.name));
    for (const [name, text] of Object.entries(writeContract(model)))
      await writeFile(join(folder, model.name, name), text);
  }
  const sources = fileURLToPath(new URL("../../", import.meta.url));
  await writeFile(join(folder, "package.json"), '{"type":"module"}');
  await writeFile(
    join(folder, "mortise.ts"),
    `export { pinnedContract } from ${JSON.stringify(join(sources, "contract/contract.ts"))};\n` +
      `export { decimal, type Decimal, type Int64 } from ${JSON.stringify(join(sources, "operation.ts"))};\n`,
  );
  await writeFile(
    join(folder, "use.ts"),
    `import { decimal } from "mortise";
import type { Order, PlaceOrderInput, WebShopContract } from "./web-shop/contract.ts";
import type { DoInput } from "./every-shape-wsdl/contract.ts";
export const shapes: DoInput = {
  choice: [{ note: "a" }, { sku: "b" }, { name: "{urn:x}label", content: ["c", { name: "b" }] }],
  sequence: [{ key: 1 }, { key: 2, value: ["d"] }],
  text: { content: ["e ", { b: "f" }, { name: "g" }] },
  anyAttributes: { "{urn:x}id": "7" },
  soapHeaders: { Session: { id: "h" } },
};
import type { AnyPayment } from "./erp-erp-wsdl/contract.ts";
export const paid: AnyPayment = { xsiType: "CardPayment", reference: "r", token: "t" };
// @ts-expect-error a member of a family of types says which one it is
export const anonymous: AnyPayment = { reference: "r", token: "t" };
// @ts-expect-error a round that the choice does not have
export const noRound: DoInput["choice"] = [{ key: 1 }];
export const order: Order = { id: "1", total: decimal("1.50"), state: "paid" };
export const input: PlaceOrderInput = { order };
export const output: WebShopContract["operations"]["placeOrder"]["output"] = order;
// @ts-expect-error a field that the contract does not know
export const wrong: Order = { id: "1", total: decimal("1"), totl: 1 };
// @ts-expect-error a number is no exact decimal
export const inexact: Order = { id: "1", total: 1.5 };
`,
  );
  const options = {
    target: "ES2024",
    module: "NodeNext",
    moduleResolution: "NodeNext",
    strict: true,
    noEmit: true,
    skipLibCheck: true,
    allowImportingTsExtensions: true,
    verbatimModuleSyntax: true,
    noUncheckedIndexedAccess: true,
    types: ["node"],
    typeRoots: [fileURLToPath(new URL("../../../node_modules/@types", import.meta.url))],
    paths: { mortise: [join(folder, "mortise.ts")] },
  };
  const require = createRequire(import.meta.url);
  const tsc = join(dirname(require.resolve("typescript/package.json")), "bin", "tsc");
  for (const exactOptionalPropertyTypes of [true, false]) {
    const config = join(folder, "tsconfig.json");
    await writeFile(
      config,
      JSON.stringify({
        compilerOptions: { ...options, exactOptionalPropertyTypes },
        include: ["*/contract.ts", "use.ts"],
      }),
    );
    const run = promisify(execFile)(process.execPath, [
      tsc,
      "-p",
      config,
      "--extendedDiagnostics",
      "--pretty",
      "false",
    ]);
    const output = await run.then(
      ({ stdout }) => stdout,
      (error: { stdout: string; stderr: string }) => error.stdout + error.stderr,
    );
    assert.doesNotMatch(output, /error TS/);
    // The largest contract has a budget of its own, in test/corpus/budget.long-test.ts.
    const instantiations = Number(/^Instantiations:\s+(\d+)/m.exec(output)?.[1]);
    assert.ok(instantiations > 0 && instantiations < 20_000, `${instantiations} type instantiations`);
  }
});
