/** Files of the history that somebody edited: what can't be used is named, and nothing else happens. */
import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { testProject } from "../../test-project.ts";
import { historyFolder, readHistory } from "./history.ts";

test("a damaged file of the history is named, however it is damaged", (t) => {
  const project = testProject({});
  t.after(() => project.remove());
  const file = `${historyFolder}/orders.1.0.0.2026-11-27.json`;
  const good = {
    api: "orders",
    version: "1.0.0",
    date: "2026-11-27",
    since: { version: "0.9.0", date: "2026-11-26" },
    changes: [{ verdict: "safe", rule: "r", at: "", reason: "all is well" }],
    document: { info: { version: "1.0.0" } },
  };
  project.write({ [file]: JSON.stringify(good) });
  assert.deepEqual(readHistory(project.folder)[0]?.since, good.since);
  for (const [part, value] of [
    ["document", { info: null }],
    ["document", null],
    ["document", []],
    ["since", null],
    ["since", { version: { html: "<b>" } }],
    ["since", { version: "0.9.0", date: 5 }],
    ["since", { version: "0.9.0", nth: "2" }],
    ["date", ["2026-11-27"]],
    ["nth", 1],
    ["nth", "<b>"],
    ["changes", {}],
    ["api", 1],
  ] as const) {
    project.write({ [file]: JSON.stringify({ ...good, [part]: value }) });
    assert.throws(() => readHistory(project.folder), { code: "contract-unreadable", message: /orders\.1\.0\.0/ }, part);
  }
  for (const text of ["null", "[]", "{", "\u0000"]) {
    project.write({ [file]: text });
    assert.throws(() => readHistory(project.folder), { code: "contract-unreadable", message: /orders\.1\.0\.0/ }, text);
  }
  project.write({
    [file]: JSON.stringify({ ...good, changes: [null, 5, { verdict: "__proto__", reason: { a: 1 } }] }),
  });
  const changes = readHistory(project.folder)[0]?.changes;
  assert.deepEqual(
    changes?.map(({ verdict }) => verdict),
    ["review", "review", "review"],
  );
  mkdirSync(join(project.folder, historyFolder, "orders.1.0.1.json"));
  assert.throws(() => readHistory(project.folder), { code: "contract-unreadable", message: /orders\.1\.0\.1/ });
});
