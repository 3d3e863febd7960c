/** How long a key counts, and calls that are held: through pauses, restarts and a system that is away. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { realClock } from "../../../clock.ts";
import { defineProcess } from "../../define.ts";
import { anything, FakeSystem, failing, type Rig, remove, rig } from "../engine-harness.ts";
import type { Gate, Waiter } from "./gate.ts";

const actor = { by: "olivia", reason: "test" };
const hour = 3_600_000;
const process = (run: Parameters<typeof defineProcess>[0]["run"]) =>
  defineProcess({ name: "p", input: anything, key: () => "K", run, retry: { backoff: "1h", maxBackoff: "1h" } });

async function start({ engine }: Rig): Promise<string> {
  const answer = await engine.start({ process: "p", key: "K", input: {}, origin: "test" });
  return (answer as { run: string }).run;
}

/** A worker whose clock is ahead. */
const ahead = (ms: () => number, gate?: Gate) => ({
  clock: { ...realClock, now: () => Date.now() + ms() },
  ...(gate === undefined ? {} : { gate: () => gate }),
});

/** A gate that is shut until it is told otherwise. */
function shutGate(): Gate & { readonly waiting: Waiter[]; shut: boolean } {
  const waiting: Waiter[] = [];
  return {
    waiting,
    shut: true,
    pass() {
      return !this.shut;
    },
    hold(waiter) {
      waiting.push(waiter);
      waiter.away(Date.now() + 1000);
      return () => void waiting.splice(waiting.indexOf(waiter), 1);
    },
    answered() {},
    failed() {},
    silent() {},
  };
}

const unknown = () => {
  throw failing("unknown");
};

test("a key that the system has forgotten while the server was down is not used again: a person is asked", async () => {
  const system = new FakeSystem();
  const a = system.operation("a", "idempotent", unknown, { keyLifetimeMs: hour });
  const p = process(async (flow) => flow.call(a, {}));
  const one = await rig({ processes: [p], system });
  const run = await start(one);
  await one.when(run, ({ steps }) => steps[0]?.failure !== undefined);
  await one.stop();
  // Within its lifetime it is.
  const two = await rig({ processes: [p], system, folder: one.folder, worker: ahead(() => hour / 2) });
  await two.when(run, ({ steps }) => steps[0]?.attempts === 2);
  await two.stop();
  const three = await rig({ processes: [p], system, folder: one.folder, worker: ahead(() => 2 * hour) });
  const { parked } = await three.until(run, "parked");
  assert.equal(parked?.code, "step-unknown");
  assert.match(String(parked?.message), /has forgotten the step's key since: its lifetime is over/);
  assert.match(
    String(parked?.answers.find(({ kind }) => kind === "repeat")?.effect),
    /which the system has forgotten. If it did happen, it then happened twice/,
  );
  assert.ok(Number(parked?.known?.keyUntil) < Date.now() + 2 * hour);
  assert.equal(system.calls("a").length, 2);
  await three.stop();
  remove(one.folder);
});

test("a key that is forgotten during an operator's pause is not used again", async () => {
  const system = new FakeSystem();
  const a = system.operation("a", "idempotent", unknown, { keyLifetimeMs: hour });
  const p = process(async (flow) => flow.call(a, {}));
  let late = 0;
  const one = await rig({ processes: [p], system, worker: ahead(() => late) });
  const run = await start(one);
  await one.when(run, ({ steps }) => steps[0]?.failure !== undefined);
  await one.engine.operate(run, { kind: "pause" }, actor);
  await one.until(run, "paused");
  late = 2 * hour;
  await one.engine.operate(run, { kind: "resume" }, actor);
  assert.equal((await one.until(run, "parked")).parked?.code, "step-unknown");
  assert.equal(system.calls("a").length, 1);
  await one.stop();
  remove(one.folder);
});

test("the age of a key counts from when the system can know it, however long the call was held before", async () => {
  const system = new FakeSystem();
  const a = system.operation("a", "idempotent", unknown, { keyLifetimeMs: hour });
  const p = process(async (flow) => flow.call(a, {}));
  const gate = shutGate();
  const one = await rig({ processes: [p], system, worker: ahead(() => 0, gate) });
  const run = await start(one);
  const { reason } = await one.when(run, ({ reason: said }) => said !== undefined);
  assert.match(String(reason), /^fake is away: fake\.a is tried again from /);
  await one.stop();
  gate.shut = false;
  const two = await rig({ processes: [p], system, folder: one.folder, worker: ahead(() => 5 * hour, gate) });
  await two.when(run, ({ steps }) => steps[0]?.attempts === 1);
  assert.equal(two.engine.run(run)?.status, "running");
  await two.stop();
  // Known to the system since then.
  const three = await rig({ processes: [p], system, folder: one.folder, worker: ahead(() => 5.5 * hour, gate) });
  await three.when(run, ({ steps }) => steps[0]?.attempts === 2);
  await three.stop();
  const four = await rig({ processes: [p], system, folder: one.folder, worker: ahead(() => 7 * hour, gate) });
  assert.equal((await four.until(run, "parked")).parked?.code, "step-unknown");
  await four.stop();
  remove(one.folder);
});

test("an unrepeatable call that was held is not taken for a lost one after a crash, and what is undone leaves it out", async () => {
  const system = new FakeSystem();
  const a = system.operation("a", "unrepeatable", () => "A");
  const undoA = system.operation("undoA", "idempotent");
  const p = process(async (flow) => flow.call(a, {}, { undo: { call: undoA, with: () => ({}) } }));
  const one = await rig({ processes: [p], system, worker: { gate: () => shutGate() } });
  const run = await start(one);
  await one.when(run, ({ reason }) => reason?.startsWith("fake is away") === true);
  await one.lose();
  const gate = shutGate();
  const two = await rig({ processes: [p], system, folder: one.folder, worker: { gate: () => gate } });
  await two.when(run, () => gate.waiting.length === 1);
  await two.lose();
  const three = await rig({ processes: [p], system, folder: one.folder });
  assert.equal((await three.until(run, "completed")).output, "A");
  assert.deepEqual(
    system.calls("a").map(({ attempt }) => attempt),
    [1],
  );
  await three.stop();
  remove(one.folder);

  const other = await rig({ processes: [p], system, worker: { gate: () => shutGate() } });
  const second = await start(other);
  await other.when(second, ({ reason }) => reason?.startsWith("fake is away") === true);
  await other.engine.operate(second, { kind: "cancel" }, actor);
  await other.until(second, "cancelled");
  assert.equal(system.calls("undoA").length, 0);
  await other.stop();
  remove(other.folder);
});
