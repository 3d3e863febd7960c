import assert from "node:assert/strict";
import { test } from "node:test";
import { failure } from "../errors.ts";
import { createLog } from "../observe/log.ts";
import { createRedactor } from "../observe/redact.ts";
import type { CallResult, JsonSchema, Schema } from "../operation.ts";
import { defineApi } from "./define.ts";
import { assertProblem, getStock, openBench, ordersOptions } from "./harness.test.ts";
import { get } from "./operations.ts";

const stock = "/orders/v1/stock";

test("a straight call answers with the system's output, and reuses it for the time stated", async () => {
  await using bench = await openBench();
  assert.deepEqual((await bench.ask("GET", `${stock}/rope?limit=5`)).json, { sku: "rope", onHand: 7 });
  const input = bench.backend.called[0]?.input as object;
  assert.deepEqual({ ...input }, { sku: "rope", limit: 5 });
  assert.ok(!("constructor" in input), "nothing is inherited");
  await bench.ask("GET", `${stock}/rope?limit=5`);
  assert.equal(bench.backend.called.length, 1);
  await bench.ask("GET", `${stock}/rope`);
  assert.equal(bench.backend.called.length, 2);
  bench.time.now += 999;
  await bench.ask("GET", `${stock}/rope?limit=5`);
  assert.equal(bench.backend.called.length, 2);
  bench.time.now += 1;
  await bench.ask("GET", `${stock}/rope?limit=5`);
  assert.equal(bench.backend.called.length, 3);
});

test("identical reads in flight are one call; a failed one is not kept", async () => {
  await using bench = await openBench();
  const gate = Promise.withResolvers<CallResult>();
  bench.backend.answer = () => gate.promise;
  const asked = [1, 2, 3].map(() => bench.ask("GET", `${stock}/rope`));
  gate.reject(failure("system-unavailable", {}, { class: "wait", retryAfterMs: 2500 }));
  for (const answer of await Promise.all(asked)) {
    assertProblem(answer, 503, "system-unavailable");
    assert.equal(answer.headers["retry-after"], "3");
  }
  assert.equal(bench.backend.called.length, 1);
  bench.backend.answer = () => ({ ok: true, output: null });
  assert.equal((await bench.ask("GET", `${stock}/rope`)).status, 200);
});

test("a read that many wait for and that fails is one line of the log with their number; alone it is a line without", async (t) => {
  await using bench = await openBench();
  const lines: Record<string, unknown>[] = [];
  const write = (line: string) => void lines.push(JSON.parse(line));
  const log = createLog({ level: "info", redactor: createRedactor(), write });
  t.after(log.close);
  const failed = () => lines.splice(0).filter(({ channel }) => channel === "publish:failure");
  const gate = Promise.withResolvers<CallResult>();
  bench.backend.answer = () => gate.promise;
  const asked = Array.from({ length: 300 }, () => bench.ask("GET", `${stock}/rope`));
  gate.reject(failure("system-unavailable", {}, { class: "wait" }));
  for (const answer of await Promise.all(asked)) assertProblem(answer, 503, "system-unavailable");
  const [one, ...more] = failed();
  assert.deepEqual([one?.level, one?.msg, one?.requests, more], ["error", "request failed", 300, []]);
  bench.backend.answer = () => {
    throw failure("system-unavailable", {}, { class: "wait" });
  };
  for (let n = 0; n < 2; n++) assertProblem(await bench.ask("GET", `${stock}/rope`), 503, "system-unavailable");
  assert.deepEqual(
    failed().map(({ level, requests }) => [level, requests]),
    [
      ["error", undefined],
      ["error", undefined],
    ],
  );
});

