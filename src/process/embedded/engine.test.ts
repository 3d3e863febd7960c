import assert from "node:assert/strict";
import { test } from "node:test";
import { defineProcess } from "../define.ts";
import { DeclaredFault } from "../flow.ts";
import { defineTask } from "../task.ts";
import { anything, FakeSystem, failing, fault, type Rig, remove, rig } from "./engine-harness.ts";

const event = { kind: "event", system: "carrier", name: "shipped" } as const;
const actor = { by: "olivia", reason: "looked in the system" };

async function withRig(options: Parameters<typeof rig>[0], body: (rig: Rig) => Promise<void>): Promise<void> {
  const one = await rig(options);
  try {
    await body(one);
  } finally {
    await one.stop();
    remove(one.folder);
  }
}

async function start({ engine }: Rig, key = "K1", input: unknown = { id: key }): Promise<string> {
  const answer = await engine.start({ process: "p", key, input: input as never, origin: "test" });
  assert.notEqual(answer.kind, "refused");
  return (answer as { run: string }).run;
}

const process = (run: Parameters<typeof defineProcess>[0]["run"], more = {}) =>
  defineProcess({ name: "p", input: anything, key: (input) => (input as { id: string }).id, run, ...more });

test("a run calls its systems in order and completes with its output", async () => {
  const system = new FakeSystem();
  const a = system.operation("a", "idempotent", (input) => ({ got: input }));
  const b = system.operation("b", "idempotent", () => 7);
  const p = process(async (flow, input) => {
    const first = await flow.call(a, input);
    const second = await flow.call(b, { first });
    return { first, second };
  });
  await withRig({ processes: [p], system }, async (one) => {
    const run = await start(one);
    const detail = await one.until(run, "completed");
    assert.deepEqual(detail.output, { first: { got: { id: "K1" } }, second: 7 });
    assert.deepEqual(
      system.received.map(({ operation, attempt }) => [operation, attempt]),
      [
        ["a", 1],
        ["b", 1],
      ],
    );
    assert.deepEqual(
      detail.steps.map(({ id, status }) => [id, status]),
      [
        ["fake.a", "done"],
        ["fake.b", "done"],
        ["completed", "done"],
      ],
    );
  });
});

test("a declared fault is a value of attempt and an error of call", async () => {
  const system = new FakeSystem();
  const a = system.operation("a", "idempotent", () => fault("OutOfStock", { sku: "X" }));
  const p = process(async (flow) => {
    const attempt = await flow.attempt(a, {});
    try {
      await flow.call(a, {});
    } catch (error) {
      assert.ok(error instanceof DeclaredFault);
      return { attempt, thrown: error.fault.name };
    }
    return null;
  });
  await withRig({ processes: [p], system }, async (one) => {
    const detail = await one.until(await start(one), "completed");
    assert.deepEqual(detail.output, {
      attempt: { ok: false, fault: { name: "OutOfStock", message: "", detail: { sku: "X" } } },
      thrown: "OutOfStock",
    });
    assert.deepEqual(
      detail.steps.map(({ id }) => id),
      ["fake.a", "fake.a#2", "completed"],
    );
  });
});

test("one run per business key: the same input finds it, another is refused", async () => {
  const p = process(async () => "done");
  await withRig({ processes: [p] }, async (one) => {
    const run = await start(one);
    await one.until(run, "completed");
    assert.deepEqual(await one.engine.start({ process: "p", key: "K1", input: { id: "K1" }, origin: "test" }), {
      kind: "exists",
      run,
      status: "completed",
    });
    await assert.rejects(one.engine.start({ process: "p", key: "K1", input: { id: "other" }, origin: "test" }), {
      code: "run-key-conflict",
    });
    const same = await Promise.all(Array.from({ length: 50 }, () => start(one, "K2")));
    assert.equal(new Set(same).size, 1);
  });
});

test("a call that surely did not happen is repeated with the same key until it does", async () => {
  const system = new FakeSystem();
  const a = system.operation("a", "unrepeatable", (_input, _context, times) => {
    if (times < 4) throw failing("none");
    return times;
  });
  const p = process(async (flow) => flow.call(a, {}), { retry: { backoff: "1ms" } });
  await withRig({ processes: [p], system }, async (one) => {
    const detail = await one.until(await start(one), "completed");
    assert.equal(detail.output, 4);
    assert.equal(new Set(system.received.map(({ key }) => key)).size, 1);
    assert.deepEqual(
      system.received.map(({ attempt }) => attempt),
      [1, 2, 3, 4],
    );
  });
});

