import assert from "node:assert/strict";
import { test } from "node:test";
import { moduleUrl } from "./module-url.ts";

test("a module beside a source is a source, beside a build a build", () => {
  assert.equal(moduleUrl("./writer", "file:///p/src/store/store.ts").href, "file:///p/src/store/writer.ts");
  assert.equal(moduleUrl("./writer", "file:///p/dist/store/store.js").href, "file:///p/dist/store/writer.js");
});

test("a query on the base is no part of its extension", () => {
  assert.equal(moduleUrl("../a", "file:///p/x/b.ts?v=1.js").href, "file:///p/a.ts");
});
