/** What a run asks of systems and has in its input is written once, and reads as if it had been written each time. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import type { Json } from "../../../operation.ts";
import { FakeSystem, failing, type Rig } from "../engine-harness.ts";
import { act, begin, endRigs, open, processOf, restarted } from "../operating-rig.ts";
import type { AskRecord, HistoryRecord } from "./records.ts";
import { putBack, Repeats } from "./repeats.ts";
import { Vault } from "./vault.ts";

endRigs();

const lines = Array.from({ length: 6 }, (_, index) => ({ sku: `SKU-${index}`, text: 'a "shackle"', quantity: index }));
const address = { name: "Harbour Supply", street: "Quay 1", city: "Bremen", note: "ä".repeat(60) };
const order = { id: "A-1", lines, address, "7": lines.slice(0, 5) };

const startOf = (input: Json): HistoryRecord => JSON.parse(JSON.stringify({ t: "start", at: 1, input }));

/** An ask of a run with this input: as it is stored, and as it is read. */
function ask(input: Json, asked: Json): { readonly text: string; readonly read: AskRecord; readonly whole: boolean } {
  const written = JSON.stringify(asked);
  const short = Repeats.of(startOf(input))?.shorten(written);
  const left = short === undefined ? written : short.input;
  const text = `{"t":"ask","n":1,"id":"a","v":"call","at":2${left === undefined ? "" : `,"in":${left}`}${
    short === undefined ? "" : `,"as":${short.as}`
  }}`;
  const read = JSON.parse(text) as AskRecord;
  const { whole, characters } = putBack([startOf(input), read]);
  assert.equal(characters, short?.saved ?? 0);
  return { text, read, whole };
}

for (const [what, asked, as] of [
  ["a list", { reference: "A-1", lines }, { lines: "lines" }],
  ["a member under another name, between others", { a: [1], goods: lines, z: null }, { goods: "lines" }],
  ["several", { lines, to: address, from: address }, { lines: "lines", to: "address", from: "address" }],
  ["all of it", order, true],
  ["all of it as a member", { order, x: 1 }, { order: true }],
  ["a member whose name is a number", { "1": order["7"], b: 2 }, { "1": "7" }],
  ["names with quotes and line feeds", { 'a"\n\\': lines }, { 'a"\n\\': "lines" }],
] as const satisfies readonly (readonly [string, Json, Json])[]) {
  test(`${what} of the input is named, and read back to the last character`, () => {
    const { text, read, whole } = ask(order, asked);
    assert.deepEqual((JSON.parse(text) as AskRecord).as, as);
    assert.ok(text.length < 150, text);
    assert.equal(JSON.stringify(read.in), JSON.stringify(asked));
    assert.ok(!("as" in read) && whole);
  });
}

for (const [what, asked] of [
  ["another order of members", { lines: lines.map(({ sku, ...rest }) => ({ ...rest, sku })) }],
  ["one character more", { lines: [...lines, 1] }],
  ["deeper down", { a: { lines } }],
  ["in a list", [lines, address]],
  ["as a text", { lines: JSON.stringify(lines) }],
  ["short", { id: order.id }],
  ["nothing", {}],
  ["text with all that ends a value", { a: `"}],${JSON.stringify({ lines })}`, b: '\\"' }],
  ["numbers and words", [1.5, null, true, "x".repeat(200)]],
  ["too large to stay in its row", { lines, text: "x".repeat(50_000) }],
] as const satisfies readonly (readonly [string, Json])[]) {
  test(`what is the input's but for ${what} is written as it is`, () => {
    const { text, read } = ask(order, asked);
    assert.ok(!text.includes('"as":'));
    assert.equal(JSON.stringify(read.in), JSON.stringify(asked));
  });
}

test("of an input that is too large to be named as a whole its members are", () => {
  const large = { lines, text: "x".repeat(50_000) };
  const { text, read } = ask(large, { lines });
  assert.deepEqual((JSON.parse(text) as AskRecord).as, { lines: "lines" });
  assert.deepEqual(read.in, { lines });
  assert.ok(!ask(large, lines).text.includes('"as":'));
});

test("a member that would be an object's prototype is written as it is", () => {
  const asked = JSON.parse(`{"__proto__":${JSON.stringify(lines)},"lines":${JSON.stringify(lines)}}`) as Json;
  const { text, read } = ask(order, asked);
  assert.equal(JSON.stringify(read.in), JSON.stringify(asked));
  assert.deepEqual((JSON.parse(text) as AskRecord).as, { lines: "lines" });
});

