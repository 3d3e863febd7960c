/**
 * Rows 20, 21, 25, 30, 34 and 40, and faults 10 to 12, from end to end: a system that drips, keeps silent, breaks off, lies about lengths, sends bombs,
 * redirects, and shows the credentials that it was given in every error. No call hangs, nothing of it reaches a caller, the log, the
 * store or the admin API, and a normal request works at once afterwards.
 */
import assert from "node:assert/strict";
import { chmodSync, readdirSync, readFileSync } from "node:fs";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { join } from "node:path";
import test, { type TestContext } from "node:test";
import { gzipSync } from "node:zlib";
import { loadProject } from "../../src/server/project/project.ts";
import { startServer } from "../../src/server/server.ts";
import { testContract, testContractTs, testProject } from "../../src/server/test-project.ts";

const canary = "CANARY-tok+/9=='x";
const hook = `whsec_${Buffer.from("CANARYHOOKCANARYHOOKCANAR").toString("base64")}`;

/** What stands in for the answer: written to the socket as it is. */
type Lie = (socket: Socket, credential: string) => void;

function answer(status: string, body: string | Buffer, headers = "", type = "application/json"): Lie {
  return (socket) => {
    socket.write(
      `HTTP/1.1 ${status}\r\ncontent-type: ${type}\r\ncontent-length: ${Buffer.byteLength(body)}\r\n${headers}connection: close\r\n\r\n`,
    );
    socket.end(body);
  };
}

function drip(head: string, piece: (n: number) => string): Lie {
  return (socket) => {
    socket.write(head);
    let n = 0;
    const timer = setInterval(() => socket.write(piece(n++)), 20);
    socket.on("close", () => clearInterval(timer));
  };
}

/** The answer shows the credential in its status line, a header and everywhere in its body. */
function echo(status: string): Lie {
  return (socket, credential) => {
    const body = JSON.stringify({ title: credential, detail: credential, id: 5, [credential]: credential });
    answer(
      `${status} ${credential}`,
      body,
      `x-echo: ${credential}\r\n`,
      "application/problem+json",
    )(socket, credential);
  };
}

const head = "HTTP/1.1 201 Created\r\ncontent-type: application/json\r\n";

const lies: Readonly<Record<string, { readonly lie: Lie; readonly status: number }>> = {
  "a body that drips": { lie: drip(`${head}\r\n`, () => " "), status: 504 },
  "headers that drip": { lie: drip("HTTP/1.1 201 Created\r\n", (n) => `x-${n}: y\r\n`), status: 504 },
  silence: { lie: () => {}, status: 504 },
  "a reset in the body": {
    lie: (socket) =>
      void socket.write(`${head}content-length: 99\r\n\r\n{"id":`, () => setImmediate(() => socket.resetAndDestroy())),
    status: 504,
  },
  "less than promised": {
    lie: (socket) => void socket.end(`${head}content-length: 99\r\n\r\n{"id":"1"}`),
    status: 504,
  },
  "more than promised": { lie: (socket) => void socket.end(`${head}content-length: 5\r\n\r\n{"id":"1"}`), status: 504 },
  "two lengths": {
    lie: (socket) => void socket.end(`${head}content-length: 10\r\ncontent-length: 11\r\n\r\n{"id":"1"}`),
    status: 504,
  },
  "a bomb": {
    lie: answer("201 Created", gzipSync(Buffer.alloc(20_000_000, 32)), "content-encoding: gzip\r\n"),
    status: 504,
  },
  "a flood": { lie: drip(`${head}\r\n`, () => "x".repeat(60_000)), status: 504 },
  "a redirect": { lie: answer("307 Moved", "", "location: http://169.254.169.254/\r\n"), status: 504 },
  "interim answers without end": {
    lie: drip("", () => "HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n".repeat(50)),
    status: 504,
  },
  "a page of success": { lie: answer("200 OK", "<html>Error</html>", "", "text/html"), status: 504 },
  "a page called JSON": { lie: answer("201 Created", "<html>Error</html>"), status: 504 },
  "depth without end": { lie: answer("201 Created", "[".repeat(40_000)), status: 504 },
  "a large header": { lie: answer("201 Created", '{"id":"1"}', `x: ${"y".repeat(200_000)}\r\n`), status: 504 },
  "the credential with 400": { lie: echo("400"), status: 502 },
  "the credential with 401": { lie: echo("401"), status: 502 },
  "the credential with 409": { lie: echo("409"), status: 502 },
  "the credential with 500": { lie: echo("500"), status: 504 },
  "the credential with 201": { lie: echo("201"), status: 504 },
  "the credential instead of HTTP": {
    lie: (socket, credential) => void socket.end(`HTTP/1.1 ${credential}\r\n\r\n`),
    status: 504,
  },
  "names of prototypes": {
    lie: answer("201 Created", '{"id":"1","__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}'),
    status: 200,
  },
  "a second answer": {
    lie: (socket) =>
      void socket.write(`${head}content-length: 10\r\n\r\n{"id":"1"}${head}content-length: 10\r\n\r\n{"id":"9"}`),
    status: 200,
  },
};

