/** Ends of runs: what is remembered of a run is what its row says, what is counted once for a group is what ended, and nothing is left in the inbox. */
import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { realClock } from "../../../clock.ts";
import { storeInThread } from "../../../store/in-thread.ts";
import { portClient } from "../../../store/port-client.ts";
import { portName, type ToFront } from "../wire.ts";
import { append, refused, start } from "./commands-rig.ts";
import { storePart } from "./store-part.ts";

function open() {
  const db = new DatabaseSync(":memory:");
  const posts: ToFront[] = [];
  const store = storeInThread({
    db,
    parts: [storePart],
    clock: realClock,
    schedule: (_lane, act) => void setImmediate(act),
    onPost: (messages) => posts.push(...(messages as ToFront[])),
  });
  const settled = () =>
    posts
      .filter((one) => one.kind === "settled")
      .map(({ run, process, key, version, status }) => ({ run, process, key, version, status }));
  const totals = () =>
    db
      .prepare("select process, status, runs from run_totals order by process, status")
      .all()
      .map(({ process, status, runs }) => `${process} ${status} ${runs}`);
  return { db, store, settled, totals };
}
const end = (run: string, seq = 1) => append(run, seq, { status: "completed" });

test("an end tells of its run what its row says, whether it is remembered or not", async () => {
  const { store, settled } = open();
  await store.submit([start("a", { key: "key of a" })]);
  // A rollback: nothing is remembered after it.
  await store.submit([start("b"), refused]);
  await store.submit([start("c", { process: "q", key: "key of c" })]);
  await store.submit([end("a"), end("c")]);
  assert.deepEqual(settled(), [
    { run: "a", process: "p", key: "key of a", version: "v1", status: "completed" },
    { run: "c", process: "q", key: "key of c", version: "v1", status: "completed" },
  ]);
});

test("a run that was moved to another version while it was under way ends as one of that version", async () => {
  const { store, settled } = open();
  await store.submit([start("a")]);
  const move = { run: "a", from: "v1", to: "v2", seq: 1, body: "[1]", goesOn: false };
  await store.submit([{ name: "process.move", parameters: move }]);
  await store.submit([end("a", 2)]);
  assert.equal(settled()[0]?.version, "v2");
});

test("who waits for a run that began before it was waited for is told of its end", async () => {
  const { db, store } = open();
  const child = { n: 1, run: "other", process: "p", key: "child", inputHash: "h", body: "[0]", wait: true };
  // It has the key already, and began as one that nobody waits for.
  await store.submit([start("child")]);
  await store.submit([start("parent")]);
  await store.submit([append("parent", 1, { children: [child] })]);
  await store.submit([end("child")]);
  const told = db.prepare("select run, kind, body from inbox").all();
  assert.deepEqual(
    told.map(({ run, kind, body }) => [run, kind, JSON.parse(body as string)]),
    [["parent", "child", { kind: "ended", run: "child" }]],
  );
});

test("the place of a run with limits is free again when it ends", async () => {
  const { store, settled } = open();
  await store.submit([{ name: "process.limits", parameters: [{ process: "p", concurrency: 1 }] }]);
  await store.submit([start("a", { lane: "" })]);
  await store.submit([start("b", { lane: "" })]);
  await store.submit([end("a")]);
  await store.submit([append("b", 2)]);
  await store.submit([end("b", 3)]);
  assert.deepEqual(
    settled().map(({ run }) => run),
    ["a", "b"],
  );
});

test("ends are counted once each: in one group, by process and status, beside batches that are refused", async () => {
  const { store, totals } = open();
  const runs = ["a", "b", "c", "d", "e"];
  await store.submit(runs.map((run) => start(run, { process: run === "e" ? "q" : "p" })));
  await Promise.all([
    store.submit([end("a"), end("b")]),
    store.submit([append("c", 1, { status: "rejected" })]),
    // Counted, and taken back.
    store.submit([end("d"), refused]),
    store.submit([end("e")]),
  ]);
  assert.deepEqual(totals(), ["p completed 2", "p rejected 1", "q completed 1"]);
  await store.submit([end("d")]);
  assert.deepEqual(totals(), ["p completed 3", "p rejected 1", "q completed 1"]);
});

test("a run that ends and is removed in one group is counted and no longer counted", async () => {
  const { store, totals } = open();
  await store.submit([start("a"), start("b")]);
  const retain = {
    name: "process.retain",
    parameters: {
      process: "p",
      historyBefore: Date.now() + 1000,
      keyBefore: Date.now() + 1000,
      rows: 1000,
      bytes: 1e6,
    },
  };
  await store.submit([end("a"), end("b"), retain]);
  assert.deepEqual(totals(), ["p completed 0"]);
});

test("what was delivered to a run and not taken in goes with its end, and an empty inbox stays known as empty", async () => {
  const { db, store } = open();
  const taken: unknown[] = [];
  const worker = portClient(
    store.attach(portName("v1")),
    (messages) => taken.push(...messages),
    undefined,
    realClock.soon,
  );
  const inbox = () => Number(db.prepare("select count(*) as rows from inbox").get()?.rows);
  const act = { kind: "pause" };
  const operate = (run: string) => ({
    name: "process.operate",
    parameters: { run, body: JSON.stringify({ operation: act, actor: { by: "olivia", reason: "r" } }), stored: "{}" },
  });
  for (const run of ["a", "b"]) {
    await store.submit([start(run)]);
    await store.submit([operate(run)]);
    assert.equal(inbox(), 1, run);
    await worker.submit([end(run)]);
    assert.equal(inbox(), 0, run);
    // Its worker took nothing in: the inbox is looked at again, and is empty.
    await store.submit([start(`${run}2`)]);
    await worker.submit([end(`${run}2`)]);
  }
  assert.equal(taken.filter((one) => (one as { kind: string }).kind === "deliver").length, 2);
});
