import assert from "node:assert/strict";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import type { Json } from "../../../operation.ts";
import { FakeSystem, fault, type Rig } from "../engine-harness.ts";
import { act, begin, endRigs, gate, open, processOf, restarted } from "../operating-rig.ts";

endRigs();

const event = { kind: "event", system: "carrier", name: "shipped" } as const;
const go = ({ engine }: Rig, key = "go") =>
  engine.signal({ system: "carrier", event: "shipped", key, payload: null, delivery: key });
const numbers = (count: number) => Array.from({ length: count }, (_, index) => index);

function history({ folder }: Rig, run: string): { rows: number; bytes: number } {
  const db = new DatabaseSync(join(folder, "mortise.db"), { readOnly: true });
  const row = db
    .prepare(
      "select count(*) as rows, sum(length(body)) as bytes from history where run = (select number from runs where id = ?)",
    )
    .get(run);
  db.close();
  return row as { rows: number; bytes: number };
}
function historyRecords({ folder }: Rig, run: string): { readonly t: string; readonly n?: number }[] {
  const db = new DatabaseSync(join(folder, "mortise.db"), { readOnly: true });
  const rows = db
    .prepare("select body from history where run = (select number from runs where id = ?) order by seq")
    .all(run) as { body: string }[];
  db.close();
  return rows.flatMap(({ body }) => JSON.parse(body) as { t: string }[]);
}
const inputs = (system: FakeSystem, name: string) => system.calls(name).map(({ input }) => input as number);

test("results come in order, and no more items are under way than allowed", async () => {
  const system = new FakeSystem();
  let underWay = 0;
  let most = 0;
  const double = system.operation("double", "idempotent", async (input) => {
    underWay += 1;
    most = Math.max(most, underWay);
    for (let turn = 0; turn < 5 - (Number(input) % 5); turn++) await new Promise((resolve) => setImmediate(resolve));
    underWay -= 1;
    return Number(input) * 2;
  });
  const p = processOf(async (flow) => {
    const doubled = await flow.map(numbers(30), async (n, flow) => (await flow.call(double, n)) as number, {
      concurrency: 4,
      name: "twice",
    });
    return [doubled, await flow.map([], () => 1), await flow.map(["a", "b"], (text, _flow, at) => `${text}${at}`)];
  });
  const one = await open({ processes: [p], system });
  const detail = await one.until(await begin(one), "completed", "parked");
  assert.deepEqual(detail.output, [numbers(30).map((n) => n * 2), [], ["a0", "b1"]]);
  assert.equal(most, 4);
  assert.deepEqual(detail.steps.map(({ id, kind, note }) => [id, kind, note]).slice(0, 2), [
    ["twice", "map", "30 of 30 items are over"],
    ["map", "map", "2 of 2 items are over"],
  ]);
});

test("5,000 items, stopped in the middle: no item's call is made twice, and the history stays small", async () => {
  const system = new FakeSystem();
  const half = Promise.withResolvers<void>();
  const send = system.operation("send", "unrepeatable", async (input) => {
    if (Number(input) === 2600) half.resolve();
    return `sent ${String(input)}`;
  });
  const p = processOf(async (flow) => {
    const sent = await flow.map(numbers(5000), async (n, flow) => flow.call(send, n), { concurrency: 20 });
    await flow.receive(event, { key: "go" });
    return [sent.length, sent[0], sent[4999]] as Json;
  });
  let one = await open({ processes: [p], system });
  const run = await begin(one);
  await half.promise;
  one = await restarted(one, { processes: [p], system });
  // The whole run is not looked at again and again.
  while (one.engine.runs({ key: "k" })[0]?.status === "running") await new Promise((resolve) => setTimeout(resolve, 5));
  const { rows, bytes } = history(one, run);
  assert.ok(bytes < 400_000, `${bytes} characters`);
  assert.ok(rows < 2000, `${rows} rows`);
  assert.equal(new Set(inputs(system, "send")).size, 5000);
  assert.equal(system.calls("send").length, 5000);
  assert.equal(new Set(system.calls("send").map(({ key }) => key)).size, 5000);
  one = await restarted(one, { processes: [p], system });
  await go(one);
  assert.deepEqual((await one.until(run, "completed", "parked")).output, [5000, "sent 0", "sent 4999"]);
  assert.equal(system.calls("send").length, 5000);
});