test("an unrepeatable call of unknown outcome parks and asks; each answer does what it says", async () => {
  const system = new FakeSystem();
  const a = system.operation("a", "unrepeatable", (_input, _context, times) => {
    if (times <= 3) throw failing("unknown");
    return "second";
  });
  const p = process(async (flow) => flow.call(a, {}));
  await withRig({ processes: [p], system }, async (one) => {
    const first = await start(one, "K1");
    const parked = await one.until(first, "parked");
    assert.equal(parked.parked?.code, "step-unknown");
    assert.deepEqual(
      parked.parked?.answers.map(({ kind }) => kind),
      ["happened", "repeat", "edit", "undo", "cancel", "terminate"],
    );
    assert.equal(system.calls("a").length, 1);
    await one.engine.operate(first, { kind: "happened", result: { number: 5 } }, actor);
    assert.deepEqual((await one.until(first, "completed")).output, { number: 5 });
    assert.equal(system.calls("a").length, 1);

    const second = await start(one, "K2");
    await one.until(second, "parked");
    await one.engine.operate(second, { kind: "repeat" }, actor);
    await one.when(second, ({ steps }) => steps.filter(({ kind }) => kind === "park").length === 2);
    await one.engine.operate(second, { kind: "repeat" }, actor);
    assert.equal((await one.until(second, "completed")).output, "second");
    await assert.rejects(one.engine.operate(second, { kind: "cancel" }, actor), { code: "run-ended" });
  });
});

test("a probe decides after its settle time whether an unknown call happened", async () => {
  const system = new FakeSystem();
  const orders: { reference: string }[] = [];
  system.operation("find", "read", (input) =>
    orders.filter(({ reference }) => reference === (input as { reference: string }).reference),
  );
  const probe = { call: "find", with: ({ key }: { key: string }) => ({ reference: key }), settle: "5ms" } as const;
  const acts = system.operation(
    "acts",
    "unrepeatable",
    (_input, { key }) => {
      orders.push({ reference: key });
      throw failing("unknown");
    },
    { probe },
  );
  const doesNot = system.operation(
    "doesNot",
    "unrepeatable",
    (_input, _context, times) => {
      if (times === 1) throw failing("unknown");
      return "at last";
    },
    { probe },
  );
  const p = process(async (flow) => [await flow.call(acts, {}), await flow.call(doesNot, {})]);
  await withRig({ processes: [p], system }, async (one) => {
    const run = await start(one);
    const detail = await one.until(run, "completed");
    assert.deepEqual(detail.output, [{ reference: `${run}-1` }, "at last"]);
    assert.equal(system.calls("acts").length, 1);
    assert.equal(system.calls("doesNot").length, 2);
    assert.equal(detail.steps[0]?.note, "found by its probe");
  });
});

test("a run that rejects undoes its steps, last first, and ends as rejected", async () => {
  const system = new FakeSystem();
  const a = system.operation("a", "idempotent", () => ({ id: "A" }));
  const b = system.operation("b", "idempotent", () => ({ id: "B" }));
  const c = system.operation("c", "idempotent", () => fault("No"));
  const undoA = system.operation("undoA", "idempotent");
  const undoB = system.operation("undoB", "idempotent");
  const p = process(async (flow) => {
    await flow.call(
      a,
      {},
      { undo: { call: undoA, with: ({ output, key }) => ({ id: (output as { id: string }).id, key }) } },
    );
    await flow.call(
      b,
      {},
      { undo: { call: undoB, with: ({ output }) => ({ id: (output as { id: string } | undefined)?.id }) } },
    );
    const answer = await flow.attempt(c, {}, { undo: { call: undoA, with: () => "never" } });
    if (!answer.ok) flow.reject("no credit", { why: "No" });
    return null;
  });
  await withRig({ processes: [p], system }, async (one) => {
    const run = await start(one);
    const detail = await one.until(run, "rejected");
    assert.deepEqual(detail.failure, { reason: "no credit", detail: { why: "No" } });
    assert.deepEqual(
      system.received.slice(3).map(({ operation, input }) => [operation, input]),
      [
        ["undoB", { id: "B" }],
        ["undoA", { id: "A", key: `${run}-1` }],
      ],
    );
  });
});