test("20,000 inputs and asks by chance read back as they were asked", () => {
  let seed = 11;
  const chance = (below: number) => {
    seed = (Math.imul(seed, 1103515245) + 12345) & 0x7fffffff;
    return (seed >> 8) % below;
  };
  const names = ["a", "b", "lines", 'q"', "\\", "1", "0", "__proto__", "ä", "", "}", '":{'];
  const pick = () => names[chance(names.length)] as string;
  const value = (depth: number): Json => {
    const kind = chance(depth > 2 ? 5 : 8);
    if (kind === 0) return null;
    if (kind === 1) return chance(1000) / 8;
    if (kind === 2) return 'x"\\}],{[:'.repeat(chance(12));
    if (kind === 3) return [[], {}, "", true, -0][chance(5)] as Json;
    if (kind === 4) return "y".repeat(chance(120));
    if (kind === 5) return Array.from({ length: chance(5) }, () => value(depth + 1));
    const made = {};
    for (let count = chance(5); count > 0; count--)
      Object.defineProperty(made, pick(), {
        value: value(depth + 1),
        enumerable: true,
        configurable: true,
        writable: true,
      });
    return made;
  };
  let named = 0;
  for (let round = 0; round < 20_000; round++) {
    const input = JSON.parse(JSON.stringify(value(0))) as Json;
    const parts = [input, ...(typeof input === "object" && input !== null ? Object.values(input) : [])];
    const made = { [pick()]: parts[chance(parts.length)], more: value(1), [pick()]: parts[0] };
    const asked = chance(9) === 0 ? input : (JSON.parse(JSON.stringify(made)) as Json);
    const { text, read, whole } = ask(input, asked);
    if (text.includes(',"as":')) named += 1;
    assert.ok(whole);
    assert.equal(JSON.stringify(read.in), JSON.stringify(asked), text);
  }
  assert.ok(named > 2000, `${named}`);
});

test("where the input lacks what an ask names, the history is not whole; where the start is not read, the ask's input is absent", () => {
  const read = (): AskRecord =>
    JSON.parse('{"t":"ask","n":1,"id":"a","v":"call","at":2,"in":{"lines":0},"as":{"lines":"lines"}}');
  const [lacking, alone] = [read(), read()];
  assert.equal(putBack([startOf({ other: 1 }), lacking]).whole, false);
  assert.equal(lacking.in, undefined);
  assert.equal(putBack([alone]).whole, true);
  assert.equal(alone.in, undefined);
});

for (const [what, more] of [
  ["has no input", '"as":{"lines":"lines"}'],
  ["has no such member in its input", '"in":{"a":0},"as":{"lines":"lines"}'],
  ["has a number as its input", '"in":5,"as":{"lines":"lines"}'],
  ["names by a number", '"in":{"lines":0},"as":{"lines":5}'],
] as const) {
  test(`a row of an ask that ${what} where something is to be put back is no whole history, and the rest of it is read`, () => {
    const body = `[${JSON.stringify(startOf(order))},{"t":"ask","n":1,"id":"a","v":"call","at":2,${more}},{"t":"pivot"}]`;
    const { records, unreadable } = new Vault(undefined, undefined).records("r", [{ seq: 0, body, sum: undefined }]);
    assert.match(unreadable ?? "", /repeats of its input is missing/);
    assert.deepEqual(records.slice(1), [{ t: "ask", n: 1, id: "a", v: "call", at: 2 }, { t: "pivot" }]);
  });
}

/** The text of a run's rows, as they lie in the store. */
function rowsOf(
  { folder }: Rig,
  run: string,
): readonly { readonly seq: number; readonly body: string; readonly sum: number }[] {
  const db = new DatabaseSync(join(folder, "mortise.db"), { readOnly: true });
  try {
    return db
      .prepare("select seq, body, sum from history where run = (select number from runs where id = ?) order by seq")
      .all(run) as never;
  } finally {
    db.close();
  }
}
const count = (rows: ReturnType<typeof rowsOf>, text: string) =>
  rows
    .map(({ body }) => body)
    .join("")
    .split(text).length - 1;

