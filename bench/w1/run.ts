/**
 * W1, order-to-cash: HTTP in, four HTTP calls to a separate process, durable end. Mortise and plain Node take turns, round by round, against
 * the same systems and the same load. Prints one JSON object per measurement with --json; the last has the result.
 */
import { type ChildProcess, fork, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { cpuSeconds, diskFlushes, fsyncMs, writtenKib } from "../measure.ts";
import type { Load, LoadResult } from "./load.ts";

export interface BenchOptions {
  readonly json: boolean;
  readonly rounds: number;
  readonly orders: number;
  readonly inFlight: number;
}

interface Measured extends LoadResult {
  readonly name: "plain" | "mortise";
  readonly perSecond: number;
  readonly cpuPer1000: number | null;
  readonly fsyncsPerRun: number | null;
  readonly kibPerRun: number | null;
}

const here = (name: string) => fileURLToPath(new URL(name, import.meta.url));

export async function runW1(options: BenchOptions): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "mortise-w1-"));
  const children: ChildProcess[] = [];
  const print = (value: object) => process.stdout.write(`${options.json ? JSON.stringify(value) : text(value)}\n`);
  try {
    const start = async (file: string, ...args: string[]) => {
      const child = fork(here(file), args, { stdio: ["ignore", "inherit", "inherit", "ipc"] });
      children.push(child);
      const [{ port }] = (await once(child, "message")) as [{ port: number }];
      return { child, port };
    };
    const upstream = await start("./upstream.ts");
    const plain = await start("./plain.ts", `http://127.0.0.1:${upstream.port}`);
    const mortise = await startMortise(folder, upstream.port, children);
    const load = fork(here("./load.ts"), { stdio: ["ignore", "inherit", "inherit", "ipc"] });
    children.push(load);

    const targets = {
      plain: { pid: plain.child.pid as number, port: plain.port, path: "/orders", headers: {} },
      mortise: {
        pid: mortise.pid,
        port: mortise.port,
        path: "/orders/v1/orders",
        headers: { authorization: `Bearer ${mortise.key}` },
      },
    } as const;
    const results: Measured[] = [];
    for (let round = 0; round <= options.rounds; round++) {
      for (const name of ["plain", "mortise"] as const) {
        // Round 0 warms both up and does not count.
        const orders = round === 0 ? Math.ceil(options.orders / 3) : options.orders;
        const { pid, ...target } = targets[name];
        const before = { cpu: cpuSeconds(pid), kib: writtenKib(pid), flushes: diskFlushes(folder) };
        const result = await ask(load, { ...target, orders, inFlight: options.inFlight, prefix: `${name}-${round}` });
        const per = (now: number | null, then: number | null) =>
          now === null || then === null ? null : (now - then) / orders;
        const cpu = per(cpuSeconds(pid), before.cpu);
        const measured: Measured = {
          name,
          ...result,
          perSecond: orders / result.seconds,
          cpuPer1000: cpu === null ? null : cpu * 1000,
          fsyncsPerRun: per(diskFlushes(folder), before.flushes),
          kibPerRun: per(writtenKib(pid), before.kib),
        };
        if (round === 0) continue;
        results.push(measured);
        print({ bench: "w1", round, ...rounded(measured) });
      }
    }
    const of = (name: Measured["name"], pick: (one: Measured) => number | null) =>
      median(results.filter((one) => one.name === name).map(pick));
    const ratios = results
      .filter((one) => one.name === "mortise")
      .map(
        (one, index) => one.perSecond / (results.filter(({ name }) => name === "plain")[index] as Measured).perSecond,
      );
    const cpu = of("mortise", (one) => one.cpuPer1000);
    const plainCpu = of("plain", (one) => one.cpuPer1000);
    print(
      rounded({
        bench: "w1",
        ratio: median(ratios),
        perSecond: of("mortise", (one) => one.perSecond),
        plainPerSecond: of("plain", (one) => one.perSecond),
        cpuPer1000: cpu,
        cpuRatio: cpu === null || plainCpu === null ? null : cpu / plainCpu,
        p50: of("mortise", (one) => one.p50),
        p99: of("mortise", (one) => one.p99),
        fsyncMs: fsyncMs(folder),
        fsyncsPerRun: of("mortise", (one) => one.fsyncsPerRun),
        kibPerRun: of("mortise", (one) => one.kibPerRun),
        node: process.version,
      }),
    );
  } finally {
    for (const child of children) child.kill("SIGTERM");
    await Promise.all(
      children
        .filter((child) => child.exitCode === null && child.signalCode === null)
        .map((child) => once(child, "exit")),
    );
    rmSync(folder, { recursive: true, force: true });
  }
}

/** `mortise start` on the benchmark's project, as a process of its own, with a key for the load. */
async function startMortise(
  folder: string,
  upstream: number,
  children: ChildProcess[],
): Promise<{ pid: number; port: number; key: string }> {
  const store = join(folder, "store");
  const child = spawn(
    process.execPath,
    [here("../../bin/mortise.mjs"), "start", "--project", here("./project"), "--json"],
    {
      stdio: ["ignore", "pipe", "inherit"],
      env: { ...process.env, STORE: store, UPSTREAM_URL: `http://127.0.0.1:${upstream}` },
    },
  );
  children.push(child);
  let printed = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    printed += text;
  });
  const adminFile = join(store, "admin.json");
  for (;;) {
    if (child.exitCode !== null) throw new Error(`mortise start ended: ${printed}`);
    const admin = readAdmin(adminFile);
    if (admin !== undefined) {
      const answer = await fetchJson(`${admin.url}/keys`, admin.token, {
        consumer: "bench",
        scopes: ["orders:write"],
        reason: "bench",
      });
      const apiUrl = new URL(admin.apiUrl);
      // The launcher may have started a newer Node: the server says itself who it is.
      return { pid: admin.pid, port: Number(apiUrl.port), key: (answer as { key: string }).key };
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

function readAdmin(file: string): { url: string; apiUrl: string; token: string; pid: number } | undefined {
  try {
    return JSON.parse(readFileSync(file, "utf8"));
  } catch {
    return undefined;
  }
}

async function fetchJson(url: string, token: string, body: object): Promise<unknown> {
  const response = await fetch(url, {
    method: "POST",
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  if (!response.ok) throw new Error(`${url}: ${response.status} ${await response.text()}`);
  return await response.json();
}

async function ask(load: ChildProcess, what: Load): Promise<LoadResult> {
  load.send(what);
  const [answer] = (await once(load, "message")) as [{ result?: LoadResult; error?: string }];
  if (answer.result === undefined) throw new Error(answer.error);
  return answer.result;
}

function median(values: readonly (number | null)[]): number | null {
  const known = values.filter((value) => value !== null).sort((a, b) => a - b);
  return known.length === 0 ? null : (known[Math.floor(known.length / 2)] as number);
}

function rounded<T extends object>(value: T): T {
  return Object.fromEntries(
    Object.entries(value).map(([name, one]) => [name, typeof one === "number" ? Number(one.toPrecision(4)) : one]),
  ) as T;
}

function text(value: object): string {
  return Object.entries(value)
    .map(([name, one]) => `${name} ${String(one)}`)
    .join("  ");
}
