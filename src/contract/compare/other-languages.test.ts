/** CSV files, events, effects and keys of effects. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Effect } from "../../operation.ts";
import type { ContractModel, EventModel, KeyPlace, OperationModel } from "../model.ts";
import { readContract } from "../read/read-contract.ts";
import { openTexts } from "../read/source.ts";
import { compareContracts } from "./compare.ts";

const brief = (old: ContractModel, now: ContractModel): string[] =>
  compareContracts(old, now).findings.map(({ verdict, rule, at }) => `${verdict} ${rule} ${at}`);

const shipped = {
  "@context": "http://www.w3.org/ns/csvw",
  url: "shipments-*.csv",
  "mortise:event": "shipped",
  "mortise:correlation": "orderId",
  dialect: { delimiter: ";" },
  tableSchema: {
    columns: [
      { name: "orderId", titles: ["order_id"], required: true, datatype: { base: "string", maxLength: 20 } },
      { name: "weight", titles: "weight", datatype: { base: "decimal", format: { decimalChar: "," } } },
      { name: "fragile", titles: "fragile", datatype: { base: "boolean", format: "Y|N" }, null: ["", "-"] },
      { name: "day", titles: "day", datatype: { base: "date", format: "dd.MM.yyyy" } },
    ],
  },
};
type Table = typeof shipped;
const columnsOf = (table: Table, change: (columns: unknown[]) => unknown[]): unknown => ({
  ...table,
  tableSchema: { columns: change(structuredClone(table.tableSchema.columns)) },
});
const csv = async (description: unknown): Promise<ContractModel> =>
  readContract(await openTexts({ "carrier.csvw.json": JSON.stringify(description) }), "carrier");
const set = (at: number, more: object) =>
  columnsOf(shipped, (columns) => columns.map((each, n) => (n === at ? { ...(each as object), ...more } : each)));

/** What changes, the new description, all that is found. */
const files: readonly (readonly [string, unknown, readonly string[]])[] = [
  ["nothing", structuredClone(shipped), []],
  ["the delimiter", { ...shipped, dialect: { delimiter: "," } }, ["breaking csv-file shipped: file"]],
  ["the quote", { ...shipped, dialect: { delimiter: ";", quoteChar: "'" } }, ["breaking csv-file shipped: file"]],
  ["the file names", { ...shipped, url: "sent-*.csv" }, ["breaking csv-file shipped: file"]],
  [
    "no row of headings",
    { ...shipped, dialect: { delimiter: ";", header: false } },
    ["breaking csv-file shipped: file"],
  ],
  ["a heading", set(1, { titles: "kg" }), ["breaking csv-column shipped: column weight"]],
  [
    "one more heading that it may have",
    set(1, { titles: ["weight", "kg"] }),
    ["breaking csv-column shipped: column weight"],
  ],
  ["the decimal mark", set(1, { datatype: "decimal" }), ["breaking csv-column shipped: column weight"]],
  [
    "how true and false are written",
    set(2, { datatype: { base: "boolean", format: "1|0" } }),
    ["breaking csv-column shipped: column fragile"],
  ],
  [
    "how dates are written",
    set(3, { datatype: { base: "date", format: "yyyy-MM-dd" } }),
    ["breaking csv-column shipped: column day"],
  ],
  ["one more text that means nothing", set(1, { null: ["", "n/a"] }), ["breaking csv-column shipped: column weight"]],
  ["a text less that means nothing", set(2, { null: [""] }), []],
  ["a column in another place, under its heading", columnsOf(shipped, (all) => all.reverse()), []],
  ["a column that may be empty now", set(0, { required: false }), ["breaking required-property shipped: payload"]],
  ["a column that is never empty now", set(1, { required: true }), ["safe required-property shipped: payload"]],
  [
    "longer texts",
    set(0, { datatype: { base: "string", maxLength: 30 } }),
    ["breaking text-length shipped: payload /orderId"],
  ],
  [
    "shorter texts",
    set(0, { datatype: { base: "string", maxLength: 10 } }),
    ["safe text-length shipped: payload /orderId"],
  ],
  [
    "one column more",
    columnsOf(shipped, (all) => [...all, { name: "note", titles: "note", datatype: "string" }]),
    ["safe property-added shipped: payload /note"],
  ],
  [
    "an optional column less",
    columnsOf(shipped, (all) => all.slice(0, 3)),
    ["safe property-removed shipped: payload /day"],
  ],
  [
    "another event",
    { ...shipped, "mortise:event": "sent" },
    ["breaking event-removed shipped", "safe event-added sent"],
  ],
  [
    "another place of the key",
    { ...shipped, "mortise:correlation": "day" },
    ["breaking event-correlation shipped: correlation"],
  ],
];