test("the lines of an order stand in its history once; calls get them, before a restart and after it, and so do replay and people", async () => {
  const system = new FakeSystem();
  const reserve = system.operation("reserve", "idempotent", () => "held");
  let away = true;
  const again = Promise.withResolvers<void>();
  const book = system.operation("book", "idempotent", () => {
    if (system.calls("book").length > 1) again.resolve();
    if (away) throw failing("none");
    return "booked";
  });
  const p = processOf(async (flow, input) => {
    const given = input as typeof order;
    const held = await flow.call(reserve, { reference: given.id, lines: given.lines });
    // Code may do with its input what it likes: what is asked is what it says then.
    given.lines.push({ sku: "gift", text: "a cap", quantity: 1 });
    await flow.call(reserve, { reference: given.id, lines: given.lines });
    const sale = { held: held as Json, goods: given.address, order: given.id };
    return flow.call(book, sale, { retry: { backoff: "20ms", maxBackoff: "50ms", attempts: 1000 } });
  });
  let one = await open({ processes: [p], system });
  const run = await begin(one, "k", order);
  await again.promise;
  const rows = rowsOf(one, run);
  assert.equal(count(rows, '"sku":"SKU-3"'), 3); // the input has them twice; what was changed is written out
  assert.equal(count(rows, address.street), 1);
  one = await restarted(one, { processes: [p], system });
  away = false;
  await one.until(run, "completed", "parked");
  const expected = [...lines, { sku: "gift", text: "a cap", quantity: 1 }];
  assert.deepEqual(
    system.calls("reserve").map(({ input }) => input),
    [
      { reference: "A-1", lines },
      { reference: "A-1", lines: expected },
    ],
  );
  for (const { input } of system.calls("book"))
    assert.equal(JSON.stringify(input), JSON.stringify({ held: "held", goods: address, order: "A-1" }));
  const detail = one.engine.run(run);
  assert.deepEqual(
    detail?.steps.flatMap(({ kind, input }) => (kind === "call" ? [input] : [])),
    [
      { reference: "A-1", lines },
      { reference: "A-1", lines: expected },
      { held: "held", goods: address, order: "A-1" },
    ],
  );
});

test("code that asks for something else than the lines that were named is told from what was recorded", async () => {
  const system = new FakeSystem();
  const send = system.operation("send", "idempotent", () => "sent");
  const event = { kind: "event", system: "s", name: "e" } as const;
  const versionOf = (pick: (given: typeof order) => Json) =>
    processOf(async (flow, input) => {
      await flow.call(send, { lines: pick(input as typeof order) });
      await flow.receive(event, { key: "k" });
      return "done";
    });
  let one = await open({ processes: [versionOf((given) => given.lines)], system });
  const run = await begin(one, "k", order);
  await one.until(run, "waiting");
  one = await restarted(one, { processes: [versionOf((given) => given.lines.slice(1))], system });
  await one.engine.signal({ system: "s", event: "e", key: "k", delivery: "1", payload: null });
  const { parked } = await one.until(run, "parked");
  assert.equal(parked?.code, "process-diverged");
  assert.match(JSON.stringify(parked), /SKU-0/);
});

test("a history counts as long as it reads: what is repeated can't grow past the limit unseen", async () => {
  const system = new FakeSystem();
  const send = system.operation("send", "idempotent", () => "sent");
  const p = processOf(async (flow, input) => {
    for (let index = 0; index < 200; index++) await flow.call(send, input as Json);
    return "done";
  });
  const valueLimits = { bytes: 1_000_000, depth: 100, historyBytes: 60_000 };
  let one = await open({ processes: [p], system, valueLimits });
  const run = await begin(one, "k", { text: "x".repeat(2000) });
  const { parked } = await one.until(run, "parked");
  assert.equal(parked?.code, "history-full");
  assert.ok(system.calls("send").length < 30, `${system.calls("send").length} calls`);
  const stored = rowsOf(one, run);
  assert.ok(stored.reduce((sum, { body }) => sum + body.length, 0) < 20_000);
  const read = new Vault(undefined, undefined).records(run, stored);
  assert.ok(read.bytes >= 60_000 && read.bytes < 70_000, `${read.bytes} characters`);
  one = await restarted(one, { processes: [p], system, valueLimits });
  await act(one, run, "retry");
  await one.until(run, "completed", "parked");
});

test("what a large input holds is written again: a history is read without the values that stand beside it", async () => {
  const system = new FakeSystem();
  const send = system.operation("send", "idempotent", () => "sent");
  const p = processOf((flow, input) => flow.call(send, { lines: (input as typeof order).lines }));
  const one = await open({ processes: [p], system });
  const run = await begin(one, "k", { lines, scan: "x".repeat(200_000) });
  await one.until(run, "completed");
  assert.equal(count(rowsOf(one, run), '"as":'), 0);
  // As retention does, which may stop for a while before it comes to the history.
  const db = new DatabaseSync(join(one.folder, "mortise.db"));
  db.exec("delete from stored_values");
  db.close();
  assert.deepEqual(one.engine.run(run)?.steps[0]?.input, { lines });
});
