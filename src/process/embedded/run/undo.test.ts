/** The undo of a run under fire: cancelled meanwhile, crashed, and of what nobody knows whether it happened. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Json } from "../../../operation.ts";
import type { RunDetail } from "../../engine.ts";
import { FakeSystem, failing, fault } from "../engine-harness.ts";
import { act, begin, endRigs, gate, open, processOf, restarted } from "../operating-rig.ts";

endRigs();

const inputs = (system: FakeSystem, name: string) => system.calls(name).map(({ input }) => input);
const undoing = ({ status }: RunDetail) => status === "undoing";

/** Two steps, then a rejection. */
function twoSteps(system: FakeSystem) {
  const a = system.operation("a", "idempotent", () => "A");
  const b = system.operation("b", "idempotent", () => "B");
  const undoA = system.operation("undoA", "idempotent");
  const undoB = system.operation("undoB", "idempotent");
  return processOf(async (flow) => {
    await flow.call(a, {}, { undo: { call: undoA, with: ({ output }) => output } });
    await flow.call(b, {}, { undo: { call: undoB, with: ({ output }) => output } });
    return flow.reject("no credit");
  });
}

test("a cancel during the undo, also twice, changes how the run ends, and nothing else: each undo is done once", async () => {
  const system = new FakeSystem();
  const p = twoSteps(system);
  const slow = gate(null);
  system.behave("undoB", slow.behaviour);
  const one = await open({ processes: [p], system });
  const run = await begin(one);
  await slow.begun;
  await one.when(run, undoing);
  for (let times = 0; times < 2; times++) {
    await act(one, run, "cancel");
    await one.when(run, ({ steps }) => steps.filter(({ kind }) => kind === "operator").length === times + 1);
  }
  assert.equal(one.engine.run(run)?.status, "undoing");
  slow.open();
  const ended = await one.until(run, "cancelled", "rejected");
  assert.equal(ended.status, "cancelled");
  assert.equal(ended.failure?.reason, "the ERP is being moved");
  assert.deepEqual([inputs(system, "undoB"), inputs(system, "undoA")], [["B"], ["A"]]);
  assert.deepEqual(
    ended.steps.filter(({ of }) => of !== undefined).map(({ id, of, status }) => [id, of, status]),
    [
      ["undo fake.b", 2, "done"],
      ["undo fake.a", 1, "done"],
    ],
  );
  await assert.rejects(act(one, run, "cancel"), { code: "run-ended" });
});

test("a cancel while an undo asks a person leaves it asking; the run ends as cancelled, also through a restart", async () => {
  const system = new FakeSystem();
  const p = twoSteps(system);
  system.behave("undoB", (_input, _context, times) => (times === 1 ? fault("NotNow") : null));
  let one = await open({ processes: [p], system });
  const run = await begin(one);
  assert.equal((await one.until(run, "parked")).parked?.code, "undo-failed");
  await act(one, run, "cancel");
  await one.when(run, ({ steps }) => steps.some(({ kind }) => kind === "operator"));
  assert.equal(one.engine.run(run)?.status, "parked");
  one = await restarted(one, { processes: [p], system });
  await act(one, run, "retry");
  assert.equal((await one.until(run, "cancelled", "rejected")).status, "cancelled");
  assert.deepEqual([system.calls("undoB").length, inputs(system, "undoA")], [2, ["A"]]);
});

test("a worker that is lost inside the undo: it goes on where it was, with the same key, and ends as said", async () => {
  const system = new FakeSystem();
  const p = twoSteps(system);
  const begun = Promise.withResolvers<void>();
  system.behave("undoB", (_input, _context, times) => {
    if (times > 1) return null;
    begun.resolve();
    return new Promise<Json>(() => {});
  });
  const one = await open({ processes: [p], system });
  const run = await begin(one);
  await begun.promise;
  await act(one, run, "cancel");
  await one.when(run, ({ steps }) => steps.some(({ kind }) => kind === "operator"));
  one.engine.workerLost("v1");
  one.engine.ensureWorker("v1");
  assert.equal((await one.until(run, "cancelled", "rejected")).status, "cancelled");
  assert.deepEqual(
    system.calls("undoB").map(({ key }) => key),
    [`${run}-3`, `${run}-3`],
  );
  assert.deepEqual(inputs(system, "undoA"), ["A"]);
});

/** One step of unknown outcome, with a probe that says what `find` does. */
function unknownStep(find: () => Json, settle: "1ms" | "1h" = "1ms") {
  const system = new FakeSystem();
  system.operation("find", "read", () => {
    const found = find();
    if (found === "fails") throw failing("none");
    return found;
  });
  const probe = { call: "find", with: ({ key }: { key: string }) => ({ key }), settle } as const;
  const book = system.operation(
    "book",
    "unrepeatable",
    () => {
      throw failing("unknown");
    },
    { probe },
  );
  const unbook = system.operation("unbook", "idempotent");
  const undo = { call: unbook, with: ({ output, key }: { output: unknown; key: string }) => output ?? `by key ${key}` };
  const p = processOf(async (flow) => flow.call(book, {}, { undo }));
  return { system, p };
}

