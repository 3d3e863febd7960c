/** What a trace says of a call, in every state that a call can come to: never more than the records carry. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { CallResult, Json } from "../../../operation.ts";
import { effectKeyParts } from "../../trace.ts";
import { type OperationFacts, verdictOf } from "../../verdicts.ts";
import { wholeVerdict } from "../../whole-verdict.ts";
import { FakeSystem, failing, fault, type Rig } from "../engine-harness.ts";
import { act, begin, endRigs, open, processOf, restarted } from "../operating-rig.ts";

endRigs();

const event = { kind: "event", system: "carrier", name: "shipped" } as const;
const facts: OperationFacts = { takesKey: true, probe: "fake.find" };

/** The calls of a run with their verdicts, and what they say together with those of other runs. */
function traced(one: Rig, run: string, { began = [] as number[], others = [] as string[] } = {}) {
  const between = (from: number, to: number) => began.filter((at) => at > from && at <= to);
  const judged = [run, ...others].flatMap((id) => {
    const trace = one.engine.trace(id, between, Date.now());
    assert.ok(trace !== undefined);
    const final = ["completed", "rejected", "undone", "cancelled", "terminated"].includes(trace.run.status);
    return trace.calls.map((call) => ({
      run: id,
      process: trace.run.process,
      key: trace.run.key,
      call,
      verdict: verdictOf(call, { facts, final, undos: trace.calls.filter(({ of }) => of?.n === call.n) }),
    }));
  });
  return {
    calls: judged.map(({ call }) => call),
    verdicts: judged.map(({ call, verdict: { kind, least, most } }) => [call.step, kind, least, most]),
    texts: judged.map(({ verdict }) => verdict.text),
    whole: wholeVerdict(judged, []),
  };
}

/** An operation that fails so in its first attempts, then answers. */
const after = (...failures: ("none" | "unknown")[]) => {
  return (_input: Json, _context: unknown, times: number): CallResult | Json => {
    const outcome = failures[times - 1];
    if (outcome !== undefined) throw failing(outcome);
    return `done ${times}`;
  };
};
const quick = { retry: { backoff: 1, maxBackoff: 1 } } as const;

test("one attempt that is answered took effect once; so did one after attempts without effect; a read does nothing", async () => {
  const system = new FakeSystem();
  const look = system.operation("look", "read");
  const once = system.operation("once", "unrepeatable");
  const later = system.operation("later", "unrepeatable", after("none", "none"));
  const p = processOf(async (flow) => {
    await flow.call(look, {});
    await flow.call(once, {});
    await flow.call(later, {});
  }, quick);
  const one = await open({ processes: [p], system });
  const run = await begin(one);
  await one.until(run, "completed");
  const { calls, verdicts, whole } = traced(one, run);
  assert.deepEqual(verdicts, [
    ["fake.look", "read", 0, 0],
    ["fake.once", "once", 1, 1],
    ["fake.later", "once", 1, 1],
  ]);
  assert.deepEqual([calls[2]?.keys[0]?.attempts, calls[2]?.keys[0]?.failed.length], [3, 2]);
  assert.equal(whole.kind, "no");
});

test("a lost answer of an idempotent call: sent twice under one key, which counts once", async () => {
  const system = new FakeSystem();
  const pay = system.operation("pay", "idempotent", after("unknown"));
  const one = await open({ processes: [processOf((flow) => flow.call(pay, {}), quick)], system });
  const run = await begin(one);
  await one.until(run, "completed");
  const { calls, verdicts, texts, whole } = traced(one, run);
  assert.deepEqual(verdicts, [["fake.pay", "counted-once", 1, 1]]);
  assert.equal(texts[0], "May have been sent twice, always under this key: fake takes the key and counts it once.");
  assert.deepEqual(calls[0]?.keys[0]?.key, system.calls("pay")[1]?.key);
  assert.equal(whole.kind, "no-by-key");
});

test("a probe that finds it, and one that finds nothing before the repeat", async () => {
  const system = new FakeSystem();
  let there: Json = "H";
  const find = system.operation("find", "read", () => there);
  const probe = { call: find.name, with: () => null, settle: 0 };
  const hold = system.operation("hold", "unrepeatable", after("unknown"), { probe });
  const options = { processes: [processOf((flow) => flow.call(hold, {}), quick)], system };
  const one = await open(options);
  const found = await begin(one, "found");
  await one.until(found, "completed");
  assert.deepEqual(traced(one, found).verdicts, [["fake.hold", "once", 1, 1]]);
  assert.equal(
    traced(one, found).texts[0],
    "Sent once. The answer was lost, and its probe fake.find found that it had happened.",
  );

  there = null;
  system.received.length = 0;
  const repeated = await begin(one, "repeated");
  await one.until(repeated, "completed");
  assert.equal(system.calls("hold").length, 2);
  const { verdicts, texts, whole } = traced(one, repeated);
  assert.deepEqual(verdicts, [["fake.hold", "probed", 1, 1]]);
  assert.equal(
    texts[0],
    "May have been sent twice: fake takes no key. Before the repeat its probe fake.find found that nothing had happened.",
  );
  assert.equal(whole.kind, "no-by-probe");
});

