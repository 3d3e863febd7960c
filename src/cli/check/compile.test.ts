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

test("the properties that lead to what is wrong are told, however far above the reason they stand", () => {
  const output = [
    "a.ts(26,9): error TS2322: Type 'A' is not assignable to type 'B'.",
    "  Type 'Promise<A>' is not assignable to type 'Promise<B>'.",
    "    Types of property 'bill' are incompatible.",
    "      Type '{ invoice: string | undefined; }' is not assignable to type '{ invoice: string; }'.",
    "        Types of property 'invoice' are incompatible.",
    "          Type 'string | undefined' is not assignable to type 'string'.",
    "            Type 'undefined' is not assignable to type 'string'.",
    "",
  ].join("\n");
  assert.equal(
    typeProblems(output, "/p")[0]?.message,
    "TS2322: Type 'A' is not assignable to type 'B'.\nTypes of property 'bill.invoice' are incompatible. Type 'undefined' is not assignable to type 'string'.",
  );
});

test("who gives text where an exact number is wanted is told how one is made", () => {
  const told = (type: string, wanted = type) =>
    typeProblems(
      `a.ts(1,1): error TS2322: Type 'string' is not assignable to type '${wanted}'.\n  Type 'string' is not assignable to type '{ readonly [exact]: "x"; }'.\n`,
      "/p",
    )[0]?.message;
  assert.equal(
    told("Int64"),
    "TS2322: Type 'string' is not assignable to type 'Int64'.\nAn exact number is text of a type of its own; int64(...) of mortise makes one of text or of a number.",
  );
  assert.match(told("Decimal", "Decimal | null | undefined") ?? "", /decimal\(\.\.\.\) of mortise makes one/);
  assert.doesNotMatch(told("DecimalPlaces") ?? "", /of mortise makes one/);
});
