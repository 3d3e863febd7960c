import assert from "node:assert/strict";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { failure } from "../../../errors.ts";
import { defineProcess } from "../../define.ts";
import { limitsOf, type ProcessLimits } from "../../limits.ts";
import { anything, FakeSystem, failing, type Rig, rigFor } from "../engine-harness.ts";

const actor = { by: "olivia", reason: "test" };
interface Order {
  readonly id: string;
  readonly customer: string;
}
const customer = (input: Order) => input.customer;

/** A process whose one call stays under way until the test lets it end. */
function held(limits: ProcessLimits<Order>) {
  const system = new FakeSystem();
  const begun: string[] = [];
  const open = new Map<string, () => void>();
  const waiting = new Set<() => void>();
  const act = system.operation("act", "idempotent", async (input) => {
    const { id } = input as unknown as Order;
    begun.push(id);
    for (const look of waiting) look();
    await new Promise<void>((resolve) => open.set(id, resolve));
    open.delete(id);
    return id;
  });
  const definition = defineProcess<Order, unknown>({
    name: "p",
    input: anything as never,
    key: ({ id }) => id,
    limits,
    run: (flow, input) => flow.call(act, input as never),
  });
  const until = (count: number) =>
    new Promise<void>((resolve) => {
      const look = () => {
        if (begun.length < count) return;
        waiting.delete(look);
        resolve();
      };
      waiting.add(look);
      look();
    });
  const end = (id: string) => open.get(id)?.();
  return { system, definition, begun, open, until, end };
}

const start = async ({ engine }: Rig, id: string, of = "c") => {
  const answer = await engine.start({ process: "p", key: id, input: { id, customer: of }, origin: "test" });
  return (answer as { run: string }).run;
};
const rows = (one: Rig, sql: string) => {
  const db = new DatabaseSync(join(one.folder, "mortise.db"), { readOnly: true });
  const all = db.prepare(sql).all();
  db.close();
  return all.map((row) => ({ ...row }));
};
/** Nothing is queued, and no place is taken. */
function assertIdle(one: Rig): void {
  assert.deepEqual(rows(one, "select queued, taken from gates where queued <> 0 or taken <> 0"), []);
  assert.deepEqual(rows(one, "select * from lanes"), []);
  assert.deepEqual(rows(one, "select * from queue"), []);
}

test("no more runs are under way than the limit says; the others wait on disk and begin in their order", async (t) => {
  const p = held({ concurrency: 2 });
  const one = await rigFor(t, { processes: [p.definition], system: p.system });
  const ids = ["a", "b", "c", "d", "e"];
  const runs: string[] = [];
  for (const id of ids) runs.push(await start(one, id));
  await p.until(2);
  assert.deepEqual(
    runs.map((run) => one.engine.run(run)?.status),
    ["running", "running", "queued", "queued", "queued"],
  );
  assert.equal(one.engine.run(runs[2] as string)?.reason, "waits for its turn");
  for (const [index, id] of ids.entries()) {
    await p.until(Math.min(index + 2, ids.length));
    assert.ok(p.open.size <= 2);
    p.end(id);
    await one.until(runs[index] as string, "completed");
  }
  assert.deepEqual(p.begun, ids);
  assertIdle(one);
});

test("of one key one run after the other in the order of acceptance; other keys are not kept waiting", async (t) => {
  const p = held({ per: { key: customer, concurrency: 1 } });
  const one = await rigFor(t, { processes: [p.definition], system: p.system });
  const runs: string[] = [];
  for (const id of ["a1", "a2", "a3"]) runs.push(await start(one, id, "A"));
  runs.push(await start(one, "b1", "B"));
  await p.until(2);
  assert.deepEqual(p.begun, ["a1", "b1"]);
  for (const id of ["a1", "a2", "a3", "b1"]) {
    const begun = p.begun.length;
    p.end(id);
    await one.when(runs[0] as string, () => !p.open.has(id));
    if (id !== "a3" && id !== "b1") await p.until(begun + 1);
  }
  for (const run of runs) await one.until(run, "completed");
  assert.deepEqual(p.begun, ["a1", "b1", "a2", "a3"]);
  assertIdle(one);
});

