/** What comes for a run while its worker lets it go, and what becomes of it where the run stays after all. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { realClock } from "../../../clock.ts";
import { FakeSystem, failing } from "../engine-harness.ts";
import { act, anna, begin, endRigs, gate, open, processOf, restarted } from "../operating-rig.ts";

endRigs();

/** A clock of the front whose move is given up when the test says. */
function impatient() {
  const asked = Promise.withResolvers<() => void>();
  const patienceMs = 10_000;
  return {
    givenUp: asked.promise,
    clock: {
      ...realClock,
      later(ms: number, then: () => void, background?: boolean) {
        if (ms !== patienceMs) return realClock.later(ms, then, background);
        asked.resolve(then);
        return () => {};
      },
    },
  };
}

/** A run whose call is under way, and that can't be moved meanwhile. */
async function setUp() {
  const system = new FakeSystem();
  const slow = gate("A");
  const back = system.operation("back", "idempotent");
  const a = system.operation("a", "idempotent");
  const b = system.operation("b", "unrepeatable", slow.behaviour);
  const next = gate("C");
  const c = system.operation("c", "unrepeatable", next.behaviour);
  const p = processOf(async (flow) => {
    await flow.call(a, {}, { undo: { call: back, with: ({ key }) => ({ key }) } });
    return flow.call(c, { after: await flow.call(b, {}) });
  });
  const { clock, givenUp } = impatient();
  const one = await open({ processes: [], versions: { v1: [p], v2: [p] }, system, clock });
  const run = await begin(one);
  await slow.begun;
  const moved = one.engine.move(run, "v2", anna);
  const giveUp = await givenUp;
  // Words to the worker travel through the event loop.
  const heard = async () => {
    let turns = 0;
    await one.when(run, () => turns++ > 20);
  };
  await heard();
  return { one, run, system, slow, next, moved, giveUp, heard };
}

test("a run that is cancelled while it is being moved goes with that, undoes and ends there", async () => {
  const { one, run, system, slow, moved, heard } = await setUp();
  await act(one, run, "cancel");
  await heard();
  slow.open();
  assert.equal((await moved).kind, "moved");
  assert.equal((await one.until(run, "cancelled")).version, "v2");
  assert.deepEqual([system.calls("back").length, system.calls("b").length, system.calls("c").length], [1, 1, 0]);
});

test("a run that could not be moved goes on once its call has ended, and makes the next one once", async () => {
  const { one, run, system, slow, next, moved, giveUp, heard } = await setUp();
  giveUp();
  await assert.rejects(moved, { code: "run-busy" });
  await heard();
  slow.open();
  await next.begun;
  await heard();
  next.open();
  const { status, output } = await one.until(run, "completed", "parked");
  assert.deepEqual([status, output], ["completed", "C"]);
  assert.deepEqual([system.calls("b").length, system.calls("c").length], [1, 1]);
});

test("calls that were asked when a run was let go, and not begun, are made by the worker that takes it over, once each", async () => {
  const system = new FakeSystem();
  const a = system.operation("a", "unrepeatable", (input) => input);
  const times = 200;
  const p = processOf(
    async (flow) => {
      for (let n = 0; n < times; n++) await flow.all([flow.call(a, n), flow.call(a, -n)]);
      return "done";
    },
    { key: (input) => String(input) },
  );
  const one = await open({ processes: [], versions: { v1: [p], v2: [p] }, system });
  const runs: string[] = [];
  for (let n = 0; n < 10; n++) runs.push(await begin(one, `k${n}`, n));
  for (let round = 0; round < 20; round++)
    for (const { id, version } of one.engine.runs({ status: "running" }))
      await one.engine.move(id, version === "v1" ? "v2" : "v1", anna).catch(() => undefined);
  for (const run of runs) assert.equal((await one.until(run, "completed", "parked")).parked?.message, undefined);
  assert.equal(system.calls("a").length, runs.length * times * 2);
});

for (const stops of [false, true])
  test(`code that rejects in the very turn in which its run is let go is undone by ${stops ? "the next start" : "the worker that takes it over"}`, async () => {
    const system = new FakeSystem();
    const slow = gate("S");
    const back = system.operation("back", "idempotent");
    const s = system.operation("s", "idempotent", slow.behaviour);
    // The worker's turn in which the code gets this result ends when the test says.
    let turn: (() => void)[] | undefined;
    const a = system.operation("a", "idempotent", () => {
      turn = [];
      return null;
    });
    const rejected = Promise.withResolvers<void>();
    const soon = (then: () => void) => (turn === undefined ? realClock.soon(then) : void turn.push(then));
    const p = processOf((flow) =>
      flow.all([
        flow.call(s, {}, { undo: { call: back, with: () => null } }),
        (async () => {
          await flow.call(a, {});
          rejected.resolve();
          flow.reject("no");
        })(),
      ]),
    );
    const options = {
      processes: [p],
      versions: { v1: [p], v2: [p] },
      system,
      worker: { clock: { ...realClock, soon } },
    };
    let one = await open(options);
    const run = await begin(one);
    await rejected.promise;
    const gone = stops ? restarted(one, options) : one.engine.move(run, "v2", anna);
    await new Promise((resolve) => setTimeout(resolve, 100));
    const held = turn ?? [];
    turn = undefined;
    for (const then of held) then();
    await new Promise((resolve) => setTimeout(resolve, 100));
    slow.open();
    const answer = await gone;
    if ("engine" in answer) one = answer;
    assert.equal((await one.until(run, "rejected")).version, stops ? "v1" : "v2");
    assert.equal(system.calls("back").length, 1);
  });

test("a person's result for a run that is being loaded when the server stops is kept, and is not asked for again", async () => {
  const system = new FakeSystem();
  const b = system.operation("b", "unrepeatable", () => {
    throw failing("unknown", "retry");
  });
  let turn: (() => void)[] | undefined;
  const soon = (then: () => void) => (turn === undefined ? realClock.soon(then) : void turn.push(then));
  const p = processOf((flow) => flow.call(b, {}));
  const options = { processes: [p], system, worker: { clock: { ...realClock, soon } } };
  let one = await open(options);
  const run = await begin(one);
  await one.until(run, "parked");
  one = await restarted(one, options);
  await new Promise((resolve) => setTimeout(resolve, 50));
  turn = [];
  await act(one, run, { kind: "happened", result: "booked" });
  await new Promise((resolve) => setTimeout(resolve, 50));
  const next = restarted(one, options);
  await new Promise((resolve) => setTimeout(resolve, 50));
  const held = turn;
  turn = undefined;
  for (const then of held) then();
  one = await next;
  // Whatever becomes of it, it asks no second question.
  const { status, output } = await one.when(
    run,
    ({ status, parked }) => status === "completed" || (parked?.number ?? 0) > 1 || system.calls("b").length > 1,
  );
  assert.deepEqual([status, output, system.calls("b").length], ["completed", "booked", 1]);
});
