/** What is too large or too deep for a history is refused by name wherever it enters, and is never tried again for ever. */
import assert from "node:assert/strict";
import test from "node:test";
import type { Json } from "../../../operation.ts";
import { defineProcess } from "../../define.ts";
import { anything, FakeSystem, type Rig, remove, rig } from "../engine-harness.ts";
import { asText } from "./json-text.ts";

const limits = { bytes: 1000, depth: 20 };
const large = "x".repeat(1001);
const nested = (levels: number): Json => {
  let value: Json = 1;
  for (let level = 0; level < levels; level++) value = [value];
  return value;
};
const padding = Array.from({ length: 30 }, () => [] as Json[]);

async function withRig(options: Omit<Parameters<typeof rig>[0], "valueLimits">, body: (one: Rig) => Promise<void>) {
  const one = await rig({ ...options, valueLimits: limits });
  try {
    await body(one);
  } finally {
    await one.stop();
    remove(one.folder);
  }
}
const started = async (one: Rig, input: Json, process = "p") => {
  const answer = await one.engine.start({ process, key: "k", input, origin: "test" });
  return (answer as { run: string }).run;
};
const by = { by: "test", reason: "because" };

test("size and depth are exact, also where brackets stand in texts", () => {
  assert.equal(asText("x".repeat(998), "it", limits).length, 1000);
  assert.throws(() => asText("x".repeat(999), "it", limits), { code: "value-too-large" });
  assert.throws(() => asText("é".repeat(500), "it", limits), { code: "value-too-large" });
  assert.doesNotThrow(() => asText([nested(19), ...padding], "it", limits));
  assert.throws(() => asText([nested(20), ...padding], "it", limits), { code: "value-too-deep" });
  assert.doesNotThrow(() => asText(['[[[\\"['.repeat(40)], "it", limits));
  assert.throws(() => asText(nested(100), "the answer", limits), /the answer.*more than 20 levels/);
  // Here the walk itself may run out of stack.
  assert.throws(() => asText(nested(100_000), "it", { ...limits, bytes: 1e6 }), { code: "value-too-deep" });
  assert.throws(() => asText({ n: 1n }, "it", limits), { code: "value-not-json" });
});

test("a start, a signal, an answer and a given result are refused, and leave nothing", async () => {
  const system = new FakeSystem();
  const act = system.operation("act", "unrepeatable", () => {
    throw new Error("lost");
  });
  const process = defineProcess({
    name: "p",
    input: anything,
    key: () => "k",
    run: async (flow) => flow.call(act, null),
  });
  await withRig({ processes: [process], system }, async ({ engine, until }) => {
    await assert.rejects(
      started({ engine } as Rig, large),
      (error: { code: string; status: number; message: string }) => {
        assert.equal(error.code, "value-too-large");
        assert.equal(error.status, 413);
        assert.match(error.message, /the input of p has 1003 bytes of JSON; a history takes 1000/);
        return true;
      },
    );
    await assert.rejects(started({ engine } as Rig, nested(200)), { code: "value-too-deep", status: 400 });
    assert.deepEqual(engine.runs({}), []);
    const signal = { system: "s", event: "e", key: "k", delivery: "1" };
    await assert.rejects(engine.signal({ ...signal, payload: large }), { code: "value-too-large" });
    assert.equal(await engine.signal({ ...signal, payload: 1 }), "kept");
    await assert.rejects(engine.answer("t", large, by), { code: "value-too-large" });

    const run = await started({ engine } as Rig, 1);
    await until(run, "parked");
    await assert.rejects(engine.operate(run, { kind: "happened", result: large }, by), { code: "value-too-large" });
    await engine.operate(run, { kind: "happened", result: 7 }, by);
    assert.equal((await until(run, "completed")).output, 7);
  });
});

for (const effect of ["read", "idempotent", "unrepeatable"] as const) {
  test(`the ${effect} call whose result is too large has happened once, parks, and is not called again after a restart`, async () => {
    const system = new FakeSystem();
    const fetch = system.operation("fetch", effect, () => large);
    const process = defineProcess({
      name: "p",
      input: anything,
      key: () => "k",
      retry: { backoff: 1, maxBackoff: 1 },
      run: async (flow) => flow.call(fetch, null),
    });
    const options = { processes: [process], system, valueLimits: limits };
    const first = await rig(options);
    const run = await started(first, 1);
    const { parked } = await first.until(run, "parked");
    assert.equal(parked?.code, "step-result");
    assert.match(parked?.message ?? "", /fake\.fetch happened.*1003 bytes of JSON; a history takes 1000/);
    await first.stop();
    const second = await rig({ ...options, folder: first.folder });
    try {
      assert.equal((await second.until(run, "parked")).parked?.code, "step-result");
      await second.engine.operate(run, { kind: "happened", result: "short" }, by);
      assert.equal((await second.until(run, "completed")).output, "short");
      assert.equal(system.received.length, 1);
    } finally {
      await second.stop();
      remove(first.folder);
    }
  });
}

test("a step of one's own with such a result parks, and can be undone", async () => {
  const system = new FakeSystem();
  const back = system.operation("back", "idempotent");
  let times = 0;
  const process = defineProcess({
    name: "p",
    input: anything,
    key: () => "k",
    run: async (flow) =>
      flow.step("deep", { effect: "unrepeatable", undo: { call: back, with: ({ key }) => ({ key }) } }, () => {
        times += 1;
        return nested(200);
      }),
  });
  await withRig({ processes: [process], system }, async (one) => {
    const run = await started(one, 1);
    assert.match((await one.until(run, "parked")).parked?.message ?? "", /more than 20 levels/);
    await one.engine.operate(run, { kind: "undo" }, by);
    await one.until(run, "undone");
    assert.equal(times, 1);
    assert.equal(system.calls("back").length, 1);
  });
});

test("an input of a call, an output and a fault that are too large park the run", async () => {
  const system = new FakeSystem();
  const refuse = system.operation("refuse", "read", () => ({
    ok: false,
    fault: { name: "No", message: "", detail: large },
  }));
  const process = defineProcess({
    name: "p",
    input: anything,
    key: String,
    run: async (flow, what) => {
      if (what === "input") await flow.call(refuse, large);
      if (what === "fault") await flow.attempt(refuse, 1);
      return large;
    },
  });
  await withRig({ processes: [process], system }, async (one) => {
    for (const [what, code] of [
      ["input", "process-threw"],
      ["fault", "step-result"],
      ["output", "process-output"],
    ] as const) {
      const { run } = (await one.engine.start({ process: "p", key: what, input: what, origin: "test" })) as {
        run: string;
      };
      const { parked } = await one.until(run, "parked");
      assert.equal(parked?.code, code);
      assert.match(parked?.message ?? "", /bytes of JSON; a history takes 1000/);
    }
    assert.equal(system.received.length, 1);
  });
});
