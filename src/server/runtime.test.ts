import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";
import { checkRuntime } from "./runtime.ts";

const sqlite = "3.51.3";

test("a Node with known holes is named, a sound one is not", () => {
  for (const node of ["24.21.0", "24.22.0", "26.10.0", "25.9.0"]) {
    assert.match(
      checkRuntime({ node, sqlite })[0] ?? "",
      /lacks the security fixes of \d+\.\d+\.\d+\. .* Mortise's own SECURITY\.md, in its package: node_modules\/mortise\/SECURITY\.md, under "Supply chain"/,
      node,
    );
  }
  for (const node of ["24.22.1", "24.30.0", "26.12.1", "27.0.0"])
    assert.deepEqual(checkRuntime({ node, sqlite }), [], node);
});

test("the place in SECURITY.md that is named is there", () => {
  const text = readFileSync(new URL("../../SECURITY.md", import.meta.url), "utf8");
  assert.match(text, /\n## Supply chain\n[^#]*Node is older/);
});

test("a SQLite that can lose commits is refused, and so is a Node that is too old", () => {
  const node = "26.12.1";
  for (const old of ["3.44.5", "3.45.0", "3.50.6", "3.51.2", "3.7.0"]) {
    assert.throws(() => checkRuntime({ node, sqlite: old }), /can lose commits/, old);
  }
  for (const sound of ["3.44.6", "3.50.7", "3.51.3", "3.53.4", "4.0.0"])
    assert.deepEqual(checkRuntime({ node, sqlite: sound }), []);
  assert.throws(() => checkRuntime({ node: "20.20.2", sqlite }), /it is too old/);
});

test("this machine's own runtime passes", () => {
  assert.ok(Array.isArray(checkRuntime()));
});
