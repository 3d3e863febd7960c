import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";
import { openLines } from "./lines.ts";

const lost = (count: number) => `lost ${count}\n`;
const module = JSON.stringify(new URL("./lines.ts", import.meta.url).href);
const full = { skip: existsSync("/dev/full") ? false : "this system has no /dev/full" };

test("lines are written in their order, and those that wait at the end too", (t) => {
  const folder = mkdtempSync(join(tmpdir(), "lines-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = openSync(join(folder, "log"), "w");
  const code = `import { openLines } from ${module};
    const lines = openLines(1, { lost: String });
    for (let n = 0; n < 1000; n++) lines.write(n + "\\n");`;
  const done = spawnSync(process.execPath, ["--input-type=module", "-e", code], { stdio: ["ignore", file, "inherit"] });
  closeSync(file);
  assert.equal(done.status, 0);
  assert.equal(readFileSync(join(folder, "log"), "utf8"), Array.from({ length: 1000 }, (_, n) => `${n}\n`).join(""));
});

test("a full disk under the log neither ends its process nor holds it", full, () => {
  // It goes on, closes the log and ends by itself: no write that failed is thrown, and none is waited for.
  const code = `import { openLines } from ${module};
    const lines = openLines(1, { lost: String, retryMs: 1 });
    lines.write("one\\n");
    setTimeout(() => { lines.write("two\\n"); lines.close(); process.exitCode = 7; }, 50);`;
  const disk = openSync("/dev/full", "w");
  const done = spawnSync(process.execPath, ["--input-type=module", "-e", code], {
    stdio: ["ignore", disk, "pipe"],
    timeout: 60_000,
  });
  closeSync(disk);
  assert.deepEqual([done.status, String(done.stderr)], [7, ""]);
});

test("where nobody reads so much waits and no more; then it is said how much was lost, and the order is kept", async () => {
  const code = `import { openLines } from ${module};
    process.stdout; // which makes a pipe of a parent one that does not wait
    const lines = openLines(1, { lost: (n) => "lost " + n + "\\n", mostWaiting: 100_000, retryMs: 1, patienceMs: 0 });
    const line = "x".repeat(999) + "\\n";
    for (let n = 0; n < 2000; n++) lines.write(line);
    process.stderr.write("ready");`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", code], { stdio: ["ignore", "pipe", "pipe"] });
  // Nothing is read until the child has said that all was taken.
  await new Promise<void>((resolve) => child.stderr.once("data", () => resolve()));
  let text = "";
  for await (const part of child.stdout) text += part;
  const rows = text.split("\n").slice(0, -1);
  const said = rows.filter((row) => row.startsWith("lost "));
  const missing = said.reduce((sum, row) => sum + Number(row.slice(5)), 0);
  assert.ok(missing > 0);
  assert.equal(rows.length - said.length + missing, 2000);
  assert.ok(rows.every((row) => row.length === 999 || row.startsWith("lost ")));
});

test("a reader that has gone for good is no error", (t) => {
  const folder = mkdtempSync(join(tmpdir(), "lines-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = openSync(join(folder, "log"), "w");
  closeSync(file);
  const lines = openLines(file, { lost });
  lines.write("one\n");
  lines.flush();
  lines.close();
});
