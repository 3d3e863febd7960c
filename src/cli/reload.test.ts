/** `mortise reload`, SIGHUP, and a kill in the middle of it, against a server of its own process. */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { type TestContext, test } from "node:test";
import { fileURLToPath } from "node:url";
import { mortise, type Ran } from "./test-terminal.ts";

const bin = fileURLToPath(new URL("../../bin/mortise.mjs", import.meta.url));

interface Child {
  readonly process: ChildProcess;
  readonly api: string;
  /** The next line of the log that holds this text. */
  line(text: string): Promise<string>;
}

async function setUp(t: TestContext) {
  const home = mkdtempSync(join(tmpdir(), "mortise-reload-"));
  const project = join(home, "demo");
  await mortise(["init", "demo"], { folder: home });
  const children: ChildProcess[] = [];
  t.after(async () => {
    for (const child of children)
      if (child.exitCode === null && child.signalCode === null) {
        child.kill("SIGKILL");
        await once(child, "exit");
      }
    rmSync(home, { recursive: true, force: true });
  });
  const config = join(project, "mortise.config.ts");
  writeFileSync(
    config,
    'import { defineConfig } from "mortise"; export default defineConfig({ api: { port: 0 }, admin: { port: 0 } });',
  );
  return {
    project,
    run: (...args: string[]): Promise<Ran> => mortise(args, { folder: project }),
    async start(...options: string[]): Promise<Child> {
      const child = spawn(process.execPath, [bin, "start", "--json", ...options], {
        cwd: project,
        stdio: ["ignore", "pipe", "inherit"],
      });
      children.push(child);
      const lines = createInterface({ input: child.stdout! })[Symbol.asyncIterator]();
      const line = async (text: string): Promise<string> => {
        for (;;) {
          const { value, done } = await lines.next();
          if (done === true) throw new Error(`the server ended without saying "${text}"`);
          if (value.includes(text)) return value;
        }
      };
      const { api } = JSON.parse(await line('"msg":"started"')) as { api: string };
      return { process: child, api, line };
    },
  };
}

const quotes = (project: string) => join(project, "apis/quotes.v1.ts");
/** Title of the published document. */
const title = async (api: string): Promise<string> => {
  const { info } = (await (await fetch(`${api}/quotes/v1/openapi.json`)).json()) as { info: { title: string } };
  return info.title;
};

test("reload says what changed; what is wrong is shown with its place, and nothing is changed", async (t) => {
  const { project, run, start } = await setUp(t);
  const { api } = await start();
  const text = readFileSync(quotes(project), "utf8");
  const before = await title(api);
  const none = await run("reload");
  assert.match(none.out, /^reloaded {2}no file of the server changed\n$/);
  writeFileSync(quotes(project), text.replace("defineApi({", 'defineApi({ title: "Quotes, changed",'));
  const done = await run("reload", "--reason", "a title");
  assert.deepEqual([done.code, done.err], [0, ""], done.out);
  assert.match(done.out, /^reloaded {2}1 file changed: apis\/quotes\.v1\.ts\n$/);
  assert.equal(await title(api), "Quotes, changed");
  assert.notEqual(before, "Quotes, changed");
  writeFileSync(quotes(project), `${text}\n\nexport const broken = ;\n`);
  const refused = await run("reload");
  assert.equal(refused.code, 3);
  assert.match(
    refused.out,
    /^error apis\/quotes\.v1\.ts:\d+ {2}syntax: .*\nnot reloaded: nothing was changed, and what was served goes on\n$/,
  );
  assert.equal(JSON.parse((await run("reload", "--json")).out).problems[0].file, "apis/quotes.v1.ts");
  assert.equal(await title(api), "Quotes, changed");
});

test("start --watch takes what is saved; what is broken is told with its place, and the last good one is served", async (t) => {
  const { project, start } = await setUp(t);
  const { api, line } = await start("--watch");
  const text = readFileSync(quotes(project), "utf8");
  const before = await title(api);
  writeFileSync(quotes(project), `${text}\n\nexport const broken = ;\n`);
  assert.match(await line("the project was not reloaded"), /apis\/quotes\.v1\.ts:\d+: syntax: /);
  assert.equal(await title(api), before);
  writeFileSync(quotes(project), text.replace("defineApi({", 'defineApi({ title: "Quotes, saved",'));
  assert.match(await line("reloaded the project"), /"by":"server","reason":"changed: apis\/quotes\.v1\.ts"/);
  assert.equal(await title(api), "Quotes, saved");
});

test("SIGHUP reloads; a server that is killed in the middle of one starts again on the files as they are", {
  skip: process.platform === "win32",
}, async (t) => {
  const { project, start } = await setUp(t);
  const one = await start();
  const text = readFileSync(quotes(project), "utf8");
  const process = join(project, "processes/quote.ts");
  const titled = (name: string) =>
    writeFileSync(quotes(project), text.replace("defineApi({", `defineApi({ title: "${name}",`));
  titled("by a signal");
  one.process.kill("SIGHUP");
  const line = await one.line("reloaded the project");
  assert.match(line, /"by":"server","reason":"SIGHUP"/);
  assert.equal(await title(one.api), "by a signal");
  const code = readFileSync(process, "utf8");
  // At several moments of a reload that makes a code version: loaded, tried, its worker starting, registered.
  let server = one;
  for (const [count, ms] of [30, 200].entries()) {
    writeFileSync(process, `${code}\n// ${count}\n`);
    titled(`killed ${count}`);
    server.process.kill("SIGHUP");
    await new Promise((done) => setTimeout(done, ms));
    server.process.kill("SIGKILL");
    await once(server.process, "exit");
    server = await start();
    assert.equal(await title(server.api), `killed ${count}`);
  }
});
