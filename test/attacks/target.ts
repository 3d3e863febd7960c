/** The whole server under attack, with what is looked at after each case: the ledger, the log, memory, the event loop, and a normal request. */
import assert from "node:assert/strict";
import { chmodSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";
import type { TestContext } from "node:test";
import { loadProject } from "../../src/server/project/project.ts";
import { type RunningServer, startServer } from "../../src/server/server.ts";
import { type TestProject, testProject } from "../../src/server/test-project.ts";
import { attackedProject, type ProjectOptions } from "./project.ts";
import { openUpstream, type Upstream } from "./upstream.ts";
import { exchange, message, sized, statuses } from "./wire.ts";

/** Times short enough that a case which waits for one is soon over, and long enough for a busy machine. */
export const shortTimes =
  'limits: { headersTimeout: "1500ms", keepAlive: "200ms", requestTimeout: "2s", connectionsPerAddress: 2000 }';

export interface Target {
  readonly server: RunningServer;
  readonly port: number;
  readonly upstream: Upstream;
  readonly folder: TestProject;
  /** Lines of the log, as they were written. */
  readonly lines: string[];
  /** Keys of two consumers that may use everything but `purge`. */
  readonly key: string;
  readonly otherKey: string;
  /** `Authorization: Bearer ...`, for a head. */
  readonly auth: string;
  admin(path: string, body?: unknown): Promise<Answer>;
  /** One request on a connection of its own; `line` is method and target. */
  ask(line: string, more?: Ask): Promise<Answer>;
  /** A straight write, a straight read; both must work. Their calls are taken off the ledger again. */
  works(): Promise<void>;
  /** Nothing reached the system since the last normal request; each line of the log is one line of JSON without a key or a secret. */
  quiet(): void;
}

export interface Answer {
  readonly status: number;
  /** Of `ask`: everything that came. */
  readonly text: string;
}
export interface Ask {
  /** Header of the caller. Default: that of the first consumer; `""`: none. */
  readonly auth?: string;
  readonly headers?: readonly string[];
  /** JSON, or text as it is; it is called JSON unless the headers say otherwise. */
  readonly body?: unknown;
  readonly host?: string;
}

export interface TargetOptions extends ProjectOptions {
  /** In files `UPSTREAM` stands for the system's address. */
  readonly environment?: Readonly<Record<string, string>>;
}

export async function openTarget(t: TestContext, options: TargetOptions = {}): Promise<Target> {
  const upstream = await openUpstream(t);
  const files = Object.entries(attackedProject(upstream.url, { config: shortTimes, ...options }));
  const folder = testProject(
    Object.fromEntries(files.map(([path, text]) => [path, text.replaceAll("UPSTREAM", upstream.url)])),
  );
  for (const name of readdirSync(join(folder.folder, "secrets")))
    chmodSync(join(folder.folder, "secrets", name), 0o600);
  const lines: string[] = [];
  t.after(() => folder.remove());
  const server = await startServer(await loadProject(folder.folder), {
    environment: options.environment ?? {},
    log: (line) => lines.push(line),
  });
  t.after(() => server.stop());
  const port = Number(new URL(server.apiUrl).port);
  const admin: Target["admin"] = async (path, body) => {
    const response = await fetch(`${server.adminUrl}${path}`, {
      ...(body === undefined ? {} : { method: "POST", body: JSON.stringify(body) }),
      headers: { authorization: `Bearer ${server.adminToken}`, "content-type": "application/json" },
    });
    return { status: response.status, text: await response.text() };
  };
  const keyOf = async (consumer: string) => {
    const { status, text } = await admin("/keys", { consumer, scopes: ["orders"] });
    assert.equal(status, 201, text);
    return String(JSON.parse(text).key);
  };
  const key = await keyOf("acme");
  const otherKey = await keyOf("bolt");
  const auth = `Authorization: Bearer ${key}`;
  const secrets = [key, otherKey, server.adminToken];

  return {
    server,
    port,
    upstream,
    folder,
    lines,
    key,
    otherKey,
    auth,
    admin,
    async ask(line, { auth: own = auth, headers = [], body, host } = {}) {
      const typed = body === undefined || headers.some((each) => /^content-type:/i.test(each));
      const head = [`${line} HTTP/1.1`, "Host: a", "Connection: close", ...headers];
      if (own !== "") head.push(own);
      if (!typed) head.push("Content-Type: application/json");
      const text = typeof body === "string" ? body : JSON.stringify(body);
      const bytes = body === undefined ? message(head.join("\n")) : sized(head.join("\n"), text);
      const all = await exchange(port, Buffer.from(bytes, "utf8"), host);
      return { status: statuses(all)[0] ?? 0, text: all };
    },
    async works() {
      const head = `HTTP/1.1\nHost: normal\nConnection: close\n${auth}`;
      const json = "Content-Type: application/json";
      const [write, read] = await Promise.all([
        exchange(port, sized(`POST /orders/v1/bookings ${head}\n${json}`, '{"sku":"normal"}')),
        exchange(port, message(`GET /orders/v1/stock/normal ${head}`)),
      ]);
      assert.deepEqual([statuses(write), statuses(read)], [[200], [200]], `${write}\n${read}`);
      const normal = upstream.about("normal");
      assert.deepEqual(normal.map(({ method }) => method).sort(), ["GET", "POST"]);
      for (const entry of normal) upstream.ledger.splice(upstream.ledger.indexOf(entry), 1);
    },
    quiet() {
      assert.deepEqual(upstream.ledger, []);
      for (const line of lines) {
        assert.match(line, /^\{[^\n\r]*\}\n$/);
        JSON.parse(line);
        for (const secret of secrets) assert.ok(!line.includes(secret), `a secret stands in the log: ${line}`);
      }
    },
  };
}

/** How much the process grew, in bytes, and the longest time that its event loop stood still, in milliseconds, while `attack` went on. */
export async function measured(attack: () => Promise<unknown>): Promise<{ bytes: number; stalledMs: number }> {
  globalThis.gc?.();
  const before = process.memoryUsage.rss();
  let most = before;
  const look = setInterval(() => {
    most = Math.max(most, process.memoryUsage.rss());
  }, 5);
  const loop = monitorEventLoopDelay({ resolution: 5 });
  loop.enable();
  try {
    await attack();
  } finally {
    clearInterval(look);
    loop.disable();
  }
  most = Math.max(most, process.memoryUsage.rss());
  return { bytes: most - before, stalledMs: loop.max / 1e6 };
}

/** The run with this key as the admin API shows it, once it is as wanted. */
export async function runOf(target: Target, key: string, wanted: (text: string) => boolean): Promise<string> {
  for (const end = Date.now() + 15_000; Date.now() < end; await new Promise((next) => setTimeout(next, 20))) {
    const { runs } = JSON.parse((await target.admin(`/runs?key=${encodeURIComponent(key)}`)).text);
    if (runs.length === 0) continue;
    const { text } = await target.admin(`/runs/${runs[0].id}`);
    if (wanted(text)) return text;
  }
  throw new Error(`the run ${key} did not come to what is wanted`);
}
