/** Follows docs/guide/first-process.md to the letter: its files, its commands, its answers. */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { after, before, test } from "node:test";
import { root, text } from "./tree/sources.ts";

const page = text("docs/guide/first-process.md");
let project: string;
let loyalty: ChildProcess;
let server: ChildProcess;
let api: string;
let environment: NodeJS.ProcessEnv;

/** The blocks that have a file's name, by that name. */
const blocks = new Map(
  [...page.matchAll(/^```\w+ (?:file|project)=(\S+)\n([\s\S]*?)^```$/gm)].map(([, path, code]) => [path!, code!]),
);

function launch(args: readonly string[], env: NodeJS.ProcessEnv): ChildProcess {
  return spawn(process.execPath, args, { cwd: project, env, stdio: ["ignore", "pipe", "pipe"] });
}
async function mortise(
  ...args: string[]
): Promise<{ readonly code: number; readonly out: string; readonly err: string }> {
  const child = launch([join(root, "bin/mortise.mjs"), ...args], environment);
  let [out, err] = ["", ""];
  child.stdout!.setEncoding("utf8").on("data", (part: string) => {
    out += part;
  });
  child.stderr!.setEncoding("utf8").on("data", (part: string) => {
    err += part;
  });
  const [code] = (await once(child, "close")) as [number];
  return { code, out, err };
}
/** The first line of a stream that matches, or an error with all that was printed. */
async function line(stream: NodeJS.ReadableStream, pattern: RegExp): Promise<RegExpExecArray> {
  const seen: string[] = [];
  for await (const one of createInterface({ input: stream })) {
    seen.push(one);
    const match = pattern.exec(one);
    if (match !== null) return match;
  }
  throw new Error(`ended without ${pattern}:\n${seen.join("\n")}`);
}
async function startLoyalty(port: string): Promise<string> {
  loyalty = launch(["loyalty-server.mjs"], { ...process.env, LOYALTY_PORT: port });
  return (await line(loyalty.stdout!, /port (\d+)/))[1]!;
}
async function startServer(): Promise<void> {
  server = launch([join(root, "bin/mortise.mjs"), "start", "--json"], environment);
  const started = await line(server.stdout!, /"api":"([^"]+)".*"msg":"started"/);
  server.stdout!.resume();
  api = started[1]!;
}
async function stop(child: ChildProcess | undefined, signal: NodeJS.Signals): Promise<void> {
  if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
  child.kill(signal);
  await once(child, "close");
}

before(async () => {
  // Inside the checkout, so that "mortise" and the compiler are found without an install.
  mkdirSync(join(root, ".mortise"), { recursive: true });
  const home = mkdtempSync(join(root, ".mortise", "guide-"));
  project = home;
  environment = { ...process.env, PORT: "0", ADMIN_PORT: "0", NO_COLOR: "1" };
  assert.equal((await mortise("init", ".")).code, 0);
  project = home;
});
after(async () => {
  await stop(server, "SIGKILL");
  await stop(loyalty, "SIGKILL");
  rmSync(project, { recursive: true, force: true });
});

test("the guide leads from init to a process of one's own", async (t) => {
  await t.test("a system is added from its contract", async () => {
    for (const [path, code] of blocks) {
      if (path.includes("/")) continue;
      writeFileSync(join(project, path), code);
    }
    const { code, out, err } = await mortise("add", "loyalty", "loyalty.yaml");
    assert.equal(code, 0, err);
    assert.match(out, /getMember +read/);
    assert.match(out, /addPoints +idempotent/);
  });

  await t.test("the process, the API and the requirement pass the check, compiler included", async () => {
    for (const [path, code] of blocks) {
      mkdirSync(dirname(join(project, path)), { recursive: true });
      writeFileSync(join(project, path), code);
    }
    const { code, out } = await mortise("check", "--strict");
    assert.equal(code, 0, out);
    assert.match(out, /all is well/);
  });

  await t.test("a wrong name and a foreign await are found", async () => {
    const right = blocks.get("processes/reward.ts")!;
    writeFileSync(join(project, "processes/reward.ts"), right.replace("loyalty.getMember", "loyalty.getMembers"));
    assert.match((await mortise("check")).out, /Property 'getMembers' does not exist/);
    const foreign = right.replace("const member", 'await fetch("http://127.0.0.1");\n    const member');
    writeFileSync(join(project, "processes/reward.ts"), foreign);
    assert.match((await mortise("check")).out, /reward awaits fetch/);
    writeFileSync(join(project, "processes/reward.ts"), right);
  });

  let key: string;
  const send = (
    body: unknown,
    headers: Record<string, string> = { authorization: `Bearer ${key}` },
  ): Promise<Response> =>
    fetch(`${api}/rewards/v1/purchases`, {
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
      body: JSON.stringify(body),
    });

  /** The answer of the run: a slow machine has not ended it in the time that the API waits, and says 202. */
  const earned = async (purchase: object): Promise<unknown> => {
    for (;;) {
      const response = await send(purchase);
      if (response.status !== 202) return response.json();
      await response.arrayBuffer();
    }
  };

  await t.test("a purchase earns its points once, and only with the key", async () => {
    const port = await startLoyalty("0");
    environment.LOYALTY_URL = `http://127.0.0.1:${port}`;
    await startServer();
    key = (await mortise("keys", "create", "shop", "--scope", "rewards:write")).out.trim();
    const purchase = { id: "p-1", member: "m-1", amount: 42.5 };
    for (let times = 0; times < 2; times++) assert.deepEqual(await earned(purchase), { points: 142 });
    assert.equal((await send({ ...purchase, amount: 1 })).status, 409);
    assert.equal((await send(purchase, {})).status, 401);
    assert.match(JSON.stringify(await earned({ id: "p-9", member: "m-9", amount: 1 })), /unknown member/);
  });

  await t.test("a run that was accepted goes on after both were gone", async () => {
    const port = new URL(environment.LOYALTY_URL!).port;
    await stop(loyalty, "SIGKILL");
    assert.equal((await send({ id: "p-2", member: "m-1", amount: 8 })).status, 202);
    assert.match((await mortise("runs", "list", "--key", "p-2")).out, /p-2 +(running|waiting)/);
    await stop(server, "SIGKILL");
    await startLoyalty(port);
    await startServer();
    assert.deepEqual(await earned({ id: "p-2", member: "m-1", amount: 8 }), { points: 108 });
    assert.match((await mortise("runs", "list", "--key", "p-2")).out, /p-2 +completed/);
    await stop(server, "SIGTERM");
    assert.equal(server.exitCode, 0);
  });
});
