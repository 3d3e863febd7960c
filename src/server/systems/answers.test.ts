import assert from "node:assert/strict";
import test from "node:test";
import type { SystemDefinition } from "../../connectors/system.ts";
import { defineProcess } from "../../process/define.ts";
import type { RunDetail, StepView } from "../../process/engine.ts";
import { testRun } from "../test-engine.ts";
import { contractOf } from "../test-project.ts";
import { checkGiven, checkInput, checkResult, checkStart } from "./answers.ts";

const contract = contractOf("shop").model;
const systems = new Map([["shop", { name: "shop", contract } as unknown as SystemDefinition]]);

function asking(step: Partial<StepView>): RunDetail {
  const parked = { number: 1, n: 1, code: "step-unknown", message: "", step: step.id ?? "shop.book", answers: [] };
  return { ...testRun("r1", "parked"), parked, steps: [{ n: 1, id: "shop.book", ...step } as StepView] };
}

test("a result that the call could not have answered is refused, with its place", () => {
  const run = asking({ kind: "call", operation: "shop.book" });
  assert.deepEqual(checkResult({ systems }, run, { id: "b1" }), []);
  assert.deepEqual(
    checkResult({ systems }, run, { id: 5 }).map(({ at }) => at),
    ["/id"],
  );
  assert.equal(checkResult({ systems }, run, null).length, 1);
});

test("nothing is said about an undo, about an operation that is gone, and about a run that asks nothing", () => {
  assert.deepEqual(checkResult({ systems }, asking({ kind: "undo", operation: "shop.book" }), 1), []);
  for (const operation of ["shop.gone", "gone.book", "shop.__proto__", "shop.constructor"])
    assert.deepEqual(checkResult({ systems }, asking({ kind: "call", operation }), 1), []);
  assert.deepEqual(checkResult({ systems }, testRun("r2", "running"), 1), []);
});

test("an input that the operation does not take is refused, also for an undo", () => {
  for (const kind of ["call", "undo"] as const) {
    const run = asking({ kind, operation: "shop.book" });
    assert.deepEqual(checkInput({ systems }, run, { sku: "A1" }), []);
    assert.deepEqual(
      checkInput({ systems }, run, { sku: 1 }).map(({ at }) => at),
      ["/sku"],
    );
  }
  assert.deepEqual(checkInput({ systems }, asking({ kind: "call", operation: "gone.book" }), 1), []);
});

test("a run is restarted with an input that its process takes and that has its business key, or not at all", () => {
  const process = defineProcess({
    name: "p",
    input: { kind: "schema", json: { type: "object", properties: { id: { type: "string" } }, required: ["id"] } },
    key: (input) => (input as { id: string }).id,
    run: async () => null,
  });
  const processes = new Map([["p", process]]);
  const run = { ...testRun("r1", "parked"), process: "p", key: "k1", input: { id: "k1", sum: 1 } };
  assert.deepEqual(checkStart({ processes }, run, undefined), []);
  assert.deepEqual(checkStart({ processes }, run, { id: "k1", sum: 2 }), []);
  assert.match(String(checkStart({ processes }, run, { id: "k2" })[0]?.message), /business key/);
  assert.equal(checkStart({ processes }, run, { id: 1 })[0]?.at, "/id");
  assert.match(String(checkStart({ processes: new Map() }, run, undefined)[0]?.message), /no process p/);
  // Started by another run, under a key of that one's.
  assert.deepEqual(checkStart({ processes }, { ...run, key: "child" }, { id: "k2" }), []);
});

test("a restart of many runs is held to the same for each of them, also where a run only names its input", () => {
  const p = defineProcess<{ readonly id: string }, null>({
    name: "p",
    input: {
      kind: "schema",
      json: { type: "object", properties: { id: { type: "string" } }, required: ["id"] },
    },
    key: ({ id }) => id,
    run: async () => null,
  });
  const project = { systems, processes: new Map([["p", p]]) };
  const run: RunDetail = { ...testRun("r1", "parked"), process: "p", key: "k1", input: { id: 1 } };
  const fits = () => ({ id: "k1" });
  assert.deepEqual(
    checkGiven(project, run, { kind: "restart" }, fits).map(({ at }) => at),
    ["/id"],
  );
  assert.deepEqual(checkGiven(project, { ...run, input: { id: "k1" } }, { kind: "restart" }, fits), []);
  const named = { ...run, input: null, inputReference: { hash: "h", bytes: 200_000 } };
  assert.deepEqual(checkGiven(project, named, { kind: "restart" }, fits), []);
  assert.match(
    String(checkGiven({ systems, processes: new Map() }, run, { kind: "restart" }, fits)[0]?.message),
    /no process p/,
  );
});
