#!/usr/bin/env node
/**
 * The `mortise` command. Plain JavaScript that runs on Node 20 and newer: it finds a Node that is new enough (this one, or a
 * packaged one of the project or of the checkout) and hands over to the sources in a checkout, to the build in a package.
 */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { isCurrent, oldestMajor, packagedNode, platformPackage } from "./find-node.mjs";

const home = dirname(dirname(fileURLToPath(import.meta.url)));
const source = join(home, "src", "main.ts");
const inCheckout = existsSync(source);
const main = inCheckout ? source : join(home, "dist", "main.js");
const condition = "--conditions=mortise-source";

/** Commands that an old Node runs as well: with them a project begins that brings a newer one. */
const runsOnOldNode = (args) =>
  args.length === 0 || ["init", "help", "--help", "-h", "--version", "-V"].includes(args[0]);

/** In a checkout `import "mortise"` means the sources; a package has none, whatever the environment says. */
function nodeOptions() {
  const given = (process.env.NODE_OPTIONS ?? "").split(" ").filter((option) => option !== "" && option !== condition);
  return [...given, ...(inCheckout ? [condition] : [])].join(" ");
}

async function nodeToUse() {
  if (isCurrent()) return process.execPath;
  const packaged = packagedNode(process.cwd()) ?? packagedNode(home);
  if (packaged !== undefined || !inCheckout) return packaged;
  const { pickNode } = await import(pathToFileURL(join(home, "scripts", "install.mjs")).href);
  return pickNode().path;
}

const args = process.argv.slice(2);
const node = await nodeToUse();
if (node === process.execPath && nodeOptions() === (process.env.NODE_OPTIONS ?? "")) {
  await import(pathToFileURL(main).href);
} else if (node !== undefined) {
  const child = spawn(node, [main, ...args], {
    // By the channel, the server learns that this process is gone, however it ended, and does not stay behind.
    stdio: ["inherit", "inherit", "inherit", "ipc"],
    env: {
      ...process.env,
      NODE_OPTIONS: nodeOptions(),
      // For init: a project made on this machine needs a Node of its own.
      MORTISE_MACHINE_NODE: process.env.MORTISE_MACHINE_NODE ?? process.versions.node,
    },
  });
  // A terminal gives its Ctrl-C to the child too; passing it on would count twice.
  const onTerminal = process.stdin.isTTY === true || process.stdout.isTTY === true;
  for (const signal of ["SIGTERM", "SIGHUP", "SIGINT"]) {
    process.on(signal, () => (signal === "SIGINT" && onTerminal ? undefined : child.kill(signal)));
  }
  child.on("exit", (code, signal) => {
    for (const name of ["SIGTERM", "SIGHUP", "SIGINT"]) process.removeAllListeners(name);
    if (signal === null) process.exitCode = code ?? 1;
    else process.kill(process.pid, signal);
  });
} else if (runsOnOldNode(args)) {
  await import(pathToFileURL(main).href);
} else {
  const packageName = platformPackage();
  console.error(
    `Mortise needs Node ${oldestMajor} or newer; this is ${process.versions.node}. ${
      packageName === undefined
        ? "Install a newer Node."
        : `Install a newer one, or bring one through npm: npm i -D ${packageName}@26.10.0`
    }`,
  );
  process.exitCode = 1;
}
