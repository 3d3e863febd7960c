/** Mortise as a process of its own (`mortise start`), and its admin API as this example uses it. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, existsSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { send } from "../simulators/send.ts";

export interface Mortise {
  readonly process: ChildProcess;
  readonly logFile: string;
  /** Asks the admin API with the token that stands in `tokenFile`; rejects on any answer that is no success. */
  admin(method: "GET" | "POST", path: string, body?: object): Promise<unknown>;
  readonly tokenFile: string;
  stop(signal?: NodeJS.Signals): Promise<void>;
}

export interface MortiseOptions {
  readonly store: string;
  readonly logs: string;
  readonly adminPort: number;
  readonly environment: Readonly<Record<string, string>>;
  /** How long the start may take. Default 60 s. */
  readonly withinMs?: number;
}

const project = fileURLToPath(new URL("..", import.meta.url));
const binary = fileURLToPath(new URL("./with-launcher.ts", import.meta.url));

/** Resolves when Mortise takes requests; rejects when it ends before, or not in time. */
export async function startMortise(options: MortiseOptions): Promise<Mortise> {
  const logFile = join(options.logs, "mortise.log");
  const tokenFile = join(options.store, "admin.json");
  // A server that was killed leaves its file; that of the new one has another token.
  const stale = textOf(tokenFile);
  const log = openSync(logFile, "a");
  const child = spawn(process.execPath, [binary, "start", "--project", project], {
    stdio: ["pipe", log, log],
    env: { ...process.env, ...options.environment },
    detached: true, // Ctrl-C is for whoever started this; who decides in which order things end
  });
  closeSync(log);
  const url = `http://127.0.0.1:${options.adminPort}`;
  const mortise: Mortise = {
    process: child,
    logFile,
    tokenFile,
    async admin(method, path, body) {
      const { token } = JSON.parse(readFileSync(tokenFile, "utf8")) as { readonly token: string };
      const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
      const answer = await send(`${url}${path}`, {
        method,
        headers,
        body: body === undefined ? undefined : JSON.stringify(body),
      });
      if (answer.status < 200 || answer.status > 299)
        throw new Error(`${method} ${path}: ${answer.status} ${answer.body}`);
      return JSON.parse(answer.body);
    },
    async stop(signal = "SIGTERM") {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const ended = once(child, "exit");
      child.kill(signal);
      const timer = setTimeout(() => child.kill("SIGKILL"), 30_000);
      await ended;
      clearTimeout(timer);
    },
  };
  const deadline = Date.now() + (options.withinMs ?? 60_000);
  while (textOf(tokenFile) === stale || !(await ready(url))) {
    const ended = child.exitCode !== null || child.signalCode !== null;
    if (ended || Date.now() > deadline) {
      await mortise.stop();
      throw new Error(
        `Mortise ${ended ? "ended before it was ready" : "was not ready in time"} (${lastLine(logFile)}); its log: ${logFile}`,
      );
    }
    await pause(50);
  }
  return mortise;
}

function textOf(file: string): string | undefined {
  return existsSync(file) ? readFileSync(file, "utf8") : undefined;
}

function lastLine(file: string): string {
  return readFileSync(file, "utf8").trimEnd().split("\n").at(-1)?.slice(0, 500) ?? "";
}

async function ready(url: string): Promise<boolean> {
  try {
    return (await send(`${url}/ready`)).status === 200;
  } catch {
    return false; // does not listen yet
  }
}
