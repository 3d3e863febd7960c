/** Type check, then lint and format, then the rules that need types. Ends with the first that fails. `--write` mends what can be mended. */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { ensureInstalled, environment, pickNode, root } from "./install.mjs";

ensureInstalled();
const node = pickNode();
const write = process.argv.includes("--write");
const steps = [
  ["types", "typescript/bin/tsc", ["-p", "."]],
  ["lint and format", "@biomejs/biome/bin/biome", ["check", "--error-on-warnings", ...(write ? ["--write"] : [])]],
  ["promises", "oxlint/bin/oxlint", ["--type-aware", "--deny-warnings"]],
];
for (const [name, file, args] of steps) {
  console.log(`${name}:`);
  const done = spawnSync(node.path, [join(root, "node_modules", file), ...args], {
    cwd: root,
    stdio: "inherit",
    env: environment(node),
  });
  if (done.error !== undefined) throw done.error;
  if (done.status !== 0) process.exit(done.status ?? 1);
}
