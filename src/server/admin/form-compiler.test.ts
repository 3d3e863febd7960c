import assert from "node:assert/strict";
import { test } from "node:test";
import { formCompiler } from "./form-compiler.ts";

test("a form is compiled once while it is in use; of many forms those that were used last are kept", () => {
  const compile = formCompiler(3);
  const form = (name: string) => compile({ type: "object", required: [name] });
  const [a, b] = [form("a"), form("b")];
  assert.equal(form("a"), a);
  form("c");
  form("d");
  assert.equal(form("a"), a, "it was used after b");
  assert.notEqual(form("b"), b, "it made place for d");
  assert.deepEqual(
    b({}).map(({ at }) => at),
    form("b")({}).map(({ at }) => at),
  );
});
