/**
 * What every simulator shares: an HTTP service whose calls are ledgered, and a second, separate HTTP server by which a test
 * tells it to be slow, to fail, to act and then drop the connection, or to go away.
 *
 *   POST /_control {"mode": "ok"|"slow"|"fail"|"drop"|"away", "rate": 0..1, "ms": n, "times": n, "operation": "name"}
 *   GET  /_control   the mode now          GET /_ledger   the ledger as a JSON array
 */
import { createHash, randomUUID } from "node:crypto";
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { type Ledger, readLedger } from "./ledger.ts";

export interface Call {
  /** Joins the `received` line with the `applied` and `answered` ones. */
  readonly id: string;
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

export interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** An object is sent as JSON. */
  readonly body?: string | object;
}

export type Mode = "ok" | "slow" | "fail" | "drop" | "away";

/**
 * `slow`: waits `ms` (default 1000), then acts and answers. `fail`: 500 without acting. `drop`: acts, then destroys the connection.
 * `away`: stops listening for `ms`. `rate` is the share of calls concerned (default 1), `times` how many of them (default no
 * limit), `operation` which ones (default all).
 */
export interface Behaviour {
  readonly mode: Mode;
  readonly rate?: number;
  readonly ms?: number;
  readonly times?: number;
  readonly operation?: string;
}

export interface SimulatorOptions {
  readonly name: string;
  readonly ledger: Ledger;
  /** 0: any free port. */
  readonly port: number;
  readonly controlPort: number;
  /** Which operation a call is, and the key it carries: for the ledger, and for `operation` of a behaviour. */
  readonly describe: (call: Call) => { readonly operation: string; readonly key?: string };
  readonly handle: (call: Call) => Answer | Promise<Answer>;
  /** Further commands of the control server: `POST /_<name>` with a JSON body; what they return is the answer. */
  readonly commands?: Readonly<Record<string, (body: Record<string, unknown>) => unknown>>;
  /** Called when the behaviour changes, for a simulator that has more than HTTP to make fail. Throws to refuse. */
  readonly onBehaviour?: (behaviour: Behaviour) => void;
  /** The behaviour concerns something else than the HTTP service, which answers as ever. */
  readonly servesAlways?: boolean;
  readonly onStop?: () => void | Promise<void>;
}

const maxBody = 4 * 1024 * 1024;
const modes: ReadonlySet<string> = new Set(["ok", "slow", "fail", "drop", "away"]);

