import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { Worker } from "node:worker_threads";
import { MortiseError } from "../errors.ts";
import { openPermits, type PermitTable, permitTable, reclaim, type SystemPermits } from "./permits.ts";

const soon = () => Date.now() + 5_000;

function permits(limit: number): { table: PermitTable; erp: SystemPermits } {
  const table = permitTable(
    new Map([
      ["shop", 3],
      ["erp", limit],
    ]),
  );
  return { table, erp: openPermits(table, 0).get("erp") as SystemPermits };
}

test("a free permit is given at once, never more than the limit", () => {
  const { erp } = permits(3);
  const given = [erp.acquire(soon()), erp.acquire(soon()), erp.acquire(soon())];
  assert.ok(given.every((permit) => typeof permit === "number"));
  assert.equal(new Set(given).size, 3);
  assert.equal(erp.taken(), 3);
});

test("who waits longest gets the next permit", async () => {
  const { erp } = permits(1);
  const first = erp.acquire(soon()) as number;
  const order: string[] = [];
  const take = async (name: string) => {
    const permit = await erp.acquire(soon());
    order.push(name);
    erp.release(permit);
  };
  const all = ["a", "b", "c"].map(take);
  erp.release(first);
  await Promise.all(all);
  assert.deepEqual(order, ["a", "b", "c"]);
  assert.equal(erp.taken(), 0);
});

test("waiting ends at the deadline and at the signal, with outcome none, and takes nothing", async () => {
  const { erp } = permits(1);
  const held = erp.acquire(soon()) as number;
  const code = (wanted: string) => (error: unknown) =>
    error instanceof MortiseError && error.code === wanted && error.outcome === "none" && error.class === "retry";
  await assert.rejects(Promise.resolve(erp.acquire(Date.now() + 20)), code("outbound-busy"));
  const controller = new AbortController();
  const waiting = Promise.resolve(erp.acquire(soon(), controller.signal));
  controller.abort();
  await assert.rejects(waiting, code("outbound-aborted"));
  await assert.rejects(Promise.resolve(erp.acquire(soon(), AbortSignal.abort())), code("outbound-aborted"));
  erp.release(held);
  assert.equal(typeof erp.acquire(soon()), "number");
});

test("a permit given back twice frees nobody else's", () => {
  const { table, erp } = permits(1);
  const other = openPermits(table, 1).get("erp") as SystemPermits;
  const permit = erp.acquire(soon()) as number;
  erp.release(permit);
  assert.equal(other.acquire(soon()), permit);
  erp.release(permit);
  assert.equal(erp.taken(), 1);
});

const hold = `
  const { workerData, parentPort } = require("node:worker_threads");
  import(workerData.module).then(async ({ openPermits }) => {
    const erp = openPermits(workerData.table, workerData.slot).get("erp");
    for (let i = 0; i < workerData.take; i += 1) await erp.acquire(Date.now() + 5000);
    parentPort.postMessage("held");
    setInterval(() => {}, 1000);
  });`;
const churn = `
  const { workerData, parentPort } = require("node:worker_threads");
  import(workerData.module).then(async ({ openPermits }) => {
    const erp = openPermits(workerData.table, workerData.slot).get("erp");
    const peak = new Int32Array(workerData.peak);
    const one = async () => {
      for (let i = 0; i < 200; i += 1) {
        const permit = await erp.acquire(Date.now() + 20000);
        const now = Atomics.add(peak, 0, 1) + 1;
        if (now > Atomics.load(peak, 1)) Atomics.store(peak, 1, now);
        if (i % 10 === 0) await new Promise(setImmediate);
        Atomics.sub(peak, 0, 1);
        erp.release(permit);
      }
    };
    await Promise.all([one(), one(), one(), one()]);
    parentPort.postMessage("done");
  });`;
const module = new URL("./permits.ts", import.meta.url).href;

test("what a dead thread held is given back, and waiting threads hear of it", async () => {
  const { table, erp } = permits(2);
  const worker = new Worker(hold, { eval: true, workerData: { module, table, slot: 7, take: 2 } });
  await once(worker, "message");
  assert.equal(erp.taken(), 2);
  const waiting = erp.acquire(soon());
  assert.ok(waiting instanceof Promise);
  await worker.terminate();
  assert.equal(erp.taken(), 2, "not given back by itself");
  assert.equal(reclaim(table, 7), 2);
  assert.equal(typeof (await waiting), "number");
  assert.equal(erp.taken(), 1);
});

test("three threads under contention never exceed the limit, and all finish", async () => {
  const { table, erp } = permits(2);
  const peak = new SharedArrayBuffer(8);
  const workers = [0, 1, 2].map((slot) => new Worker(churn, { eval: true, workerData: { module, table, slot, peak } }));
  await Promise.all(workers.map((worker) => once(worker, "message")));
  await Promise.all(workers.map((worker) => worker.terminate()));
  assert.equal(new Int32Array(peak)[1], 2);
  assert.equal(erp.taken(), 0);
});
