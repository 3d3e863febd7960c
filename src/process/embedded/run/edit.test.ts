/** A parked call or undo that is made with another input, under a new key (P3); and which of several questions is answered. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Json } from "../../../operation.ts";
import { FakeSystem, failing, fault } from "../engine-harness.ts";
import { act, anna, begin, endRigs, open, processOf, restarted } from "../operating-rig.ts";

endRigs();
const event = { kind: "event", system: "carrier", name: "shipped" } as const;
const refused = (input: Json, wrong: string) => {
  if ((input as { id: string }).id === wrong) throw failing("none", "give-up");
  return { made: input };
};

test("an edited retry sends the new input under a new key; the run replays on the code's own input", async () => {
  const system = new FakeSystem();
  const back = system.operation("back", "idempotent", () => null);
  const a = system.operation("a", "idempotent", (input) => refused(input, "wrong"));
  const p = processOf(async (flow) => {
    const made = await flow.call(a, { id: "wrong" }, { undo: { call: back, with: ({ key }) => ({ reference: key }) } });
    await flow.receive(event, { key: "k" });
    return made;
  });
  const options = { processes: [p], system };
  let one = await open(options);
  const run = await begin(one);
  const parked = await one.until(run, "parked");
  assert.ok(parked.parked?.answers.some(({ kind }) => kind === "edit"));
  one = await restarted(one, options);
  await act(one, run, { kind: "edit", input: { id: "right" } });
  await one.until(run, "waiting");
  assert.deepEqual(
    system.calls("a").map(({ input, key }) => [input, key]),
    [
      [{ id: "wrong" }, `${run}-1`],
      [{ id: "right" }, `${run}-1-g2`],
    ],
  );
  const [step] = one.engine.run(run)?.steps ?? [];
  assert.deepEqual([step?.input, step?.editedInput, step?.key], [{ id: "wrong" }, { id: "right" }, `${run}-1-g2`]);
  one = await restarted(one, options);
  await act(one, run, "cancel");
  await one.until(run, "cancelled");
  assert.deepEqual(
    system.calls("back").map(({ input }) => input),
    [{ reference: `${run}-1-g2` }],
  );
});

test("an edited retry that waits for its attempt is made with the edited input after a restart", async () => {
  const system = new FakeSystem();
  let broken = true;
  const a = system.operation("a", "idempotent", (input) => {
    if (broken) throw failing("none", (input as { id: string }).id === "wrong" ? "give-up" : "retry");
    return { made: input };
  });
  const options = {
    processes: [processOf((flow) => flow.call(a, { id: "wrong" }), { retry: { backoff: "1h", maxBackoff: "1h" } })],
    system,
  };
  let one = await open(options);
  const run = await begin(one);
  await one.until(run, "parked");
  await act(one, run, { kind: "edit", input: { id: "right" } });
  await one.when(run, ({ status, steps }) => status === "running" && steps[0]?.nextAttemptAt !== undefined);
  broken = false;
  one = await restarted(one, options);
  assert.deepEqual((await one.until(run, "completed")).output, { made: { id: "right" } });
});

test("what may have happened under the key before an edit is undone too, after what happened under the new one", async () => {
  const system = new FakeSystem();
  const back = system.operation(
    "back",
    "idempotent",
    (input) => ((input as { key: string }).key.endsWith("-1") ? fault("unknown-reference") : null),
    { notFound: ["unknown-reference"] },
  );
  const a = system.operation("a", "unrepeatable", (input) => {
    if ((input as { id: string }).id === "lost") throw failing("unknown");
    return "A";
  });
  const p = processOf(async (flow) => {
    await flow.call(
      a,
      { id: "lost" },
      { undo: { call: back, with: ({ output, key }) => ({ output: output ?? null, key }) } },
    );
    await flow.receive(event, { key: "k" });
  });
  const options = { processes: [p], system };
  for (const between of [false, true]) {
    let one = await open(options);
    const run = await begin(one, `k${between}`);
    await one.until(run, "parked");
    await act(one, run, { kind: "edit", input: { id: "new" } });
    await one.until(run, "waiting");
    if (between) one = await restarted(one, options);
    await act(one, run, "cancel");
    await one.until(run, "cancelled");
    assert.deepEqual(
      system.calls("back").map(({ input }) => input),
      [
        { output: "A", key: `${run}-1-g2` },
        { output: null, key: `${run}-1` },
      ],
    );
    system.received.length = 0;
  }
});

test("the input of a failed undo can be edited", async () => {
  const system = new FakeSystem();
  const back = system.operation("back", "idempotent", (input) => refused(input, "A"));
  const a = system.operation("a", "idempotent", () => "A");
  const p = processOf(async (flow) => {
    await flow.call(a, {}, { undo: { call: back, with: ({ output }) => ({ id: output as string }) } });
    return flow.reject("no");
  });
  const one = await open({ processes: [p], system });
  const run = await begin(one);
  assert.equal((await one.until(run, "parked")).parked?.step, "fake.a");
  await act(one, run, { kind: "edit", input: { id: "B" } });
  await one.until(run, "rejected");
  assert.deepEqual(
    system.calls("back").map(({ input, key }) => [input, key]),
    [
      [{ id: "A" }, `${run}-2`],
      [{ id: "B" }, `${run}-2-g2`],
    ],
  );
});

test("of two parked steps the first is asked about, and an answer goes to the step that was shown", async () => {
  const system = new FakeSystem();
  const lost = Promise.withResolvers<void>();
  const a = system.operation("a", "unrepeatable", async () => {
    await lost.promise;
    throw failing("unknown");
  });
  const b = system.operation("b", "unrepeatable", () => {
    throw failing("unknown");
  });
  const one = await open({ processes: [processOf((flow) => flow.all([flow.call(a, {}), flow.call(b, {})]))], system });
  const run = await begin(one);
  const first = await one.until(run, "parked");
  assert.equal(first.parked?.step, "fake.b");
  lost.resolve();
  const both = await one.when(run, ({ parked }) => parked?.step === "fake.a");
  // Whoever still sees the question about b is told so.
  await assert.rejects(one.engine.operate(run, { kind: "happened", result: "B" }, anna, first.parked?.number), {
    code: "question-stale",
  });
  await one.engine.operate(run, { kind: "happened", result: "A" }, anna, both.parked?.number);
  const last = await one.when(run, ({ parked }) => parked?.step === "fake.b");
  assert.equal(last.parked?.number, first.parked?.number);
  await one.engine.operate(run, { kind: "happened", result: "B" }, anna, last.parked?.number);
  assert.deepEqual((await one.until(run, "completed")).output, ["A", "B"]);
});
