import assert from "node:assert/strict";
import { test } from "node:test";
import { RepeatCounts } from "./key-repeats.ts";
import type { RepeatedParameters } from "./store-part.ts";

/** A store that writes when the test says so. */
function slowStore() {
  const asked: { readonly repeats: RepeatedParameters["repeats"]; readonly end: (error?: Error) => void }[] = [];
  const write = (repeats: RepeatedParameters["repeats"]) =>
    new Promise<void>((resolve, reject) => {
      asked.push({ repeats, end: (error) => (error === undefined ? resolve() : reject(error)) });
    });
  return { asked, write };
}
const settled = () => new Promise((resolve) => setImmediate(resolve));

test("a repeat is counted once at every moment: held, given to the store, in the record", async () => {
  const counts = new RepeatCounts(() => 1000);
  const { asked, write } = slowStore();
  counts.note("a", "replayed");
  counts.note("a", "reused");
  assert.deepEqual(counts.since("a", null), { replayed: 1, inFlight: 0, reused: 1, at: 1000 });
  const flushed = counts.flush(write);
  await settled();
  assert.deepEqual(asked[0]?.repeats, [{ id: "a", replayed: 1, inFlight: 0, reused: 1, at: 1000 }]);
  // Not in the record yet; and in it, before the store has said so.
  assert.equal(counts.since("a", null)?.replayed, 1);
  assert.equal(counts.since("a", 1000), undefined);
  // In the same millisecond: it is not in what was given.
  counts.note("a", "replayed");
  assert.deepEqual(counts.since("a", null), { replayed: 2, inFlight: 0, reused: 1, at: 1001 });
  assert.deepEqual(counts.since("a", 1000), { replayed: 1, inFlight: 0, reused: 0, at: 1001 });
  asked[0]?.end();
  await flushed;
  assert.deepEqual(counts.since("a", 1000), { replayed: 1, inFlight: 0, reused: 0, at: 1001 });
  assert.equal(counts.since("b", null), undefined);
});

test("what the store did not take is held again, with what came meanwhile", async () => {
  const counts = new RepeatCounts(() => 1000);
  const { asked, write } = slowStore();
  counts.note("a", "replayed");
  counts.note("b", "inFlight");
  const failing = counts.flush(write);
  await settled();
  counts.note("a", "replayed");
  asked[0]?.end(new Error("full"));
  await assert.rejects(failing, /full/);
  assert.deepEqual(counts.since("a", null), { replayed: 2, inFlight: 0, reused: 0, at: 1001 });
  const again = counts.flush(write);
  await settled();
  assert.deepEqual(asked[1]?.repeats.map(({ id, replayed, inFlight }) => [id, replayed, inFlight]).sort(), [
    ["a", 2, 0],
    ["b", 0, 1],
  ]);
  asked[1]?.end();
  await again;
  assert.equal(counts.since("a", 1001), undefined);
});

test("a store that takes nothing for long fills no memory", async () => {
  const counts = new RepeatCounts(() => 1000);
  const { asked, write } = slowStore();
  for (let round = 0; round < 3; round++) {
    for (let at = 0; at < 7000; at++) counts.note(`${round} ${at}`, "replayed");
    const failing = counts.flush(write);
    await settled();
    for (let at = 0; at < 7000; at++) counts.note(`${round} late ${at}`, "replayed");
    asked.at(-1)?.end(new Error("full"));
    await assert.rejects(failing, /full/);
  }
  let held = 0;
  await counts.flush(async (repeats) => {
    held = repeats.length;
  });
  assert.equal(held, 10_000);
});

test("one is written after the other, and nothing where nothing came again", async () => {
  const counts = new RepeatCounts(() => 1000);
  const { asked, write } = slowStore();
  counts.note("a", "replayed");
  const first = counts.flush(write);
  await settled();
  counts.note("a", "replayed");
  const second = counts.flush(write);
  const third = counts.flush(write);
  await settled();
  assert.equal(asked.length, 1);
  asked[0]?.end();
  await first;
  await settled();
  assert.equal(asked.length, 2);
  asked[1]?.end();
  await Promise.all([second, third]);
  assert.equal(asked.length, 2);
});
