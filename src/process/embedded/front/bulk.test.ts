/** Acts on many runs by filter, and what is shown before. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import type { Json } from "../../../operation.ts";
import { FakeSystem, failing, type Rig } from "../engine-harness.ts";
import { act, anna, begin, endRigs, open, processOf, restarted } from "../operating-rig.ts";

endRigs();
const event = { kind: "event", system: "carrier", name: "shipped" } as const;

async function ended(one: Rig, job: string) {
  for (;;) {
    const now = one.engine.bulkJob(job);
    if (now.status !== "running") return now;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

test("an act on many runs is done in portions, records what is refused, and leaves runs alone that the filter does not find", async () => {
  const system = new FakeSystem();
  let broken = true;
  const a = system.operation("a", "idempotent", () => {
    if (broken) throw failing("none", "give-up");
    return "A";
  });
  const p = processOf((flow) => flow.call(a, {}));
  const q = processOf((flow) => flow.call(a, {}), { name: "q" });
  const one = await open({ processes: [p, q], system });
  const runs: string[] = [];
  for (let number = 0; number < 120; number++) runs.push(await begin(one, `k${number}`));
  const other = await begin(one, "other", null, "q");
  for (const run of [...runs, other]) await one.until(run, "parked");
  const filter = { status: "parked", process: "p" } as const;
  // A preview looks for a bounded time: on a slow machine at some of them only, and it says so.
  let preview = one.engine.bulkPreview(filter, { kind: "retry" });
  while (preview.looked < 120) {
    assert.equal(preview.possible, preview.looked);
    preview = one.engine.bulkPreview(filter, { kind: "retry" });
  }
  assert.deepEqual([preview.runs, preview.looked, preview.possible], [120, 120, 120]);
  await assert.rejects(one.engine.bulk(filter, { kind: "retry" }, anna, 119), {
    code: "runs-changed",
    message: /120 runs by now, and 119/,
  });
  broken = false;
  const begun = await one.engine.bulk(filter, { kind: "retry" }, anna, 120);
  assert.deepEqual([begun.status, begun.total, begun.by, begun.reason], ["running", 120, anna.by, anna.reason]);
  const job = await ended(one, begun.id);
  assert.deepEqual([job.status, job.done, job.refused], ["done", 120, 0]);
  for (const run of runs) await one.until(run, "completed");
  assert.equal(one.engine.run(other)?.status, "parked");
  const acts = one.engine.run(runs[0] as string)?.steps.filter(({ kind }) => kind === "operator");
  assert.deepEqual(
    acts?.map(({ note }) => note),
    ["anna: the ERP is being moved"],
  );
  const refused = await ended(one, (await one.engine.bulk({ process: "p" }, { kind: "pause" }, anna, 120)).id);
  assert.deepEqual([refused.done, refused.refused], [0, 120]);
  assert.equal(refused.refusals[0]?.code, "run-ended");
  assert.equal(one.engine.bulkJobs().length, 2);
  assert.throws(() => one.engine.bulkJob("bulk-nothing"), { code: "bulk-unknown" });
});

test("an act on many runs goes on after a restart where it was, and acts on no run twice", async () => {
  const system = new FakeSystem();
  const options = { processes: [processOf((flow) => flow.receive(event, { key: "k" }))], system };
  let one = await open(options);
  const runs: string[] = [];
  for (let number = 0; number < 150; number++) runs.push(await begin(one, `k${number}`));
  for (const run of runs) await one.until(run, "waiting");
  const { id } = await one.engine.bulk({ process: "p" }, { kind: "pause" }, anna, 150);
  one = await restarted(one, options);
  const job = await ended(one, id);
  assert.deepEqual([job.status, job.done, job.refused], ["done", 150, 0]);
  for (const run of runs) {
    const { steps } = await one.until(run, "paused");
    assert.equal(steps.filter(({ kind }) => kind === "operator").length, 1);
  }
});

test("two acts on the same runs at once: each run is given both, one after the other, also through a restart", async () => {
  const options = { processes: [processOf((flow) => flow.receive(event, { key: "k" }))] };
  let one = await open(options);
  const runs: string[] = [];
  for (let number = 0; number < 130; number++) runs.push(await begin(one, `k${number}`));
  for (const run of runs) await one.until(run, "waiting");
  const jobs = await Promise.all([
    one.engine.bulk({ process: "p" }, { kind: "pause" }, anna, 130),
    one.engine.bulk({ process: "p" }, { kind: "cancel" }, anna, 130),
  ]);
  const [, cancel] = jobs.map(({ id }) => id) as [string, string];
  one = await restarted(one, options);
  const { done, refused, refusals } = await ended(one, cancel);
  assert.deepEqual([done, refused, refusals], [130, 0, []]);
  for (const run of runs) await one.until(run, "cancelled");
  for (const { id } of jobs) {
    const job = await ended(one, id);
    assert.equal(job.done + job.refused, 130);
    for (const { code } of job.refusals) assert.match(code, /^run-(ended|operation)$/);
  }
});

test("an act on many runs is stopped, and many runs are restarted at once", async () => {
  const one = await open({ processes: [processOf(async (_flow, input) => input as Json)] });
  const runs: string[] = [];
  for (let number = 0; number < 60; number++) runs.push(await begin(one, `k${number}`, number));
  for (const run of runs) await one.until(run, "completed");
  const job = await one.engine.bulk({ keyPrefix: "k" }, { kind: "restart" }, anna, 60);
  const over = await ended(one, job.id);
  assert.equal(over.done, 60);
  const [first] = runs as [string];
  const anew = one.engine.run(first)?.restartedAs as string;
  assert.equal((await one.until(anew, "completed")).output, 0);
  const stopped = await one.engine.bulk({ status: "completed" }, { kind: "restart" }, anna, 120);
  await one.engine.bulkStop(stopped.id);
  const now = await ended(one, stopped.id);
  assert.equal(now.status, "stopped");
  const later = Date.now() + 1000;
  await one.engine.retain(0, later);
  assert.deepEqual(one.engine.bulkJobs(), []);
});

test("a preview says what may double, what is undone in which order, and what stays", async () => {
  const system = new FakeSystem();
  const back = system.operation("back", "idempotent", () => null);
  const read = system.operation("read", "read", () => 1);
  const a = system.operation("a", "idempotent", () => "A");
  const b = system.operation("b", "unrepeatable", () => "B");
  const c = system.operation("c", "unrepeatable", () => {
    throw failing("unknown");
  });
  const undo = { call: back, with: () => null };
  const p = processOf(async (flow) => {
    await flow.call(read, {});
    await flow.call(a, {}, { undo });
    await flow.call(b, {});
    await flow.call(c, {}, { undo });
  });
  const one = await open({ processes: [p], system });
  const run = await begin(one);
  await one.until(run, "parked");
  const names = (list: readonly { readonly step: string }[]) => list.map(({ step }) => step);
  const shown = (kind: "cancel" | "terminate" | "repeat" | "retry" | "pause") => one.engine.preview(run, { kind });
  const cancel = shown("cancel");
  assert.deepEqual(
    cancel.undoes.map(({ step, with: by, sure }) => [step, by, sure]),
    [
      ["fake.c", "fake.back", false],
      ["fake.a", "fake.back", true],
    ],
  );
  assert.deepEqual(names(cancel.stays), ["fake.b"]);
  assert.deepEqual(names(shown("terminate").stays), ["fake.a", "fake.b", "fake.c"]);
  assert.deepEqual(names(shown("repeat").mayDouble), ["fake.c"]);
  const impossible = shown("retry");
  assert.equal(impossible.possible, false);
  assert.match(impossible.happens, /possible/);
  assert.deepEqual(shown("pause").mayDouble, []);
  const rewind = one.engine.preview(run, { kind: "rewind", to: "fake.b" });
  assert.deepEqual(names(rewind.mayDouble), ["fake.b", "fake.c"]);
  assert.equal(rewind.mayDouble[0]?.key, `${run}-3`);
  assert.match(one.engine.preview(run, { kind: "rewind", to: "fake.x" }).happens, /no step/);
  const restart = one.engine.preview(run, { kind: "restart" });
  assert.deepEqual(names(restart.mayDouble), ["fake.b"]);
  assert.equal(restart.undoes.length, 2);
  assert.equal(one.engine.preview(run, { kind: "restart", first: "terminate" }).mayDouble.length, 3);
  const all = one.engine.bulkPreview({ status: "parked" }, { kind: "cancel" });
  assert.deepEqual(all.undoes, [{ what: "fake.back", times: 2 }]);
  assert.deepEqual(all.stays, [{ what: "fake.b", times: 1 }]);
  await act(one, run, "cancel");
  await one.until(run, "cancelled");
  // What was taken back does not double.
  assert.deepEqual(names(one.engine.preview(run, { kind: "restart" }).mayDouble), ["fake.b"]);
  assert.throws(() => one.engine.preview("nothing", { kind: "pause" }), { code: "run-unknown" });
});

/** Many runs that are parked at a call which takes no such input. */
async function refusedCalls(count: number) {
  const system = new FakeSystem();
  const pay = system.operation("pay", "unrepeatable", (input) => {
    if ((input as { currency?: string }).currency === undefined) throw failing("none", "give-up");
    return { paid: input };
  });
  const p = processOf(async (flow, input) => flow.call(pay, { of: input, amount: { value: 1, note: "old" } }));
  const unfit: NonNullable<Parameters<typeof open>[0]["unfit"]> = (run, given) => {
    const sent = given.kind === "edit" ? (given.input as { of?: Json }) : undefined;
    return sent !== undefined && sent.of !== Number(run.key.slice(1)) ? [{ at: "/of", message: "is wrong" }] : [];
  };
  const options = { processes: [p], system, unfit };
  const one = await open(options);
  const runs: string[] = [];
  for (let number = 0; number < count; number++) runs.push(await begin(one, `k${number}`, number));
  for (const run of runs) await one.until(run, "parked");
  return { system, options, one, runs };
}

