/**
 * W2, a managed read: GET through a gateway that checks an API key and a rate limit, to a system's kilobyte of JSON; one server process, 64 connections.
 * Mortise, Fastify with its proxy and rate-limit plugins, plain Node with the same two checks, and nginx where it is installed take turns, round by round.
 * Mortise also validates, counts metrics and writes its log (a line for each request, to a file). `ratio` is Mortise by Fastify, `ofPlain` Mortise by plain Node.
 */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { Children, keyOf } from "../children.ts";
import type { LoadResult } from "../load.ts";
import { cpuSeconds } from "../measure.ts";
import { type BenchOptions, median, printer, ratio } from "../report.ts";
import type { Load } from "./load.ts";

type Name = "plain" | "mortise" | "fastify" | "nginx";
interface Gateway {
  readonly name: Name;
  readonly pid: number;
  readonly port: number;
  readonly path: string;
  readonly key: string;
}
interface Measured extends LoadResult {
  readonly name: Name;
  readonly perSecond: number;
  readonly cpuPer1000: number | null;
}

const here = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
const connections = 64;
/** Reads after which V8's compilers have little left to do, in each of them: after 40,000 plain Node is a quarter slower than after 200,000, Mortise a third. */
const warmUp = 200_000;

export async function runW2(options: BenchOptions): Promise<void> {
  await installBaseline();
  const folder = mkdtempSync(join(tmpdir(), "mortise-w2-"));
  const children = new Children();
  const print = printer(options);
  let nginx: ChildProcess | undefined;
  try {
    const upstream = await children.server(new URL("./upstream.ts", import.meta.url));
    const url = `http://127.0.0.1:${upstream.port}`;
    const key = randomBytes(32).toString("hex");
    const plain = await children.server(new URL("./plain.ts", import.meta.url), url, key);
    const fastify = await children.server(new URL("./baseline/fastify.mjs", import.meta.url), url, key);
    const mortise = await children.mortise(new URL("./project", import.meta.url), join(folder, "store"), {
      UPSTREAM_URL: url,
    });
    const gateways: Gateway[] = [
      { name: "plain", pid: plain.child.pid as number, port: plain.port, path: "/items/", key },
      { name: "fastify", pid: fastify.child.pid as number, port: fastify.port, path: "/items/", key },
      {
        name: "mortise",
        pid: mortise.pid,
        port: mortise.apiPort,
        path: "/items/v1/items/",
        key: await keyOf(mortise, "items:read"),
      },
    ];
    const proxy = await startNginx(folder, upstream.port, key);
    if (proxy !== undefined) {
      nginx = proxy.child;
      gateways.push({ name: "nginx", pid: proxy.child.pid as number, port: proxy.port, path: "/items/", key });
    }
    const load = children.fork(new URL("./load.ts", import.meta.url));
    const results: Measured[] = [];
    for (let round = 0; round <= options.rounds; round++) {
      for (const gateway of gateways) {
        // Round 0 warms up and does not count: a compiler that is still at work is not what a server costs.
        const requests = round === 0 ? Math.max(options.orders, warmUp) : options.orders;
        const before = cpuSeconds(gateway.pid);
        const result = await ask(load, gateway, requests, `${gateway.name}-${round}`);
        const after = cpuSeconds(gateway.pid);
        if (round === 0) continue;
        const cpu = before === null || after === null ? null : ((after - before) / requests) * 1000;
        const measured = { name: gateway.name, ...result, perSecond: requests / result.seconds, cpuPer1000: cpu };
        results.push(measured);
        print({ bench: "w2", round, ...measured });
      }
    }
    const all = (name: Name) => results.filter((one) => one.name === name);
    const by = (name: Name) =>
      median(all("mortise").map((one, at) => ratio(one.perSecond, all(name)[at]?.perSecond ?? null)));
    const of = (name: Name, pick: (one: Measured) => number | null) => median(all(name).map(pick));
    const cpu = (name: Name) => of(name, (one) => one.cpuPer1000);
    print({
      bench: "w2",
      ratio: by("fastify"),
      ofPlain: by("plain"),
      perSecond: of("mortise", (one) => one.perSecond),
      fastifyPerSecond: of("fastify", (one) => one.perSecond),
      plainPerSecond: of("plain", (one) => one.perSecond),
      cpuPer1000: cpu("mortise"),
      cpuOfPlain: ratio(cpu("mortise"), cpu("plain")),
      cpuOfNginx: proxy === undefined ? null : ratio(cpu("mortise"), cpu("nginx")),
      p50: of("mortise", (one) => one.p50),
      p99: of("mortise", (one) => one.p99),
      node: process.version,
    });
  } finally {
    nginx?.kill("SIGTERM");
    await children.end();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function ask(load: ChildProcess, gateway: Gateway, requests: number, prefix: string): Promise<LoadResult> {
  const { port, path, key } = gateway;
  load.send({ port, path, headers: { authorization: `Bearer ${key}` }, requests, connections, prefix } satisfies Load);
  const [answer] = (await once(load, "message")) as [{ result?: LoadResult; error?: string }];
  if (answer.result === undefined) throw new Error(`${gateway.name}: ${answer.error}`);
  return answer.result;
}

/** One nginx process with the same two checks; `undefined` where it is not installed. */
async function startNginx(folder: string, upstream: number, key: string) {
  try {
    execFileSync("nginx", ["-v"], { stdio: "ignore" });
  } catch {
    return undefined;
  }
  const port = await freePort();
  const config = join(folder, "nginx.conf");
  writeFileSync(
    config,
    readFileSync(here("./nginx.conf"), "utf8")
      .replaceAll("{folder}", folder)
      .replaceAll("{port}", String(port))
      .replaceAll("{upstream}", String(upstream))
      .replaceAll("{key}", key),
  );
  const child = spawn("nginx", ["-c", config, "-p", folder], { stdio: ["ignore", "inherit", "inherit"] });
  for (let tries = 0; tries < 200; tries++) {
    if (child.exitCode !== null) throw new Error(`nginx ended with ${child.exitCode}`);
    const response = await fetch(`http://127.0.0.1:${port}/items/0`, {
      headers: { authorization: `Bearer ${key}` },
    }).catch(() => undefined);
    if (response?.status === 200) return { child, port };
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error("nginx does not answer");
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** The baseline's packages are its own: nothing of the project needs them. */
async function installBaseline(): Promise<void> {
  const url = pathToFileURL(here("../../scripts/install.mjs")).href;
  const { ensureInstalled } = (await import(url)) as { ensureInstalled(folder: string): void };
  ensureInstalled(here("./baseline"));
}
