/**
 * Runs the tests, after installing what is missing:
 *   node scripts/test.mjs [--node=24|26] [--slices|--long] [GLOB or option of node --test ...]
 *
 * Each file has a process of its own, so that none can leave a handle, a worker or a global to the next, and one that
 * does not end by itself fails. The default suite is every x.test.ts. --slices takes every x.slice-test.ts instead: some seconds of
 * what is proven for hours by other commands. --long takes every x.long-test.ts.
 */
import { availableParallelism } from "node:os";
import { ensureInstalled, environment, pickNode, root } from "./install.mjs";
import { inOurPlace } from "./spawn.mjs";

const given = process.argv.slice(2);
const long = given.includes("--long");
const slices = given.includes("--slices");
const wanted = given.find((argument) => argument.startsWith("--node="));
const rest = given.filter((argument) => !["--long", "--slices", wanted].includes(argument));
const ending = long ? "long-test" : slices ? "slice-test" : "test";
const globs = rest.some((argument) => !argument.startsWith("-"))
  ? []
  : ["src", "test", "examples", "bench"].map((folder) => `${folder}/**/*.${ending}.ts`);

// Tests of the default suite wait for servers, disks and deadlines for two fifths of their time: two more than there are cores fill it. The
// proofs that are timed by what they do keep the cores for themselves.
const cores = Math.max(2, availableParallelism());
const atOnce = long || slices ? cores : cores + 2;

ensureInstalled();
const node = pickNode(wanted === undefined ? undefined : Number(wanted.slice("--node=".length)));
const version =
  node.path === process.execPath ? process.version : node.path.match(/node_modules/) && (await versionOf(node.path));
console.log(`Node ${version}, ${node.from}; ${process.platform}-${process.arch}`);

process.exitCode = await inOurPlace(
  node.path,
  ["--test", `--test-concurrency=${atOnce}`, `--test-timeout=${long ? 1_800_000 : 300_000}`, ...rest, ...globs],
  { cwd: root, env: environment(node) },
);

async function versionOf(path) {
  const { execFileSync } = await import("node:child_process");
  return execFileSync(path, ["--version"], { encoding: "utf8" }).trim();
}
