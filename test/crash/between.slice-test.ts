/** A seeded sample of kills between an effect and its record; `npm run crash -- --between` takes every moment. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { killBetween } from "./between.ts";

test("killed between an effect and its record: a key or a probe keeps it single, else a person is asked", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "mortise-between-"));
  const seed = Date.now() % 1_000_000;
  try {
    const { points, all } = await killBetween({ folder, seed, within: 5000 });
    t.diagnostic(`seed ${seed}: ${points} of ${all} moments`);
    assert.ok(points > 0);
  } catch (error) {
    throw new Error(`seed ${seed}: ${(error as Error).message}`, { cause: error });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
