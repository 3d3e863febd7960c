import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";
import { pathToFileURL } from "node:url";
import { pinnedContract } from "./contract.ts";

test("a pinned contract that was edited by hand is refused with its file and what is wrong", (t) => {
  const folder = mkdtempSync(join(tmpdir(), "mortise-contract-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const read = (text: string) => {
    writeFileSync(join(folder, "contract.json"), text);
    return pinnedContract(pathToFileURL(join(folder, "contract.ts")).href);
  };
  const whole = { format: 1, name: "s", operations: {}, events: {}, schemas: {} };
  assert.equal(read(JSON.stringify(whole)).model.name, "s");
  for (const [text, reason] of [
    ["null", /it is no object/],
    ["[]", /it is no object/],
    ['{"format":1', /contract\.json can't be read/],
    ['{"format":99}', /format 99 is not known/],
    ['{"format":1}', /it has no name/],
    [JSON.stringify({ ...whole, operations: [] }), /it has no operations/],
    [JSON.stringify({ ...whole, schemas: undefined }), /it has no schemas/],
  ] as const) {
    assert.throws(() => read(text), { code: "contract-pin-unreadable", message: reason }, text);
  }
});