test("before a step of unknown outcome is undone its probe is asked: what it finds is undone with its output", async () => {
  for (const restart of [false, true]) {
    // Not to be seen yet: so the run waits for the settle time when it is cancelled.
    let found: Json = [];
    const { system, p } = unknownStep(() => found, "1h");
    let one = await open({ processes: [p], system });
    const run = await begin(one);
    await one.when(run, () => system.calls("find").length === 1);
    if (restart) one = await restarted(one, { processes: [p], system });
    found = [{ booking: 7 }];
    await act(one, run, "cancel");
    const ended = await one.until(run, "cancelled");
    assert.deepEqual(inputs(system, "unbook"), [{ booking: 7 }]);
    assert.equal(system.calls("book").length, 1);
    assert.equal(ended.steps[0]?.note, "found by its probe");
  }
});

test("what its probe surely does not find is not undone", async () => {
  let asked = 0;
  const { system, p } = unknownStep(() => {
    asked += 1;
    return asked === 1 ? "fails" : [];
  }, "1ms");
  const p2 = { ...p, retry: { backoff: "1h", maxBackoff: "1h" } as const };
  const one = await open({ processes: [p2], system });
  const run = await begin(one);
  await one.when(run, () => asked === 1);
  await act(one, run, "cancel");
  const ended = await one.until(run, "cancelled");
  assert.deepEqual(inputs(system, "unbook"), []);
  assert.equal(ended.steps[0]?.note, "its probe found nothing: it did not happen");
});

test("where the probe fails too, the step is undone as it is: by its key", async () => {
  const { system, p } = unknownStep(() => "fails");
  const p2 = { ...p, retry: { backoff: "1h", maxBackoff: "1h" } as const };
  const one = await open({ processes: [p2], system });
  const run = await begin(one);
  await one.when(run, () => system.calls("find").length === 1);
  await act(one, run, "cancel");
  await one.until(run, "cancelled");
  assert.deepEqual(inputs(system, "unbook"), [`by key ${run}-1`]);
});

test("a step that is under way when the end begins, as the loser of a race, is let end, and undone with its output", async () => {
  const system = new FakeSystem();
  const slow = gate("slow");
  const book = system.operation("book", "unrepeatable", slow.behaviour);
  const never = system.operation("never", "unrepeatable");
  const unbook = system.operation("unbook", "idempotent");
  const undo = { call: unbook, with: ({ output }: { output: unknown }) => output };
  const p = processOf(async (flow) => {
    const booking = flow.call(book, {}, { undo });
    await flow.race({ booking, time: flow.sleep("1ms") });
    void flow.call(never, {}, { undo });
    return flow.reject("too slow");
  });
  const one = await open({ processes: [p], system });
  const run = await begin(one);
  await slow.begun;
  await one.when(run, undoing);
  assert.equal(system.calls("unbook").length, 0);
  slow.open();
  await one.until(run, "rejected");
  // What was asked in the turn of the end was never begun, so there is nothing to take back.
  assert.deepEqual([inputs(system, "unbook"), system.calls("never").length], [["slow"], 0]);
});

test("a fault of an undo of what may have happened takes it back only where it says that it is not there; any other asks", async () => {
  for (const restart of [false, true]) {
    const system = new FakeSystem();
    const book = system.operation("book", "unrepeatable", () => {
      throw failing("unknown");
    });
    const unbook = system.operation("unbook", "idempotent", () => fault("forbidden"), { notFound: ["unknownBooking"] });
    const undo = { call: unbook, with: ({ key }: { key: string }) => key };
    const options = { processes: [processOf(async (flow) => flow.call(book, {}, { undo }))], system };
    let one = await open(options);
    const run = await begin(one);
    await one.until(run, "parked");
    await act(one, run, "undo");
    const asked = await one.when(run, ({ parked }) => parked?.code === "undo-failed");
    assert.match(asked.parked?.message ?? "", /The undo of fake\.book can't be done: forbidden/);
    if (restart) one = await restarted(one, options);
    assert.equal((await one.until(run, "parked", "undone")).status, "parked");
    assert.equal(system.calls("unbook").length, 1);
    system.behave("unbook", () => fault("unknownBooking"));
    await act(one, run, "retry");
    await one.until(run, "undone");
    assert.deepEqual(new Set(inputs(system, "unbook")), new Set([`${run}-1`]));
  }
});

test("a call that was asked in the turn in which the end began is never made, nor taken back, also after a restart", async () => {
  const system = new FakeSystem();
  const p = twoSteps(system);
  const slow = gate(null);
  system.behave("undoB", slow.behaviour);
  const c = system.operation("c", "unrepeatable");
  const undoC = system.operation("undoC", "idempotent");
  const late = processOf(async (flow, input) => {
    // What rejects asks for a call first, and does not wait for it.
    const reject = (reason: string): never => {
      void flow.call(c, {}, { undo: { call: undoC, with: ({ key }) => key } });
      return flow.reject(reason);
    };
    return p.run({ ...flow, reject }, input);
  });
  const options = { processes: [late], system };
  let one = await open(options);
  const run = await begin(one);
  await slow.begun;
  const next = restarted(one, options);
  slow.open();
  one = await next;
  await one.until(run, "rejected");
  assert.deepEqual(
    system.received.map(({ operation }) => operation),
    ["a", "b", "undoB", "undoA"],
  );
});
