import assert from "node:assert/strict";
import { test } from "node:test";
import { MortiseError } from "../../../errors.ts";
import { defineProcess } from "../../define.ts";
import { anything, FakeSystem, failing, type Rig, remove, rig } from "../engine-harness.ts";

const actor = { by: "olivia", reason: "test" };
const process = (run: Parameters<typeof defineProcess>[0]["run"], more = {}) =>
  defineProcess({ name: "p", input: anything, key: (input) => (input as { id: string }).id, run, ...more });
const long = { backoff: "1h", maxBackoff: "1h" } as const;
const quick = { backoff: 0, maxBackoff: 0 } as const;
const hanging = () => new Promise<never>(() => {});

async function start({ engine }: Rig, key = "K1"): Promise<string> {
  const answer = await engine.start({ process: "p", key, input: { id: key }, origin: "test" });
  return (answer as { run: string }).run;
}

test("attempts are counted through restarts, and so is the number that is sent along", async () => {
  const system = new FakeSystem();
  const a = system.operation("a", "idempotent", () => {
    throw failing("none");
  });
  const p = process(async (flow) => flow.call(a, {}), { retry: { attempts: 3, ...long } });
  const one = await rig({ processes: [p], system });
  const run = await start(one);
  await one.when(run, ({ steps }) => steps[0]?.attempts === 1);
  await one.stop();
  const two = await rig({ processes: [p], system, folder: one.folder });
  await two.when(run, ({ steps }) => steps[0]?.attempts === 2);
  await two.stop();
  const three = await rig({ processes: [p], system, folder: one.folder });
  const { parked } = await three.until(run, "parked");
  assert.equal(parked?.code, "step-attempts");
  assert.deepEqual(
    system.calls("a").map(({ attempt }) => attempt),
    [1, 2, 3],
  );
  // A person gives it another row of attempts, which goes on counting and has its own limit.
  await three.engine.operate(run, { kind: "retry" }, actor);
  await three.when(run, ({ steps }) => steps[0]?.attempts === 4);
  assert.equal(three.engine.run(run)?.status, "running");
  await three.stop();
  remove(one.folder);
});

test("an unrepeatable call that rested, was tried and was lost with the server is not tried once more", async () => {
  const system = new FakeSystem();
  const a = system.operation("a", "unrepeatable", () => {
    throw failing("none");
  });
  const p = process(async (flow) => flow.call(a, {}), { retry: long });
  const one = await rig({ processes: [p], system });
  const run = await start(one);
  await one.when(run, ({ steps }) => steps[0]?.failure !== undefined);
  await one.stop();
  const begun = Promise.withResolvers<void>();
  system.behave("a", () => {
    begun.resolve();
    return hanging();
  });
  const two = await rig({ processes: [p], system, folder: one.folder });
  await begun.promise;
  await two.lose();
  const three = await rig({ processes: [p], system, folder: one.folder });
  assert.equal((await three.until(run, "parked")).parked?.code, "step-unknown");
  assert.equal(system.calls("a").length, 2);
  await three.stop();
  remove(one.folder);
});

test("what can be undone is undone too if it was lost with the server in its second attempt", async () => {
  const system = new FakeSystem();
  const a = system.operation("a", "idempotent", () => {
    throw failing("none");
  });
  const undoA = system.operation("undoA", "idempotent");
  const p = process(async (flow) => flow.call(a, {}, { undo: { call: undoA, with: ({ key }) => ({ key }) } }), {
    retry: long,
  });
  const one = await rig({ processes: [p], system });
  const run = await start(one);
  await one.when(run, ({ steps }) => steps[0]?.failure !== undefined);
  await one.stop();
  const begun = Promise.withResolvers<void>();
  system.behave("a", () => {
    begun.resolve();
    return hanging();
  });
  const two = await rig({ processes: [p], system, folder: one.folder });
  await begun.promise;
  await two.lose();
  system.behave("a", () => {
    throw failing("none");
  });
  const three = await rig({ processes: [p], system, folder: one.folder });
  await three.when(run, ({ steps }) => (steps[0]?.attempts ?? 0) > 1);
  await three.engine.operate(run, { kind: "cancel" }, actor);
  await three.until(run, "cancelled");
  assert.equal(system.calls("undoA").length, 1);
  await three.stop();
  remove(one.folder);
});

