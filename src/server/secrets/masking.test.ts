import assert from "node:assert/strict";
import test from "node:test";
import { definitionOf, rest, type SystemDefinition } from "../../connectors/system.ts";
import type { Json } from "../../operation.ts";
import { defineProcess } from "../../process/define.ts";
import type { RunDetail } from "../../process/engine.ts";
import { testRun } from "../test-engine.ts";
import { contractOf } from "../test-project.ts";
import { createMasking } from "./masking.ts";

const system = rest(contractOf("shop"), {
  connection: "http://127.0.0.1:1",
  sensitive: ["book.input.sku", "paid.order"],
});
const booking = defineProcess({
  name: "booking",
  input: { kind: "schema", json: true },
  key: () => "k",
  run: async () => null,
  sensitive: ["input.card.*", "state.iban", "log.pin"],
});
const masking = createMasking(
  {
    systems: new Map([["shop", definitionOf(system) as SystemDefinition]]),
    processes: new Map([["booking", booking]]),
  },
  () => undefined,
);

const run: RunDetail = {
  ...testRun("r1", "parked"),
  reason: "the card 4111-1111 was refused",
  input: { card: { number: "4111-1111", cvc: "123" }, note: "x", amount: 987654 },
  parked: {
    number: 1,
    code: "c",
    message: "m",
    answers: [],
    asked: { again: "secret-sku" },
  },
  steps: [
    {
      position: 1,
      id: "own name",
      kind: "call",
      operation: "shop.book",
      status: "done",
      at: 1,
      input: { sku: "secret-sku" },
    },
    {
      position: 2,
      id: "shop.paid",
      kind: "receive",
      operation: "shop.paid",
      status: "done",
      at: 1,
      output: { order: 987654, type: "paid" },
    },
    { position: 3, id: "mapped", kind: "step", status: "done", at: 1, output: { copied: "secret-sku", kept: "x" } },
  ],
};

test("sensitive fields are masked by path, and their values wherever else they stand in the run", () => {
  const shown = masking.run(run);
  const text = JSON.stringify(shown);
  for (const hidden of ["4111-1111", "secret-sku", "987654", '"123"']) assert.ok(!text.includes(hidden), hidden);
  assert.equal(shown.reason, "the card ••• was refused");
  assert.deepEqual(shown.steps[2]?.output, { copied: "•••", kept: "x" });
  assert.deepEqual(shown.input, { card: { number: "•••", cvc: "•••" }, note: "x", amount: "•••" });
});

test("what a run shows of itself is masked by path, and by what is sensitive elsewhere in the run", () => {
  const log = { position: 4, id: "log", kind: "log", status: "done", at: 1, note: "card 4111-1111" } as const;
  const shown = masking.run({
    ...run,
    state: { iban: "DE00", card: "4111-1111", phase: "paid" },
    steps: [...run.steps, { ...log, output: { pin: "0815", sku: "secret-sku", kept: 1 } }],
  });
  assert.deepEqual(shown.state, { iban: "•••", card: "•••", phase: "paid" });
  assert.deepEqual(shown.steps[3]?.output, { pin: "•••", sku: "•••", kept: 1 });
  assert.equal(shown.steps[3]?.note, "card •••");
});

test("what the code asks for instead is masked too, though the history does not hold it", () => {
  const side = (pin: string) => ({ asked: "call", id: "shop.book", operation: "shop.book", input: { sku: pin } });
  const given: RunDetail = {
    ...run,
    steps: [],
    parked: {
      code: "process-diverged",
      number: 1,
      message: "m",
      answers: [],
      recorded: side("old-sku"),
      asked: side("new-sku"),
    },
  };
  const shown = masking.run(given);
  assert.deepEqual([shown.parked?.recorded, shown.parked?.asked], [side("•••"), side("•••")]);
});

test("so is what the code asks a child for instead", () => {
  const side = (note: string) => ({
    asked: "child",
    id: "part",
    process: "booking",
    input: { card: { note }, day: "Monday" },
  });
  const shown = masking.run({
    ...run,
    status: "parked",
    parked: {
      code: "process-diverged",
      message: "differs",
      number: 1,
      answers: [],
      recorded: side("old-note"),
      asked: side("new-note"),
    },
  });
  assert.deepEqual([shown.parked?.recorded, shown.parked?.asked], [side("•••"), side("•••")]);
});

