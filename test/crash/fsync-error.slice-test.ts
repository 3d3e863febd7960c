/** A seeded sample of fsyncs that fail; `npm run crash -- --fsync-errors` fails each of them. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { whyNoStrace } from "./child.ts";
import { failFsyncs } from "./fsync-error.ts";

test("after an fsync that failed the process stops, and starts again with everything acknowledged", {
  skip: whyNoStrace() ?? false,
}, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "mortise-fsync-"));
  const seed = Date.now() % 1_000_000;
  try {
    const { points, fsyncs, wentOn } = await failFsyncs({ folder, seed, within: 6000 });
    t.diagnostic(`seed ${seed}: ${points} of ${fsyncs} fsyncs failed`);
    assert.ok(points > 0);
    assert.deepEqual(wentOn, [], `seed ${seed}`);
  } catch (error) {
    throw new Error(`seed ${seed}: ${(error as Error).message}`, { cause: error });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