test("what items log goes with them: a long map that logs much is no long history, neither now nor after a restart", async () => {
  const system = new FakeSystem();
  const last = gate(null);
  const a = system.operation("a", "idempotent", (n, context) => (n === 3499 ? last.behaviour(n, context, 1) : null));
  const p = processOf(async (flow) => {
    flow.log("begins");
    const done = await flow.map(
      numbers(3500),
      async (n, flow) => {
        for (const line of ["one", "two", "three"]) flow.log(line, { n });
        flow.state({ n });
        await flow.call(a, n);
      },
      { concurrency: 20 },
    );
    await flow.call(a, -1);
    return done.length;
  });
  const options = { processes: [p], system };
  let one = await open(options);
  const run = await begin(one);
  await last.begun;
  const records = historyRecords(one, run).length;
  assert.ok(records < 3500, `${records} records`);
  last.open();
  one = await restarted(one, options);
  const ended = await one.until(run, "completed", "parked");
  assert.deepEqual([ended.status, ended.output], ["completed", 3500]);
  assert.equal(ended.steps.find(({ kind }) => kind === "log")?.note, "begins");
});

test("numbers of items whose records are gone are not given again: effect keys stay unique through a restart", async () => {
  const system = new FakeSystem();
  const a = system.operation("a", "idempotent", (input) => input);
  const p = processOf(async (flow) => {
    const gone = flow.receive(event, { key: "go" });
    await flow.map(numbers(167), (n, item) => item.call(a, n));
    await gone;
    return flow.call(a, "after");
  });
  let one = await open({ processes: [p], system });
  const run = await begin(one);
  await one.when(run, ({ reason }) => reason === "waits for carrier.shipped of go");
  // It is put together behind the run's back; a stop that comes first would leave it as it is.
  while (historyRecords(one, run).length >= 100) await new Promise(setImmediate);
  one = await restarted(one, { processes: [p], system });
  await go(one);
  assert.equal((await one.until(run, "completed")).output, "after");
  const keys = system.calls("a").map(({ key }) => key);
  assert.equal(new Set(keys).size, 168);
  const records = historyRecords(one, run);
  assert.equal(records.filter(({ t, n }) => t === "got" && n === 2).length, 1, "the map's result is recorded once");
  assert.ok(records.length < 100, "the history was put together");
});

test("a failing item: the others settle, and the first failure in order is thrown, the same after a restart", async () => {
  const system = new FakeSystem();
  const check = system.operation("check", "idempotent", (input) =>
    Number(input) % 3 === 2 ? fault("Odd", { n: input }) : input,
  );
  const p = processOf(async (flow) => {
    const failed = await flow
      .map(numbers(12), async (n, flow) => flow.call(check, n), { concurrency: 3 })
      .catch((error: { fault: { detail: Json } }) => error.fault.detail);
    await flow.receive(event, { key: "go" });
    return failed as Json;
  });
  let one = await open({ processes: [p], system });
  const run = await begin(one);
  await one.until(run, "waiting", "parked");
  assert.equal(system.calls("check").length, 12);
  one = await restarted(one, { processes: [p], system });
  await go(one);
  assert.deepEqual((await one.until(run, "completed", "parked")).output, { n: 2 });
  assert.equal(system.calls("check").length, 12);
});

test("a bug in the function stops the run; mended, the item is done anew and the others are not", async () => {
  const system = new FakeSystem();
  const send = system.operation("send", "idempotent", (input) => input);
  const coded = (broken: boolean) =>
    processOf(async (flow) =>
      flow.map(
        numbers(6),
        async (n, flow) => {
          if (broken && n === 4) throw new TypeError("no such thing");
          return flow.call(send, n);
        },
        { concurrency: 2 },
      ),
    );
  let one = await open({ processes: [coded(true)], system });
  const run = await begin(one);
  const parked = await one.until(run, "parked");
  assert.equal(parked.parked?.code, "process-threw");
  assert.match(parked.parked?.message ?? "", /The function of map\[4\] threw: TypeError: no such thing/);
  one = await restarted(one, { processes: [coded(false)], system });
  await act(one, run, "retry");
  assert.deepEqual((await one.until(run, "completed")).output, numbers(6));
  assert.equal(new Set(inputs(system, "send")).size, system.calls("send").length);
});

