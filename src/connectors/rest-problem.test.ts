import assert from "node:assert/strict";
import { test } from "node:test";
import { readProblem, saidBy, scrubber, secretsOf, withoutMistyped } from "./rest-problem.ts";

const asIs = (text: string) => text;
const bytes = (value: unknown) => Buffer.from(typeof value === "string" ? value : JSON.stringify(value));
const read = (value: unknown, scrub = asIs) => readProblem(bytes(value), scrub);

test("PD-6: members of a problem that have a wrong type, or that nobody knows, are ignored, and the rest is kept", () => {
  const problem = { type: 7, title: "Out of credit", status: "422", detail: ["x"], balance: 30, instance: {} };
  assert.deepEqual(read(problem), { title: "Out of credit" });
  assert.deepEqual(read({ type: "https://example.com/out-of-credit", detail: "It is 30.", more: { a: 1 } }), {
    type: "https://example.com/out-of-credit",
    detail: "It is 30.",
  });
  assert.deepEqual(withoutMistyped({ type: 7, title: "T", status: "422", instance: null, balance: "30" }), {
    title: "T",
    balance: "30",
  });
});

test("a problem that says nothing is none, and neither is what can't be read", () => {
  for (const given of ["", "{", "[]", "null", '"text"', {}, { type: "about:blank", title: " " }, { title: null }])
    assert.equal(read(given), undefined, JSON.stringify(given));
  assert.equal(read({ title: "T", padding: "x".repeat(70_000) }), undefined);
});

test("what is kept is bounded, on one line, and fit for a sentence", () => {
  const problem = read({ title: `a\r\n\u001b[31mlevel=error\u202e ${"b".repeat(300)}`, detail: "d".repeat(5000) });
  assert.match(problem?.title ?? "", /^a \[31mlevel=error b+…$/);
  assert.equal(problem?.title?.length, 201);
  assert.equal(problem?.detail?.length, 501);
  assert.equal(saidBy(undefined), "");
  assert.equal(saidBy({ type: "urn:x" }), ", saying urn:x");
  assert.equal(saidBy({ title: "No", detail: "not today", type: "urn:x" }), ', saying "No: not today" (urn:x)');
});

test("credentials and sensitive values are taken out of what a system says, at its whole length", () => {
  const secrets = secretsOf({ kind: "basic", user: "u", password: "pass word" });
  const scrub = scrubber(secrets, ["4111-1111", 98765]);
  const told = "Basic dTpwYXNzIHdvcmQ=, pass%20word, pass word, card 4111-1111, number 98765, order 12";
  assert.equal(scrub(told), "Basic •••, •••, •••, card •••, number •••, order 12");
  // Cut first, half of a secret would stay.
  assert.equal(read({ title: `${"x".repeat(195)}4111-1111` }, scrub)?.title, `${"x".repeat(195)}•••…`);
  assert.equal(scrubber([], ["42"])("the pin 42 is wrong"), "•••");
  assert.equal(scrubber([], ["42"])("the pin is wrong"), "the pin is wrong");
});