test("without a probe the run asks: it is not known; then it is as the person says, and a repeat may be the second", async () => {
  const system = new FakeSystem();
  const post = system.operation("post", "unrepeatable", after("unknown"));
  const one = await open({ processes: [processOf((flow) => flow.call(post, {}), quick)], system });
  const run = await begin(one);
  await one.until(run, "parked");
  assert.deepEqual(traced(one, run).verdicts, [["fake.post", "not-known", 0, 1]]);
  assert.match(traced(one, run).texts[0] ?? "", /^Not known whether it happened\. .* asks a person\.$/);
  assert.equal(traced(one, run).whole.kind, "not-known");
  await act(one, run, { kind: "repeat" });
  await one.until(run, "completed");
  assert.deepEqual(traced(one, run).verdicts, [["fake.post", "may-be-twice", 1, 2]]);
  assert.match(
    traced(one, run).texts[0] ?? "",
    /sent twice: fake takes no key\. \S+ said \(“.*”\) that it had not happened/,
  );
  assert.equal(traced(one, run).whole.kind, "may-be-twice");

  system.received.length = 0;
  const told = await begin(one, "told");
  await one.until(told, "parked");
  await act(one, told, { kind: "happened", result: "P" });
  await one.until(told, "completed");
  assert.deepEqual(traced(one, told).verdicts, [["fake.post", "by-word", 1, 1]]);
  assert.equal(traced(one, told).whole.kind, "no-by-word");
});

test("a run that is terminated before there was an answer: not known; one of which no attempt had an effect: nothing", async () => {
  const system = new FakeSystem();
  const post = system.operation("post", "unrepeatable", () => {
    throw failing("unknown");
  });
  const away = system.operation("away", "unrepeatable", () => {
    throw failing("none", "give-up");
  });
  const no = system.operation("no", "unrepeatable", () => fault("Refused"));
  const lost = processOf((flow) => flow.call(post, {}));
  const none = processOf((flow) => flow.call(away, {}));
  const refused = processOf((flow) => flow.attempt(no, {}));
  for (const [process, verdict, whole] of [
    [lost, "not-known", "not-known"],
    [none, "no-effect", "no"],
    [refused, "refused", "no"],
  ] as const) {
    const one = await open({ processes: [process], system });
    const run = await begin(one);
    if (process !== refused) {
      await one.until(run, "parked");
      await act(one, run, "terminate");
    }
    await one.until(run, "terminated", "completed");
    const told = traced(one, run);
    assert.deepEqual([told.verdicts[0]?.[1], told.whole.kind], [verdict, whole], told.texts[0]);
  }
});

test("it happened and its result can't be recorded; an undo that is refused, and asks", async () => {
  const system = new FakeSystem();
  const odd = system.operation("odd", "unrepeatable", () => ({ ok: true, output: { big: 1n as never } }));
  const back = system.operation("back", "idempotent", () => fault("too-late"));
  const done = system.operation("done", "unrepeatable");
  const unrecorded = processOf((flow) => flow.call(odd, {}));
  const undone = processOf(async (flow) => {
    await flow.call(done, {}, { undo: { call: back, with: () => null } });
    return flow.reject("no");
  });
  for (const [process, verdicts] of [
    [unrecorded, [["fake.odd", "once", 1, 1]]],
    [
      undone,
      [
        ["fake.done", "once", 1, 1],
        ["undo fake.done", "refused", 0, 0],
      ],
    ],
  ] as const) {
    const one = await open({ processes: [process], system });
    const run = await begin(one);
    await one.until(run, "parked");
    assert.deepEqual(traced(one, run).verdicts, verdicts, traced(one, run).texts.join());
    assert.match(traced(one, run).texts.at(-1) ?? "", /The run is parked, and asks a person\.$/);
  }
});