test("undo after a map takes back every item, last first, also what was compacted", async () => {
  const system = new FakeSystem();
  const book = system.operation("book", "idempotent", (input) => `b${String(input)}`);
  const unbook = system.operation("unbook", "idempotent");
  const p = processOf(async (flow) => {
    await flow.map(
      numbers(400),
      async (n, flow) => flow.call(book, n, { undo: { call: unbook, with: ({ output }) => output as Json } }),
      { concurrency: 5 },
    );
    await flow.receive(event, { key: "go" });
    return flow.reject("no");
  });
  const one = await open({ processes: [p], system });
  const run = await begin(one);
  await one.until(run, "waiting", "parked");
  await go(one);
  await one.until(run, "rejected", "parked");
  const undone = system.calls("unbook").map(({ input }) => String(input));
  assert.equal(new Set(undone).size, 400);
  assert.deepEqual(
    undone.toSorted(),
    numbers(400)
      .map((n) => `b${n}`)
      .toSorted(),
  );
});

test("maps inside of all and race, and inside each other, replay in whatever order results come", async () => {
  for (let seed = 1; seed <= 6; seed++) {
    let state = seed;
    const chance = () => {
      state = (state * 1103515245 + 12345) % 2147483648;
      return state / 2147483648;
    };
    const system = new FakeSystem();
    const work = system.operation("work", "idempotent", async (input) => {
      for (let turn = Math.floor(chance() * 12); turn > 0; turn--)
        await new Promise((resolve) => setImmediate(resolve));
      return input;
    });
    const p = processOf(async (flow) => {
      const token = flow.call(work, "token");
      const [mapped, other, won] = await flow.all([
        flow.map(
          numbers(14),
          async (n, flow, at) => {
            const shared = await token;
            const first = await flow.call(work, `m${n}`);
            const inner = at % 3 === 0 ? await flow.map(["x", "y"], async (x, f) => f.call(work, `m${n}${x}`)) : [];
            return [shared, first, inner, at % 2 === 0 ? flow.uuid() : 0] as Json;
          },
          { concurrency: 3 },
        ),
        (async () => {
          const seen: Json[] = [];
          for (let round = 0; round < 5; round++) seen.push((await flow.call(work, `o${round}`)) as Json);
          return seen;
        })(),
        flow.race({
          map: flow.map(numbers(4), async (n, f) => f.call(work, `r${n}`), { name: "racing", concurrency: 2 }),
          call: flow.call(work, "c"),
        }),
      ]);
      return [mapped, other, won.winner] as Json;
    });
    let one = await open({ processes: [p], system });
    const run = await begin(one);
    for (let restart = 0; restart < 3; restart++) {
      for (let turn = 0; turn < 30; turn++) await new Promise((resolve) => setImmediate(resolve));
      one = await restarted(one, { processes: [p], system });
    }
    const detail = await one.until(run, "completed", "parked");
    assert.equal(detail.status, "completed", `seed ${seed}: ${JSON.stringify(detail.parked)}`);
    const names = system.calls("work").map(({ input }) => String(input));
    assert.equal(new Set(names).size, names.length, `seed ${seed}`);
  }
});

test("an item that waits keeps its place through restarts, and gets its event", async () => {
  const p = processOf(async (flow) =>
    flow.map(["a", "b", "c"], async (key, flow) => flow.receive(event, { key }).then(() => key), { concurrency: 2 }),
  );
  let one = await open({ processes: [p] });
  const run = await begin(one);
  await one.until(run, "waiting");
  await go(one, "b");
  await one.when(run, ({ steps }) => steps[0]?.note?.startsWith("1 of 3") === true);
  one = await restarted(one, { processes: [p] });
  await go(one, "c");
  await go(one, "a");
  assert.deepEqual((await one.until(run, "completed", "parked")).output, ["a", "b", "c"]);
});

test("code that awaits something foreign in an item is found", async () => {
  const p = processOf(async (flow) =>
    flow.map(["a"], async () => new Promise((resolve) => setTimeout(() => resolve(1), 5))),
  );
  const one = await open({ processes: [p] });
  assert.equal((await one.until(await begin(one), "parked")).parked?.code, "process-foreign-await");
});

test("cancel while items are under way undoes what they did", async () => {
  const system = new FakeSystem();
  const slow = gate("late");
  const book = system.operation("book", "idempotent", (input, ...rest) =>
    input === 5 ? slow.behaviour(input, ...rest) : input,
  );
  const unbook = system.operation("unbook", "idempotent");
  const p = processOf(async (flow) =>
    flow.map(numbers(20), async (n, flow) => flow.call(book, n, { undo: { call: unbook, with: () => n } }), {
      concurrency: 2,
    }),
  );
  const one = await open({ processes: [p], system });
  const run = await begin(one);
  await slow.begun;
  await act(one, run, "cancel");
  slow.open();
  await one.until(run, "cancelled", "parked");
  assert.deepEqual(inputs(system, "unbook").toSorted(), inputs(system, "book").toSorted());
});
