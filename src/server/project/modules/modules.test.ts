import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { testProject } from "../../test-project.ts";
import { openModules } from "./modules.ts";

function setUp(t: TestContext, files: Readonly<Record<string, string>>) {
  const project = testProject({ "package.json": '{"type":"module"}', ...files });
  t.after(project.remove);
  const modules = openModules({ folder: project.folder });
  return {
    project,
    /** Loads and keeps it, as a reload that went well. */
    async load(...paths: string[]) {
      const round = await modules.load(paths);
      if (round.problems.length === 0) round.keep();
      // biome-ignore lint/suspicious/noExplicitAny: what the files export
      return { problems: round.problems, of: (path: string): any => round.modules.get(path) };
    },
  };
}

test("every form of import and export means what it means to Node", async (t) => {
  const { load } = setUp(t, {
    "a.ts": `import d, { plain as renamed, type Only } from "./b.ts"; import * as all from "./b.ts"; import json from "./j.json" with { type: "json" };
import type { Other } from "./none.ts"; import { join } from "node:path"; import { defineConfig } from "mortise"; import "./side.ts";
export const { first, list: [second] } = { first: renamed, list: [d()] as const };
export { all, json }; export { plain as again, default as theDefault } from "./b.ts"; export * from "./c.ts"; export * as star from "./c.ts";
export default class { static where = join("x", "y") } export const config = defineConfig({}).kind; export const side = (globalThis as any).sideEffects;
const text: string = "import.meta export default"; export { text as default2 }; export const meta = [import.meta.url, import.meta.filename, import.meta.dirname];
export const later = async () => (await import("./later.ts")).value; export const builtin = async () => (await import("node:os")).EOL;`,
    "b.ts": `export const plain = 1 as number; export interface Only { a: 1 } export default function () { return "default of b"; }`,
    "c.ts": `export const c1 = "c1"; export async function c2() { return this; } const hidden = 1; export { hidden as "odd name" }; export default "not starred";`,
    "side.ts": `(globalThis as any).sideEffects = "ran";`,
    "j.json": '{"a":[1]}',
    "later.ts": `export const value = await Promise.resolve("later");`,
  });
  const { problems, of } = await load("a.ts");
  assert.deepEqual(problems, []);
  const a = of("a.ts");
  const names = [
    "again",
    "all",
    "builtin",
    "c1",
    "c2",
    "config",
    "default",
    "default2",
    "first",
    "json",
    "later",
    "meta",
  ];
  assert.deepEqual(
    Object.keys(a),
    [...names, "odd name", "second", "side", "star", "text", "theDefault"].filter((name) => name !== "text"),
  );
  assert.deepEqual([a.first, a.second, a.again, a.theDefault()], [1, "default of b", 1, "default of b"]);
  assert.deepEqual([a.json, a.c1, a.star.default, a.default.where], [{ a: [1] }, "c1", "not starred", "x/y"]);
  assert.deepEqual([a.default2, a.config, a.side], ["import.meta export default", "config", "ran"]);
  assert.match(a.meta[0], /^file:.*\/a\.ts$/);
  assert.match(a.meta[1], /\/a\.ts$/);
  assert.deepEqual([await a.later(), typeof (await a.builtin())], ["later", "string"]);
  assert.equal(Object.prototype.toString.call(a), "[object Module]");
  assert.ok(Object.isFrozen(a));
});

test("what is imported is called without an object around it, and what is exported by default has its name", async (t) => {
  const { load } = setUp(t, {
    "lib.ts": `export function self(this: unknown) { return this === undefined ? "none" : typeof this; }
export const tag = self; export default class { static who() { return this.name; } }`,
    "arrow.ts": "export default () => 1 // without a semicolon",
    "use.ts": `import Lib, { self, tag } from "./lib.ts"; import arrow from "./arrow.ts"; import * as all from "./lib.ts";
export const plain = self(), maybe = self?.(), tagged = (tag as any)\`\`, whole = all.self(), made = typeof new Lib();
export const hidden = ((self: () => string) => self())(() => "inner"); const list = [1]
self()
if (list.length) self()
else tag()
for (const one of list) self()
switch (list.length) { case 1: self(); default: list
tag() }
export const names = [Lib.name, Lib.who(), arrow.name, arrow()];
export default function () { return self(); }`,
  });
  const { problems, of } = await load("use.ts");
  assert.deepEqual(problems, []);
  const { plain, maybe, tagged, whole, made, hidden, names, default: last } = of("use.ts");
  assert.deepEqual([plain, maybe, tagged, whole, made, hidden], ["none", "none", "none", "object", "object", "inner"]);
  assert.deepEqual(names, ["default", "default", "default", 1]);
  assert.equal(last(), "none");
});

