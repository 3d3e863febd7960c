import assert from "node:assert/strict";
import { test } from "node:test";
import type { Schema } from "../operation.ts";
import { defineProcess } from "./define.ts";

const schema: Schema = { kind: "schema", json: true };
const whole = { name: "order", input: schema, key: () => "k", run: async () => null };

test("a slip of the pen that would mask or limit nothing is refused where it is written, by its name", () => {
  const cases: readonly (readonly [object, RegExp])[] = [
    [{ name: undefined }, /a process is named in lower case with dashes/],
    [{ name: "a/b" }, /a process is named in lower case with dashes/],
    [{ limit: { concurrency: 1 } }, /order: there is no option limit/],
    [{ sensitve: ["input.card"] }, /order: there is no option sensitve/],
    [{ sensitive: "input.card" }, /order: sensitive is a list/],
    [{ sensitive: ["card"] }, /order: sensitive holds "card", which begins with none of/],
    [{ retry: { attempts: 0 } }, /order: retry\.attempts/],
    [{ history: { retention: "soon" } }, /order: history\.retention/],
    [{ limits: { concurrency: -1 } }, /order: limits\.concurrency/],
  ];
  for (const [wrong, message] of cases)
    assert.throws(() => defineProcess({ ...whole, ...wrong } as never), { name: "TypeError", message });
  const made = defineProcess({ ...whole, sensitive: ["input.card.*", "output", "state.iban", "log.pin", "*.iban"] });
  assert.ok(Object.isFrozen(made));
  assert.equal(defineProcess({ ...made, name: "another" }).name, "another");
});
