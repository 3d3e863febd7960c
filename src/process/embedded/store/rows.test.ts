/** Numbers of runs: never two runs under one, and none of a run that was rolled back. */
import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { realClock } from "../../../clock.ts";
import { storeInThread } from "../../../store/in-thread.ts";
import { portClient } from "../../../store/port-client.ts";
import { append, refused, start } from "./commands-rig.ts";
import { storePart } from "./store-part.ts";

const fenced = { kind: "refused", by: "process.append", answer: "fenced" };

function open(db = new DatabaseSync(":memory:")) {
  const store = storeInThread({
    db,
    parts: [storePart],
    clock: realClock,
    schedule: (_lane, act) => void setImmediate(act),
    onPost: () => {},
  });
  return { db, store };
}
const retain = (keyBefore = 0) => ({
  name: "process.retain",
  parameters: { process: "p", historyBefore: Date.now() + 1000, keyBefore, rows: 1000, bytes: 1e6 },
});
const rowsOf = (db: DatabaseSync) =>
  db
    .prepare("select runs.id, seq from history left join runs on runs.number = history.run order by runs.id, seq")
    .all()
    .map(({ id, seq }) => `${id} ${seq}`);
const numbersOf = (db: DatabaseSync) =>
  db
    .prepare("select number from runs order by id")
    .all()
    .map(({ number }) => number);

test("runs of all kinds of starts have numbers of their own, also after a start that was refused", async () => {
  const { db, store } = open();
  const child = { n: 1, run: "c", process: "p", key: "c", inputHash: "h", body: "[0]", wait: true };
  await store.submit([start("a"), start("b", { at: Date.now() + 1e9 })]);
  await store.submit([append("a", 1, { children: [child] })]);
  assert.equal((await store.submit([start("x", { key: "a" })])).kind, "refused");
  await store.submit([start("d", { lane: "" })]);
  const numbers = numbersOf(db);
  assert.equal(new Set(numbers).size, 4);
  assert.ok(numbers.every((number) => typeof number === "number"));
  assert.deepEqual(rowsOf(db), ["a 0", "a 1", "b 0", "c 0", "d 0"]);
});

test("a run whose start was rolled back with its batch has no number: what its worker appends is refused", async () => {
  const { db, store } = open();
  // In one group: it is done twice, the second time each batch by itself.
  const answers = await Promise.all([
    store.submit([start("a")]),
    store.submit([start("b"), refused]),
    store.submit([append("a", 1)]),
    store.submit([append("b", 1)]),
  ]);
  assert.deepEqual(
    answers.map(({ kind }) => kind),
    ["done", "refused", "done", "refused"],
  );
  assert.deepEqual(await store.submit([append("b", 1)]), fenced);
  await store.submit([start("c")]);
  await store.submit([append("c", 1), append("a", 2)]);
  assert.deepEqual(rowsOf(db), ["a 0", "a 1", "a 2", "c 0", "c 1"]);
});

test("a run whose start was taken back by a full disk has no number: what its worker appends is refused", async () => {
  const { db, store } = open();
  const worker = portClient(store.attach("worker"), () => {}, undefined, realClock.soon);
  await store.submit([start("a")]);
  const cap = (pages: number) => db.exec(`pragma max_page_count = ${pages}`);
  cap(Number(db.prepare("pragma page_count").get()?.page_count) + 4);
  const group = [start("b"), start("large", { body: JSON.stringify("x".repeat(200_000)) })];
  await assert.rejects(store.submit(group), { code: "store-full" });
  cap(1_000_000);
  assert.deepEqual(await worker.submit([append("b", 1)]), fenced);
  assert.equal((await worker.submit([append("a", 1)])).kind, "done");
  await store.submit([start("c")]);
  assert.deepEqual(rowsOf(db), ["a 0", "a 1", "c 0"]);
});

test("a run gives its number back with its history; no other run that has one gets the same, also after a restart", async () => {
  const { db, store } = open();
  for (const run of ["a", "b", "c"]) await store.submit([start(run)]);
  // The last one, so that its number is the largest.
  await store.submit([append("c", 1, { status: "completed" })]);
  await store.submit([retain()]);
  assert.deepEqual(rowsOf(db), ["a 0", "b 0"]);
  assert.deepEqual(await store.submit([append("c", 2)]), fenced);
  const again = open(db);
  await again.store.submit([start("d")]);
  await again.store.submit([start("e"), append("d", 1), append("a", 1)]);
  assert.deepEqual(await again.store.submit([append("c", 2)]), fenced);
  assert.deepEqual(numbersOf(db), [1, 2, null, 3, 4]);
  assert.deepEqual(rowsOf(db), ["a 0", "a 1", "b 0", "d 0", "d 1", "e 0"]);
  await again.store.submit([retain(Date.now() + 1000)]);
  assert.deepEqual(numbersOf(db), [1, 2, 3, 4]);
});

test("a start never joins rows that stand under its number already: it is done again under the next", async () => {
  const { db, store } = open();
  await store.submit([start("a")]);
  db.exec("insert into history (run, seq, body, sum) values (2, 0, '[]', 0)");
  await store.submit([start("b")]);
  await store.submit([append("b", 1)]);
  assert.deepEqual(numbersOf(db), [1, 3]);
  assert.deepEqual(rowsOf(db), ["null 0", "a 0", "b 0", "b 1"]);
});
