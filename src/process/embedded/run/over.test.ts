import assert from "node:assert/strict";
import { test } from "node:test";
import type { Json } from "../../../operation.ts";
import { FakeSystem, type Rig } from "../engine-harness.ts";
import { begin, endRigs, gate, open, processOf, restarted } from "../operating-rig.ts";

endRigs();

const shipped = { kind: "event", system: "carrier", name: "shipped" } as const;
const cancelled = { kind: "event", system: "shop", name: "cancelled" } as const;

const signal = ({ engine }: Rig, event: { system: string; name: string }, payload: Json) =>
  engine.signal({ system: event.system, event: event.name, key: "k", payload, delivery: JSON.stringify(payload) });

test("an event that comes with what ends a part is there for the next part", async () => {
  const p = processOf(async (flow, part) => {
    const parcel = flow.receive(shipped, { key: "k" });
    if (part === 2) return parcel;
    await flow.receive(cancelled, { key: "k" });
    return flow.continueAs(2);
  });
  const one = await open({ processes: [p] });
  const run = await begin(one, "k", 1);
  await one.until(run, "waiting");
  // Both in one batch: the run waits for both of them.
  assert.deepEqual(await Promise.all([signal(one, cancelled, 1), signal(one, shipped, "the parcel")]), [
    "matched",
    "matched",
  ]);
  assert.equal((await one.until(run, "completed")).output, "the parcel");
});

test("an event that comes once the code has ended goes to the next run that wants it, whatever is still under way", async () => {
  const system = new FakeSystem();
  const slow = gate(null);
  const call = system.operation("slow", "idempotent", slow.behaviour);
  const ends = processOf(async (flow) => {
    void flow.receive(shipped, { key: "k" });
    await Promise.race([flow.call(call, null), flow.receive(cancelled, { key: "k" })]);
    return "over";
  });
  const waits = processOf((flow) => flow.receive(shipped, { key: "k" }), { name: "q" });
  let one = await open({ processes: [ends, waits], system });
  const run = await begin(one);
  await slow.begun;
  await signal(one, cancelled, 1);
  await one.when(run, ({ steps }) => steps.some(({ id, status }) => id === "shop.cancelled" && status === "done"));
  assert.equal(await signal(one, shipped, "the parcel"), "matched");
  slow.open();
  assert.equal((await one.until(run, "completed")).output, "over");
  one = await restarted(one, { processes: [ends, waits], system });
  const next = await begin(one, "k", null, "q");
  assert.equal((await one.until(next, "completed")).output, "the parcel");
});
