import assert from "node:assert/strict";
import { tmpdir } from "node:os";
import { test } from "node:test";
import { watchDisk } from "./disk.ts";

test("below the reserve the disk is low until there is a little more than the reserve; a full one is full whatever is said of it", async () => {
  let free = 1000;
  const told: string[] = [];
  const disk = watchDisk({
    folder: "/",
    reserveBytes: 100,
    free: async () => free,
    changed: (state, bytes) => told.push(`${state} ${bytes}`),
    everyMs: 3_600_000,
  });
  for (const [now, state] of [
    [1000, "ok"],
    [99, "low"],
    [105, "low"],
    [110, "ok"],
    [100, "ok"],
  ] as const) {
    free = now;
    await disk.look();
    assert.equal(disk.state(), state);
  }
  disk.full(true);
  await disk.look();
  assert.equal(disk.state(), "full");
  disk.full(false);
  assert.equal(disk.state(), "ok");
  assert.deepEqual(told, ["low 99", "ok 110", "full 100", "ok 100"]);
  disk.close();
});

test("a folder whose space can't be asked for counts as having some", async () => {
  const disk = watchDisk({ folder: `${tmpdir()}/no/such/folder`, reserveBytes: 1, changed: () => assert.fail() });
  await disk.look();
  assert.equal(disk.state(), "ok");
  disk.close();
});
