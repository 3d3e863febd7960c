/** What is kept of the compiler's output: where, what, and the deepest reason. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { typeProblems } from "./compile.ts";

test("of a chain of reasons the first sentence and the deepest are kept, with the property they are about", () => {
  const output = [
    "processes/a.ts(10,9): error TS2322: Type 'A' is not assignable to type 'B'.",
    "  Type 'Promise<A>' is not assignable to type 'Promise<B>'.",
    "    Types of property 'url' are incompatible.",
    "      Type 'number' is not assignable to type 'string'.",
    "processes/a.ts(12,1): error TS2339: Property 'x' does not exist on type 'Y'.",
    "error TS18003: No inputs were found.",
    "",
  ].join("\n");
  assert.deepEqual(typeProblems(output, "/p"), [
    {
      level: "error",
      rule: "type",
      file: "processes/a.ts",
      line: 10,
      message:
        "TS2322: Type 'A' is not assignable to type 'B'.\nTypes of property 'url' are incompatible. Type 'number' is not assignable to type 'string'.",
    },
    {
      level: "error",
      rule: "type",
      file: "processes/a.ts",
      line: 12,
      message: "TS2339: Property 'x' does not exist on type 'Y'.",
    },
    { level: "error", rule: "type", message: "TS18003: No inputs were found." },
  ]);
});

test("a first sentence full of types is shortened, its reason is not", () => {
  const long = `Type '${"x".repeat(400)}' is not assignable.`;
  const [finding] = typeProblems(`a.ts(1,1): error TS1: ${long}\r\n  Property 'url' is missing.\r\n`, "/p");
  const [head, reason] = finding!.message.split("\n");
  assert.equal(head!.length, 161);
  assert.equal(reason, "Property 'url' is missing.");
});
