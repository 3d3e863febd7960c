/** A server that may open few files only, as by `ulimit -n`: callers that take all they can get leave it what it needs to work. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";

const main = fileURLToPath(new URL("../../src/main.ts", import.meta.url));
const files = 200;

const project = {
  "package.json": '{ "type": "module" }',
  "mortise.config.ts": `import { defineConfig } from "mortise";
    export default defineConfig({ api: { port: 0 }, admin: { port: 0 }, limits: { keepAlive: "30s", headersTimeout: "30s" } });`,
  "processes/reader.ts": `import { closeSync, openSync } from "node:fs";
    import { defineProcess, t } from "mortise";
    export const reader = defineProcess({
      name: "reader", input: t.object({ id: t.string() }), key: ({ id }) => id,
      async run(flow) {
        await flow.sleep("1s");
        return flow.step("open", { effect: "read", retry: { attempts: 1 } }, () => {
          const open = Array.from({ length: 20 }, () => openSync(import.meta.filename, "r"));
          for (const file of open) closeSync(file);
          return open.length;
        });
      },
    });`,
  "apis/readers.ts": `import { defineApi, post, published } from "mortise";
    import { reader } from "../processes/reader.ts";
    export default defineApi({
      name: "readers", version: "1.0.0", base: "/readers/v1", lifecycle: published(), access: [],
      operations: { read: post("/runs", { access: "public", starts: reader }) },
    });`,
};

test("row 27: with few files to open, callers that take all connections are refused, and what was accepted ends", {
  skip: process.platform === "linux" ? false : "the limit is read and set as on Linux",
}, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "mortise-few-files-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  for (const [name, text] of Object.entries(project)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  const limited = `ulimit -n ${files} && exec "$0" "$@"`;
  const server = spawn("sh", ["-c", limited, process.execPath, main, "start", "--project", folder, "--json"], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  t.after(() => server.kill("SIGKILL"));
  let log = "";
  for (const stream of [server.stdout, server.stderr]) stream.on("data", (chunk: Buffer) => (log += chunk));
  const until = async (done: () => Promise<boolean> | boolean, what: string): Promise<void> => {
    for (const end = Date.now() + 30_000; !(await done()); await pause(20))
      assert.ok(Date.now() < end && server.exitCode === null, `${what}:\n${log}`);
  };
  const written = (): { url: string; apiUrl: string; token: string } | undefined => {
    try {
      return JSON.parse(readFileSync(join(folder, ".mortise", "admin.json"), "utf8"));
    } catch {
      return undefined;
    }
  };
  await until(() => written() !== undefined, "it starts");
  const { url, apiUrl, token } = written()!;
  await until(() => /at most 100 connections/.test(log), "it says so");
  const place = async (id: string): Promise<number> => {
    const headers = { "content-type": "application/json", connection: "close" };
    const answer = await fetch(`${apiUrl}/readers/v1/runs`, { method: "POST", headers, body: JSON.stringify({ id }) });
    return answer.status;
  };
  const status = async (id: string): Promise<string | undefined> => {
    const answer = await fetch(`${url}/runs?key=${id}`, { headers: { authorization: `Bearer ${token}` } });
    return ((await answer.json()) as { runs: { status: string }[] }).runs[0]?.status;
  };
  assert.equal(await place("before"), 202);

  // From many addresses, so that it is not the limit of one that helps.
  let closed = 0;
  const sockets: Socket[] = [];
  for (let number = 0; number < 2 * files; number++) {
    const socket = connect({
      port: Number(new URL(apiUrl).port),
      host: "127.0.0.1",
      localAddress: `127.0.1.${1 + (number % 50)}`,
    });
    socket.on("error", () => {});
    socket.on("close", () => (closed += 1));
    sockets.push(socket);
  }
  await until(() => closed >= 2 * files - 100, "the others are closed");
  await assert.rejects(place("meanwhile"));
  // The admin API has files left, and so has the step: it has one attempt.
  await until(async () => (await status("before")) !== "waiting", "the sleep is over");
  await until(async () => (await status("before")) === "completed", "it ends");
  for (const socket of sockets) socket.destroy();
  await until(async () => (await place("after").catch(() => 0)) === 202, "it is taken again");
  await until(async () => (await status("after")) === "completed", "that ends too");
  assert.doesNotMatch(log, /EMFILE|too many open files|worker died/);
  server.kill("SIGTERM");
  assert.deepEqual(await once(server, "exit"), [0, null], log);
});
