import assert from "node:assert/strict";
import { test } from "node:test";
import { stepViews } from "../front/step-views.ts";
import { generationsOf, type HistoryRecord, keyOf } from "./records.ts";

const records: readonly HistoryRecord[] = [
  { t: "start", at: 1, input: null },
  { t: "ask", n: 1, id: "erp.order", v: "call", at: 1, op: "erp.order", e: "idempotent", in: null },
  { t: "ask", n: 2, id: "erp.bill", v: "call", at: 1, op: "erp.bill", e: "idempotent", in: null },
  { t: "op", at: 2, op: { kind: "retry" }, actor: { by: "ann", reason: "mended" }, n: 1 },
  { t: "op", at: 3, op: { kind: "retry" }, actor: { by: "ann", reason: "another input" }, n: 1, g: 2 },
];

test("a step keeps its key until an operator opens another generation, and that key is the one that is shown", () => {
  assert.deepEqual([...generationsOf(records)], [[1, 2]]);
  assert.equal(keyOf("r", { ask: { n: 1 }, generation: 1 }), "r-1");
  assert.equal(keyOf("r", { ask: { n: 1 }, generation: 2 }), "r-1-g2");
  const keys = stepViews("r", records).map(({ key }) => key);
  assert.deepEqual(keys.slice(0, 2), ["r-1-g2", "r-2"]);
});
