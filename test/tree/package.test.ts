/** What is published works where it is installed: packed, installed from the tarball with scripts blocked, imported, run. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { after, before, test } from "node:test";
import { moduleUrl } from "../../src/module-url.ts";
import { files, importsOf, isTest, root, text } from "./sources.ts";

let home: string;
let tarball: string;
let installed: string;

/** As on a user's machine: nothing of the checkout in the environment. */
function clean(): NodeJS.ProcessEnv {
  const env: NodeJS.ProcessEnv = { NODE_OPTIONS: "", NO_COLOR: "1" };
  for (const [name, value] of Object.entries(process.env)) {
    if (!/^(NODE_OPTIONS|npm_(lifecycle|package)_.*|npm_config_local_prefix|INIT_CWD|NODE_TEST_CONTEXT)$/i.test(name))
      env[name] ??= value;
  }
  return env;
}

function run(command: string, args: readonly string[], cwd: string, env = clean()): Promise<string> {
  return new Promise((resolve, reject) => {
    const shell = process.platform === "win32" && command === "npm";
    execFile(command, args, { cwd, env, shell, maxBuffer: 16 << 20 }, (error, stdout, stderr) => {
      if (error === null) resolve(stdout);
      else reject(new Error(`${command} ${args.join(" ")}: ${error.message}\n${stdout}\n${stderr}`));
    });
  });
}
const mortise = (args: readonly string[], cwd: string): Promise<string> =>
  run(process.execPath, [join(installed, "bin", "mortise.mjs"), ...args], cwd);

before(async () => {
  home = realpathSync(mkdtempSync(join(tmpdir(), "mortise-package-")));
  await run(process.execPath, [join(root, "scripts", "build.mjs")], root);
  const packed = await run("npm", ["pack", "--ignore-scripts", "--json", "--pack-destination", home], root);
  const [{ filename }] = JSON.parse(packed) as [{ filename: string }];
  tarball = join(home, filename);
  const project = join(home, "user");
  mkdirSync(project);
  writeFileSync(join(project, "package.json"), JSON.stringify({ name: "user", private: true, type: "module" }));
  const quiet = ["--ignore-scripts", "--prefer-offline", "--no-audit", "--no-fund", "--loglevel=error"];
  await run("npm", ["install", ...quiet, tarball], project);
  installed = join(project, "node_modules", "mortise");
});
after(() => rmSync(home, { recursive: true, force: true }));

test("the package holds the build, the launcher and the docs, and no sources or tests", () => {
  const held = readdirSync(installed, { recursive: true }).map((path) => String(path).replaceAll("\\", "/"));
  for (const path of ["dist/index.js", "dist/index.d.ts", "dist/main.js", "bin/mortise.mjs", "LICENSE", "README.md"])
    assert.ok(held.includes(path), path);
  const foreign = held.filter((path) => /(^|\/)(src|test|scripts|tools|fixtures)\/|\.test\.|(?<!\.d)\.ts$/.test(path));
  assert.deepEqual(foreign, []);
});

test("every exported name is there, and its types compile in a user's project", async () => {
  const project = dirname(dirname(installed));
  for (const [name, own] of [
    ["mortise", await import("../../src/index.ts")],
    ["mortise/testing", await import("../../src/testing/index.ts")],
  ] as const) {
    const script = `import * as all from "${name}"; console.log(JSON.stringify(Object.keys(all)))`;
    const names = JSON.parse(await run(process.execPath, ["--input-type=module", "-e", script], project)) as string[];
    assert.deepEqual(names.sort(), Object.keys(own).sort());
  }
  writeFileSync(
    join(project, "own.ts"),
    `import { defineProcess, t } from "mortise";
import { testWorld } from "mortise/testing";
const order = t.object({ id: t.string() });
export const p = defineProcess({ name: "p", input: order, key: (input) => input.id, run: async (flow) => flow.now() });
export const r = async () => (await testWorld({ processes: [p] }).start(p, { id: "1" })).ended();
// @ts-expect-error the input is typed in a test as well
export const s = () => testWorld({ processes: [p] }).start(p, { id: 1 });
// @ts-expect-error a wrong field is a compile error, so the types are really there
export const q = defineProcess({ name: "q", input: order, key: (input) => input.nothing, run: async () => 1 });
`,
  );
  const options = {
    module: "NodeNext",
    strict: true,
    noEmit: true,
    target: "ES2024",
    types: ["node"],
    typeRoots: [join(root, "node_modules/@types")],
  };
  writeFileSync(join(project, "tsconfig.json"), JSON.stringify({ compilerOptions: options, files: ["own.ts"] }));
  await run(process.execPath, [join(root, "node_modules/typescript/bin/tsc"), "-p", project], project);
});