test("a patch edits what each of many runs sent, through a restart; what does not fit a run is counted before, and refused", async () => {
  const { system, options, one: first, runs } = await refusedCalls(70);
  let one = first;
  const filter = { status: "parked", process: "p" } as const;
  const wrong = { kind: "edit", patch: { of: 3 } } as const;
  const preview = one.engine.bulkPreview({ ...filter, keyPrefix: "k3" }, wrong);
  // k3 and k30 to k39.
  assert.deepEqual([preview.runs, preview.possible], [11, 1]);
  assert.deepEqual(preview.refused, [{ what: "what is given does not fit: /of is wrong", times: 10 }]);
  const spoilt = await one.engine.bulk({ ...filter, key: "k4" }, wrong, anna, 1);
  const over = await ended(one, spoilt.id);
  assert.deepEqual([over.done, over.refused, over.refusals[0]?.code], [0, 1, "act-unfit"]);

  const patch = { currency: "EUR", amount: { note: null, rate: 2 } };
  const { id } = await one.engine.bulk(filter, { kind: "edit", patch }, anna, 70);
  one = await restarted(one, options);
  const job = await ended(one, id);
  assert.deepEqual([job.done, job.refused, job.act], [70, 0, { kind: "edit" }], "what was given is not shown");
  for (const [number, run] of runs.entries()) {
    const { output, steps } = await one.until(run, "completed");
    assert.deepEqual(output, { paid: { of: number, currency: "EUR", amount: { value: 1, rate: 2 } } });
    assert.equal(steps.filter(({ kind }) => kind === "operator").length, 1);
  }
  assert.equal(new Set(system.calls("pay").map(({ key }) => key)).size, 140, "a new key for each edited call");
});

