import assert from "node:assert/strict";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import type { Json } from "../../../operation.ts";
import { FlowTimeout } from "../../flow.ts";
import { defineTask } from "../../task.ts";
import { anything, FakeSystem, fault, type Rig } from "../engine-harness.ts";
import { act, begin, endRigs, gate, open, processOf, restarted } from "../operating-rig.ts";

endRigs();

const shipped = { kind: "event", system: "carrier", name: "shipped" } as const;
const cancelled = { kind: "event", system: "shop", name: "cancelled" } as const;
const later = { kind: "event", system: "shop", name: "later" } as const;
const review = defineTask({ name: "review", title: "Review", input: anything, answer: anything });

let deliveries = 0;
const signal = ({ engine }: Rig, event: { system: string; name: string }, key: string, payload: Json) =>
  engine.signal({ system: event.system, event: event.name, key, payload, delivery: `d${deliveries++}` });

function rows({ folder }: Rig, table: "waits" | "timers" | "inbox"): number {
  const db = new DatabaseSync(join(folder, "mortise.db"), { readOnly: true });
  const count = Number(db.prepare(`select count(*) as n from ${table}`).get()?.n);
  db.close();
  return count;
}

test("the branch that settles first wins, by name and with its value; the waits that lost are over", async () => {
  const p = processOf(async (flow) => {
    const first = await flow.race({
      shipped: flow.receive(shipped, { key: "k", within: "1d" }),
      tired: flow.sleep("2d"),
      answered: flow.task(review, { input: null, assign: "ops", within: "3d" }),
      cancelled: flow.receive(cancelled, { key: "k" }),
      date: flow.until("2199-01-01"),
    });
    const text: string = first.winner === "tired" || first.winner === "date" ? "nothing" : JSON.stringify(first.value);
    await flow.receive(later, { key: "k" });
    return [first.winner, text];
  });
  const one = await open({ processes: [p] });
  const run = await begin(one);
  await one.until(run, "waiting");
  assert.deepEqual([rows(one, "waits"), rows(one, "timers")], [2, 4]);
  await signal(one, shipped, "k", { parcel: 7 });
  const waiting = await one.when(run, ({ steps }) => steps.at(-1)?.operation === "shop.later");
  assert.deepEqual(
    waiting.steps.map(({ id, status }) => [id, status]),
    [
      ["carrier.shipped", "done"],
      ["sleep", "released"],
      ["review", "released"],
      ["shop.cancelled", "released"],
      ["until", "released"],
      ["shop.later", "open"],
    ],
  );
  assert.deepEqual([rows(one, "waits"), rows(one, "timers")], [1, 0]);
  assert.equal(one.engine.tasks({ run })[0]?.status, "closed");
  await signal(one, later, "k", null);
  assert.deepEqual((await one.until(run, "completed")).output, ["shipped", '{"parcel":7}']);
});

test("an event that had come for the wait that lost goes to the run that waits for it", async () => {
  const racing = processOf(
    async (flow) => {
      const won = await flow.race({
        cancelled: flow.receive(cancelled, { key: "k" }),
        shipped: flow.receive(shipped, { key: "k" }),
      });
      return won.winner;
    },
    { key: (input) => input },
  );
  const waiting = processOf(async (flow) => flow.receive(shipped, { key: "k" }), { name: "q" });
  const one = await open({ processes: [racing, waiting] });
  const first = await begin(one, "first", "first");
  await one.until(first, "waiting");
  const second = await begin(one, "second", null, "q");
  await one.until(second, "waiting");
  // Both in one batch: both find the first run waiting.
  const answers = await Promise.all([signal(one, cancelled, "k", 1), signal(one, shipped, "k", "the parcel")]);
  assert.deepEqual(answers, ["matched", "matched"]);
  assert.equal((await one.until(first, "completed")).output, "cancelled");
  assert.equal((await one.until(second, "completed")).output, "the parcel");
  assert.equal(rows(one, "inbox"), 0);
});

test("an event that had come for the wait that lost is kept for the next receive, also of the same run", async () => {
  const p = processOf(async (flow) => {
    const won = await flow.race({
      cancelled: flow.receive(cancelled, { key: "k" }),
      shipped: flow.receive(shipped, { key: "k" }),
    });
    return [won.winner, await flow.receive(shipped, { key: "k" }), await flow.receive(shipped, { key: "k" })];
  });
  const one = await open({ processes: [p] });
  const run = await begin(one);
  await one.until(run, "waiting");
  await Promise.all([signal(one, cancelled, "k", 1), signal(one, shipped, "k", "first"), signal(one, shipped, "k", 2)]);
  assert.deepEqual((await one.until(run, "completed")).output, ["cancelled", "first", 2]);
});

