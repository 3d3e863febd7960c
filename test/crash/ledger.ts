/** The ledger as the harness and the scenario see it: start it, call it, read what it wrote. */
import { spawn } from "node:child_process";
import { closeSync, existsSync, fstatSync, openSync, readSync } from "node:fs";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { Agent, request } from "../../src/http.ts";
import type { Json } from "../../src/operation.ts";
import { childEnvironment } from "./environment.ts";

/** One call as it travels. `id` is the business key of the run that calls. */
export interface PostedCall {
  readonly operation: string;
  readonly key: string;
  readonly id: string;
  readonly attempt: number;
  readonly body: Json;
}

/** One line of the ledger's file; `n` counts from 1. */
export interface LedgerLine extends PostedCall {
  readonly n: number;
  /** Epoch milliseconds. */
  readonly at: number;
  readonly kind: "received" | "applied";
}

/** A call that is never answered: held before its act (which then never is), or after it. */
export interface Hold {
  readonly operation: string;
  readonly when: "received" | "applied";
}

export interface Ledger {
  readonly url: string;
  lines(): LedgerLine[];
  /** The lines since the last call of this. */
  news(): LedgerLine[];
  /** Holds the next such call. What is returned resolves when it came. */
  hold(hold: Hold): Promise<{ readonly came: Promise<void> }>;
  stop(): Promise<void>;
}

/** Starts a ledger as a process of its own. */
export async function startLedger(file: string): Promise<Ledger> {
  const child = spawn(process.execPath, [fileURLToPath(new URL("./ledger-server.ts", import.meta.url)), file], {
    stdio: ["pipe", "pipe", "inherit"],
    env: childEnvironment(),
  });
  const ended = new Promise<void>((resolve) => child.once("close", () => resolve()));
  let came = (): void => {};
  const url = await new Promise<string>((resolve, reject) => {
    createInterface(child.stdout).on("line", (line) => {
      if (line === "held") came();
      else resolve(line);
    });
    ended.then(() => reject(new Error("the ledger did not start")), reject);
  });
  return {
    url,
    lines: () => linesOf<LedgerLine>(file),
    async hold(hold) {
      const { promise, resolve } = Promise.withResolvers<void>();
      came = resolve;
      await exchange(url, "PUT", JSON.stringify(hold));
      return { came: promise };
    },
    news: follow<LedgerLine>(file),
    async stop() {
      child.kill("SIGKILL");
      await ended;
    },
  };
}

/** The whole lines of a file of JSON lines; none if there is no such file. */
export function linesOf<T>(file: string): T[] {
  return follow<T>(file)();
}

/** Reads a file of JSON lines as it grows: each call gives the whole lines that came since the one before. */
export function follow<T>(file: string): () => T[] {
  let position = 0;
  return () => {
    if (!existsSync(file)) return [];
    const handle = openSync(file, "r");
    try {
      const bytes = Buffer.alloc(fstatSync(handle).size - position);
      const size = readSync(handle, bytes, 0, bytes.length, position);
      const whole = bytes.subarray(0, size).lastIndexOf(10) + 1;
      position += whole;
      const lines = bytes.toString("utf8", 0, whole).split("\n");
      lines.pop();
      return lines.map((line) => JSON.parse(line) as T);
    } finally {
      closeSync(handle);
    }
  };
}

const agent = new Agent({ keepAlive: true, maxSockets: 64 });

/** Calls the ledger once. Rejects when no whole answer came: then nobody knows whether it acted. */
export function postTo(url: string, call: PostedCall): Promise<Json> {
  return exchange(url, "POST", JSON.stringify(call));
}

/** What the ledger applied under a key: where a person looks who has to answer a parked question. */
export async function appliedUnder(url: string, key: string): Promise<readonly LedgerLine[]> {
  return (await exchange(`${url}/?key=${encodeURIComponent(key)}`, "GET", "")) as unknown as LedgerLine[];
}

function exchange(url: string, method: string, body: string): Promise<Json> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { method, agent }, (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (part: string) => {
        text += part;
      });
      response.on("end", () => {
        if (response.complete) resolve(JSON.parse(text) as Json);
        else reject(new Error("the answer broke off"));
      });
      response.on("error", reject);
    });
    sent.on("error", reject);
    sent.end(body);
  });
}
