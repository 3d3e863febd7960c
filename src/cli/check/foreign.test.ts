import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { foreignUses } from "./foreign.ts";

function uses(files: Readonly<Record<string, string>>): string[] {
  const folder = mkdtempSync(join(tmpdir(), "mortise-foreign-"));
  try {
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), text);
    }
    return foreignUses(folder, ["processes/p.ts"]).map(({ file, line, what }) => `${file}:${line} ${what}`);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
const inRun = (body: string, rest = ""): string[] =>
  uses({
    "processes/p.ts": `export const p = defineProcess({ name: "p", input, async run(flow, input) {\n${body}\n} });\n${rest}`,
  });

test("verbs, helpers that take flow, and promises made of verbs may be awaited", () => {
  const fine = [
    "await flow.call(a.b, {});",
    "await flow.all([flow.call(a.b, {}), flow.sleep('1s')]);",
    "await Promise.all([flow.call(a.b, {}), helper(flow)]);",
    "await flow.race({ parcel: flow.receive(a.b, { key }), late: flow.until(input.due), ...more, done });",
    "await flow.all(input.lines.map((line) => flow.call(a.b, line)));",
    "flow.state({ at: new Date(flow.now()).toISOString() }); flow.log('here', { n: 1 });",
    "await Promise.all(input.lines.map((line) => flow.call(a.b, line)));",
    "const one = flow.call(a.b, {}); await one;",
    "const { run } = await flow.child(other, { id: 1 }, { wait: false });",
    "await flow.call(a.b, {}).catch(() => null);",
    "await (input.x ? flow.call(a.b, {}) : null);",
    "const at = new Date(flow.now()); const key = flow.uuid();",
    "await flow.step('own', { effect: 'read' }, async () => { await fetch('x'); return Date.now(); });",
  ];
  for (const body of fine) assert.deepEqual(inRun(body), [], body);
});

test("a foreign await is found, with its line", () => {
  assert.deepEqual(inRun("const x = 1;\nawait save(x);"), ["processes/p.ts:3 awaits save(x)"]);
  assert.deepEqual(inRun("await new Promise((r) => r());"), ["processes/p.ts:2 awaits new Promise((r) => r())"]);
  assert.deepEqual(inRun("await Promise.all([flow.call(a.b), save()]);"), [
    "processes/p.ts:2 awaits Promise.all([flow.call(a.b), save()])",
  ]);
  assert.deepEqual(inRun("await flow.race({ parcel: flow.sleep('1s'), saved: save() });"), [
    "processes/p.ts:2 awaits flow.race({ parcel: flow.sleep('1s'), saved: save() })",
  ]);
  assert.deepEqual(inRun("await flow.all([save()]);"), ["processes/p.ts:2 awaits flow.all([save()])"]);
  assert.deepEqual(inRun("for await (const x of input) {}"), ["processes/p.ts:2 has a for await loop"]);
});

test("the clock, random numbers, timers and calls of its own are found", () => {
  assert.deepEqual(
    inRun("Date.now();\nnew Date();\nMath.random();\nsetTimeout(f, 1);\ncrypto.randomUUID();\nconst p = fetch('x');"),
    [
      "processes/p.ts:2 calls Date.now()",
      "processes/p.ts:3 reads the clock with new Date()",
      "processes/p.ts:4 calls Math.random()",
      "processes/p.ts:5 calls setTimeout()",
      "processes/p.ts:6 calls crypto.randomUUID()",
      "processes/p.ts:7 calls fetch()",
    ],
  );
});

test("functions of the project that a process calls are looked through, in other files too", () => {
  assert.deepEqual(inRun("return stamp();", "function stamp() { return Date.now(); }"), [
    "processes/p.ts:4 calls Date.now()",
  ]);
  assert.deepEqual(inRun("return 1;", "function unused() { return Date.now(); }"), []);
  assert.deepEqual(
    uses({
      "processes/p.ts":
        'import { later as wait } from "../lib/later.ts";\nexport const p = defineProcess({ name: "p", run: async (flow) => { await wait(1, flow); } });',
      "lib/later.ts": "export const later = async (n: number, f: Flow) => {\n  await f.sleep(n);\n  await other();\n};",
    }),
    ["lib/later.ts:3 awaits other()"],
  );
});

test("a name of the project's own that looks like a foreign one is none", () => {
  assert.deepEqual(inRun("return fetch(1);", "function fetch(n: number) { return n; }"), []);
});

test("functions that call each other do not keep the search going", () => {
  assert.deepEqual(inRun("return a();", "function a() { return b(); }\nfunction b() { return a(); }"), []);
});

test("the function of a map has a flow of its own, under whatever name", () => {
  const fine = [
    "await flow.map(input.lines, async (line, f) => { await f.call(a.b, line); return 1; });",
    "await flow.map(input.lines, async (line, flow, at) => { let n = 0; n += at; return flow.call(a.b, { n }); }, { concurrency: 3 });",
  ];
  for (const body of fine) assert.deepEqual(inRun(body), [], body);
  assert.deepEqual(
    inRun(
      "return flow.map(input.lines, each);",
      "const each = async (line, f) => {\nawait f.call(a.b);\nawait save();\n};",
    ),
    ["processes/p.ts:6 awaits save()"],
  );
  assert.deepEqual(
    inRun("let sum = 0;\nawait flow.map(input.lines, async (line, f) => {\nsum += 1;\nDate.now();\n});"),
    ["processes/p.ts:5 calls Date.now()", "processes/p.ts:4 writes to sum from a function of flow.map"],
  );
});
