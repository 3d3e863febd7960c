import assert from "node:assert/strict";
import { test } from "node:test";
import { openBench } from "./harness.test.ts";

const id = (n: number) => n.toString(16).padStart(32, "0");
const reserve = (n: number, expiresAt: number) => ({
  name: "publish.reserve",
  parameters: { id: id(n), fingerprint: id(0), key: "k", run: "r", expiresAt },
});

test("a key that is taken refuses its whole batch, whatever else is in it", async () => {
  await using bench = await openBench();
  const later = Date.now() + 60_000;
  assert.equal((await bench.store.submit([reserve(1, later)])).kind, "done");
  const answer = await bench.store.submit([reserve(2, later), reserve(1, later)]);
  assert.deepEqual(answer, { kind: "refused", by: "publish.reserve", answer: "taken" });
  const rows = bench.store.read.prepare("SELECT hex(id) AS id FROM publish_idempotency").all();
  assert.deepEqual(
    rows.map((row) => String(row.id).toLowerCase()),
    [id(1)],
  );
});

test("a sweep removes what is past its time, oldest first and at most 500 at a time", async () => {
  await using bench = await openBench();
  const gone = Array.from({ length: 501 }, (_, n) => reserve(n, 1 + n));
  await bench.store.submit([...gone, reserve(9999, Date.now() + 60_000)]);
  const sweep = async () =>
    (await bench.store.submit([{ name: "publish.sweep", parameters: {} }])) as { answers?: unknown[] };
  assert.deepEqual((await sweep()).answers, [500]);
  assert.deepEqual((await sweep()).answers, [1]);
  assert.deepEqual((await sweep()).answers, [0]);
  assert.equal(bench.store.read.prepare("SELECT count(*) AS n FROM publish_idempotency").get()?.n, 1);
});
