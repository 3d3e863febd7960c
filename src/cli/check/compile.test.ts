/** What is kept of the compiler's output: where, what, and the deepest reason. */
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { typeFindings, typeProblems } from "./compile.ts";

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

test("what is wrong in an operation of an API is told in words, at its place", { timeout: 60_000 }, async (t) => {
  // Inside the checkout, so that "mortise" means the sources.
  const root = fileURLToPath(new URL("../../..", import.meta.url));
  mkdirSync(join(root, ".mortise"), { recursive: true });
  const project = mkdtempSync(join(root, ".mortise", "types-"));
  t.after(() => rmSync(project, { recursive: true }));
  writeFileSync(
    join(project, "tsconfig.json"),
    JSON.stringify({ extends: "../../tsconfig.json", include: ["*.ts"], exclude: [] }),
  );
  const operations: readonly (readonly [operation: string, said: RegExp | undefined])[] = [
    ['post("/a", { scope: "s", starts: p, wait: "2s" })', undefined],
    ['post("/a", { scope: "s", starts: p, wiat: "2s" })', /^TS2769: There is no option wiat beside starts\.$/],
    [
      'post("/a", { scope: "s", starts: p, wait: "2 secs" })',
      /^TS2769: The option wait must be of the type Duration \| undefined\.$/,
    ],
    [
      'get("/a/{ke}", { scope: "s", run: p, allow: () => true })',
      /^TS2769: \{ke\} is not a property of the input: the path/,
    ],
    ['get("/a/{key}", { scope: "s", run: p })', /^TS2769: Who shows or follows runs says whose they are: allow:/],
    [
      'get("/a/{key}/events", { scope: "s", follows: p })',
      /^TS2769: Who shows or follows runs says whose they are: allow:/,
    ],
    [
      'post("/a", { scope: "s", start: p })',
      /^TS2769: There is no option start beside starts, run, runs, follows or calls\.$/,
    ],
    ['get("/a/{id}", { scope: "s", calls: read, cach: "1s" })', /^TS2769: There is no option cach beside calls\.$/],
    ['get("/a/{no}", { scope: "s", calls: read })', /^TS2769: \{no\} is not a property of the input: the path/],
    [
      'get("/a/{no}", { scope: "s", calls: read, allow: ({ input }) => input.id === "x" })',
      /^TS2769: What a function makes does not fit, or a name in the path is no property of the input\.$/,
    ],
    [
      'get("/a", { scope: "s", calls: list, pages: { limit: "most", start: { aftr: "" }, after: ({ id }) => ({ after: id }) } })',
      /'aftr' does not exist in type/,
    ],
    [
      'post("/a", { scope: "s", starts: p, accepts: { body: t.object({ id: t.string() }), map: ({ id }) => ({ id }) } })',
      /Property 'n' is missing in type '\{ id: string; \}'/,
    ],
    [
      'post("/a", { scope: "s", starts: p, responds: { body: t.object({ y: t.string() }), map: ({ x }) => ({ z: x }) } })',
      /^TS2769: What a function makes does not fit, or a name in the path is no property of the input\.$/,
    ],
  ];
  const head = [
    'import { defineProcess, get, type Operation, post, t } from "mortise";',
    'export const p = defineProcess({ name: "p", input: t.object({ id: t.string(), n: t.number() }), output: t.object({ x: t.string() }), key: ({ id }) => id, run: async () => ({ x: "" }) });',
    "declare const read: Operation<{ id: string }, null>;",
    "declare const list: Operation<{ after: string; most: number }, { id: string }[]>;",
    "export const all = [",
  ];
  writeFileSync(join(project, "api.ts"), [...head, ...operations.map(([one]) => `  ${one},`), "];", ""].join("\n"));
  const findings = await typeFindings(project);
  for (const [at, [operation, said]] of operations.entries()) {
    const own = findings.filter(({ line }) => line === head.length + at + 1);
    assert.equal(own.length, said === undefined ? 0 : 1, `${operation}: ${JSON.stringify(own)}`);
    if (said !== undefined) assert.match(own[0]!.message, said);
  }
});
