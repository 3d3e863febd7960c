/** Builds dist/ for publishing: the TypeScript as JavaScript with declarations, and beside it whatever else the sources read. */
import { spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { ensureInstalled, environment, pickNode, root } from "./install.mjs";

ensureInstalled();
const node = pickNode();
const dist = join(root, "dist");
rmSync(dist, { recursive: true, force: true });
const done = spawnSync(node.path, [join(root, "node_modules/typescript/bin/tsc"), "-p", "tsconfig.build.json"], {
  cwd: root,
  stdio: ["ignore", 2, 2], // npm pack --json speaks on our output
  env: environment(node),
});
if (done.error !== undefined) throw done.error;
if (done.status !== 0) process.exit(done.status ?? 1);

for (const entry of readdirSync(join(root, "src"), { recursive: true, withFileTypes: true })) {
  const from = join(entry.parentPath, entry.name);
  if (!entry.isFile() || entry.name.endsWith(".ts") || from.includes("fixtures")) continue;
  const to = join(dist, from.slice(join(root, "src").length));
  mkdirSync(dirname(to), { recursive: true });
  copyFileSync(from, to);
}
