import assert from "node:assert/strict";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { FakeSystem } from "../engine-harness.ts";
import { act, begin, endRigs, open, processOf, restarted } from "../operating-rig.ts";

endRigs();

const event = { kind: "event", system: "carrier", name: "shipped" } as const;

test("a thousand parts: one run, effect keys of its own for each step, and a small history", async () => {
  const system = new FakeSystem();
  const tick = system.operation("tick", "unrepeatable", (input) => input);
  const p = processOf(async (flow, given) => {
    const n = Number(given);
    const id = flow.uuid();
    await flow.call(tick, { n, id });
    return n < 1000 ? flow.continueAs(n + 1) : "done";
  });
  const one = await open({ processes: [p], system });
  const run = await begin(one, "k", 1);
  const detail = await one.until(run, "completed", "parked");
  assert.equal(detail.output, "done");
  assert.equal(detail.part, 1000);
  assert.equal(detail.input, 1000);
  const calls = system.calls("tick");
  assert.equal(calls.length, 1000);
  assert.equal(new Set(calls.map(({ key }) => key)).size, 1000);
  assert.equal(new Set(calls.map(({ input }) => (input as { id: string }).id)).size, 1000);
  const db = new DatabaseSync(join(one.folder, "mortise.db"), { readOnly: true });
  assert.ok(Number(db.prepare("select count(*) as rows from history").get()?.rows) <= 4);
  db.close();
  // The key counts for the run as it was started.
  const again = await one.engine.start({ process: "p", key: "k", input: 1, origin: "test" });
  assert.deepEqual(again, { kind: "exists", run, status: "completed" });
});

test("whoever delivers the start of a run again that was restarted in a later part finds the new one", async () => {
  const p = processOf((flow, given) =>
    Number(given) === 1 ? flow.continueAs(2) : flow.receive(event, { key: "never" }),
  );
  const one = await open({ processes: [p] });
  const run = await begin(one, "k", 1);
  await one.when(run, ({ status, part }) => status === "waiting" && part === 2);
  await act(one, run, "terminate");
  await one.until(run, "terminated");
  const anew = await act(one, run, "restart");
  await one.until(anew.run, "waiting");
  assert.equal(one.engine.run(anew.run)?.input, 2, "it begins with the input of the part that it takes the place of");
  const again = await one.engine.start({ process: "p", key: "k", input: 1, origin: "test" });
  assert.deepEqual([again.kind, (again as { run: string }).run], ["exists", anew.run]);
});

test("a restart goes on in the part that it was in; a signal that nobody took in stays for the next part", async () => {
  const p = processOf(async (flow, given) => {
    const n = Number(given);
    if (n === 3) return flow.receive(event, { key: "late" });
    const seen = await flow.receive(event, { key: `k${n}` });
    void flow.receive(event, { key: "late" });
    return flow.continueAs(Number(seen) + 1);
  });
  let one = await open({ processes: [p] });
  const run = await begin(one, "k", 1);
  for (const n of [1, 2]) {
    await one.when(run, ({ status, part = 1 }) => status === "waiting" && part === n);
    one = await restarted(one, { processes: [p] });
    await one.engine.signal({ system: "carrier", event: "shipped", key: `k${n}`, payload: n, delivery: `d${n}` });
  }
  await one.when(run, ({ status, part }) => status === "waiting" && part === 3);
  await one.engine.signal({ system: "carrier", event: "shipped", key: "late", payload: "here", delivery: "l" });
  assert.equal((await one.until(run, "completed", "parked")).output, "here");
});