for (const [what, now, found] of files)
  test(`CSV: ${what}`, async () => {
    assert.deepEqual(brief(await csv(shipped), await csv(now)), found);
  });

test("CSV: without headings, columns go by their place", async () => {
  const bare = { ...shipped, dialect: { delimiter: ";", header: false } };
  const turned = columnsOf(bare as Table, (columns) => columns.reverse());
  const longer = columnsOf(bare as Table, (columns) => [...columns, { name: "note", datatype: "string" }]);
  assert.deepEqual(brief(await csv(bare), await csv(turned)), ["breaking csv-file shipped: columns"]);
  assert.deepEqual(brief(await csv(bare), await csv(longer)), ["safe property-added shipped: payload /note"]);
});

test("CSV: a text that meant nothing and can be a value now is for review", async () => {
  const note = (nothing: string[]): unknown =>
    columnsOf(shipped, (all) => [...all, { name: "note", titles: "note", datatype: "string", null: nothing }]);
  assert.deepEqual(brief(await csv(note(["", "-"])), await csv(note([""]))), [
    "review csv-column shipped: column note",
  ]);
});

const hooks = (text: string, more = ""): Promise<ContractModel> =>
  openTexts({ "api.yaml": `openapi: 3.1.0\ninfo: { title: t, version: "1" }\n${more}${text}` }).then((files) =>
    readContract(files, "x"),
  );
const hook = (name: string, schema: string, media = "application/json"): string =>
  `webhooks: { ${name}: { post: { requestBody: { content: { ${media}: { schema: ${schema} } } }, responses: { "200": { description: ok } } } } }\n`;

test("events: what comes may narrow, and not widen", async () => {
  const one = "{ type: object, required: [id], properties: { id: { type: string }, state: { enum: [a, b] } } }";
  const from = await hooks(hook("paid", one));
  const to = async (text: string): Promise<string[]> => brief(from, await hooks(text));
  assert.deepEqual(await to(hook("paid", one)), []);
  assert.deepEqual(await to(hook("paid", one.replace("[a, b]", "[a]"))), ["safe allowed-values paid: payload /state"]);
  assert.deepEqual(await to(hook("paid", one.replace("[a, b]", "[a, b, c]"))), [
    "breaking allowed-values paid: payload /state",
  ]);
  assert.deepEqual(await to(hook("paid", one.replace("required: [id], ", ""))), [
    "breaking required-property paid: payload",
  ]);
  assert.deepEqual(await to(hook("paid", one.replace("[id]", "[id, state]"))), [
    "safe required-property paid: payload",
  ]);
  assert.deepEqual(await to(hook("refunded", one)), ["breaking event-removed paid", "safe event-added refunded"]);
  assert.deepEqual(await to(hook("paid", one, "application/vnd.pay+json")), [
    "breaking event-media-type paid: payload",
  ]);
  const removed = compareContracts(from, await hooks("paths: {}\n")).findings[0]!;
  assert.deepEqual([removed.rule, removed.example?.value], ["event-removed", { id: "text" }]);
});

test("events: a callback that is asked for elsewhere comes elsewhere", async () => {
  const api = (expression: string): Promise<ContractModel> =>
    hooks(`paths:
  /subscriptions:
    post:
      operationId: subscribe
      requestBody: { content: { application/json: { schema: { type: object, properties: { url: { type: string }, other: { type: string } } } } } }
      responses: { "204": { description: ok } }
      callbacks: { told: { "${expression}": { post: { requestBody: { content: { application/json: { schema: { type: string } } } }, responses: { "200": { description: ok } } } } } }
`);
  const from = await api("{$request.body#/url}");
  const [name] = Object.keys(from.events);
  assert.deepEqual(brief(from, await api("{$request.body#/url}")), []);
  assert.deepEqual(brief(from, await api("{$request.body#/other}")), [`breaking event-callback ${name}: callback`]);
});

