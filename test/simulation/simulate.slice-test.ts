/** A slice of the simulation: the same seeds each time. The 10,000 are in simulate.long-test.ts. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { simulateAll } from "./all.ts";

const from = 1;
const seeds = 100;

test(`seeds ${from} to ${from + seeds - 1} break no invariant`, async (t) => {
  const { failing, figures } = await simulateAll(from, seeds, () => {});
  t.diagnostic(JSON.stringify(figures));
  assert.deepEqual(
    failing.map(({ seed, broken }) => `seed ${seed} (npm run simulate -- --seed ${seed}): ${broken.join("; ")}`),
    [],
  );
  assert.ok(
    (figures.crashes ?? 0) > 500 && (figures.faults ?? 0) > 200 && (figures.jumps ?? 0) > 100,
    "it was a hard time",
  );
  for (const act of ["cancel", "restart", "rewind", "pause", "resume", "terminate", "happened", "repeat", "retry"])
    assert.ok((figures[act] ?? 0) > 3, `operators did all they may do, also ${act}`);
});
