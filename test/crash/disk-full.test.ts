/** Row 6: a disk that is really full, as the kernel says so. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { childEnvironment } from "./environment.ts";

/** Mounts a file system of 40 MiB where nobody else sees it, then runs what follows. */
const mounted = ["-rm", "sh", "-c", 'mount -t tmpfs -o size=40m none "$0" && exec "$@"'];

const probe = mkdtempSync(join(tmpdir(), "mortise-full-"));
const possible = spawnSync("unshare", [...mounted, probe, "true"]).status === 0;
rmSync(probe, { recursive: true, force: true });

test("row 6: on a full disk new work is refused and reads go on; once there is space all that was accepted ends, and nothing is doubled", {
  skip: possible ? false : "no file system can be mounted here",
  timeout: 120_000,
}, () => {
  const folder = mkdtempSync(join(tmpdir(), "mortise-full-"));
  try {
    const script = fileURLToPath(new URL("./disk-full-child.ts", import.meta.url));
    const ran = spawnSync("unshare", [...mounted, folder, process.execPath, ...process.execArgv, script, folder], {
      env: childEnvironment(),
      encoding: "utf8",
    });
    assert.equal(ran.status, 0, ran.stderr);
    const said = JSON.parse(ran.stdout) as Record<string, number> & { refusals: string[] };
    assert.deepEqual(said.refusals, ["store-full"]);
    assert.ok(Number(said.accepted) > 5);
    assert.equal(said.readable, said.accepted);
    // The run that was started last may have begun.
    assert.ok(Number(said.keys) >= Number(said.accepted) * 5);
    assert.equal(said.calls, said.keys);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
