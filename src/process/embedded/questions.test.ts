import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { questionCodes, stepQuestion } from "./questions.ts";

test("the reference explains every reason for parking, and no other", () => {
  const page = readFileSync(new URL("../../../docs/reference/parked-runs.md", import.meta.url), "utf8");
  const headings = [...page.matchAll(/^## (.+)$/gm)].map((match) => match[1]);
  assert.deepEqual(headings.sort(), [...questionCodes].sort());
});

test("a question about an unknown step names its key, and warns of the repeat", () => {
  const failed = {
    code: "outbound-timeout",
    message: "No answer in time.",
    class: "retry",
    outcome: "unknown",
  } as const;
  const question = stepQuestion("step-unknown", "erp.createSalesOrder", "run-3", failed, true);
  assert.match(question.message, /erp\.createSalesOrder .* run-3/s);
  const repeat = question.answers.find(({ kind }) => kind === "repeat");
  assert.match(repeat?.effect ?? "", /happened twice/);
});

test("after the pivot no answer undoes", () => {
  const failed = { code: "x", message: "x", class: "retry", outcome: "none" } as const;
  const kinds = stepQuestion("step-attempts", "a.b", "k", failed, false).answers.map(({ kind }) => kind);
  assert.deepEqual(kinds, ["retry", "happened", "terminate"]);
});