test("a race is the same at every replay: what lost before a restart gets nothing after it", async () => {
  const p = processOf(async (flow) => {
    const seen: Json[] = [];
    for (let round = 1; round <= 3; round++) {
      const won = await flow.race({
        shipped: flow.receive(shipped, { key: `k${round}` }),
        all: flow.all([flow.receive(cancelled, { key: "k" }), flow.receive(later, { key: "k" })]),
      });
      seen.push(won.winner);
    }
    return seen;
  });
  let one = await open({ processes: [p] });
  const run = await begin(one);
  for (let round = 1; round <= 3; round++) {
    await one.when(run, ({ status, steps }) => status === "waiting" && steps.length === round * 3);
    assert.equal(rows(one, "waits"), 3);
    one = await restarted(one, { processes: [p] });
    if (round === 2) assert.equal(await signal(one, cancelled, "k", null), "matched");
    await signal(one, shipped, `k${round}`, round);
  }
  assert.deepEqual((await one.until(run, "completed", "parked")).output, ["shipped", "shipped", "shipped"]);
  // It was given to the second round, which another branch won, and then to the third.
  assert.equal(await signal(one, cancelled, "k", null), "kept");
});

test("a race rejects if the branch that settles first does; a call that lost ends, is recorded, and is undone", async () => {
  const system = new FakeSystem();
  const slow = gate("booked");
  const book = system.operation("book", "idempotent", slow.behaviour);
  const no = system.operation("no", "idempotent", () => fault("No"));
  const unbook = system.operation("unbook", "idempotent");
  const p = processOf(async (flow) => {
    const booking = flow.call(book, {}, { undo: { call: unbook, with: ({ output }) => output } });
    const refused = await flow.race({ refused: flow.call(no, {}), booking }).catch((error: Error) => error.message);
    const timedOut = await flow
      .race({ shipped: flow.receive(shipped, { key: "k", within: "1ms" }), ever: flow.sleep("1d") })
      .catch((error: Error) => error instanceof FlowTimeout);
    return flow.reject("enough", [refused, timedOut]);
  });
  const one = await open({ processes: [p], system });
  const run = await begin(one);
  await slow.begun;
  await one.when(run, ({ steps }) => steps.some(({ status }) => status === "released"));
  slow.open();
  const detail = await one.until(run, "rejected");
  assert.deepEqual(detail.failure?.detail, ["fake.no: No", true]);
  assert.deepEqual(
    system.calls("unbook").map(({ input }) => input),
    ["booked"],
  );
});

test("a race may be run over a branch that has settled, and over none that is a verb's own promise", async () => {
  const system = new FakeSystem();
  const a = system.operation("a", "idempotent", () => "A");
  const p = processOf(async (flow) => {
    const early = flow.call(a, {});
    await flow.sleep("1ms");
    const mapped = flow.receive(shipped, { key: "k" }).then((value) => [value]);
    const won = await flow.race({ early, mapped, shipped: flow.receive(shipped, { key: "other" }) });
    assert.throws(() => flow.race({}), TypeError);
    return [won.winner, await mapped];
  });
  const one = await open({ processes: [p], system });
  const run = await begin(one);
  await one.when(run, ({ status, steps }) => status === "waiting" && steps.at(-1)?.status === "released");
  assert.equal(await signal(one, shipped, "k", 5), "matched");
  assert.deepEqual((await one.until(run, "completed")).output, ["early", [5]]);
});

test("code that waits for a branch that had lost is parked, and told so", async () => {
  const p = processOf(async (flow) => {
    const parcel = flow.receive(shipped, { key: "k" });
    await flow.race({ parcel, time: flow.sleep("1ms") });
    return parcel;
  });
  const one = await open({ processes: [p] });
  const parked = await one.until(await begin(one), "parked");
  assert.equal(parked.parked?.code, "process-foreign-await");
  assert.match(parked.parked?.message ?? "", /a branch of flow\.race that had lost/);
});

test("native Promise.race leaves the loser waiting; the end of the run gives back what had come for it", async () => {
  const p = processOf(async (flow) => {
    const parcel = flow.receive(shipped, { key: "k" });
    await Promise.race([parcel, flow.sleep("1ms")]);
    await flow.receive(later, { key: "k" });
    return null;
  });
  const one = await open({ processes: [p] });
  const run = await begin(one);
  await one.when(run, ({ steps }) => steps.at(-1)?.operation === "shop.later");
  assert.equal(rows(one, "waits"), 2);
  // The second is taken in, the first may be: either it is in the history, or it is kept.
  await Promise.all([signal(one, later, "k", null), signal(one, shipped, "k", "the parcel")]);
  const detail = await one.until(run, "completed");
  const next = await open({ processes: [processOf(async () => null)] });
  assert.ok(next);
  const got = detail.steps.find(({ operation }) => operation === "carrier.shipped");
  const db = new DatabaseSync(join(one.folder, "mortise.db"), { readOnly: true });
  const kept = db.prepare("select count(*) as n from signals where run is null").get()?.n;
  db.close();
  assert.equal(kept, got?.status === "done" ? 0 : 1);
});

test("a run that is ended after a restart of the server, with its code stopped, waits for nothing any more", async () => {
  const p = processOf(async (flow) => {
    void flow.receive(shipped, { key: "k", within: "1d" });
    await flow.sleep("1ms");
    throw new Error("a bug");
  });
  let one = await open({ processes: [p] });
  const run = await begin(one);
  await one.until(run, "parked");
  one = await restarted(one, { processes: [p] });
  await act(one, run, "terminate");
  await one.until(run, "terminated");
  assert.deepEqual([rows(one, "waits"), rows(one, "timers")], [0, 0]);
  assert.equal(await signal(one, shipped, "k", null), "kept");
});
