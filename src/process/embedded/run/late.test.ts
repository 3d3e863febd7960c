/** Events that come early, late, or for several at once. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import type { Json } from "../../../operation.ts";
import type { Flow } from "../../flow.ts";
import type { Rig } from "../engine-harness.ts";
import { act, begin, endRigs, open, processOf, restarted } from "../operating-rig.ts";

endRigs();

const shipped = { kind: "event", system: "carrier", name: "shipped" } as const;
const go = { kind: "event", system: "shop", name: "go" } as const;

let deliveries = 0;
const signal = ({ engine }: Rig, key: string, payload: Json, event: { system: string; name: string } = shipped) =>
  engine.signal({ system: event.system, event: event.name, key, payload, delivery: `d${deliveries++}` });

function query({ folder }: Rig, sql: string): number {
  const db = new DatabaseSync(join(folder, "mortise.db"), { readOnly: true });
  const count = Number(db.prepare(sql).get()?.n);
  db.close();
  return count;
}

/** Input: how to wait. */
const waiter = processOf(
  async (flow, input) => {
    const { way, late } = input as { way: string; late?: "keep" | "drop" };
    const parcel = (within?: "1ms") =>
      flow.receive(shipped, { key: "k", ...(within && { within }), ...(late && { late }) });
    if (way === "timeout") return parcel("1ms").catch((error: Error) => error.name);
    if (way === "race") return (await flow.race({ parcel: parcel(), time: flow.sleep("1ms") })).winner;
    if (way === "native") {
      await Promise.race([parcel(), flow.sleep("1ms")]);
      return "ended";
    }
    return parcel();
  },
  { key: (input) => (input as { id: string }).id },
);

async function waited(one: Rig, key: string, way: string, late?: "keep" | "drop"): Promise<Json | undefined> {
  const run = await begin(one, key, { id: key, way, ...(late && { late }) });
  return (await one.until(run, "completed")).output;
}

test("an event that comes after the time, the race or the end of a run is kept for the next receive", async () => {
  const one = await open({ processes: [waiter] });
  for (const way of ["timeout", "race", "native"]) {
    await waited(one, `${way} first`, way);
    assert.equal(await signal(one, "k", way), "kept");
    assert.equal(await waited(one, `${way} second`, "wait"), way);
  }
  assert.equal(query(one, "select count(*) as n from late_rules"), 0);
});

test("where the receive says so, what comes after its time, its race or its run's end is acknowledged and dropped", async () => {
  let one = await open({ processes: [waiter] });
  for (const way of ["timeout", "race", "native"]) {
    await waited(one, `${way} first`, way, "drop");
    assert.equal(await signal(one, "k", way), "dropped");
    one = await restarted(one, { processes: [waiter] });
    assert.equal(await signal(one, "k", way), "dropped");
    const dropped = { system: "carrier", event: "shipped", key: "k", payload: null, delivery: `d${deliveries - 1}` };
    assert.equal(await one.engine.signal(dropped), "duplicate");
  }
  assert.equal(query(one, "select count(*) as n from signals where dropped = 1 and payload is null"), 6);
  // It got its event; what comes for it after its end is late too.
  const got = await begin(one, "got", { id: "got", way: "wait", late: "drop" });
  await one.until(got, "waiting");
  assert.equal(await signal(one, "k", "in time"), "matched");
  assert.equal((await one.until(got, "completed")).output, "in time");
  assert.equal(await signal(one, "k", "late"), "dropped");
  // Who asks anew is not late, and what he says counts from then on.
  const next = await begin(one, "next", { id: "next", way: "wait" });
  await one.until(next, "waiting");
  assert.equal(await signal(one, "k", "for the next"), "matched");
  assert.equal((await one.until(next, "completed")).output, "for the next");
  assert.equal(await signal(one, "k", "kept again"), "kept");
  assert.equal(await signal(one, "another key", null), "kept");
});

test("between two receives of a run nothing is late, though they drop what is", async () => {
  const p = processOf(async (flow) => {
    const first = await flow.receive(shipped, { key: "k", late: "drop" });
    await flow.receive(go, { key: "k" });
    return [first, await flow.receive(shipped, { key: "k", late: "drop" })];
  });
  const one = await open({ processes: [p] });
  const run = await begin(one);
  await one.until(run, "waiting");
  await signal(one, "k", 1);
  await one.when(run, ({ reason }) => reason?.includes("shop.go") === true);
  assert.equal(await signal(one, "k", 2), "kept");
  await signal(one, "k", null, go);
  assert.deepEqual((await one.until(run, "completed")).output, [1, 2]);
  assert.equal(await signal(one, "k", 3), "dropped");
});

test("an event that had come for a receive that drops, and lost its race, is dropped", async () => {
  const p = processOf(async (flow) => {
    const won = await flow.race({
      go: flow.receive(go, { key: "k" }),
      parcel: flow.receive(shipped, { key: "k", late: "drop" }),
    });
    return won.winner;
  });
  const one = await open({ processes: [p] });
  const run = await begin(one);
  await one.until(run, "waiting");
  await Promise.all([signal(one, "k", null, go), signal(one, "k", null)]);
  assert.equal((await one.until(run, "completed")).output, "go");
  assert.deepEqual(query(one, "select count(*) as n from signals where dropped = 1"), 1);
});

test("the rule ends with a cancelled run's waits, is taken back by a rewind, and goes with the history", async () => {
  const p = processOf(async (flow) => {
    await flow.receive(shipped, { key: "k", within: "1ms", late: "drop" }).catch(() => {});
    await flow.receive(go, { key: "k" });
    return flow.receive(shipped, { key: "k" });
  });
  const one = await open({ processes: [p] });
  const run = await begin(one);
  await one.when(run, ({ reason }) => reason?.includes("shop.go") === true);
  assert.equal(await signal(one, "k", 1), "dropped");
  await act(one, run, "pause");
  await one.until(run, "paused");
  await act(one, run, { kind: "rewind", to: "carrier.shipped" });
  await one.when(run, ({ steps }) => steps.some(({ superseded }) => superseded === true));
  assert.equal(await signal(one, "k", 2), "kept");
  await act(one, run, "cancel");
  await one.until(run, "cancelled");
  const other = await begin(one, "other", null);
  await one.when(other, ({ reason }) => reason?.includes("shop.go") === true);
  await act(one, other, "cancel");
  await one.until(other, "cancelled");
  assert.equal(await signal(one, "k", 3), "dropped");
  await one.engine.retain(Date.now() + 1e6, 0);
  assert.equal(query(one, "select count(*) as n from late_rules"), 0);
  assert.equal(await signal(one, "k", 4), "kept");
});

test("several receives of one event and key get the events in the order in which they were asked", async () => {
  const three = async (flow: Flow, input: unknown) => {
    const asked = [1, 2].map((n) => flow.receive(shipped, { key: "k", name: `${String(input)} ${n}` }));
    return flow.all(asked);
  };
  const p = processOf(three, { key: (input) => input as string });
  const one = await open({ processes: [p] });
  assert.equal(await signal(one, "k", "early"), "kept");
  const first = await begin(one, "first", "first");
  await one.until(first, "waiting");
  const second = await begin(one, "second", "second");
  await one.until(second, "waiting");
  for (const payload of [2, 3, 4]) assert.equal(await signal(one, "k", payload), "matched");
  assert.deepEqual((await one.until(first, "completed")).output, ["early", 2]);
  assert.deepEqual((await one.until(second, "completed")).output, [3, 4]);
  assert.equal(await signal(one, "k", 5), "kept");
});
