/** Rewinds of runs with maps and children: what is over stays, what is asked anew is found or begun, and nothing comes twice. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { defineProcess } from "../../define.ts";
import { anything, FakeSystem, failing, type Rig } from "../engine-harness.ts";
import { act, begin, endRigs, open, processOf, restarted } from "../operating-rig.ts";

endRigs();
const event = { kind: "event", system: "carrier", name: "shipped" } as const;
const tell = ({ engine }: Rig, key: string) =>
  engine.signal({ system: "carrier", event: "shipped", key, payload: `S-${key}`, delivery: `d-${key}` });

/** An operation that fails until it is mended. */
function failingUntilMended(system: FakeSystem, name: string) {
  const state = { broken: true };
  const operation = system.operation(name, "unrepeatable", (_input, _context, times) => {
    if (state.broken) throw failing("none", "give-up");
    return `${name}${times}`;
  });
  const mend = () => {
    state.broken = false;
  };
  return { operation, mend };
}

test("a rewind beside a map keeps the items that are over, with the events they got; the others begin anew", async () => {
  for (const between of [false, true]) {
    const system = new FakeSystem();
    const a = system.operation("a", "unrepeatable", (input) => input);
    const c = failingUntilMended(system, "c");
    const p = processOf((flow) =>
      flow.all([
        flow.map(
          ["k0", "k1", "k2"],
          async (key, item) => [await item.receive(event, { key }), await item.call(a, key)],
          { concurrency: 1 },
        ),
        flow.call(c.operation, {}),
      ]),
    );
    const options = { processes: [p], system };
    let one = await open(options);
    const run = await begin(one);
    await one.until(run, "parked");
    await tell(one, "k0");
    await one.when(run, ({ steps }) => steps.some(({ note }) => note === "1 of 3 items are over"));
    if (between) one = await restarted(one, options);
    c.mend();
    await act(one, run, { kind: "rewind", to: "fake.c" });
    await one.when(run, ({ steps }) => steps.some(({ id, output }) => id === "fake.c" && output !== undefined));
    for (let times = 0; times < 2; times++) one = await restarted(one, options);
    await tell(one, "k1");
    await tell(one, "k2");
    const ended = await one.until(run, "completed");
    const items = ["k0", "k1", "k2"].map((key) => [`S-${key}`, key]);
    assert.deepEqual(ended.output, [items, "c2"]);
    assert.deepEqual(
      system.calls("a").map(({ input }) => input),
      ["k0", "k1", "k2"],
    );
    assert.ok(ended.steps.some(({ note }) => note === "3 of 3 items are over"));
  }
});

test("a rewind to a map does its items anew, with the events they had got; an undo takes back both", async () => {
  for (const between of [false, true]) {
    const system = new FakeSystem();
    const back = system.operation("back", "idempotent", () => null);
    const a = system.operation("a", "unrepeatable", (_input, _context, times) => `A${times}`);
    const undo = { call: back, with: ({ output }: { output: unknown }) => output };
    const c = failingUntilMended(system, "c");
    const p = processOf(async (flow) => {
      const mapped = await flow.map(["k0", "k1"], async (key, item) => [
        await item.receive(event, { key }),
        await item.call(a, key, { undo }),
      ]);
      await flow.call(c.operation, {});
      return [mapped, await flow.receive(event, { key: "end" })];
    });
    const options = { processes: [p], system };
    let one = await open(options);
    const run = await begin(one);
    await one.until(run, "waiting");
    for (const key of ["k0", "k1"]) await tell(one, key);
    await one.until(run, "parked");
    if (between) one = await restarted(one, options);
    c.mend();
    assert.deepEqual(
      one.engine.preview(run, { kind: "rewind", to: "map" }).mayDouble.map(({ step, why }) => [step, why]),
      [["map", "2 items of it are over: all of it is done anew, under new keys"]],
    );
    assert.deepEqual(one.engine.preview(run, { kind: "rewind", to: "fake.c" }).mayDouble, []);
    await act(one, run, { kind: "rewind", to: "map" });
    await one.until(run, "waiting");
    await one.when(run, ({ reason }) => reason === "waits for carrier.shipped of end");
    assert.equal(system.calls("a").length, 4);
    assert.equal(new Set(system.calls("a").map(({ key }) => key)).size, 4);
    one = await restarted(one, options);
    await act(one, run, "cancel");
    await one.until(run, "cancelled");
    assert.deepEqual(
      system.calls("back").map(({ input }) => input),
      ["A4", "A3", "A2", "A1"],
    );
  }
});

test("a rewind into an item that is under way holds once the item is over, through restarts", async () => {
  const system = new FakeSystem();
  const a = system.operation("a", "unrepeatable", (_input, _context, times) => `A${times}`);
  const c = failingUntilMended(system, "c");
  const p = processOf(async (flow) => {
    const mapped = await flow.map([0, 1], async (index, item) => {
      const first = await item.call(a, index);
      if (index === 1) return first;
      return [first, await item.call(c.operation, {})];
    });
    return [mapped, await flow.receive(event, { key: "end" })];
  });
  const options = { processes: [p], system };
  let one = await open(options);
  const run = await begin(one);
  await one.when(
    run,
    ({ status, steps }) => status === "parked" && steps.some(({ note }) => note?.startsWith("1 of 2")),
  );
  c.mend();
  await act(one, run, { kind: "rewind", to: "map[0].fake.c" });
  await one.until(run, "waiting");
  for (let times = 0; times < 2; times++) one = await restarted(one, options);
  await tell(one, "end");
  assert.deepEqual((await one.until(run, "completed")).output, [[["A1", "c2"], "A2"], "S-end"]);
  assert.equal(system.calls("a").length, 2);
});

test("a rewind to a child finds the run there is, and an undo after it cancels that", async () => {
  for (const ends of ["it goes on", "it is cancelled"]) {
    const system = new FakeSystem();
    const c = failingUntilMended(system, "c");
    const own = defineProcess({
      name: "shipping",
      input: anything,
      key: () => "S",
      run: (flow) => flow.receive(event, { key: "S" }),
    });
    const p = processOf((flow) => flow.all([flow.child(own, {}), flow.call(c.operation, {})]));
    const options = { processes: [p, own], system };
    let one = await open(options);
    const run = await begin(one);
    await one.until(run, "parked");
    c.mend();
    await act(one, run, { kind: "rewind", to: "shipping" });
    await one.until(run, "waiting");
    one = await restarted(one, options);
    const child = one.engine.runByKey("shipping", "S")?.id as string;
    await one.until(child, "waiting");
    if (ends === "it goes on") {
      await tell(one, "S");
      assert.deepEqual((await one.until(run, "completed")).output, ["S-S", "c2"]);
    } else {
      await act(one, run, "cancel");
      await one.until(run, "cancelled");
      await one.until(child, "cancelled");
    }
    assert.equal(one.engine.runs({ process: "shipping" }).length, 1);
  }
});
