/** A server that stops while code is at work that waits for nobody: it goes on at the next start. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Rig } from "../engine-harness.ts";
import { begin, endRigs, open, processOf, restarted } from "../operating-rig.ts";

endRigs();

test("a map whose items are over when the server stops goes on at the next start, though nothing comes for it", async () => {
  const items = Array.from({ length: 400 }, (_, n) => n);
  let one: Rig | undefined;
  const stopped = Promise.withResolvers<Rig>();
  let over = 0;
  const p = processOf(async (flow) => {
    const all = await flow.map(
      items,
      async (n, flow) => {
        await flow.sleep("1s");
        over += 1;
        // Each has had its time, and that they are over is still to be written, one after the other.
        if (over === items.length) stopped.resolve(restarted(one as Rig, { processes: [p] }));
        return n;
      },
      { concurrency: items.length },
    );
    return all.length;
  });
  one = await open({ processes: [p] });
  const run = await begin(one);
  const two = await stopped.promise;
  assert.equal((await two.until(run, "completed")).output, items.length);
});