/** Starts the service and its control server, prints `{"ready", "port", "control"}` on stdout, and stops on SIGTERM or SIGINT. */
export async function simulate(options: SimulatorOptions): Promise<void> {
  let behaviour: Behaviour = { mode: "ok" };
  let left = Number.POSITIVE_INFINITY;
  let returning: NodeJS.Timeout | undefined;

  const modeFor = (operation: string): Mode => {
    if (options.servesAlways === true) return "ok";
    if (behaviour.mode === "ok" || left <= 0) return "ok";
    if (behaviour.operation !== undefined && behaviour.operation !== operation) return "ok";
    if (Math.random() >= (behaviour.rate ?? 1)) return "ok";
    left -= 1;
    return behaviour.mode;
  };

  const service = createServer((request, response) => {
    answerCall(request, response).catch((error: unknown) => {
      process.stderr.write(`${options.name}: ${String(error)}\n`);
      response.destroy();
    });
  });

  async function answerCall(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const call = await readCall(request);
    const what = options.describe(call);
    const mode = modeFor(what.operation);
    options.ledger.append({
      kind: "received",
      call: call.id,
      ...what,
      method: call.method,
      path: call.path,
      bodyHash: createHash("sha256").update(call.body).digest("hex"),
      ...(mode === "ok" ? {} : { mode }),
    });
    if (mode === "slow") await pause(behaviour.ms ?? 1000);
    if (mode === "fail") {
      return send(response, { status: 500, body: { title: `${options.name} was told to fail`, status: 500 } });
    }
    const answer = await options.handle(call);
    options.ledger.append({
      kind: "answered",
      call: call.id,
      status: answer.status,
      ...(mode === "drop" ? { mode } : {}),
    });
    if (mode === "drop") request.socket.destroy();
    else send(response, answer);
  }

  function behave(next: Behaviour): void {
    if (!modes.has(next.mode)) throw new RangeError(`mode: one of ${[...modes].join(", ")}`);
    options.onBehaviour?.(next);
    clearTimeout(returning);
    if (behaviour.mode === "away" && !service.listening) service.listen(port, "127.0.0.1");
    behaviour = next;
    left = next.times ?? Number.POSITIVE_INFINITY;
    if (next.mode !== "away") return;
    if (options.servesAlways !== true) {
      service.close();
      service.closeAllConnections();
    }
    returning = setTimeout(() => behave({ mode: "ok" }), next.ms ?? 1000);
  }

  const control = createServer((request, response) => {
    answerControl(request, response).catch((error: unknown) => {
      send(response, { status: 400, body: { title: error instanceof Error ? error.message : String(error) } });
    });
  });

  async function answerControl(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method, path, body } = await readCall(request);
    if (method === "GET" && path === "/_ledger") {
      return send(response, { status: 200, body: readLedger(options.ledger.file) });
    }
    const given: unknown = body.length === 0 ? {} : JSON.parse(body.toString("utf8"));
    if (typeof given !== "object" || given === null) throw new TypeError("the body must be a JSON object");
    if (path === "/_control") {
      if (method === "POST") behave(given as Behaviour);
      return send(response, { status: 200, body: { ...behaviour } });
    }
    const name = path.slice(2);
    const commands = options.commands ?? {};
    if (method !== "POST" || !Object.hasOwn(commands, name))
      return send(response, { status: 404, body: { title: "no such command" } });
    const result = await commands[name]?.(given as Record<string, unknown>);
    send(response, { status: 200, body: (result ?? {}) as object });
  }

  let stopping = false;
  async function stop(): Promise<void> {
    if (stopping) return;
    stopping = true;
    clearTimeout(returning);
    for (const server of [service, control]) {
      server.close();
      server.closeAllConnections();
    }
    await options.onStop?.();
    options.ledger.close();
    process.exit(0);
  }
  process.once("SIGTERM", () => void stop());
  process.once("SIGINT", () => void stop());
  if (process.env.SIMULATOR_ENDS_WITH_STDIN === "1") process.stdin.once("end", () => void stop()).resume();

  const port = await listen(service, options.port);
  const controlPort = await listen(control, options.controlPort);
  process.stdout.write(`${JSON.stringify({ ready: options.name, port, control: controlPort })}\n`);
}

function listen(server: Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", () => {
      server.off("error", reject);
      resolve((server.address() as AddressInfo).port);
    });
  });
}

async function readCall(request: IncomingMessage): Promise<Call> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > maxBody) throw new RangeError("the body is too large");
    chunks.push(chunk);
  }
  const url = new URL(request.url ?? "/", "http://simulator");
  return {
    id: randomUUID(),
    method: request.method ?? "GET",
    path: url.pathname,
    query: url.searchParams,
    headers: request.headers,
    body: Buffer.concat(chunks),
  };
}

function send(response: ServerResponse, answer: Answer): void {
  const { body } = answer;
  const text = body === undefined ? "" : typeof body === "string" ? body : JSON.stringify(body);
  const type = typeof body === "object" ? { "content-type": "application/json" } : {};
  response.writeHead(answer.status, { ...type, "content-length": Buffer.byteLength(text), ...answer.headers });
  response.end(text);
}

/** An RFC 9457 problem as an answer. */
export function problem(status: number, title: string, more: Readonly<Record<string, unknown>> = {}): Answer {
  return { status, headers: { "content-type": "application/problem+json" }, body: { title, status, ...more } };
}

/** The body as a JSON object, or `undefined` if it is none. */
export function jsonObject(call: Call): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(call.body.toString("utf8"));
    return typeof value === "object" && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}
