/** Rehearsals and moves of runs with children or maps, also after a rewind. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { type AnyProcess, defineProcess } from "../../define.ts";
import { anything, FakeSystem, failing, type Rig } from "../engine-harness.ts";
import { defaultLimits } from "../history/json-text.ts";
import type { HistoryRecord } from "../history/records.ts";
import { act, anna, begin, endRigs, open, processOf, type RigOptions, restarted } from "../operating-rig.ts";
import type { Verdict } from "../verdict.ts";
import { rehearse } from "./rehearsal.ts";

endRigs();
const event = { kind: "event", system: "carrier", name: "shipped" } as const;
const tell = ({ engine }: Rig, key: string) =>
  engine.signal({ system: "carrier", event: "shipped", key, payload: `S-${key}`, delivery: `d-${key}` });
const child = defineProcess({
  name: "child",
  input: anything,
  key: () => "c",
  run: (flow) => flow.receive(event, { key: "c" }),
});

/** Two versions of the process p; `system` is shared. */
function versions(system: FakeSystem, first: AnyProcess["run"], second: AnyProcess["run"]): RigOptions {
  return {
    processes: [],
    versions: { v1: [processOf(first), child], v2: [processOf(second), child] },
    system,
  };
}

function rehearsed({ folder }: Rig, run: string, code: AnyProcess["run"], system: FakeSystem): Promise<Verdict> {
  const db = new DatabaseSync(join(folder, "mortise.db"), { readOnly: true });
  const rows = db
    .prepare("select body from history where run = (select number from runs where id = ?) order by seq")
    .all(run) as { body: string }[];
  db.close();
  return rehearse({
    identity: { id: run, key: "k", process: "p", version: "v2" },
    process: processOf(code),
    validateState: () => [],
    validateOutput: () => [],
    records: rows.flatMap(({ body }) => JSON.parse(body) as HistoryRecord[]),
    valueLimits: defaultLimits,
    operation: (name) => system.find(name),
    now: Date.now,
    soon: (act) => void setImmediate(act),
  });
}

test("a run that waits for a child moves; the child stays, and its end, or its parent's undo, finds the other", async () => {
  for (const ends of ["completed", "cancelled"] as const) {
    for (const moves of ["parent", "child", "both"]) {
      const system = new FakeSystem();
      const a = system.operation("a", "idempotent", () => "A");
      const options = versions(
        system,
        async (flow) => [await flow.child(child, {})],
        async (flow) => [await flow.child(child, {}), await flow.call(a, {})],
      );
      let one = await open(options);
      const run = await begin(one);
      await one.until(run, "waiting");
      const id = one.engine.runByKey("child", "c")?.id as string;
      await one.until(id, "waiting");
      if (moves !== "child") assert.equal((await one.engine.move(run, "v2", anna)).kind, "moved");
      if (moves !== "parent") assert.equal((await one.engine.move(id, "v2", anna)).kind, "moved");
      one = await restarted(one, options);
      if (ends === "completed") await tell(one, "c");
      else await act(one, run, "cancel");
      const ended = await one.until(run, "completed", "cancelled");
      assert.equal(ended.status, ends);
      assert.equal((await one.until(id, "completed", "cancelled")).status, ends);
      if (ends === "completed") assert.deepEqual(ended.output, moves === "child" ? ["S-c"] : ["S-c", "A"]);
    }
  }
});

test("a child of another process, or one that is not waited for, is another ask: the move is refused", async () => {
  const system = new FakeSystem();
  const options = versions(
    system,
    (flow) => flow.child(child, {}),
    (flow) => flow.child(child, {}, { wait: false }),
  );
  const one = await open(options);
  const run = await begin(one);
  await one.until(run, "waiting");
  const answer = await one.engine.move(run, "v2", anna);
  assert.equal(answer.kind === "refused" && answer.verdict.kind, "diverges");
  await tell(one, "c");
  assert.equal((await one.until(run, "completed")).output, "S-c");
});

test("a run moves in the middle of a map: items that are over are not called, the others go on with the new code", async () => {
  const system = new FakeSystem();
  const a = system.operation("a", "unrepeatable", (input) => input);
  const called: string[] = [];
  const options = versions(
    system,
    (flow) =>
      flow.map(["k0", "k1", "k2"], async (key, item) => [await item.receive(event, { key }), await item.call(a, key)], {
        concurrency: 2,
      }),
    (flow) =>
      flow.map(
        ["k0", "k1", "k2"],
        async (key, item) => {
          called.push(key);
          return [await item.receive(event, { key }), await item.call(a, key), "new"];
        },
        { concurrency: 2 },
      ),
  );
  let one = await open(options);
  const run = await begin(one);
  await one.until(run, "waiting");
  await tell(one, "k1");
  await one.when(run, ({ steps }) => steps.some(({ note }) => note === "1 of 3 items are over"));
  assert.equal((await one.engine.move(run, "v2", anna)).kind, "moved");
  one = await restarted(one, options);
  for (const key of ["k0", "k2"]) await tell(one, key);
  assert.deepEqual((await one.until(run, "completed")).output, [
    ["S-k0", "k0", "new"],
    ["S-k1", "k1"],
    ["S-k2", "k2", "new"],
  ]);
  assert.ok(!called.includes("k1"));
  assert.equal(system.calls("a").length, 3);
});

test("rehearsals of histories with maps and children, also rewound ones: what follows continues, what differs is named", async () => {
  const system = new FakeSystem();
  let broken = true;
  const a = system.operation("a", "unrepeatable", (input) => input);
  const c = system.operation("c", "unrepeatable", () => {
    if (broken) throw failing("none", "give-up");
    return "C";
  });
  const code =
    (concurrency: number, more: AnyProcess["run"]): AnyProcess["run"] =>
    async (flow, input) => [
      await flow.all([
        flow.map(["k0", "k1"], async (key, item) => [await item.receive(event, { key }), await item.call(a, key)], {
          concurrency,
        }),
        flow.child(child, {}),
        flow.call(c, {}),
      ]),
      await more(flow, input),
    ];
  const same = code(1, async () => null);
  const p = processOf(same);
  const one = await open({ processes: [p, child], system });
  const run = await begin(one);
  await one.until(run, "parked");
  await tell(one, "k0");
  await one.when(run, ({ steps }) => steps.some(({ note }) => note === "1 of 2 items are over"));
  const calls = () => system.received.length;
  const look = async (after: string) => {
    const before = calls();
    assert.equal((await rehearsed(one, run, same, system)).kind, "continues", after);
    const longer = code(1, (flow) => flow.receive(event, { key: "more" }));
    assert.equal((await rehearsed(one, run, longer, system)).kind, "continues", after);
    const wider = await rehearsed(
      one,
      run,
      code(2, async () => null),
      system,
    );
    assert.equal(wider.kind, "diverges", after);
    assert.equal(wider.kind === "diverges" && wider.step, "map");
    assert.equal(calls(), before);
  };
  await look("an item is over");
  broken = false;
  await act(one, run, { kind: "rewind", to: "child" });
  await one.until(run, "waiting");
  await look("it was rewound beside the map");
  await tell(one, "k1");
  await tell(one, "c");
  assert.deepEqual((await one.until(run, "completed")).output, [
    [
      [
        ["S-k0", "k0"],
        ["S-k1", "k1"],
      ],
      "S-c",
      "C",
    ],
    null,
  ]);
});
