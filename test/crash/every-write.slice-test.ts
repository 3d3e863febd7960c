/** A seeded sample of the kills at each write and fsync; `npm run crash -- --every-write` makes all of them. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { whyNoStrace } from "./child.ts";
import { sweep } from "./every-write.ts";

const missing = whyNoStrace();

test("killed at any write or fsync of the journal, nothing acknowledged is lost and nothing is done twice", {
  skip: missing ?? false,
}, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "mortise-sweep-"));
  const seed = Date.now() % 1_000_000;
  try {
    const { points, late, counts } = await sweep({ folder, seed, within: 6000, every: false, jobs: 2 });
    t.diagnostic(`seed ${seed}: ${points} points of ${JSON.stringify(counts)}, ${late} of them after the end`);
    assert.ok(points > late, "at least one kill came before the end");
  } catch (error) {
    throw new Error(`seed ${seed}: ${(error as Error).message}`, { cause: error });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
