import assert from "node:assert/strict";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import type { EventType, Json } from "../../../operation.ts";
import { defineProcess } from "../../define.ts";
import { anything, FakeSystem, type Rig, rigFor } from "../engine-harness.ts";

const event: EventType<Json> = { kind: "event", system: "s", name: "e" };
const by = { by: "olivia", reason: "the database was restored" };

function price() {
  const system = new FakeSystem();
  const ask = system.operation("ask", "idempotent", () => ({ price: 100 }));
  const pay = system.operation("pay", "idempotent", (input) => input);
  const process = defineProcess({
    name: "p",
    input: anything,
    key: (input) => String(input),
    async run(flow, input) {
      const found = await flow.call(ask, { input });
      await flow.receive(event, { key: String(input) });
      return flow.call(pay, found);
    },
  });
  return { system, options: { processes: [process], system } };
}

const start = async ({ engine }: Rig, key: string) =>
  ((await engine.start({ process: "p", key, input: key, origin: "test" })) as { run: string }).run;
const signal = ({ engine }: Rig, key: string) =>
  engine.signal({ system: "s", event: "e", key, delivery: `${key}-1`, payload: null });

function change(one: Rig, ...sql: readonly string[]): void {
  const db = new DatabaseSync(join(one.folder, "mortise.db"));
  for (const text of sql) db.exec(text);
  db.close();
}

// "0" and "1" differ in one bit.
for (const [what, harm] of [
  ["with a bit that flipped inside a value", `update history set body = replace(body, '"price":100', '"price":110')`],
  ["with a row of another run", "update history set body = replace(body, 'A', 'B') where seq = 0"],
  ["that lacks a row in between", "delete from history where seq = 1"],
  ["that lacks its beginning", "delete from history where seq = 0"],
] as const) {
  test(`a history in clear ${what} stops its run, which asks; restored, it goes on`, async (t) => {
    const { system, options } = price();
    const first = await rigFor(t, options);
    const run = await start(first, "A");
    await first.until(run, "waiting");
    await first.stop();
    change(first, "create table saved as select * from history", harm);
    const second = await rigFor(t, { ...options, folder: first.folder });
    await signal(second, "A");
    const { parked } = await second.until(run, "parked");
    assert.equal(parked?.code, "process-unreadable");
    assert.match(parked?.message ?? "", /checksum|missing/);
    assert.equal(system.calls("pay").length, 0);
    await second.stop();
    // As a backup has it, with what was written since.
    change(second, "insert or replace into history select * from saved", "drop table saved");
    const third = await rigFor(t, { ...options, folder: first.folder });
    await third.engine.operate(run, { kind: "retry" }, by);
    await third.until(run, "completed");
    assert.deepEqual(
      system.calls("pay").map(({ input }) => input),
      [{ price: 100 }],
    );
  });
}

test("a row that stands in another run's place is noticed, though its text is whole", async (t) => {
  const { options } = price();
  const first = await rigFor(t, options);
  const runs = [await start(first, "A"), await start(first, "B")];
  for (const run of runs) await first.until(run, "waiting");
  await first.stop();
  const [a, b] = runs.map((run) => `(select number from runs where id = '${run}')`) as [string, string];
  change(
    first,
    `update history set run = -1 where run = ${a}`,
    `update history set run = ${a} where run = ${b}`,
    `update history set run = ${b} where run = -1`,
  );
  const second = await rigFor(t, { ...options, folder: first.folder });
  await signal(second, "A");
  await signal(second, "B");
  for (const run of runs) assert.equal((await second.until(run, "parked")).parked?.code, "process-unreadable");
});

test("the output of a child that can't be read stops the parent, which does not go on without it", async (t) => {
  const system = new FakeSystem();
  const pay = system.operation("pay", "idempotent", (input) => input);
  const child = defineProcess({
    name: "child",
    input: anything,
    key: () => "c",
    async run(flow) {
      await flow.receive(event, { key: "c" });
      return { price: 100 };
    },
  });
  const parent = defineProcess({
    name: "p",
    input: anything,
    key: (input) => String(input),
    run: async (flow) => flow.call(pay, await flow.child(child, null)),
  });
  const options = { processes: [parent, child], system };
  const first = await rigFor(t, options);
  const run = await start(first, "A");
  await first.until(run, "waiting");
  // The child ends while its parent has nobody who would take the news.
  const waits = await first.when(run, ({ children }) => children !== undefined);
  await first.stop();
  const alone = await rigFor(t, { ...options, processes: [child], folder: first.folder });
  await signal(alone, "c");
  await alone.until(waits.children?.[0]?.run as string, "completed");
  await alone.until(run, "parked");
  await alone.stop();
  change(alone, `update history set body = replace(body, '"price":100', '"price":110')`);
  const second = await rigFor(t, { ...options, folder: first.folder });
  await second.engine.operate(run, { kind: "retry" }, by);
  const { parked } = await second.when(run, (one) => one.parked?.code === "process-unreadable");
  assert.match(parked?.message ?? "", /checksum/);
  assert.equal(system.calls("pay").length, 0);
});

for (const [what, harm] of [
  ["is damaged", "update history set body = replace(body, 'A', 'B') where seq = 0"],
  ["is missing", "delete from history where seq = 0"],
] as const) {
  test(`a run whose beginning ${what} is begun anew with an input that is given, and never with none`, async (t) => {
    const { options } = price();
    const first = await rigFor(t, options);
    const run = await start(first, "A");
    await first.until(run, "waiting");
    await first.engine.operate(run, { kind: "terminate" }, by);
    await first.until(run, "terminated");
    await first.stop();
    change(first, harm);
    const { engine, until } = await rigFor(t, { ...options, folder: first.folder });
    await assert.rejects(engine.operate(run, { kind: "restart" }, by), { code: "value-unreadable" });
    assert.equal(engine.runByKey("p", "A")?.id, run);
    const anew = await engine.operate(run, { kind: "restart", input: "A" }, by);
    assert.equal((await until(anew.run, "waiting")).input, "A");
  });
}