test("an uncaught declared fault undoes and ends as undone; after the pivot it parks", async () => {
  const system = new FakeSystem();
  const a = system.operation("a", "idempotent", () => "A");
  const no = system.operation("no", "idempotent", () => fault("No"));
  const undoA = system.operation("undoA", "idempotent");
  const p = process(async (flow, input) => {
    await flow.call(a, {}, { undo: { call: undoA, with: ({ output }) => output } });
    if ((input as { pivot?: boolean }).pivot === true) flow.pivot();
    await flow.call(no, {});
    return null;
  });
  await withRig({ processes: [p], system }, async (one) => {
    assert.match((await one.until(await start(one), "undone")).failure?.reason ?? "", /fake.no: No/);
    assert.equal(system.calls("undoA").length, 1);
    const pivoted = await start(one, "K2", { id: "K2", pivot: true });
    const parked = await one.until(pivoted, "parked");
    assert.equal(parked.parked?.code, "process-after-pivot");
    await assert.rejects(one.engine.operate(pivoted, { kind: "cancel" }, actor), { code: "run-operation" });
    await one.engine.operate(pivoted, { kind: "terminate" }, actor);
    await one.until(pivoted, "terminated");
    assert.equal(system.calls("undoA").length, 1);
  });
});

test("a signal wakes the run that waits for its key; an early one is kept; a second delivery is nothing", async () => {
  const p = process(async (flow, input) => flow.receive(event, { key: (input as { id: string }).id }));
  await withRig({ processes: [p] }, async (one) => {
    const signal = (key: string, delivery: string) =>
      one.engine.signal({ system: "carrier", event: "shipped", key, payload: { delivery }, delivery });
    const run = await start(one, "K1");
    const waiting = await one.until(run, "waiting");
    assert.equal(waiting.reason, "waits for carrier.shipped of K1");
    assert.equal(await signal("K1", "d1"), "matched");
    assert.deepEqual((await one.until(run, "completed")).output, { delivery: "d1" });
    assert.equal(await signal("K1", "d1"), "duplicate");
    assert.equal(await signal("K2", "d2"), "kept");
    const second = await start(one, "K2");
    assert.deepEqual((await one.until(second, "completed")).output, { delivery: "d2" });
  });
});

test("a receive that nothing came for ends in time, and keeps no later signal", async () => {
  const p = process(async (flow, input) => {
    const { id } = input as { id: string };
    try {
      return await flow.receive(event, { key: id, within: "5ms" });
    } catch (error) {
      return (error as Error).name;
    }
  });
  await withRig({ processes: [p] }, async (one) => {
    const run = await start(one, "K1");
    assert.equal((await one.until(run, "completed")).output, "FlowTimeout");
    const late = { system: "carrier", event: "shipped", key: "K1", payload: null, delivery: "late" };
    assert.equal(await one.engine.signal(late), "kept");
  });
});

test("a task is asked, answered once, and its answer goes on with the run", async () => {
  const review = defineTask({ name: "review", title: "Review", input: anything, answer: anything });
  const p = process(async (flow) => flow.task(review, { input: { amount: 5 }, assign: "finance" }));
  await withRig({ processes: [p] }, async (one) => {
    const run = await start(one);
    await one.until(run, "waiting");
    const [task] = one.engine.tasks({ status: "open" });
    assert.ok(task);
    assert.deepEqual([task.assign, task.input, task.title], ["finance", { amount: 5 }, "Review"]);
    await one.engine.answer(task.id, { approved: true }, actor);
    assert.deepEqual((await one.until(run, "completed")).output, { approved: true });
    await assert.rejects(one.engine.answer(task.id, {}, actor), { code: "task-closed" });
    await assert.rejects(one.engine.answer("no-such", {}, actor), { code: "task-unknown" });
  });
});

test("parallel branches all settle before a failure is seen, and what they did is undone", async () => {
  const system = new FakeSystem();
  const release = Promise.withResolvers<void>();
  const slow = system.operation("slow", "idempotent", async () => {
    await release.promise;
    return "slow";
  });
  const no = system.operation("no", "idempotent", () => {
    setImmediate(() => release.resolve());
    return fault("No");
  });
  const undoSlow = system.operation("undoSlow", "idempotent");
  const p = process(async (flow) =>
    flow.all([flow.call(slow, {}, { undo: { call: undoSlow, with: ({ output }) => output } }), flow.call(no, {})]),
  );
  await withRig({ processes: [p], system }, async (one) => {
    await one.until(await start(one), "undone");
    assert.deepEqual(
      system.calls("undoSlow").map(({ input }) => input),
      ["slow"],
    );
  });
});

test("a process that awaits something else is parked, not left hanging", async () => {
  const p = process(async (flow) => {
    await new Promise((resolve) => setTimeout(resolve, 1));
    return flow.now();
  });
  await withRig({ processes: [p] }, async (one) => {
    const detail = await one.until(await start(one), "parked");
    assert.equal(detail.parked?.code, "process-foreign-await");
  });
});