test("keys take turns: one with many runs does not keep the others waiting", async (t) => {
  const p = held({ concurrency: 1, per: { key: customer } });
  const one = await rigFor(t, { processes: [p.definition], system: p.system });
  for (let number = 1; number <= 20; number += 1) await start(one, `a${number}`, "A");
  await start(one, "b1", "B");
  await start(one, "b2", "B");
  await start(one, "c1", "C");
  for (let done = 1; done <= 7; done += 1) {
    await p.until(done);
    p.end(p.begun.at(-1) as string);
  }
  assert.deepEqual(p.begun.slice(0, 7), ["a1", "a2", "b1", "c1", "a3", "b2", "a4"]);
  for (const end of p.open.values()) end();
});

test("a parked run gives its place to others, and keeps its key: the order of a key holds", async (t) => {
  const p = held({ concurrency: 1, per: { key: customer, concurrency: 1 } });
  const one = await rigFor(t, { processes: [p.definition], system: p.system });
  let broken = true;
  p.system.behave("act", async (input) => {
    const { id } = input as unknown as Order;
    p.begun.push(id);
    if (id === "a1" && broken) throw failing("none", "give-up");
    return id;
  });
  const a1 = await start(one, "a1", "A");
  await one.until(a1, "parked");
  const a2 = await start(one, "a2", "A");
  const b1 = await start(one, "b1", "B");
  await one.until(b1, "completed");
  assert.equal(one.engine.run(a2)?.status, "queued");
  broken = false;
  await one.engine.operate(a1, { kind: "retry" }, actor);
  await one.until(a2, "completed");
  assert.deepEqual(p.begun, ["a1", "b1", "a1", "a2"]);
  assertIdle(one);
});

test("whenParked says otherwise where that is wanted", async (t) => {
  const p = held({ concurrency: 1, whenParked: "keeps", per: { key: customer, concurrency: 1, whenParked: "frees" } });
  const one = await rigFor(t, { processes: [p.definition], system: p.system });
  p.system.behave("act", () => {
    throw failing("none", "give-up");
  });
  const a1 = await start(one, "a1", "A");
  await one.until(a1, "parked");
  const a2 = await start(one, "a2", "A");
  assert.equal(one.engine.run(a2)?.status, "queued");
  await one.engine.operate(a1, { kind: "cancel" }, actor);
  await one.until(a2, "parked");
  await one.engine.operate(a2, { kind: "terminate" }, actor);
  await one.until(a2, "terminated");
  assertIdle(one);
});

test("what is queued survives a restart, in its order, and limits that were changed hold from then on", async (t) => {
  const p = held({ concurrency: 1 });
  const one = await rigFor(t, { processes: [p.definition], system: p.system });
  for (const id of ["a", "b", "c", "d", "e"]) await start(one, id);
  await p.until(1);
  const stopped = one.stop();
  p.end("a");
  await stopped;
  const wider = defineProcess({ ...p.definition, limits: { concurrency: 3 } });
  const two = await rigFor(t, { processes: [wider], system: p.system, folder: one.folder });
  await p.until(3);
  const under = () => two.engine.runs({ status: "running" }).length;
  while (p.begun.length < 4) {
    assert.ok(under() <= 3);
    await new Promise((resolve) => setImmediate(resolve));
  }
  for (const id of ["b", "c", "d"]) p.end(id);
  await p.until(5);
  p.end("e");
  for (const { id } of two.engine.runs({})) await two.until(id, "completed");
  // The three that began together may act in any order.
  assert.deepEqual([p.begun[0], p.begun.slice(1, 4).sort(), p.begun[4]], ["a", ["b", "c", "d"], "e"]);
  assertIdle(two);
});

test("without limits from the next start on, everything that was queued begins", async (t) => {
  const p = held({ concurrency: 1, per: { key: customer, concurrency: 1 } });
  const one = await rigFor(t, { processes: [p.definition], system: p.system });
  for (let number = 1; number <= 300; number += 1) await start(one, `n${number}`, `c${number % 7}`);
  await p.until(1);
  const stopped = one.stop();
  p.end("n1");
  await stopped;
  const { limits: _, ...free } = p.definition;
  const two = await rigFor(t, { processes: [defineProcess(free)], system: p.system, folder: one.folder });
  await p.until(300);
  for (const end of p.open.values()) end();
  for (const { id } of two.engine.runs({ limit: 500 })) await two.until(id, "completed");
  assertIdle(two);
});

