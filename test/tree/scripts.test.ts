/** The scripts that run before anything is installed: what they pass on, and what they pick. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { pathToFileURL } from "node:url";
import { root } from "./sources.ts";

const home = mkdtempSync(join(tmpdir(), "mortise-scripts-"));
after(() => rmSync(home, { recursive: true }));

interface FindNode {
  readonly platformPackages: Readonly<Record<string, string>>;
  packagedNode(folder: string, options?: { readonly here?: boolean }): string | undefined;
  platformPackage(): string | undefined;
}
const find = (await import(pathToFileURL(join(root, "bin/find-node.mjs")).href)) as FindNode;

function launch(source: string, args: readonly string[], env: NodeJS.ProcessEnv) {
  const file = join(home, `entry-${Math.random()}.ts`);
  writeFileSync(file, source);
  return spawn(process.execPath, [join(root, "scripts/run.mjs"), file, ...args], {
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "inherit"],
  });
}

test("what is run gets its arguments, the user's NODE_OPTIONS, and gives its exit code", async () => {
  const source =
    "const seen: unknown = [process.argv.slice(2), process.env.NODE_OPTIONS]; console.log(JSON.stringify(seen)); process.exit(7);";
  const child = launch(source, ["--a", "b c"], { NODE_OPTIONS: "--trace-warnings" });
  let out = "";
  child.stdout.setEncoding("utf8").on("data", (part: string) => {
    out += part;
  });
  const [code] = await once(child, "close");
  assert.equal(code, 7);
  assert.deepEqual(JSON.parse(out), [["--a", "b c"], "--trace-warnings --conditions=mortise-source"]);
});

test("a signal is passed on", { skip: process.platform === "win32" }, async () => {
  const source = 'process.on("SIGTERM", () => process.exit(9)); console.log("up"); setInterval(() => {}, 1000);';
  const child = launch(source, [], {});
  await once(child.stdout, "data");
  child.kill("SIGTERM");
  const [code] = await once(child, "close");
  assert.equal(code, 9);
});

test("a packaged Node is found in the folder and above it; one that is too old is passed over", () => {
  const name = find.platformPackage();
  if (name === undefined) return;
  const install = (folder: string, version: string): string => {
    const binary = join(home, folder, "node_modules", name, "bin", process.platform === "win32" ? "node.exe" : "node");
    mkdirSync(join(binary, ".."), { recursive: true });
    writeFileSync(binary, "");
    writeFileSync(join(binary, "..", "..", "package.json"), JSON.stringify({ version }));
    return binary;
  };
  const outer = install("outer", "26.10.0");
  mkdirSync(join(home, "outer", "inner"));
  assert.equal(find.packagedNode(join(home, "outer", "inner")), outer);
  assert.equal(find.packagedNode(join(home, "outer", "inner"), { here: true }), undefined);
  install("outer/inner", "22.23.2");
  assert.equal(find.packagedNode(join(home, "outer", "inner")), outer);
});

test("the platform packages of the launcher, of tools/node and of new projects are the same", async () => {
  const { default: tools } = (await import("../../tools/node/package.json", { with: { type: "json" } })) as {
    default: { optionalDependencies: Record<string, string> };
  };
  const { projectFiles } = await import("../../src/cli/template.ts");
  const facts = { name: "a", mortise: "^1", typescript: "1", nodeTypes: "1", nodePackages: true, checkout: false };
  const made = JSON.parse(projectFiles(facts)["package.json"]!) as typeof tools;
  assert.deepEqual(made.optionalDependencies, tools.optionalDependencies);
  assert.deepEqual(Object.values(find.platformPackages).sort(), Object.keys(tools.optionalDependencies).sort());
});
