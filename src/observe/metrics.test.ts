import assert from "node:assert/strict";
import { channel } from "node:diagnostics_channel";
import test from "node:test";
import { createMetrics } from "./metrics.ts";

test("facts are counted under bounded labels, without keys", async (t) => {
  const metrics = createMetrics({
    runs: () => [{ process: "p", status: "waiting", runs: 7 }],
    openTasks: () => 2,
    systems: () => ["erp", "shop"],
    away: () => ["erp"],
  });
  t.after(metrics.close);
  channel("mortise:process:run").publish({
    run: "r1",
    key: "order-of-acme",
    process: "p",
    status: "completed",
    durationMs: 2000,
  });
  channel("mortise:publish:request").publish({
    api: "orders",
    operation: "placeOrder",
    consumer: "acme",
    status: 202,
    durationMs: 4,
  });
  channel("mortise:process:attempts").publish({
    what: "erp.createSalesOrder",
    outcome: "retry/unknown",
    times: 3,
    ms: 1500,
  });
  channel("mortise:server:outbound").publish({ class: "2xx", times: 4, ms: 2000 });
  for (const still of [false, true, true])
    channel("mortise:server:circuit").publish({ system: "erp", state: "open", still });
  const { text, type } = await metrics.page();
  assert.match(type, /^text\/plain/);
  assert.match(text, /mortise_runs_settled_total\{process="p",status="completed"\} 1/);
  assert.match(text, /mortise_run_seconds_bucket\{le="5",process="p",status="completed"\} 1/);
  assert.match(text, /mortise_api_requests_total\{api="orders",operation="placeOrder",class="2xx"\} 1/);
  assert.match(text, /mortise_attempts_total\{operation="erp.createSalesOrder",outcome="retry\/unknown"\} 3/);
  assert.match(text, /mortise_attempt_seconds_total\{operation="erp.createSalesOrder",outcome="retry\/unknown"\} 1.5/);
  assert.match(text, /mortise_outbound_requests_total\{class="2xx"\} 4/);
  assert.match(text, /mortise_runs\{process="p",status="waiting"\} 7/);
  assert.match(text, /mortise_tasks_open 2/);
  assert.match(text, /mortise_circuit_changes_total\{system="erp",state="open"\} 1/);
  assert.match(text, /mortise_circuit_open\{system="erp"\} 1\nmortise_circuit_open\{system="shop"\} 0/);
  assert.ok(!text.includes("order-of") && !text.includes("acme"));
});

test("a flood of names can't grow the page without bound", async (t) => {
  const metrics = createMetrics({ runs: () => [], openTasks: () => 0, systems: () => [], away: () => [] });
  t.after(metrics.close);
  for (let i = 0; i < 2000; i += 1)
    channel("mortise:server:trigger").publish({ system: `s${i}`, event: "e", result: "kept" });
  const { text } = await metrics.page();
  const lines = text.split("\n").filter((line) => line.startsWith("mortise_triggers_total{"));
  assert.equal(lines.length, 501);
  assert.ok(lines.some((line) => line.endsWith("} 1500") && line.includes('system="other"')));
});

test("a system that is gone from the project is gone from the page, also where it was away", async (t) => {
  let systems = ["erp", "shop"];
  const metrics = createMetrics({ runs: () => [], openTasks: () => 0, systems: () => systems, away: () => ["erp"] });
  t.after(metrics.close);
  assert.match((await metrics.page()).text, /mortise_circuit_open\{system="erp"\} 1/);
  systems = ["shop"];
  const { text } = await metrics.page();
  assert.deepEqual(text.match(/mortise_circuit_open\{.*/g), ['mortise_circuit_open{system="shop"} 0']);
});
