import assert from "node:assert/strict";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { type AnyProcess, defineProcess } from "../../define.ts";
import type { RunDetail } from "../../engine.ts";
import { defineTask } from "../../task.ts";
import { anything, FakeSystem, failing, type Rig, remove, rig } from "../engine-harness.ts";
import type { HistoryRecord } from "../history/records.ts";

const event = { kind: "event", system: "carrier", name: "shipped" } as const;
const approve = defineTask({ name: "approve", title: "Approve?", input: anything, answer: anything });
const actor = { by: "olivia", reason: "mended" };
const idOf = (input: unknown) => (input as { id: string }).id;
type Run = Parameters<typeof defineProcess>[0]["run"];
const process = (run: Run) => defineProcess({ name: "p", input: anything, key: idOf, run });

async function start({ engine }: Rig, key = "K1"): Promise<string> {
  const answer = await engine.start({ process: "p", key, input: { id: key }, origin: "test" });
  return (answer as { run: string }).run;
}

/** An engine on which v1 is the first code, and v2 the second. */
function setUp(
  one: Run,
  two: Run,
  system: FakeSystem,
  more: { folder?: string; versions?: object } = {},
): Promise<Rig> {
  const versions: Record<string, readonly AnyProcess[]> = { v1: [process(one)], v2: [process(two)] };
  return rig({
    processes: [],
    versions: { ...versions, ...more.versions },
    system,
    ...(more.folder === undefined ? {} : { folder: more.folder }),
  });
}

function recordsOf(folder: string, run: string): HistoryRecord[] {
  const db = new DatabaseSync(join(folder, "mortise.db"), { readOnly: true });
  const rows = db
    .prepare("select body from history where run = (select number from runs where id = ?) order by seq")
    .all(run) as { body: string }[];
  db.close();
  return rows.flatMap(({ body }) => JSON.parse(body) as HistoryRecord[]);
}

async function end(rigs: readonly Rig[]): Promise<void> {
  for (const one of rigs) await one.stop();
  remove((rigs[0] as Rig).folder);
}

test("a run whose code threw goes on with mended code: what is done is not done again, and the history tells of the move", async () => {
  const system = new FakeSystem();
  const a = system.operation("a", "unrepeatable", () => "A");
  const b = system.operation("b", "unrepeatable", () => "B");
  const one = await setUp(
    async (flow) => {
      await flow.call(a, {});
      throw new TypeError("no rate");
    },
    async (flow) => [await flow.call(a, {}), await flow.call(b, {})],
    system,
  );
  const run = await start(one);
  assert.equal((await one.until(run, "parked")).parked?.code, "process-threw");
  assert.deepEqual(await one.engine.move(run, "v2", actor), { kind: "moved", goesOn: true });
  const done = await one.until(run, "completed");
  assert.deepEqual([done.output, done.version, done.parked], [["A", "B"], "v2", undefined]);
  assert.equal(system.calls("a").length, 1);
  const moved = done.steps.find(({ id }) => id === "moved");
  assert.match(moved?.note ?? "", /olivia: mended \(from code version v1 to v2\)/);
  await end([one]);
});

test("code that does not follow the history is refused with both sides, and the run stays where it was", async () => {
  const system = new FakeSystem();
  const a = system.operation("a", "idempotent", () => "A");
  const one = await setUp(
    async (flow, input) => [await flow.call(a, { n: 1 }), await flow.receive(event, { key: idOf(input) })],
    async (flow) => flow.call(a, { n: 2 }),
    system,
  );
  const run = await start(one);
  await one.until(run, "waiting");
  const before = recordsOf(one.folder, run);
  const answer = await one.engine.move(run, "v2", actor);
  assert.equal(answer.kind, "refused");
  assert.equal(answer.kind === "refused" && answer.verdict.kind, "diverges");
  assert.deepEqual(recordsOf(one.folder, run), before);
  await one.engine.signal({ system: "carrier", event: "shipped", key: "K1", payload: "S", delivery: "d" });
  const done = await one.until(run, "completed");
  assert.deepEqual([done.output, done.version], [["A", "S"], "v1"]);
  await end([one]);
});