async function lyingSystem(t: TestContext): Promise<string> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    socket.on("error", () => {});
    let text = "";
    socket.on("data", (chunk) => {
      text += chunk;
      const name = /"sku":"([^"]*)"/.exec(text)?.[1];
      if (name === undefined) return;
      const credential = /^authorization: (.*)\r$/im.exec(text)?.[1] ?? "none";
      text = "";
      if (name === "normal") socket.write(`${head}content-length: 15\r\n\r\n{"id":"booked"}`);
      else lies[name]?.lie(socket, credential);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function project(url: string) {
  return testProject({
    "package.json": '{"name":"lied-to","type":"module"}',
    "mortise.config.ts": `import { defineConfig } from "mortise";
      export default defineConfig({ api: { port: 0 }, admin: { port: 0 }, log: { level: "trace" }, shutdown: { grace: "2s" } });`,
    "secrets/TOKEN": canary,
    "secrets/HOOK": hook,
    "systems/s/contract.json": testContract("s"),
    "systems/s/contract.ts": testContractTs,
    "systems/s/index.ts": `import { rest, secret } from "mortise"; import { contract } from "./contract.ts";
      export const s = rest(contract, { connection: "${url}", timeout: "800ms", maxResponseBytes: 100000, circuit: false,
        credentials: { kind: "bearer", token: secret("TOKEN") }, webhookSecret: secret("HOOK") });`,
    "processes/booking.ts": `import { defineProcess } from "mortise"; import { s } from "../systems/s/index.ts";
      export const booking = defineProcess({ name: "booking", key: (order: any) => order.sku, input: { kind: "schema", json: true } as any,
        run: async (flow, order: any) => flow.call(s.book, order) });`,
    "apis/a.ts": `import { defineApi, post, published } from "mortise"; import { booking } from "../processes/booking.ts";
      import { s } from "../systems/s/index.ts";
      export default defineApi({ name: "a", version: "1.0.0", base: "/a/v1", lifecycle: published(), access: [], operations: {
        book: post("/book", { access: "public", calls: s.book }), start: post("/start", { access: "public", starts: booking, wait: "300ms" }),
        finish: post("/finish", { access: "public", starts: booking, wait: "20s" }) } });`,
  });
}

function everyFile(folder: string): readonly string[] {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

test("OW-10 rows 20, 30, 34 and 40: a system that lies hangs nothing and gets no secret shown", {
  timeout: 60_000,
}, async (t) => {
  const folder = project(await lyingSystem(t));
  t.after(folder.remove);
  for (const name of ["TOKEN", "HOOK"]) chmodSync(join(folder.folder, "secrets", name), 0o600);
  const lines: string[] = [];
  const shown: string[] = [];
  const server = await startServer(await loadProject(folder.folder), {
    environment: {},
    log: (line) => lines.push(line),
  });
  let stopped = false;
  const stop = async () => {
    if (!stopped) await server.stop();
    stopped = true;
  };
  t.after(stop);
  const call = async (path: string, sku: string): Promise<number> => {
    const response = await fetch(`${server.apiUrl}/a/v1/${path}`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ sku }),
    });
    shown.push(JSON.stringify([...response.headers]), await response.text());
    return response.status;
  };

  const names = Object.keys(lies);
  const startedAt = performance.now();
  const statuses = await Promise.all(names.map(async (name) => [name, await call("book", name)]));
  assert.ok(performance.now() - startedAt < 15_000, "no call outlives its timeout by far");
  assert.deepEqual(
    statuses,
    names.map((name) => [name, lies[name]?.status]),
  );
  assert.equal(await call("book", "normal"), 200);
  assert.equal(({} as { polluted?: unknown }).polluted, undefined);

  // The same by way of a process: what a parked run asks, and what a run that tries again says, show nothing either.
  await Promise.all(names.map((name) => call("start", name)));
  assert.equal(await call("finish", "normal"), 201, "a run that may take its time ends, whatever the others wait for");
  const headers = { authorization: `Bearer ${server.adminToken}` };
  const admin = async (path: string): Promise<string> => {
    const text = await (await fetch(`${server.adminUrl}${path}`, { headers })).text();
    shown.push(text);
    return text;
  };
  const { runs } = JSON.parse(await admin("/runs?limit=100")) as { readonly runs: readonly { readonly id: string }[] };
  assert.equal(runs.length, names.length + 1);
  for (const { id } of runs) await admin(`/runs/${id}`);
  for (const path of ["/systems", "/systems/s/health", "/audit", "/metrics", "/versions", "/apis", "/keys", "/tokens"])
    await admin(path);
  await stop();

  const forms = [
    canary,
    hook,
    hook.slice(6),
    "CANARYHOOK",
    encodeURIComponent(canary),
    Buffer.from(canary).toString("base64"),
  ];
  const leaks = (text: string | Buffer): boolean => forms.some((form) => text.includes(form));
  assert.deepEqual(shown.filter(leaks), []);
  assert.deepEqual(lines.filter(leaks), []);
  assert.deepEqual(
    everyFile(join(folder.folder, ".mortise")).filter((file) => leaks(readFileSync(file))),
    [],
  );
  assert.equal(lines.filter((line) => line.trimEnd().includes("\n")).length, 0);
});