test("an edited input opens a new key: what may have happened under the old one counts beside it", async () => {
  const system = new FakeSystem();
  const book = system.operation("book", "unrepeatable", (input) => {
    if ((input as { id: string }).id === "lost") throw failing("unknown");
    if ((input as { id: string }).id === "wrong") throw failing("none", "give-up");
    return "B";
  });
  for (const [id, verdict, most] of [
    ["lost", "may-be-twice", 2],
    ["wrong", "once", 1],
  ] as const) {
    const one = await open({ processes: [processOf((flow) => flow.call(book, { id }))], system });
    const run = await begin(one);
    await one.until(run, "parked");
    await act(one, run, { kind: "edit", input: { id: "right" } });
    await one.until(run, "completed");
    const { calls, verdicts } = traced(one, run);
    assert.deepEqual(verdicts, [["fake.book", verdict, 1, most]]);
    assert.deepEqual(
      calls[0]?.keys.map(({ key, state }) => [key, state]),
      [
        [`${run}-1`, "replaced"],
        [`${run}-1-g2`, "answered"],
      ],
    );
  }
});

test("a rewind asks a step anew under a new key: it took effect twice, unless it was taken back", async () => {
  const system = new FakeSystem();
  let broken = true;
  const a = system.operation("a", "unrepeatable");
  const b = system.operation("b", "unrepeatable", () => {
    if (broken) throw failing("none", "give-up");
    return "B";
  });
  const p = processOf(async (flow) => {
    await flow.call(a, {});
    await flow.call(b, {});
  });
  const one = await open({ processes: [p], system });
  const run = await begin(one);
  await one.until(run, "parked");
  broken = false;
  await act(one, run, { kind: "rewind", to: "fake.a" });
  await one.until(run, "completed");
  const { calls, verdicts, whole } = traced(one, run);
  assert.deepEqual(verdicts, [
    ["fake.a", "once", 1, 1],
    ["fake.b", "no-effect", 0, 0],
    ["fake.a", "once", 1, 1],
    ["fake.b", "once", 1, 1],
  ]);
  assert.deepEqual(
    calls.map(({ superseded = false }) => superseded),
    [true, true, false, false],
  );
  assert.equal(whole.kind, "twice");
  assert.equal(whole.text, "Yes: fake.a took effect twice.");
});

test("a restart is another run: what the first did and did not take back is there twice", async () => {
  const system = new FakeSystem();
  const back = system.operation("back", "idempotent");
  const a = system.operation("a", "unrepeatable");
  const c = system.operation("c", "unrepeatable");
  const p = processOf(async (flow) => {
    await flow.call(a, {}, { undo: { call: back, with: () => null } });
    await flow.call(c, {});
    await flow.receive(event, { key: "k" });
  });
  const one = await open({ processes: [p], system });
  const first = await begin(one);
  await one.until(first, "waiting");
  await act(one, first, "cancel");
  await one.until(first, "cancelled");
  assert.deepEqual(traced(one, first).verdicts, [
    ["fake.a", "taken-back", 0, 0],
    ["fake.c", "once", 1, 1],
    ["undo fake.a", "once", 1, 1],
  ]);
  const { run: second } = await one.engine.operate(first, { kind: "restart" }, { by: "anna", reason: "test" });
  await one.until(second, "waiting");
  const trace = one.engine.trace(first, () => [], Date.now());
  assert.deepEqual([trace?.restartedAs, one.engine.trace(second, () => [], Date.now())?.restartOf], [second, first]);
  assert.equal(traced(one, first, { others: [second] }).whole.text, "Yes: fake.c took effect twice.");
});

test("an undo of what may have happened: its fault says that there was nothing to take back", async () => {
  const system = new FakeSystem();
  const back = system.operation("back", "idempotent", () => fault("unknown-reference"), {
    notFound: ["unknown-reference"],
  });
  const a = system.operation("a", "unrepeatable", after("unknown"));
  const p = processOf((flow) => flow.call(a, {}, { undo: { call: back, with: ({ key }) => key } }));
  const one = await open({ processes: [p], system });
  const run = await begin(one);
  await one.until(run, "parked");
  await act(one, run, "undo");
  await one.until(run, "undone");
  const { verdicts, texts, whole } = traced(one, run);
  assert.deepEqual(verdicts[0], ["fake.a", "taken-back", 0, 0], texts[0]);
  assert.equal(whole.kind, "no");
});

test("a call that the end of a server cut off is in no record: that a server began meanwhile says that it may have been sent twice", async () => {
  const system = new FakeSystem();
  const reached = Promise.withResolvers<void>();
  const pay = system.operation("pay", "idempotent", (_input, _context, times) => {
    if (times > 1) return "P";
    reached.resolve();
    return new Promise<Json>(() => {});
  });
  const options = { processes: [processOf((flow) => flow.call(pay, {}))], system };
  let one = await open(options);
  const run = await begin(one);
  await reached.promise;
  assert.deepEqual(traced(one, run).verdicts, [["fake.pay", "under-way", 0, 1]]);
  await one.lose();
  const began = [Date.now()];
  one = await open({ ...options, folder: one.folder });
  await one.until(run, "completed");
  assert.equal(system.calls("pay").length, 2);
  assert.deepEqual(traced(one, run, { began }).verdicts, [["fake.pay", "counted-once", 1, 1]]);
  assert.match(traced(one, run, { began }).texts[0] ?? "", /sent twice, always under this key: fake takes the key/);
});