test("a waiting run moves without being loaded, and what comes then comes to the new code; also after a restart", async () => {
  const system = new FakeSystem();
  const a = system.operation("a", "idempotent", () => "A");
  const first: Run = async (flow, input) => [await flow.call(a, {}), await flow.receive(event, { key: idOf(input) })];
  const second: Run = async (flow, input) => {
    const got = [await flow.call(a, {}), await flow.receive(event, { key: idOf(input) })];
    return [...got, await flow.task(approve, { assign: "sales", input: {} })];
  };
  const one = await setUp(first, second, system);
  const run = await start(one);
  await one.until(run, "waiting");
  assert.deepEqual(await one.engine.move(run, "v2", actor), { kind: "moved", goesOn: false });
  assert.equal(one.engine.run(run)?.status, "waiting");
  await one.stop();
  const two = await setUp(first, second, system, { folder: one.folder });
  await two.engine.signal({ system: "carrier", event: "shipped", key: "K1", payload: "S", delivery: "d" });
  const asked = await two.when(run, ({ steps }) => steps.some(({ kind }) => kind === "task"));
  assert.equal(asked.version, "v2");
  const [task] = two.engine.tasks({ run });
  await two.engine.answer(task?.id ?? "", true, actor);
  assert.deepEqual((await two.until(run, "completed")).output, ["A", "S", true]);
  await end([two]);
});

test("a call under way ends first, and its result goes with the run", async () => {
  const system = new FakeSystem();
  const begun = Promise.withResolvers<void>();
  const release = Promise.withResolvers<void>();
  const a = system.operation("a", "unrepeatable", async () => {
    begun.resolve();
    await release.promise;
    return "A";
  });
  const b = system.operation("b", "unrepeatable", () => "B");
  const one = await setUp(
    async (flow) => [await flow.call(a, {}), await flow.call(b, { old: true })],
    async (flow) => [await flow.call(a, {}), await flow.call(b, { old: false })],
    system,
  );
  const run = await start(one);
  await begun.promise;
  const moved = one.engine.move(run, "v2", actor);
  await assert.rejects(one.engine.move(run, "v2", actor), { code: "run-busy" });
  // The word to the worker travels through the event loop.
  let turns = 0;
  await one.when(run, () => turns++ > 20);
  release.resolve();
  assert.equal((await moved).kind, "moved");
  assert.deepEqual((await one.until(run, "completed")).output, ["A", "B"]);
  assert.equal(system.calls("a").length, 1);
  // The code of the first version was given nothing more.
  assert.deepEqual(
    system.calls("b").map(({ input }) => input),
    [{ old: false }],
  );
  await end([one]);
});

test("a question about a step stays open after the move, and its answer counts", async () => {
  const system = new FakeSystem();
  const a = system.operation("a", "unrepeatable", () => {
    throw failing("unknown");
  });
  const one = await setUp(
    async (flow) => flow.call(a, {}),
    async (flow) => ["new", await flow.call(a, {})],
    system,
  );
  const run = await start(one);
  await one.until(run, "parked");
  assert.deepEqual(await one.engine.move(run, "v2", actor), { kind: "moved", goesOn: false });
  const parked = one.engine.run(run) as RunDetail;
  assert.deepEqual([parked.status, parked.parked?.code, parked.version], ["parked", "step-unknown", "v2"]);
  await one.engine.operate(run, { kind: "happened", result: "A" }, actor);
  assert.deepEqual((await one.until(run, "completed")).output, ["new", "A"]);
  assert.equal(system.calls("a").length, 1);
  await end([one]);
});

test("a process that was renamed away parks its runs, and they go on once a version has it again", async () => {
  const system = new FakeSystem();
  const a = system.operation("a", "idempotent", () => "A");
  const one = await rig({
    processes: [],
    versions: { v1: [], v2: [process(async (flow) => flow.call(a, {}))] },
    system,
  });
  const run = await start(one);
  assert.equal((await one.until(run, "parked")).parked?.code, "process-missing");
  assert.equal((await one.engine.move(run, "v2", actor)).kind, "moved");
  assert.equal((await one.until(run, "completed")).output, "A");
  await end([one]);
});

test("a run that ended, is there already, or is unknown is not moved", async () => {
  const one = await setUp(
    async () => "one",
    async () => "two",
    new FakeSystem(),
  );
  const run = await start(one);
  await one.until(run, "completed");
  await assert.rejects(one.engine.move(run, "v2", actor), { code: "run-ended" });
  await assert.rejects(one.engine.move("none", "v2", actor), { code: "run-unknown" });
  await end([one]);
  const two = await setUp(
    async (flow) => flow.sleep("1h"),
    async () => "two",
    new FakeSystem(),
  );
  const sleeping = await start(two);
  await two.until(sleeping, "waiting");
  await assert.rejects(two.engine.move(sleeping, "v1", actor), { code: "run-there" });
  await end([two]);
});