test("events: the correlation key, and another protocol", async () => {
  const model = await hooks(hook("paid", "{ type: object, properties: { id: { type: string } } }"));
  const event = model.events.paid!;
  const given = (change: Partial<EventModel>): ContractModel => ({
    ...model,
    events: { paid: { ...event, ...change } },
  });
  const at = given({ correlation: "/id" });
  assert.deepEqual(brief(model, at), ["safe event-correlation paid: correlation"]);
  assert.deepEqual(brief(at, model), ["breaking event-correlation paid: correlation"]);
  assert.deepEqual(brief(at, given({ correlation: "/other" })), ["breaking event-correlation paid: correlation"]);
  const { binding } = (await csv(shipped)).events.shipped!;
  assert.deepEqual(brief(model, given({ binding })), ["breaking protocol paid"]);
});

async function operation(change: Partial<OperationModel>): Promise<ContractModel> {
  const model = await hooks(
    `paths: { /things: { post: { operationId: act, responses: { "204": { description: ok } } } } }\n`,
  );
  const { act } = model.operations;
  return { ...model, operations: { act: { ...act!, ...change } } };
}

test("effects: what does more harm when it is repeated breaks, what does less is safe", async () => {
  const effects: readonly Effect[] = ["read", "idempotent", "unrepeatable"];
  for (const [before, was] of effects.entries())
    for (const [after, is] of effects.entries()) {
      const found = compareContracts(await operation({ effect: was }), await operation({ effect: is })).findings;
      const wanted = before === after ? [] : [`${after > before ? "breaking" : "safe"} effect act: effect`];
      assert.deepEqual(
        found.map(({ verdict, rule, at }) => `${verdict} ${rule} ${at}`),
        wanted,
        `${was} to ${is}`,
      );
    }
});

test("a key of effects that is required now breaks who sent none, with or without a place before; the other way is safe", async () => {
  const optional: KeyPlace = { in: "header", name: "Key" };
  const required: KeyPlace = { ...optional, required: true };
  const rows: readonly (readonly [KeyPlace | undefined, KeyPlace, readonly string[]])[] = [
    [undefined, required, ["breaking"]],
    [optional, required, ["breaking"]],
    [required, optional, ["safe"]],
    [required, required, []],
  ];
  for (const [was, is, verdicts] of rows)
    assert.deepEqual(
      brief(await operation(was === undefined ? {} : { key: was }), await operation({ key: is })),
      verdicts.map((verdict) => `${verdict} effect-key act: effect key`),
    );
});

test("keys of effects: no place, another place, a shorter lifetime break; a first place and a longer one are safe", async () => {
  const header = (name: string, lifetimeMs?: number): KeyPlace => ({
    in: "header",
    name,
    ...(lifetimeMs === undefined ? {} : { lifetimeMs }),
  });
  const rows: readonly (readonly [KeyPlace | undefined, KeyPlace | undefined, "safe" | "breaking" | undefined])[] = [
    [undefined, header("Key"), "safe"],
    [header("Key"), undefined, "breaking"],
    [header("Key"), header("KEY"), undefined],
    [header("Key"), header("Other"), "breaking"],
    [header("Key"), { in: "row" }, "breaking"],
    [header("Key", 1000), header("Key", 999), "breaking"],
    [header("Key", 1000), header("Key", 1001), "safe"],
    [header("Key"), header("Key", 1000), "breaking"],
    [header("Key", 1000), header("Key"), "safe"],
  ];
  for (const [was, is, verdict] of rows) {
    const [old, now] = [
      await operation(was === undefined ? {} : { key: was }),
      await operation(is === undefined ? {} : { key: is }),
    ];
    assert.deepEqual(
      brief(old, now),
      verdict === undefined ? [] : [`${verdict} effect-key act: effect key`],
      JSON.stringify([was, is]),
    );
  }
});
