import assert from "node:assert/strict";
import test from "node:test";
import { testProject } from "../test-project.ts";
import { sourcesOf } from "./sources.ts";

test("a module's sources are everything that it imports at run time, and nothing else", (t) => {
  const project = testProject({
    "processes/a.ts": `import { b } from "../lib/b.ts"; import type { T } from "../lib/types.ts"; import x from "./x.json" with { type: "json" };
      import { readFileSync } from "node:fs"; import { deep } from "@scope/pack/deep"; import pack from "pack"; import { defineProcess } from "mortise";
      import { contract } from "../systems/erp/contract.ts"; export { c } from "../lib/c.ts"; const form = /a+/; type Other = import("../lib/none.ts").Other;`,
    "processes/x.json": "{}",
    "lib/b.ts": `const late = () => import("./late.ts"); const file = new URL("./data.txt", import.meta.url); import "../processes/a.ts";`,
    "lib/c.ts": "export const c = 1;",
    "lib/late.ts": "",
    "lib/data.txt": "data",
    "lib/types.ts": "export interface T {}",
    "lib/unused.ts": "",
    "systems/erp/contract.ts": "",
    "systems/erp/contract.json": "{}",
  });
  t.after(project.remove);
  const found = sourcesOf(project.folder, ["processes/a.ts"]);
  assert.deepEqual(found.problems, []);
  assert.deepEqual(found.files, [
    "lib/b.ts",
    "lib/c.ts",
    "lib/data.txt",
    "lib/late.ts",
    "processes/a.ts",
    "processes/x.json",
    "systems/erp/contract.json",
    "systems/erp/contract.ts",
  ]);
  assert.deepEqual(found.packages, ["@scope/pack", "pack"]);
});

test("what a code version could not hold is a problem with file and line", (t) => {
  const project = testProject({
    "processes/a.ts": `import "./missing.ts";\nimport "../../outside.ts";\nimport "./b";\nawait import("./" + name);\nimport "#alias";\n`,
    "processes/b.ts": "const a = {\n  b: ;\n};",
  });
  t.after(project.remove);
  const found = sourcesOf(project.folder, ["processes/a.ts", "processes/b.ts"]);
  const lines = found.problems.map(({ file, line, message }) => `${file}:${line} ${message}`);
  assert.equal(lines.length, 6);
  assert.match(lines[0] ?? "", /^processes\/b\.ts:2 syntax: /);
  for (const expected of [
    /a\.ts:1 imports \.\/missing\.ts, and there is no such file$/,
    /a\.ts:2 imports \.\.\/\.\.\/outside\.ts, which is outside the project/,
    /a\.ts:3 .*write the extension too: \.ts/,
    /a\.ts:4 imports a computed path/,
    /a\.ts:5 imports #alias; write a relative path/,
  ]) {
    assert.ok(
      lines.some((line) => expected.test(line)),
      `${expected} in ${lines.join("\n")}`,
    );
  }
});