test("what responds makes of a request is for that request alone, though another one asks the system the same", async () => {
  const note = { type: "string" } as const;
  const answer = { type: "object", properties: { onHand: { type: "integer" }, note }, required: ["onHand", "note"] };
  const request = { type: "object", properties: { sku: note, note }, required: ["sku", "note"] };
  const schema = <T>(json: object): Schema<T> => ({ kind: "schema", json: json as JsonSchema });
  const mine = get("/mine/{sku}", {
    scope: "stock:read",
    calls: getStock,
    cache: "1m",
    accepts: { body: schema<{ sku: string; note: string }>(request), map: ({ sku }) => ({ sku }) },
    responds: {
      body: schema<{ onHand: number; note: string }>(answer),
      map: ({ onHand }, { request }) => ({ onHand, note: (request as { note: string }).note }),
    },
  });
  await using bench = await openBench({ apis: [defineApi({ ...ordersOptions, operations: { mine } })] });
  const [one, two] = await Promise.all(
    ["one", "two"].map((said) => bench.ask("GET", `/orders/v1/mine/rope?note=${said}`)),
  );
  assert.deepEqual(
    [one?.json, two?.json],
    [
      { onHand: 7, note: "one" },
      { onHand: 7, note: "two" },
    ],
  );
  const third = await bench.ask("GET", "/orders/v1/mine/rope?note=three");
  assert.deepEqual(third.json, { onHand: 7, note: "three" });
  assert.equal(bench.backend.called.length, 3);
  assert.deepEqual((await bench.ask("GET", "/orders/v1/mine/rope?note=one")).json, { onHand: 7, note: "one" });
  assert.equal(bench.backend.called.length, 3, "the same request is answered from what is kept");
});

test("a call has the deadline of its operation, and is broken off when the publisher is closed", async () => {
  await using bench = await openBench();
  bench.backend.answer = (_input, { signal, deadline }) =>
    new Promise<CallResult>((_resolve, reject) => {
      assert.ok(deadline - Date.now() > 9000 && deadline - Date.now() <= 10_000);
      signal.addEventListener("abort", () => reject(failure("outbound-aborted", { host: "warehouse" })), {
        once: true,
      });
    });
  const asked = bench.ask("GET", `${stock}/rope`);
  while (bench.backend.called.length === 0) await new Promise(setImmediate);
  await bench.publisher.close();
  assert.ok((await asked).status >= 500);
});

test("PD-8: a declared fault has its own status where the API maps it, and else hides its detail", async () => {
  await using bench = await openBench();
  const fault = (name: string): CallResult => ({ ok: false, fault: { name, message: "ORA-1", detail: { sku: "x" } } });
  bench.backend.answer = () => fault("UnknownSku");
  const mapped = await bench.ask("GET", `${stock}/x`);
  assertProblem(mapped, 404, "fault-declared");
  assert.deepEqual([mapped.json.fault, mapped.json.faultDetail], ["UnknownSku", { sku: "x" }]);
  bench.backend.answer = () => fault("Other");
  const other = await bench.ask("GET", `${stock}/x`);
  assertProblem(other, 422, "fault-declared");
  assert.equal(other.json.faultDetail, undefined);
  assert.ok(!other.text.includes("ORA-1"));
});

test("PD-5: a failed system is 502 or 504, and neither its host nor its words are shown", async () => {
  await using bench = await openBench();
  bench.backend.answer = () => {
    throw failure("contract-output", { operation: "erp.internal", problems: "password" }, { outcome: "unknown" });
  };
  const read = await bench.ask("GET", `${stock}/x`);
  assertProblem(read, 502, "system-failed");
  assert.ok(!read.text.includes("erp.internal"));
  const write = await bench.ask("POST", "/orders/v1/holds", { body: { reference: "r" } });
  assertProblem(write, 504, "system-outcome-unknown");
  assert.equal(bench.backend.called.length, 2);
});

test("each straight call that is no read has an effect key of its own", async () => {
  await using bench = await openBench();
  await bench.ask("POST", "/orders/v1/holds", { body: { reference: "r" } });
  await bench.ask("POST", "/orders/v1/holds", { body: { reference: "r" } });
  assert.equal(new Set(bench.backend.called.map(({ key }) => key)).size, 2);
});
