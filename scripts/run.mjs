/**
 * Runs a TypeScript file of this checkout on a Node that is new enough, after installing what is missing:
 *   node scripts/run.mjs FILE [ARGUMENT ...]
 */
import { resolve } from "node:path";
import { ensureInstalled, environment, pickNode, root } from "./install.mjs";
import { inOurPlace } from "./spawn.mjs";

const [file, ...args] = process.argv.slice(2);
if (file === undefined) {
  console.error("Which file? For example: node scripts/run.mjs examples/harbour-supply/start.ts");
  process.exit(2);
}
ensureInstalled();
const node = pickNode();
process.exitCode = await inOurPlace(node.path, [resolve(root, file), ...args], { env: environment(node) });