test("imports are live, functions of a circle are there before it runs, and what is not there yet is an error", async (t) => {
  const { load } = setUp(t, {
    "count.ts": `export let count = 0; export function more() { count += 1; }`,
    "use.ts": `import { count, more } from "./count.ts"; export const seen = () => { more(); return count; }; export const assign = () => { (count as any) = 5; };`,
    "odd.ts": `import { isEven } from "./even.ts"; export function isOdd(n: number): boolean { return n === 0 ? false : isEven(n - 1); } export const three = isOdd(3);`,
    "even.ts": `import { isOdd } from "./odd.ts"; export function isEven(n: number): boolean { return n === 0 ? true : isOdd(n - 1); } export const two = isEven(2);`,
    "early.ts": `import { late } from "./late.ts"; export const early = 1;\nexport const got = late;`,
    "late.ts": `import { early } from "./early.ts";\n\nexport const late = early;`,
  });
  const { problems, of } = await load("use.ts", "odd.ts");
  assert.deepEqual(problems, []);
  assert.deepEqual([of("use.ts").seen(), of("use.ts").seen()], [1, 2]);
  assert.throws(() => of("use.ts").assign(), TypeError);
  assert.equal(of("odd.ts").three, true);
  const circle = await load("early.ts");
  assert.deepEqual(circle.problems, [
    { file: "late.ts", line: 3, message: "Cannot access 'early' before initialization" },
  ]);
});

test("what is wrong is told with file and line, and the round before stays", async (t) => {
  const { project, load } = setUp(t, {
    "a.ts": `import { b } from "./b.ts";\nexport const a = b;`,
    "b.ts": "export const b = 1;",
  });
  const first = (await load("a.ts")).of("a.ts");
  const broken = async (files: Readonly<Record<string, string>>) => {
    project.write(files);
    return (await load("a.ts")).problems;
  };
  assert.deepEqual(await broken({ "b.ts": "\nexport const c = 1;" }), [
    { file: "a.ts", line: 1, message: "The requested module './b.ts' does not provide an export named 'b'" },
  ]);
  assert.deepEqual(await broken({ "b.ts": '\n\nthrow new Error("no rates"); export const b = 1;' }), [
    { file: "b.ts", line: 3, message: "no rates" },
  ]);
  assert.match(
    (await broken({ "b.ts": "export const b = ;" }))[0]?.message ?? "",
    /Unexpected token|Expression expected/i,
  );
  assert.match((await broken({ "b.ts": "export enum b { c }" }))[0]?.message ?? "", /enum/);
  assert.match(
    (await broken({ "b.ts": 'export { x as b } from "no-such-package";' }))[0]?.message ?? "",
    /no-such-package/,
  );
  project.write({ "b.ts": "export const b = 1;" });
  assert.equal((await load("a.ts")).of("a.ts"), first, "the very module that it was");
});

test("a module stays with its state unless it or what it needs has changed", async (t) => {
  const { project, load } = setUp(t, {
    "a.ts": `import { shared } from "./shared.ts"; export const a = { shared };`,
    "other.ts": "export const other = {};",
    "shared.ts": `import { pinned } from "./contract.ts"; export const shared = { pinned };`,
    "contract.ts": "export const pinned = {};",
    "contract.json": "{}",
  });
  const one = await load("a.ts", "other.ts");
  project.write({ "a.ts": `import { shared } from "./shared.ts"; export const a = { shared, more: 1 };` });
  const two = await load("a.ts", "other.ts");
  assert.notEqual(two.of("a.ts").a, one.of("a.ts").a);
  assert.equal(two.of("a.ts").a.shared, one.of("a.ts").a.shared);
  assert.equal(two.of("other.ts"), one.of("other.ts"));
  project.write({ "contract.json": '{"changed":true}' });
  const three = await load("a.ts", "other.ts");
  assert.notEqual(three.of("a.ts").a.shared.pinned, two.of("a.ts").a.shared.pinned);
  assert.equal(three.of("other.ts"), one.of("other.ts"));
});

test("what was replaced is gone from memory", async (t) => {
  const { project, load } = setUp(t, { "a.ts": "" });
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  const old: WeakRef<object>[] = [];
  for (let round = 0; round < 5; round++) {
    project.write({
      "a.ts": `export const big = { round: ${round}, list: Array.from({ length: 1000 }, (_, i) => i) }; export const rule = () => big.round;`,
    });
    const { of } = await load("a.ts");
    old.push(new WeakRef(of("a.ts").big));
  }
  for (let turn = 0; turn < 20 && old.slice(0, -1).some((one) => one.deref() !== undefined); turn++) {
    await new Promise(setImmediate);
    collect();
  }
  assert.deepEqual(
    old.map((one) => one.deref() !== undefined),
    [false, false, false, false, true],
  );
});

test("the text and the code of what was replaced are gone too, though no memory is lacking", async (t) => {
  const { project, load } = setUp(t, { "a.ts": "" });
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  const heapAfter = async (from: number, to: number) => {
    for (let round = from; round < to; round++) {
      project.write({ "a.ts": `export const rule = () => ${round}; /* ${`${round} `.repeat(5_000)} */` });
      assert.equal((await load("a.ts")).of("a.ts").rule(), round);
    }
    for (let turn = 0; turn < 5; turn++) {
      await new Promise(setImmediate);
      collect();
    }
    return process.memoryUsage().heapUsed;
  };
  const early = await heapAfter(100, 150);
  const late = await heapAfter(150, 350);
  // What was written in between is four million characters.
  assert.ok(late - early < 1_000_000, `the heap grew from ${early} to ${late} bytes`);
});