test("the record of a move takes the history's next row: a late append of the worker before is refused", async () => {
  const system = new FakeSystem();
  const run: Run = async (flow) => flow.sleep("1h");
  const one = await setUp(run, run, system);
  const id = await start(one);
  await one.until(id, "waiting");
  const seq = 2;
  assert.equal((await one.engine.move(id, "v2", actor)).kind, "moved");
  const late = { run: id, seq, body: `[{"t":"pivot"}]` };
  const answer = await one.submit([{ name: "process.append", parameters: late }]);
  assert.deepEqual(answer, { kind: "refused", by: "process.append", answer: "fenced" });
  // Two moves that were decided on the same state: the second finds it changed.
  const move = { run: id, from: "v1", to: "v3", seq: 3, body: "[]", goesOn: false };
  assert.equal((await one.submit([{ name: "process.move", parameters: move }])).kind, "refused");
  assert.equal(one.engine.run(id)?.version, "v2");
  await end([one]);
});

test("a paused run is moved and stays paused until it is resumed", async () => {
  const system = new FakeSystem();
  const a = system.operation("a", "idempotent", () => "A");
  const one = await setUp(
    async (flow, input) => flow.receive(event, { key: idOf(input) }),
    async (flow, input) => [await flow.receive(event, { key: idOf(input) }), await flow.call(a, {})],
    system,
  );
  const run = await start(one);
  await one.until(run, "waiting");
  await one.engine.operate(run, { kind: "pause" }, actor);
  await one.until(run, "paused");
  assert.equal((await one.engine.move(run, "v2", actor)).kind, "moved");
  await one.engine.signal({ system: "carrier", event: "shipped", key: "K1", payload: "S", delivery: "d" });
  assert.equal(one.engine.run(run)?.status, "paused");
  await one.engine.operate(run, { kind: "resume" }, actor);
  assert.deepEqual((await one.until(run, "completed")).output, ["S", "A"]);
  await end([one]);
});

test("a run that is undoing is moved where the other version can undo it too", async () => {
  const system = new FakeSystem();
  const a = system.operation("a", "idempotent", () => "A");
  let broken = true;
  const undo = system.operation("undo", "idempotent", () => {
    if (broken) throw failing("none", "give-up");
    return null;
  });
  const code: Run = async (flow) => {
    await flow.call(a, {}, { undo: { call: undo, with: () => ({}) } });
    return flow.reject("no");
  };
  const one = await setUp(code, code, system);
  const run = await start(one);
  assert.equal((await one.until(run, "parked")).parked?.code, "undo-failed");
  assert.equal((await one.engine.move(run, "v2", actor)).kind, "moved");
  broken = false;
  await one.engine.operate(run, { kind: "retry" }, actor);
  const ended = await one.until(run, "rejected");
  assert.equal(ended.version, "v2");
  await end([one]);
});

test("a queued run is moved too, before it has begun", async () => {
  const one = await setUp(
    async () => "one",
    async () => "two",
    new FakeSystem(),
  );
  const queued = async (key: string): Promise<string> => {
    const at = Date.now() + 3_600_000;
    const answer = await one.engine.start({ process: "p", key, input: { id: key }, origin: "test", at });
    return (answer as { run: string }).run;
  };
  const run = await queued("K1");
  assert.deepEqual(await one.engine.move(run, "v2", actor), { kind: "moved", goesOn: false });
  assert.deepEqual([one.engine.run(run)?.status, one.engine.run(run)?.version], ["queued", "v2"]);
  await one.engine.operate(run, { kind: "cancel" }, actor);
  assert.equal((await one.until(run, "cancelled")).version, "v2");
  await end([one]);
});

test("what comes for a run while its new code is rehearsed reaches it there", async () => {
  const system = new FakeSystem();
  const a = system.operation("a", "idempotent", () => "A");
  let one: Rig | undefined;
  let answered: Promise<unknown> | undefined;
  const code: Run = async (flow, input) => [await flow.call(a, {}), await flow.receive(event, { key: idOf(input) })];
  one = await setUp(
    code,
    async (flow, input) => {
      // In the rehearsal: the worker of the first code has let the run go, and the other one does not have it yet.
      answered ??= one?.engine.signal({ system: "carrier", event: "shipped", key: "K1", payload: "S", delivery: "d" });
      return code(flow, input);
    },
    system,
  );
  const run = await start(one);
  await one.until(run, "waiting");
  assert.equal((await one.engine.move(run, "v2", actor)).kind, "moved");
  assert.equal(await answered, "matched");
  assert.deepEqual((await one.until(run, "completed")).output, ["A", "S"]);
  await end([one]);
});