test("limits that a full disk did not take hold once there is space", async (t) => {
  const { system, definition, begun, open, until, end } = held({ concurrency: 1 });
  const one = await rigFor(t, { processes: [definition], system });
  for (const id of ["a", "b"]) await start(one, id);
  await until(1);
  const { submit } = one.store;
  Object.assign(one.store, { submit: async () => Promise.reject(failure("store-full", {})) });
  one.engine.limit(limitsOf([defineProcess({ ...definition, limits: { concurrency: 2 } } as never)]));
  Object.assign(one.store, { submit });
  await until(2);
  assert.deepEqual(begun, ["a", "b"]);
  while (open.size < 2) await new Promise((resolve) => setImmediate(resolve));
  for (const id of ["a", "b"]) end(id);
});

test("a full queue refuses the start and leaves nothing of it; once there is room, the same start is taken", async (t) => {
  const p = held({ concurrency: 1, queue: 2 });
  const one = await rigFor(t, { processes: [p.definition], system: p.system });
  for (const id of ["a", "b", "c"]) await start(one, id);
  const refused = { code: "start-queue-full", class: "wait", status: 429, retryAfterMs: 5000 };
  await assert.rejects(start(one, "d"), refused);
  assert.equal(one.engine.runByKey("p", "d"), undefined);
  assert.deepEqual(await one.engine.start({ process: "p", key: "b", input: { id: "b", customer: "c" }, origin: "t" }), {
    kind: "exists",
    run: one.engine.runByKey("p", "b")?.id,
    status: "queued",
  });
  await p.until(1);
  p.end("a");
  await p.until(2);
  await start(one, "d");
  for (let done = 2; done <= 4; done += 1) {
    await p.until(done);
    p.end(p.begun.at(-1) as string);
  }
  await one.until(one.engine.runByKey("p", "d")?.id as string, "completed");
  assertIdle(one);
});

test("a run that waits for its turn can be cancelled, and the others keep their order", async (t) => {
  const p = held({ concurrency: 1 });
  const one = await rigFor(t, { processes: [p.definition], system: p.system });
  const [, b, c] = [await start(one, "a"), await start(one, "b"), await start(one, "c")];
  await one.engine.operate(b, { kind: "cancel" }, actor);
  assert.equal(one.engine.run(b)?.status, "cancelled");
  await p.until(1);
  p.end("a");
  await p.until(2);
  p.end("c");
  await one.until(c, "completed");
  assert.deepEqual(p.begun, ["a", "c"]);
  assertIdle(one);
});

test("a start for later joins the queue when its time comes", async (t) => {
  const p = held({ concurrency: 1 });
  const one = await rigFor(t, { processes: [p.definition], system: p.system });
  const a = await start(one, "a");
  await p.until(1);
  const at = Date.now() + 60;
  const command = { process: "p", key: "l", input: { id: "l", customer: "c" }, origin: "test", at };
  const { run } = (await one.engine.start(command)) as { run: string };
  await one.when(run, ({ reason }) => reason === "waits for its turn");
  assert.deepEqual(p.begun, ["a"]);
  p.end("a");
  await p.until(2);
  p.end("l");
  await one.until(run, "completed");
  await one.until(a, "completed");
  assertIdle(one);
});

test("a key that is none refuses the start", async (t) => {
  const p = held({ per: { key: ({ customer: name }) => (name === "throw" ? (null as never as string[])[0]! : name) } });
  const one = await rigFor(t, { processes: [p.definition], system: p.system });
  for (const name of ["", "x".repeat(201), "throw"])
    await assert.rejects(start(one, "a", name), { code: "start-limit-key" });
  assert.equal(one.engine.runByKey("p", "a"), undefined);
});

test("limits that make no sense are refused where they are written", () => {
  const bad: ProcessLimits<Order>[] = [
    { concurrency: 0 },
    { concurrency: 1.5 },
    { queue: -1 },
    { rate: { starts: 0, every: "1m" } },
    { rate: { starts: 1, every: "soon" as never } },
    { per: {} as never },
    { per: { key: customer, whenParked: "never" as never } },
    { perhaps: 1 } as never,
  ];
  for (const limits of bad) assert.throws(() => held(limits), /^TypeError: p: limits\./);
});