test("a server that begins in a pause makes the next attempt at once: only the one after it cut that off", async () => {
  const system = new FakeSystem();
  let reached = Promise.withResolvers<void>();
  const hanging = (_input: Json, _context: unknown, times: number): Json | Promise<Json> => {
    if (times === 1) throw failing("unknown");
    if (times > 2) return "P";
    reached.resolve();
    return new Promise<Json>(() => {});
  };
  const pay = system.operation("pay", "idempotent", hanging);
  const slow = { retry: { backoff: "1h", maxBackoff: "1h" } } as const;
  const options = { processes: [processOf((flow) => flow.call(pay, {}), slow)], system };
  for (const restarts of [1, 2]) {
    system.received.length = 0;
    reached = Promise.withResolvers();
    let one = await open(options);
    const run = await begin(one, `k${restarts}`);
    await one.when(run, ({ steps }) => steps[0]?.nextAttemptAt !== undefined);
    assert.equal(traced(one, run).calls[0]?.keys[0]?.running, false);
    if (restarts === 1) system.behave("pay", () => "P");
    const began: number[] = [];
    for (let count = 0; count < restarts; count++) {
      await one.lose();
      began.push(Date.now());
      one = await open({ ...options, folder: one.folder });
      if (count + 1 < restarts) {
        await reached.promise;
        assert.equal(traced(one, run, { began }).calls[0]?.keys[0]?.running, true);
      }
    }
    await one.until(run, "completed");
    const [call] = traced(one, run, { began }).calls;
    assert.deepEqual(call?.keys[0]?.cut, began.slice(1));
    const often = restarts === 1 ? "twice" : "3 times";
    assert.match(traced(one, run, { began }).texts[0] ?? "", new RegExp(`^May have been sent ${often}, always`));
    assert.equal(system.received.length, restarts + 1);
    system.behave("pay", hanging);
  }
});

test("an unrepeatable call that was cut off is on record: its probe decides", async () => {
  const system = new FakeSystem();
  const reached = Promise.withResolvers<void>();
  const find = system.operation("find", "read", () => "H");
  const hold = system.operation(
    "hold",
    "unrepeatable",
    () => {
      reached.resolve();
      return new Promise<Json>(() => {});
    },
    { probe: { call: find.name, with: () => null, settle: 0 } },
  );
  const options = { processes: [processOf((flow) => flow.call(hold, {}))], system };
  let one = await open(options);
  const run = await begin(one);
  await reached.promise;
  await one.lose();
  const began = [Date.now()];
  one = await open({ ...options, folder: one.folder });
  await one.until(run, "completed");
  assert.equal(system.calls("hold").length, 1);
  assert.deepEqual(traced(one, run, { began }).verdicts, [["fake.hold", "once", 1, 1]]);
});

test("calls in a map have their item; of items that were folded the trace says up to which number they are gone", async () => {
  const system = new FakeSystem();
  const book = system.operation("book", "idempotent");
  const p = processOf(async (flow) => {
    await flow.map([1, 2], (n, inner) => inner.call(book, n), { name: "import" });
    await flow.map(Array.from({ length: 400 }), (_, inner) => inner.call(book, 0), { name: "many" });
    await flow.receive(event, { key: "k" });
  });
  const options = { processes: [p], system };
  let one = await open(options);
  const run = await begin(one);
  await one.until(run, "waiting");
  one = await restarted(one, options);
  await one.until(run, "waiting");
  const trace = one.engine.trace(run, () => [], Date.now());
  assert.ok((trace?.foldedUpTo ?? 0) > 100);
  const items = trace?.calls.flatMap(({ item }) => item ?? []) ?? [];
  assert.ok(items.length < 402 && items.every(({ map }) => map === "many" || map === "import"));
});

test("an effect key tells its run, number and generation; nothing else is taken for one", () => {
  const run = "01h4x0000000abcdefgh";
  assert.deepEqual(effectKeyParts(`${run}-12`), { run, n: 12, generation: 1 });
  assert.deepEqual(effectKeyParts(`${run}-12-g3`), { run, n: 12, generation: 3 });
  for (const other of [run, `${run}-`, `${run}-1-g`, `x${run}-1`, `${run.toUpperCase()}-1`, "order-17", "mortise-00"])
    assert.equal(effectKeyParts(other), undefined, other);
});
