/** A chain that is put together of runs: family, children, what is listed of many calls, and what must not be shown. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { AnyProcess } from "../../process/define.ts";
import { FakeSystem, failing, type Rig } from "../../process/embedded/engine-harness.ts";
import { act, begin, endRigs, open, processOf } from "../../process/embedded/operating-rig.ts";
import type { KeyRecords } from "../../publish/key-records.ts";
import { createMasking } from "../secrets/masking.ts";
import { tracer } from "./trace.ts";

endRigs();

const noRecords: KeyRecords = {
  ofKey: () => [],
  ofEffectKey: () => undefined,
  ofRun: async () => ({ records: [], complete: true }),
};
const event = { kind: "event", system: "carrier", name: "shipped" } as const;

function traceOf(one: Rig, processes: readonly AnyProcess[] = []) {
  const masking = createMasking(
    { systems: new Map(), processes: new Map(processes.map((process) => [process.name, process])) },
    (run, hash) => one.engine.value(run, hash),
    (run) => one.engine.run(run),
  );
  const trace = tracer({
    engine: one.engine,
    records: noRecords,
    began: () => [],
    project: () => ({ systems: new Map(), apis: [] }),
    masking: () => masking,
  });
  return (key: string, limit = 100) => trace({ key, limit });
}

test("a restarted run is one chain with the run before; a key of either finds both", async () => {
  const system = new FakeSystem();
  const a = system.operation("a", "unrepeatable");
  const p = processOf(async (flow) => {
    await flow.call(a, {});
    await flow.receive(event, { key: "k" });
  });
  const one = await open({ processes: [p], system });
  const first = await begin(one, "order-1");
  await one.until(first, "waiting");
  await act(one, first, "terminate");
  await one.until(first, "terminated");
  const { run: second } = await act(one, first, { kind: "restart" });
  await one.until(second, "waiting");
  const trace = traceOf(one);
  for (const [key, matched] of [
    ["order-1", "business-key"],
    [first, "run"],
    [`${second}-1`, "effect-key"],
  ] as const) {
    const { chains } = await trace(key);
    assert.equal(chains.length, 1);
    assert.deepEqual(
      [chains[0]?.matched, chains[0]?.runs.map(({ run }) => run), chains[0]?.verdict.kind],
      [[matched], [first, second], "twice"],
    );
  }
});

test("a child has its parents above it, and a parent its children below; a verdict is of what is below", async () => {
  const system = new FakeSystem();
  const good = system.operation("good", "unrepeatable");
  const bad = system.operation("bad", "unrepeatable", () => {
    throw failing("unknown");
  });
  const child = processOf((flow) => flow.call(good, {}), { name: "child", key: () => "c" });
  const parent = processOf(async (flow) => {
    await flow.child(child, null);
    await flow.call(bad, {});
  });
  const one = await open({ processes: [child, parent], system });
  const run = await begin(one, "p-1");
  await one.until(run, "parked");
  const trace = traceOf(one);
  const [above] = (await trace("p-1")).chains;
  assert.deepEqual(
    above?.runs.map(({ process, parent: of }) => [process, of]),
    [
      ["p", undefined],
      ["child", run],
    ],
  );
  assert.equal(above?.verdict.kind, "not-known");
  const [below] = (await trace("c")).chains;
  assert.deepEqual(
    below?.ancestors.map(({ run: id, key }) => [id, key]),
    [[run, "p-1"]],
  );
  assert.deepEqual([below?.runs.map(({ process }) => process), below?.verdict.kind], [["child"], "no"]);
});

test("a child that was restarted is there with the one before: its parent's answer speaks of both", async () => {
  const system = new FakeSystem();
  const good = system.operation("good", "unrepeatable");
  const child = processOf(
    async (flow) => {
      await flow.call(good, {});
      await flow.receive(event, { key: "k" });
    },
    { name: "child", key: () => "c" },
  );
  const parent = processOf(async (flow) => {
    await flow.child(child, null);
  });
  const one = await open({ processes: [child, parent], system });
  const run = await begin(one, "p-1");
  await one.until(run, "waiting");
  const [first] = one.engine.runs({ key: "c", limit: 1 });
  await one.until(first!.id, "waiting");
  await act(one, first!.id, "terminate");
  await one.until(first!.id, "terminated");
  const { run: second } = await act(one, first!.id, { kind: "restart" });
  await one.until(second!, "waiting");
  const [above] = (await traceOf(one)("p-1")).chains;
  assert.deepEqual(
    above?.runs.map(({ run: id }) => id),
    [run, first!.id, second],
  );
  assert.equal(above?.verdict.kind, "twice");
});

test("of many calls those that were asked for and those in doubt are listed first, and the verdict speaks of all", async () => {
  const system = new FakeSystem();
  const a = system.operation("a", "unrepeatable");
  const b = system.operation("b", "idempotent", (_input, _context, times) => {
    if (times === 1) throw failing("unknown");
    return null;
  });
  const p = processOf(
    async (flow) => {
      for (let at = 0; at < 6; at++) await flow.call(a, at);
      await flow.call(b, {});
    },
    { retry: { backoff: 1 } },
  );
  const one = await open({ processes: [p], system });
  const run = await begin(one, "many");
  await one.until(run, "completed");
  const trace = traceOf(one);
  const [chain] = (await trace(`${run}-4`, 2)).chains;
  assert.deepEqual(
    chain?.runs[0]?.calls.map(({ step, asked }) => [step, asked]),
    [
      ["fake.a#4", true],
      ["fake.b", undefined],
    ],
  );
  assert.deepEqual([chain?.runs[0]?.callsLeftOff, chain?.verdict.kind], [5, "no-by-key"]);
});

test("P8: what is sensitive in a run is masked in its trace, wherever a failure or a person repeats it", async () => {
  const system = new FakeSystem();
  const pay = system.operation("pay", "unrepeatable", () => {
    throw Object.assign(failing("unknown"), { message: "the card 4111-1111-1111 was lost" });
  });
  const p = processOf((flow, input) => flow.call(pay, input), { sensitive: ["input.card"] });
  const one = await open({ processes: [p], system });
  const run = await begin(one, "secret", { card: "4111-1111-1111" });
  await one.until(run, "parked");
  const answer = await traceOf(one, [p])("secret");
  assert.equal(answer.chains[0]?.runs[0]?.calls[0]?.verdict.kind, "not-known");
  assert.doesNotMatch(JSON.stringify(answer), /4111/);
  assert.match(JSON.stringify(await traceOf(one)("secret")), /4111/, "it is there to be masked");
});

test("what is not on record any more is named, and the verdict says that it does not speak of it", async () => {
  const system = new FakeSystem();
  const p = processOf((flow) => flow.call(system.operation("a", "unrepeatable"), {}));
  const one = await open({ processes: [p], system });
  const run = await begin(one, "old");
  await one.until(run, "completed");
  await one.engine.retain(Date.now() + 1000, 0);
  const [chain] = (await traceOf(one)("old")).chains;
  assert.deepEqual([chain?.verdict.kind, chain?.verdict.complete], ["not-on-record", false]);
  assert.match(chain?.verdict.text ?? "", /Not part of this answer: its history, which was removed by retention\.$/);
  assert.deepEqual((await traceOf(one)("nothing")).chains, []);
});