test("a process whose code throws is parked and can be retried or undone", async () => {
  const system = new FakeSystem();
  const a = system.operation("a", "idempotent", () => "A");
  const undoA = system.operation("undoA", "idempotent");
  let broken = true;
  const p = process(async (flow) => {
    await flow.call(a, {}, { undo: { call: undoA, with: ({ output }) => output } });
    if (broken) throw new TypeError("cannot read");
    return "fine";
  });
  await withRig({ processes: [p], system }, async (one) => {
    const run = await start(one, "K1");
    assert.match((await one.until(run, "parked")).reason ?? "", /TypeError: cannot read/);
    broken = false;
    await one.engine.operate(run, { kind: "retry" }, actor);
    assert.equal((await one.until(run, "completed")).output, "fine");
    assert.equal(system.calls("a").length, 1);
    broken = true;
    const second = await start(one, "K2");
    await one.until(second, "parked");
    await one.engine.operate(second, { kind: "undo" }, actor);
    await one.until(second, "undone");
    assert.equal(system.calls("undoA").length, 1);
  });
});

test("now, random and uuid are the same at every replay", async () => {
  const seen: unknown[] = [];
  let broken = true;
  const p = process(async (flow) => {
    const values = [flow.now(), flow.random(), flow.uuid(), flow.uuid()];
    seen.push(values);
    await flow.sleep("1ms");
    if (broken) throw new Error("again");
    return values;
  });
  await withRig({ processes: [p] }, async (one) => {
    const run = await start(one);
    await one.until(run, "parked");
    broken = false;
    await one.engine.operate(run, { kind: "retry" }, actor);
    const { output } = await one.until(run, "completed");
    assert.equal(seen.length, 2);
    assert.deepEqual(seen[0], seen[1]);
    assert.deepEqual(output, seen[0]);
  });
});

test("a run that tries again says so, and why", async () => {
  const system = new FakeSystem();
  const a = system.operation("a", "idempotent", () => {
    throw failing("none");
  });
  const p = process(async (flow) => flow.call(a, {}), { retry: { backoff: "1h", maxBackoff: "1h" } });
  await withRig({ processes: [p], system }, async (one) => {
    const run = await start(one);
    const detail = await one.when(run, ({ reason }) => reason !== undefined);
    assert.equal(detail.status, "running");
    assert.match(detail.reason ?? "", /^tries fake\.a again at 20.*: the system failed$/);
  });
});

test("a step whose result can't be recorded has happened all the same", async () => {
  let times = 0;
  const p = process(async (flow) =>
    flow.step("count", { effect: "unrepeatable" }, () => {
      times += 1;
      return 1n as unknown as number;
    }),
  );
  await withRig({ processes: [p] }, async (one) => {
    const detail = await one.until(await start(one), "parked");
    assert.equal(detail.parked?.code, "step-result");
    assert.equal(times, 1);
  });
});

test("of many that decide about a run at once one is heard, and the others are told", async () => {
  const system = new FakeSystem();
  const a = system.operation("a", "unrepeatable", (_input, _context, times) => {
    if (times === 1) throw failing("unknown");
    return times;
  });
  const p = process(async (flow) => flow.call(a, {}));
  await withRig({ processes: [p], system }, async (one) => {
    const run = await start(one);
    await one.until(run, "parked");
    const acts = await Promise.allSettled(
      Array.from({ length: 10 }, () => one.engine.operate(run, { kind: "repeat" }, actor)),
    );
    assert.equal(acts.filter(({ status }) => status === "fulfilled").length, 1);
    for (const act of acts) if (act.status === "rejected") assert.equal(act.reason.code, "run-operation");
    assert.equal((await one.until(run, "completed")).output, 2);
  });
});

test("an act that answers a question which is no longer asked is refused", async () => {
  const system = new FakeSystem();
  const a = system.operation("a", "unrepeatable", (_input, _context, times) => {
    if (times <= 2) throw failing("unknown");
    return times;
  });
  const p = process(async (flow) => flow.call(a, {}));
  await withRig({ processes: [p], system }, async (one) => {
    const run = await start(one);
    assert.equal((await one.until(run, "parked")).parked?.number, 1);
    await one.engine.operate(run, { kind: "repeat" }, actor, 1);
    await one.when(run, ({ parked }) => parked?.number === 2);
    // The same answer, sent again: it would repeat a call of which nothing is known.
    await assert.rejects(one.engine.operate(run, { kind: "repeat" }, actor, 1), { code: "question-stale" });
    assert.equal(system.calls("a").length, 2);
    await one.engine.operate(run, { kind: "repeat" }, actor, 2);
    assert.equal((await one.until(run, "completed")).output, 3);
  });
});