test("a step's own policy counts before its system's, and that before the process's", async () => {
  const system = new FakeSystem();
  const a = system.operation("a", "read", () => {
    throw failing("none");
  });
  const p = process(
    async (flow, input) =>
      (input as { id: string }).id === "step" ? flow.call(a, {}, { retry: { attempts: 2 } }) : flow.call(a, {}),
    { retry: { attempts: 5, ...quick } },
  );
  const one = await rig({ processes: [p], system, worker: { systemRetry: () => ({ attempts: 3 }) } });
  await one.until(await start(one, "step"), "parked");
  assert.equal(system.calls("a").length, 2);
  await one.until(await start(one, "system"), "parked");
  assert.equal(system.calls("a").length, 5);
  await one.stop();
  remove(one.folder);
});

test("an attempt has all the time that its system gives it, and the wait for a place before it", async () => {
  const minutes = 60_000;
  for (const [own, least] of [
    [undefined, 1],
    [10_000, 1],
    [5 * minutes, 10],
  ] as const) {
    const left: number[] = [];
    const system = new FakeSystem();
    const a = system.operation("a", "read", (_input, { deadline }) => {
      left.push(deadline - Date.now());
      return { ok: true, output: null };
    });
    const p = process((flow) => flow.call(a, {}));
    const one = await rig({ processes: [p], system, worker: { systemTimeoutMs: () => own } });
    await one.until(await start(one, "run"), "completed");
    assert.ok(
      left.length === 1 && left[0]! > (least - 0.5) * minutes && left[0]! <= least * minutes,
      `${own}: ${left}`,
    );
    await one.stop();
    remove(one.folder);
  }
});

test("a retry policy of a step that does not fit names its field, and stops the code", async () => {
  const p = process(async (flow) =>
    flow.step("own", { effect: "read", retry: { attempts: 0 } }, () => {
      throw new Error("never called");
    }),
  );
  const one = await rig({ processes: [p] });
  const { parked } = await one.until(await start(one), "parked");
  assert.equal(parked?.code, "process-threw");
  assert.match(String(parked?.message), /flow\.step: retry\.attempts must be a whole number from 1/);
  await one.stop();
  remove(one.folder);
});

test("a refusal is repeated where the policy says so, and then parks as refused", async () => {
  const system = new FakeSystem();
  const a = system.operation("a", "idempotent", (_, __, times) => {
    if (times < 3) throw failing("none", "give-up");
    return "A";
  });
  const p = process(async (flow, input) => {
    const attempts = (input as { id: string }).id === "enough" ? 3 : 2;
    return flow.call(a, {}, { retry: { ...quick, on: { "give-up": { attempts } } } });
  });
  const one = await rig({ processes: [p], system });
  assert.equal((await one.until(await start(one, "enough"), "completed")).output, "A");
  system.behave("a", () => {
    throw failing("none", "give-up");
  });
  assert.equal((await one.until(await start(one, "more"), "parked")).parked?.code, "step-gave-up");
  assert.equal(system.calls("a").length, 5);
  await one.stop();
  remove(one.folder);
});

test("one bad input in a thousand parks, after its attempts and with pauses between them; the others pass", async () => {
  const system = new FakeSystem();
  const a = system.operation("a", "idempotent", (input) => {
    if ((input as { id: string }).id === "K500") throw failing("unknown");
    return "A";
  });
  const p = process(async (flow, input) => flow.call(a, input), { retry: { attempts: 4, backoff: "1ms" } });
  const one = await rig({ processes: [p], system });
  const runs = await Promise.all(Array.from({ length: 1000 }, (_, i) => start(one, `K${i}`)));
  for (const [i, run] of runs.entries()) await one.until(run, i === 500 ? "parked" : "completed");
  assert.equal(system.calls("a").length, 1003);
  await one.stop();
  remove(one.folder);
});

test("the word of the system is kept in the history: waiting at it burns no attempt, through restarts", async () => {
  const system = new FakeSystem();
  const a = system.operation("a", "idempotent", () => {
    throw new MortiseError("rest-wait", "come again", { outcome: "none", class: "wait", retryAfterMs: 3_600_000 });
  });
  const p = process(async (flow) => flow.call(a, {}), { retry: { attempts: 2 } });
  const one = await rig({ processes: [p], system });
  const run = await start(one);
  await one.when(run, ({ steps }) => steps[0]?.attempts === 1);
  await one.stop();
  for (let attempt = 2; attempt < 5; attempt += 1) {
    const next = await rig({ processes: [p], system, folder: one.folder });
    await next.when(run, ({ steps }) => steps[0]?.attempts === attempt);
    assert.equal(next.engine.run(run)?.status, "running");
    await next.stop();
  }
  system.behave("a", () => "A");
  const last = await rig({ processes: [p], system, folder: one.folder });
  assert.equal((await last.until(run, "completed")).output, "A");
  await last.stop();
  remove(one.folder);
});
