import assert from "node:assert/strict";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { setUp } from "../versions/test-versions.ts";

test("a start on a store whose database was lost says so, and one on a new or a whole store does not", async (t) => {
  const { project, start, lines } = setUp(t);
  const file = join(project.folder, ".mortise", "mortise.db");
  const told = () => lines.splice(0).filter((line) => line.includes("the store's database is empty or gone")).length;
  await (await start()).stop();
  assert.equal(told(), 0);
  await (await start()).stop();
  assert.equal(told(), 0);
  for (const lose of [() => rmSync(file), () => writeFileSync(file, "")]) {
    lose();
    await (await start()).stop();
    assert.equal(told(), 1);
  }
});