test("the input of a process that an event starts is masked as that event", () => {
  const onPaid = defineProcess({
    name: "on-paid",
    input: { kind: "schema", json: true },
    key: () => "k",
    run: async () => null,
    on: { kind: "event", system: "shop", name: "paid" },
  });
  const shown = createMasking(
    {
      systems: new Map([["shop", definitionOf(system) as SystemDefinition]]),
      processes: new Map([["on-paid", onPaid]]),
    },
    () => undefined,
  ).run({ ...testRun("r2", "waiting"), process: "on-paid", key: "secret-order", input: { order: "secret-order" } });
  assert.deepEqual(shown.input, { order: "•••" });
  assert.equal(shown.key, "•••");
});

test("a run in a list says no more than the run itself", () => {
  const { input: _, steps: __, parked: ___, ...summary } = run;
  assert.equal(masking.summary(summary, () => run).reason, "the card ••• was refused");
  assert.equal(masking.summary(summary, () => undefined).reason, summary.reason);
});

test("a task shows nothing that is sensitive in its run", () => {
  const task = { id: "t", run: "r1", process: "booking", key: "k", name: "n", title: "t", assign: "a" };
  const shown = masking.task({ ...task, input: { card: "4111-1111" }, form: true, status: "open", createdAt: 1 }, run);
  assert.deepEqual(shown.input, { card: "•••" });
});

test("a large value is masked where it is asked for, and what is sensitive in it wherever else it stands", () => {
  const large: Record<string, Json> = {
    h1: { sku: "large-secret", other: "x" },
    h2: { card: { number: "5555-4444" }, note: "large-secret" },
  };
  const asked: string[] = [];
  const shop = new Map([["shop", definitionOf(system) as SystemDefinition]]);
  const by = createMasking({ systems: shop, processes: new Map([["booking", booking]]) }, (_, hash) => {
    asked.push(hash);
    return large[hash];
  });
  const named: RunDetail = {
    ...run,
    reason: "no large-secret",
    input: null,
    inputReference: { hash: "h2", bytes: 200_000 },
    steps: [
      {
        position: 1,
        id: "a",
        kind: "call",
        operation: "shop.book",
        status: "done",
        at: 1,
        inputReference: { hash: "h1", bytes: 200_000 },
        outputReference: { hash: "h3", bytes: 200_000 },
      },
    ],
  };
  assert.equal(by.run(named).reason, "no •••");
  // What is sensitive nowhere is not loaded to find that out.
  assert.deepEqual([...new Set(asked)].sort(), ["h1", "h2"]);
  assert.deepEqual(by.value(named, "h1"), { sku: "•••", other: "x" });
  assert.deepEqual(by.value(named, "h2"), { card: { number: "•••" }, note: "•••" });
  assert.equal(by.value(named, "h9"), undefined);
});

test("what is sensitive in a child run is masked in its parent, and the other way round", () => {
  const shipping = defineProcess({
    name: "shipping",
    input: { kind: "schema", json: true },
    key: () => "k",
    run: async () => null,
    sensitive: ["input.phone"],
  });
  const child: RunDetail = {
    ...testRun("c", "rejected"),
    process: "shipping",
    parent: "p",
    input: { phone: "555-0199", card: "4111-1111" },
    failure: { reason: "nobody answers at 555-0199" },
    steps: [],
  };
  const parent: RunDetail = {
    ...testRun("p", "undone"),
    process: "booking",
    input: { card: { number: "4111-1111" } },
    reason: "shipping was rejected: nobody answers at 555-0199",
    children: [{ run: "c", process: "shipping", key: "k", status: "rejected" }],
    steps: [
      {
        position: 1,
        id: "shipping",
        kind: "child",
        operation: "shipping",
        status: "fault",
        at: 1,
        input: child.input,
        output: { name: "ChildFailed", message: "nobody answers at 555-0199", detail: null },
      },
    ],
  };
  const family = createMasking(
    {
      systems: new Map(),
      processes: new Map([
        ["booking", booking],
        ["shipping", shipping],
      ]),
    },
    () => undefined,
    (id) => (id === "c" ? child : parent),
  );
  for (const run of [child, parent]) {
    const text = JSON.stringify(family.run(run));
    assert.doesNotMatch(text, /555-0199|4111-1111/);
    assert.match(text, /nobody answers at/);
  }
});
