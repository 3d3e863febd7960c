/**
 * Installs what is missing in this checkout, and picks the Node to run with. Plain JavaScript without dependencies: it runs
 * on any Node from 20, before anything is installed. Scripts of packages are never run.
 */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, lstatSync, readFileSync, readlinkSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { isCurrent, majorOf, packagedNode, platformPackage } from "../bin/find-node.mjs";

/** The checkout's folder. */
export const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** With this condition, `import "mortise"` means the sources, not the build. */
const condition = "--conditions=mortise-source";

/** The lock's hash stands here after an install from it; `npm ci` removes it with everything else. */
const stampName = ".installed-from";

/** Installs `folder` from its lock unless that was done, and reads "installed" from npm's own record if it ran by hand. */
export function ensureInstalled(folder = root) {
  const lock = readFileSync(join(folder, "package-lock.json"));
  const hash = createHash("sha256").update(lock).digest("hex");
  const stamp = join(folder, "node_modules", stampName);
  const stamped = existsSync(stamp) && readFileSync(stamp, "utf8") === hash;
  if (!stamped) {
    if (!matchesRecord(folder, JSON.parse(lock.toString("utf8")))) {
      console.error(`Installing what is missing (npm ci in ${folder === root ? "this folder" : folder}) ...`);
      npm(
        [
          "ci",
          "--ignore-scripts",
          "--include=dev",
          "--include=optional",
          "--no-audit",
          "--no-fund",
          "--loglevel=error",
        ],
        folder,
      );
    }
    writeFileSync(stamp, hash);
  }
  if (folder === root) linkSelf();
}

/** npm's record of what it installed holds all that the lock demands (packages of other platforms aside). */
function matchesRecord(folder, lock) {
  const record = join(folder, "node_modules", ".package-lock.json");
  if (!existsSync(record)) return false;
  const installed = JSON.parse(readFileSync(record, "utf8")).packages;
  return Object.entries(lock.packages).every(
    ([path, wanted]) =>
      path === "" ||
      (installed[path] === undefined
        ? wanted.optional === true && !fitsHere(wanted)
        : installed[path].version === wanted.version),
  );
}

function fitsHere({ os, cpu, libc }) {
  const fits = (list, value) => list === undefined || list.includes(value);
  return fits(os, process.platform) && fits(cpu, process.arch) && libc === undefined;
}

/** `node_modules/mortise` leads back here, so that examples import "mortise" as a user does. */
function linkSelf() {
  const link = join(root, "node_modules", "mortise");
  const there = lstatSync(link, { throwIfNoEntry: false });
  if (there?.isSymbolicLink() && resolve(dirname(link), readlinkSync(link)) === root) return;
  if (there !== undefined) rmSync(link, { recursive: true });
  try {
    symlinkSync(process.platform === "win32" ? root : "..", link, process.platform === "win32" ? "junction" : "dir");
  } catch (error) {
    if (error.code !== "EEXIST") throw error; // another command of this checkout was quicker
  }
}

/** Runs npm, the one that started us where there is one, and ends this process if it fails. */
export function npm(args, folder) {
  const own = process.env.npm_execpath;
  const done =
    own?.endsWith(".js") === true
      ? spawnSync(process.execPath, [own, ...args], { cwd: folder, stdio: ["ignore", 2, 2] })
      : spawnSync("npm", args, { cwd: folder, stdio: ["ignore", 2, 2], shell: process.platform === "win32" });
  if (done.error !== undefined) throw done.error;
  if (done.status !== 0) {
    console.error(`npm ${args[0]} failed in ${folder}.`);
    process.exit(done.status ?? 1);
  }
}

/**
 * The Node to run with: this one if it is new enough, else (or when a major version is asked for) the packaged one,
 * which is installed when it is missing.
 */
export function pickNode(major) {
  const own = { path: process.execPath, from: "this machine's" };
  if (major === undefined ? isCurrent() : majorOf(process.versions.node) === major) return own;
  const folder = join(root, "tools", major === 24 ? "node24" : "node");
  if (platformPackage() !== undefined) {
    ensureInstalled(folder);
    const path = packagedNode(folder, { here: true });
    if (path !== undefined) return { path, from: "from npm" };
  }
  console.error(
    `There is no packaged Node ${major ?? ""} for ${process.platform}-${process.arch}. Install Node ${major ?? "24 or newer"} and run this again with it.`,
  );
  process.exit(1);
}

/**
 * The environment for what we start: the user's, our condition added, `node` meaning the picked one, and a place where Node keeps what
 * it compiled. Each of some hundred test files, and each server that one starts, is a process that would strip the types of the same
 * sources again: two fifths of the suite's processor time. `npm ci` empties the place, and what Node keeps there bears its version.
 */
export function environment(node) {
  const given = process.env.NODE_OPTIONS ?? "";
  const separator = process.platform === "win32" ? ";" : ":";
  const pathName = Object.keys(process.env).find((name) => name.toUpperCase() === "PATH") ?? "PATH";
  return {
    NODE_COMPILE_CACHE: join(root, "node_modules", ".cache", "compiled"),
    ...process.env,
    NODE_OPTIONS: given.includes(condition) ? given : `${given} ${condition}`.trim(),
    [pathName]: `${dirname(node.path)}${separator}${process.env[pathName] ?? ""}`,
  };
}