test("what was done in an earlier part is not undone; steps under way end before the next part begins", async () => {
  const system = new FakeSystem();
  const release = Promise.withResolvers<void>();
  const slow = system.operation("slow", "idempotent", async () => {
    await release.promise;
    return null;
  });
  const quick = system.operation("quick", "idempotent");
  const undo = system.operation("undo", "idempotent");
  const p = processOf(async (flow, given) => {
    if (given === 2) return flow.reject("enough");
    void flow.call(slow, null);
    await flow.call(quick, null, { undo: { call: undo, with: () => null } });
    return flow.continueAs(2);
  });
  const one = await open({ processes: [p], system });
  const run = await begin(one, "k", 1);
  await one.when(run, ({ steps }) => steps[1]?.status === "done");
  assert.equal(one.engine.run(run)?.part, undefined);
  release.resolve();
  await one.until(run, "rejected", "parked");
  assert.equal(system.calls("undo").length, 0);
  assert.equal(system.calls("slow").length, 1);
});

test("an input that does not fit parks the run, and questions are numbered on over the parts", async () => {
  const p = processOf(async (flow, given) => {
    if (given === 2) throw new TypeError("second part");
    try {
      return flow.continueAs(given === 0 ? { bad: true } : 2);
    } catch {
      return "caught";
    }
  });
  const one = await open({
    processes: [p],
    validateInput: () => (value: unknown) => (typeof value === "object" ? [{ at: "", message: "is bad" }] : []),
  });
  const bad = await begin(one, "bad", 0);
  const parked = await one.until(bad, "parked", "completed");
  assert.equal(parked.parked?.code, "continue-input");
  assert.match(parked.parked?.message ?? "", /is bad/);
  await act(one, bad, "terminate");
  const threw = await one.until(await begin(one, "good", 1), "parked", "completed");
  assert.deepEqual([threw.part, threw.parked?.code, threw.parked?.number], [2, "process-threw", 1]);
});

test("a history that grows without end parks before it is too long, and goes on where a person says so", async () => {
  const p = processOf(async (flow) => {
    for (let n = 0; n < 5050; n++) await flow.step("one", { effect: "idempotent" }, () => null);
    return "done";
  });
  const one = await open({ processes: [p] });
  const run = await begin(one);
  while (!["parked", "completed"].includes(one.engine.runs({ key: "k" })[0]?.status ?? ""))
    await new Promise((resolve) => setTimeout(resolve, 5));
  const parked = one.engine.run(run);
  assert.equal(parked?.parked?.code, "history-full");
  assert.match(parked?.warning ?? "", /flow\.map/);
  await act(one, run, "retry");
  while (one.engine.runs({ key: "k" })[0]?.status !== "completed")
    await new Promise((resolve) => setTimeout(resolve, 5));
  assert.equal(one.engine.run(run)?.output, "done");
});

test("a history that has as many bytes as it may have parks; continueAs begins it anew", async () => {
  const system = new FakeSystem();
  const large = system.operation("large", "idempotent", () => "x".repeat(10_000));
  const beside = system.operation("beside", "idempotent", () => "y".repeat(150_000));
  const p = processOf(async (flow, given) => {
    const { parts, calls } = given as { parts: number; calls: number };
    for (let n = 0; n < calls; n++) await flow.call(n === 5 ? beside : large, n);
    return parts > 1 ? flow.continueAs({ parts: parts - 1, calls }) : "done";
  });
  const options = { processes: [p], system, valueLimits: { bytes: 1_000_000, depth: 100, historyBytes: 300_000 } };
  let one = await open(options);
  const run = await begin(one, "k", { parts: 1, calls: 30 });
  const parked = await one.until(run, "parked");
  assert.equal(parked.parked?.code, "history-full");
  assert.match(parked.parked?.message ?? "", /has 29\d kB.*flow\.continueAs/);
  assert.match(parked.warning ?? "", /at 292 kB it stops and asks.*flow\.continueAs/);
  assert.equal(system.received.length, 16, "15 times 10,000 and one of 150,000 that stands beside the history");
  one = await restarted(one, options);
  await act(one, run, "retry");
  assert.equal((await one.until(run, "completed")).output, "done");
  assert.equal(system.received.length, 30);
  // In parts it stays below.
  const other = processOf(p.run, { name: "q" });
  const two = await restarted(one, { ...options, processes: [other] });
  const inParts = await begin(two, "k", { parts: 3, calls: 12 }, "q");
  assert.equal((await two.until(inParts, "completed", "parked")).output, "done");
});
