import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { MortiseError } from "../../errors.ts";
import type { ContractModel } from "../model.ts";
import { readCsv } from "./csv.ts";
import { openSource } from "./source.ts";

async function read(t: TestContext, description: unknown): Promise<ContractModel> {
  const folder = await mkdtemp(join(tmpdir(), "mortise-csvw-"));
  t.after(() => rm(folder, { recursive: true }));
  const file = join(folder, "carrier.csvw.json");
  await writeFile(file, typeof description === "string" ? description : JSON.stringify(description, null, 2));
  return readCsv(await openSource(file), "carrier");
}

const shipments = {
  "@context": "http://www.w3.org/ns/csvw",
  url: "shipments-*.csv",
  "dc:title": "Shipments",
  "mortise:event": "shipped",
  "mortise:correlation": "orderId",
  dialect: { delimiter: ";", encoding: "UTF-8" },
  tableSchema: {
    columns: [
      { name: "orderId", titles: ["order_id", "Order"], required: true, datatype: { base: "string", maxLength: 20 } },
      { name: "weightKg", titles: { en: "weight" }, datatype: { base: "decimal", format: { decimalChar: "," } } },
      { name: "fragile", datatype: { base: "boolean", format: "Y|N" }, null: ["", "-"] },
      { titles: "day", datatype: { base: "date", format: "dd.MM.yyyy" }, "dc:description": "Of departure." },
      { name: "pieces", datatype: { base: "integer", minimum: 1 } },
      { name: "barcode", datatype: "long" },
    ],
  },
};

test("each table becomes one event whose payload is a row", async (t) => {
  const model = await read(t, shipments);
  const event = model.events.shipped;
  assert.equal(event?.correlation, "/orderId");
  assert.equal(event?.summary, "Shipments");
  assert.deepEqual(event?.payload, {
    type: "object",
    properties: {
      orderId: { type: "string", maxLength: 20 },
      weightKg: { type: "string", format: "decimal" },
      fragile: { type: "boolean" },
      day: { type: "string", format: "date", description: "Of departure." },
      pieces: { type: "integer", minimum: 1 },
      barcode: { type: "string", format: "int64" },
    },
    required: ["orderId"],
    additionalProperties: false,
  });
  const { binding } = event!;
  assert.ok(binding.protocol === "csv");
  assert.deepEqual(
    [binding.files, binding.delimiter, binding.quote, binding.header],
    ["shipments-*.csv", ";", '"', true],
  );
  assert.deepEqual(binding.columns.slice(0, 4), [
    { titles: ["order_id", "Order", "orderId"], property: "orderId", as: "text", required: true, empty: [""] },
    {
      titles: ["weight", "weightKg"],
      property: "weightKg",
      as: "decimal",
      required: false,
      empty: [""],
      decimalMark: ",",
    },
    { titles: ["fragile"], property: "fragile", as: "boolean", required: false, empty: ["", "-"], truth: ["Y", "N"] },
    { titles: ["day"], property: "day", as: "date", required: false, empty: [""], pattern: "dd.MM.yyyy" },
  ]);
  assert.equal(model.source.language, "csv");
});

test("the event's name comes from the file name where nothing else is said; a group has several", async (t) => {
  const { dialect, tableSchema } = shipments;
  const model = await read(t, {
    dialect,
    tables: [
      { url: "stock-levels-*.csv", tableSchema },
      { url: "returns.csv", tableSchema },
    ],
  });
  assert.deepEqual(Object.keys(model.events), ["stockLevels", "returns"]);
});

const columns = (column: unknown) => ({ url: "x.csv", tableSchema: { columns: [column] } });
for (const [title, description, reason] of [
  ["a path", { ...shipments, url: "../x.csv" }, /\/url.*without a folder/],
  ["no columns", { url: "x.csv", tableSchema: {} }, /no columns/],
  ["an unknown datatype", columns({ name: "a", datatype: "gYear" }), /"gYear" is not understood/],
  ["an unknown format", columns({ name: "a", datatype: { base: "date", format: "QQQ" } }), /dd\.MM\.yyyy/],
  ["a list column", columns({ name: "a", separator: " " }), /separator/],
  ["a column twice", { url: "x.csv", tableSchema: { columns: [{ name: "a" }, { name: "a" }] } }, /twice/],
  ["another encoding", { ...shipments, dialect: { encoding: "latin1" } }, /utf-8/],
  ["a correlation that is no column", { ...shipments, "mortise:correlation": "nope" }, /no column "nope"/],
  ["no JSON", "{", /its text/],
  ["a list", "[]", /not an object/],
] as const) {
  test(`refuses ${title}`, async (t) => {
    await assert.rejects(read(t, description), (error) => {
      assert.ok(error instanceof MortiseError && error.code === "contract-unreadable", String(error));
      assert.match(error.message, reason);
      return true;
    });
  });
}
