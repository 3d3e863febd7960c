import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { type OpenedStore, openStore } from "../../../store/open.ts";
import { newRunId } from "../history/run-id.ts";
import type { AppendParameters } from "../wire.ts";

async function withStore(body: (store: OpenedStore) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "mortise-part-"));
  const store = await openStore({
    file: join(folder, "store.db"),
    parts: [new URL(`./store-part${import.meta.url.slice(-3)}`, import.meta.url).href],
  });
  try {
    await body(store);
  } finally {
    await store.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function started(store: OpenedStore, key: string): Promise<string> {
  const run = newRunId(Date.now());
  const parameters = {
    run,
    process: "p",
    key,
    inputHash: "h",
    version: "v",
    origin: "test",
    told: false,
    body: '[{"t":"start","at":1,"input":null}]',
  };
  await store.submit([{ name: "process.start", parameters }]);
  return run;
}
const append = (store: OpenedStore, parameters: AppendParameters) =>
  store.submit([{ name: "process.append", parameters }]);
const count = (store: OpenedStore, table: string) =>
  Number(store.read.prepare(`select count(*) as n from ${table}`).get()?.n);

test("a late writer of a run is fenced off, and changes nothing", async () => {
  await withStore(async (store) => {
    const run = await started(store, "k");
    assert.equal((await append(store, { run, seq: 1, body: "[1]" })).kind, "done");
    const late = await append(store, { run, seq: 1, body: "[2]", status: "completed", timers: [{ n: 1, due: 5e12 }] });
    assert.deepEqual(late, { kind: "refused", by: "process.append", answer: "fenced" });
    assert.equal(store.read.prepare("select status from runs where id = ?").get(run)?.status, "running");
    assert.equal(count(store, "timers"), 0);
    assert.deepEqual(
      store.read
        .prepare("select body from history where run = (select number from runs where id = ?) and seq = 1")
        .all(run)
        .map(({ body }) => body),
      ["[1]"],
    );
  });
});

test("a run that has ended keeps no wait, no timer, no open task and no delivery", async () => {
  await withStore(async (store) => {
    const run = await started(store, "k");
    const task = {
      n: 3,
      id: "t",
      process: "p",
      runKey: "k",
      name: "t",
      title: "T",
      assign: "a",
      input: "null",
      form: "{}",
    };
    await append(store, {
      run,
      seq: 1,
      body: "[]",
      waits: [{ n: 1, event: "e", key: "k", due: 5e12 }],
      timers: [{ n: 2, due: 5e12 }],
      tasks: [task],
    });
    assert.deepEqual([count(store, "waits"), count(store, "timers")], [1, 2]);
    await append(store, { run, seq: 2, body: "[]", drop: true, status: "cancelled" });
    assert.deepEqual([count(store, "waits"), count(store, "timers"), count(store, "inbox")], [0, 0, 0]);
    assert.equal(store.read.prepare("select status from tasks").get()?.status, "closed");
    const signal = { event: "e", key: "k", payload: "1", delivery: "d" };
    assert.deepEqual(await store.submit([{ name: "process.signal", parameters: signal }]), {
      kind: "done",
      answers: ["kept"],
    });
    const operate = await store.submit([{ name: "process.operate", parameters: { run, body: "{}" } }]);
    assert.deepEqual(operate, { kind: "refused", by: "process.operate", answer: "cancelled" });
  });
});

test("an event that came for a receive which loses its race in the very same append is kept, also if its delivery was dropped there", async () => {
  await withStore(async (store) => {
    const run = await started(store, "k");
    await append(store, { run, seq: 1, body: "[]", waits: [{ n: 1, event: "e", key: "k" }] });
    const signal = { event: "e", key: "k", payload: "1", delivery: "d" };
    await store.submit([{ name: "process.signal", parameters: signal }]);
    const delivered = Number(store.read.prepare("select id from inbox where run = ?").get(run)?.id);
    await append(store, { run, seq: 2, body: "[]", consume: [delivered], release: [1] });
    assert.equal(count(store, "inbox"), 0);
    const kept = store.read.prepare("select run, payload, dropped from signals").get();
    assert.deepEqual({ ...kept }, { run: null, payload: "1", dropped: 0 });
    const next = await started(store, "next");
    await append(store, { run: next, seq: 1, body: "[]", waits: [{ n: 1, event: "e", key: "k" }] });
    assert.equal(store.read.prepare("select body from inbox where run = ?").get(next)?.body, "1");
  });
});

test("of two runs that wait for the same event the one that waits longer gets it", async () => {
  await withStore(async (store) => {
    const second = await started(store, "began earlier");
    const first = await started(store, "waits earlier");
    for (const run of [first, second])
      await append(store, { run, seq: 1, body: "[]", waits: [{ n: 1, event: "e", key: "k" }] });
    const signal = (delivery: string) =>
      store.submit([{ name: "process.signal", parameters: { event: "e", key: "k", payload: "1", delivery } }]);
    await signal("d1");
    assert.deepEqual(
      store.read
        .prepare("select run from inbox")
        .all()
        .map(({ run }) => run),
      [first],
    );
    await signal("d2");
    assert.deepEqual(
      store.read
        .prepare("select run from inbox order by id")
        .all()
        .map(({ run }) => run),
      [first, second],
    );
  });
});

test("ids of runs are ordered by time and never the same", () => {
  const ids = Array.from({ length: 5000 }, (_, index) => newRunId(1_000_000 + index));
  assert.equal(new Set(ids).size, ids.length);
  assert.deepEqual([...ids].sort(), ids);
  assert.ok(ids.every((id) => /^[0-9a-hjkmnp-tv-z]{20}$/.test(id)));
});