test("every worker that the sources start by URL is in the build", async () => {
  for (const path of (await files("src/**/*.ts")).filter((one) => !isTest(one))) {
    for (const { specifier } of importsOf(path, text(path)).filter((one) => one.specifier.startsWith("."))) {
      const built = join(installed, "dist", path.slice("src/".length).replace(/\.ts$/, ".js"));
      if (!existsSync(built)) continue;
      const target = new URL(moduleUrl(specifier.replace(/\.ts$/, ""), `file://${built}`));
      assert.ok(specifier.endsWith(".json") || existsSync(target), `${path} needs ${specifier}`);
    }
  }
});

test("the command runs from the package, whatever condition the environment has", async () => {
  const help = await mortise(["--help"], home);
  assert.match(help, /Usage: mortise/);
  const env = { ...clean(), NODE_OPTIONS: "--conditions=mortise-source" };
  const version = await run(process.execPath, [join(installed, "bin", "mortise.mjs"), "--version"], home, env);
  assert.equal(version.trim(), (JSON.parse(text("package.json")) as { version: string }).version);
});

test("a project made by a packed Mortise depends on that same file", async () => {
  await mortise(["init", "demo"], home);
  const { dependencies } = JSON.parse(readFileSync(join(home, "demo", "package.json"), "utf8")) as {
    dependencies: { mortise: string };
  };
  assert.equal(dependencies.mortise, `file:${tarball.replaceAll("\\", "/")}`);
});

test("the tests of a project made by a packed Mortise pass", async () => {
  await mortise(["init", "packed"], home);
  const report = await ownTests(join(home, "packed"), installed);
  assert.match(report, /pass 3/);
});

test("the tests of a project made from a checkout pass where nothing was built", async () => {
  await run(process.execPath, [join(root, "bin", "mortise.mjs"), "init", "linked"], home);
  const { dependencies } = JSON.parse(readFileSync(join(home, "linked", "package.json"), "utf8")) as {
    dependencies: { mortise: string };
  };
  assert.equal(dependencies.mortise, `file:${root.replaceAll("\\", "/").replace(/\/$/, "")}`);
  // This checkout has a build, since this file makes one: one without it has the sources and nothing else.
  const checkout = join(home, "checkout");
  mkdirSync(checkout);
  writeFileSync(join(checkout, "package.json"), text("package.json"));
  symlinkSync(join(root, "src"), join(checkout, "src"), "junction");
  const report = await ownTests(join(home, "linked"), checkout);
  assert.match(report, /pass 3/);
});

test("a project that a checkout makes for a published Mortise does not ask for sources", async () => {
  await run(process.execPath, [join(root, "bin", "mortise.mjs"), "init", "other", "--mortise", "^0.1.0"], home);
  const written = ["package.json", "tsconfig.json"].map((name) => readFileSync(join(home, "other", name), "utf8"));
  assert.doesNotMatch(written.join(""), /mortise-source/);
});

/** `npm test` with this Mortise, in an environment that knows nothing of a checkout, on the Node that runs this. */
function ownTests(project: string, mortiseHome: string): Promise<string> {
  mkdirSync(join(project, "node_modules"));
  symlinkSync(mortiseHome, join(project, "node_modules", "mortise"), "junction");
  const path = `${dirname(process.execPath)}${delimiter}${process.env.PATH ?? ""}`;
  return run("npm", ["test"], project, { ...clean(), PATH: path });
}
