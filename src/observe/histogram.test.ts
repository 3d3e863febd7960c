import assert from "node:assert/strict";
import test from "node:test";
import { Histogram, Registry } from "prom-client";
import { histogram } from "./histogram.ts";

test("a page shows the same of it as of prom-client's own histogram", async () => {
  const settings = { name: "times", help: "Time.", labelNames: ["api", "operation"] as const };
  const bounds = [0.005, 0.01, 1, 10];
  const [own, theirs] = [new Registry(), new Registry()];
  const observe = histogram(own, { ...settings, bounds });
  const other = new Histogram({
    ...settings,
    labelNames: [...settings.labelNames],
    buckets: bounds,
    registers: [theirs],
  });
  assert.equal(await own.metrics(), await theirs.metrics());
  for (const value of [0, 0.005, 0.0051, 0.7, 1, 9.5, 10, 11, 1e9])
    for (const operation of ["place", 'with "quotes"\n', ""]) {
      observe({ api: "orders", operation }, value);
      other.observe({ api: "orders", operation }, value);
    }
  assert.equal(await own.metrics(), await theirs.metrics());
});
