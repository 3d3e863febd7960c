import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import type { KnownOfStep } from "../../engine.ts";
import { questionCodes, type StepFacts, stepQuestion } from "./questions.ts";

test("the reference explains every reason for parking, and no other", () => {
  const page = readFileSync(new URL("../../../../docs/reference/parked-runs.md", import.meta.url), "utf8");
  const headings = [...page.matchAll(/^## (.+)$/gm)].map((match) => match[1]);
  assert.deepEqual(headings.sort(), [...questionCodes].sort());
});

const facts = (known: Partial<KnownOfStep>, more: Partial<StepFacts> = {}): StepFacts => ({
  step: "erp.createSalesOrder",
  failure: { code: "outbound-timeout", message: "No answer in time.", class: "retry", outcome: "unknown" },
  known: { effect: "idempotent", key: "run-3", attempts: 10, mayHaveHappened: true, ...known },
  now: 10_000,
  undoable: true,
  undone: true,
  keyless: false,
  ...more,
});
const said = (question: ReturnType<typeof stepQuestion>, kind: string) =>
  question.answers.find((answer) => answer.kind === kind)?.effect ?? "";

test("a question about an unknown step names its key, and warns of the repeat", () => {
  const question = stepQuestion("step-unknown", facts({ effect: "unrepeatable" }));
  assert.match(question.message, /erp\.createSalesOrder .* run-3/s);
  assert.match(said(question, "repeat"), /happened twice/);
  assert.match(said(question, "undo"), /This step is undone too, since it may have happened/);
  assert.match(said(question, "terminate"), /If this step happened, that stays/);
});

test("where the system takes no key nobody is sent to look for one", () => {
  const question = stepQuestion("step-unknown", facts({ effect: "unrepeatable" }, { keyless: true }));
  assert.match(
    question.message,
    /Look in the system for what the step was to do, by its input: the system takes no key/,
  );
  assert.doesNotMatch(question.message, /for the key/);
});

test("after the pivot no answer undoes", () => {
  const question = stepQuestion("step-attempts", facts({}, { undoable: false }));
  assert.deepEqual(
    question.answers.map(({ kind }) => kind),
    ["retry", "happened", "terminate"],
  );
});

test("what another attempt may do is said from what is known, not from the last failure alone", () => {
  const again = (known: Partial<KnownOfStep>) => said(stepQuestion("step-attempts", facts(known)), "retry");
  assert.match(again({ effect: "read" }), /only reads/);
  assert.match(again({ mayHaveHappened: false }), /No attempt had an effect/);
  assert.match(again({}), /which the system honours: nothing is done twice/);
  assert.match(again({ keyUntil: 20_000 }), /honours until 1970-01-01T00:00:20\.000Z/);
  assert.match(again({ keyUntil: 9000 }), /has forgotten\. If it did happen, it then happened twice/);
  // The last attempt surely did nothing; one before may have.
  const none = { code: "outbound-connect", message: "No connection.", class: "retry", outcome: "none" } as const;
  const mixed = stepQuestion("step-attempts", facts({ effect: "unrepeatable" }, { failure: none }));
  assert.match(said(mixed, "retry"), /happened twice/);
  assert.match(mixed.message, /An attempt may have happened all the same: look in the system for the key run-3/);
});

test("a step that has surely not happened is left out of the undo, and one without an undo stays", () => {
  const harmless = stepQuestion("step-gave-up", facts({ mayHaveHappened: false }));
  assert.match(harmless.message, /It has surely not happened\.$/);
  assert.match(said(harmless, "undo"), /This step has not happened, and is left out/);
  assert.match(
    said(stepQuestion("step-attempts", facts({}, { undone: false })), "cancel"),
    /has no undo: if it happened/,
  );
  const probed = stepQuestion("step-attempts", facts({ mayHaveHappened: false, probeFoundNothingAt: 5000 }));
  assert.match(probed.message, /Its probe found that it has not happened/);
});