test("many runs are given the same result; none of them calls again", async () => {
  const { system, one, runs } = await refusedCalls(3);
  const filter = { status: "parked", process: "p" } as const;
  const { id } = await one.engine.bulk(filter, { kind: "happened", result: { paid: "by hand" } }, anna, 3);
  assert.equal((await ended(one, id)).done, 3);
  for (const run of runs) assert.deepEqual((await one.until(run, "completed")).output, { paid: "by hand" });
  assert.equal(system.calls("pay").length, 3);
});

test("a patch is refused for a run of which it can't be read what it sent, and is never all that its call gets", async () => {
  const system = new FakeSystem();
  const pay = system.operation("pay", "idempotent", () => {
    throw failing("none", "give-up");
  });
  const p = processOf((flow, input) => flow.call(pay, input));
  const one = await open({ processes: [p], system });
  const order = { lines: Array.from({ length: 20 }, (_, index) => `line ${index}`) };
  const damaged = await begin(one, "damaged", order);
  const whole = await begin(one, "whole", order);
  for (const run of [damaged, whole]) await one.until(run, "parked");
  // What a run sent is named in its history: its input is a part of what the first row holds.
  const db = new DatabaseSync(join(one.folder, "mortise.db"));
  db.exec(`update history set body = replace(body, 'line 3', 'line X')
    where seq = 0 and run = (select number from runs where id = '${damaged}')`);
  db.close();
  const filter = { status: "parked", process: "p" } as const;
  const edit = { kind: "edit", patch: { currency: "EUR" } } as const;
  const preview = one.engine.bulkPreview(filter, edit);
  assert.deepEqual(preview.refused, [{ what: "what it was sent can't be read", times: 1 }]);
  const { id } = await one.engine.bulk(filter, edit, anna, 2);
  const job = await ended(one, id);
  assert.deepEqual([job.done, job.refused, job.refusals[0]?.code], [1, 1, "value-unreadable"]);
  await one.when(whole, ({ status, steps }) => status === "parked" && steps[0]?.editedInput !== undefined);
  const edited = { ...order, currency: "EUR" };
  assert.deepEqual(
    system.calls("pay").map(({ input }) => input),
    [order, order, edited],
  );
});
