/** For the simulators' own tests: a folder, simulators that are stopped after the test, and a receiver that records what comes in. */
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { launch, type Simulator, type SimulatorName } from "./launch.ts";

/** A temporary folder, removed after the test. */
export function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), "harbour-"));
  t.after(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** Launches a simulator and stops it after the test. */
export async function launched(
  t: TestContext,
  name: SimulatorName,
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<Simulator> {
  const simulator = await launch(name, args, environment);
  t.after(() => simulator.stop());
  return simulator;
}

export interface Received {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** A server that keeps what it gets; `answer` says the status (default 200) and body. */
export async function receiver(
  t: TestContext,
  answer: (
    received: Received,
    count: number,
  ) => { status: number; body?: object; headers?: Record<string, string> } = () => ({ status: 200 }),
): Promise<{ readonly url: string; readonly received: Received[] }> {
  const received: Received[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const one: Received = {
        method: request.method ?? "",
        path: request.url ?? "",
        headers: request.headers,
        body: Buffer.concat(chunks).toString("utf8"),
      };
      received.push(one);
      const { status, body, headers } = answer(one, received.length);
      response.writeHead(status, { "content-type": "application/json", ...headers });
      response.end(body === undefined ? "" : JSON.stringify(body));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, received };
}

/** Asks again until `look` gives something; fails after 10 s. */
export async function until<T>(look: () => T | undefined | false | Promise<T | undefined | false>): Promise<T> {
  const deadline = Date.now() + 10_000;
  for (;;) {
    const found = await look();
    if (found !== undefined && found !== false) return found;
    if (Date.now() > deadline) throw new Error(`not seen within 10 s: ${look.toString()}`);
    await pause(10);
  }
}
