import assert from "node:assert/strict";
import { test } from "node:test";
import type { Json, Probe } from "../../../operation.ts";
import { defineProcess } from "../../define.ts";
import { anything, FakeSystem, failing, fault, rigFor } from "../engine-harness.ts";

/** A payment whose first answer is lost, and its probe. */
function lostPayment(find: () => ReturnType<typeof fault> | Json, more: Partial<Probe> = {}) {
  const system = new FakeSystem();
  system.operation("find", "read", find);
  const probe: Probe = { call: "find", with: ({ key }) => ({ key }), settle: "1ms", ...more };
  const pay = system.operation(
    "pay",
    "unrepeatable",
    (_input, _context, times) => {
      if (times === 1) throw failing("unknown");
      return { paid: "again" };
    },
    { probe },
  );
  const p = defineProcess({
    name: "p",
    input: anything,
    key: () => "K",
    retry: { attempts: 3, backoff: "1ms" },
    run: (flow) => flow.call(pay, {}),
  });
  return { system, p };
}

test("a fault that does not say whether it happened is no find and no lack: the probe is asked again, then a person", async (t) => {
  let faults = 0;
  const { system, p } = lostPayment(
    () => {
      faults += 1;
      return fault("unauthorized");
    },
    { notFound: ["unknownPayment"] },
  );
  const one = await rigFor(t, { processes: [p], system });
  const started = await one.engine.start({ process: "p", key: "K", input: {}, origin: "test" });
  const { run } = started as { run: string };
  const parked = await one.until(run, "parked");
  assert.equal(parked.parked?.code, "step-unknown");
  assert.equal(faults, 3);
  assert.equal(system.calls("pay").length, 1, "it was not repeated");
  assert.match(JSON.stringify(parked), /probe fake\.find answered with the fault unauthorized/);
});

test("a fault that is said to mean that nothing is there lets the call be made again", async (t) => {
  const { system, p } = lostPayment(() => fault("unknownPayment"), { notFound: ["unknownPayment"] });
  const one = await rigFor(t, { processes: [p], system });
  const started = await one.engine.start({ process: "p", key: "K", input: {}, origin: "test" });
  const { output } = await one.until((started as { run: string }).run, "completed", "parked");
  assert.deepEqual(output, { paid: "again" });
  assert.equal(system.calls("pay").length, 2);
});

test("a find that can't be the call's result becomes none: a person is asked, and the call is not made again", async (t) => {
  const { system, p } = lostPayment(() => ({ items: [] }), {
    problems: () => [{ at: "/paid", message: "is missing" }],
  });
  const one = await rigFor(t, { processes: [p], system });
  const started = await one.engine.start({ process: "p", key: "K", input: {}, origin: "test" });
  const parked = await one.until((started as { run: string }).run, "parked", "completed");
  assert.equal(parked.parked?.code, "step-unknown");
  assert.equal(system.calls("pay").length, 1);
  assert.match(JSON.stringify(parked), /What the probe fake\.find found can't be the result of pay/);
});
