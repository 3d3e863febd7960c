/** What the writer remembers of runs goes with what was rolled back. */
import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { realClock } from "../../../clock.ts";
import { storeInThread } from "../../../store/in-thread.ts";
import { portClient } from "../../../store/port-client.ts";
import type { AppendParameters, StartParameters } from "../wire.ts";
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
const start = (run: string, more: Partial<StartParameters> = {}) => ({
  name: "process.start",
  parameters: {
    run,
    process: "p",
    key: run,
    inputHash: "h",
    version: "v",
    origin: "test",
    told: true,
    body: "[0]",
    ...more,
  } satisfies StartParameters,
});
const append = (run: string, seq: number, more: Partial<AppendParameters> = {}) => ({
  name: "process.append",
  parameters: { run, seq, body: `[${seq}]`, ...more } satisfies AppendParameters,
});
/** Is refused, whatever came before it in its batch. */
const refused = { name: "process.answer", parameters: { task: "none", by: "olivia", answer: "null" } };
const rowsOf = (db: DatabaseSync) =>
  db
    .prepare("select run, seq from history order by run, seq")
    .all()
    .map(({ run, seq }) => `${run} ${seq}`);
test("a run whose start was rolled back with its batch has no rows: what its worker appends is refused", async () => {
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

test("a run whose start was taken back by a full disk has no rows: what its worker appends is refused", async () => {
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
