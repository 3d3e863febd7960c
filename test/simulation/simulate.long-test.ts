/** 10,000 simulated installations. Seeds that ever broke something are among them, or in found.test.ts. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { simulateAll } from "./all.ts";

test("10,000 seeds break no invariant", async (t) => {
  const { failing, figures } = await simulateAll(1, 10_000, (line) => t.diagnostic(line));
  t.diagnostic(JSON.stringify(figures));
  assert.deepEqual(
    failing.map(({ seed, broken }) => `seed ${seed} (npm run simulate -- --seed ${seed}): ${broken.join("; ")}`),
    [],
  );
});
