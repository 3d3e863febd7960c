/**
 * Serves a fake system over its real protocol on a port: REST or SOAP over HTTP, with rules that make it slow, broken or wrong on
 * purpose, and a small control endpoint under `/_fake`. For development and tests: it listens on this machine only unless told otherwise,
 * checks no credentials, and holds bounded memory.
 */
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { ContractModel, OperationModel } from "../contract/model.ts";
import { operationValidators } from "../contract/validate.ts";
import { failure, type MortiseError } from "../errors.ts";
import { createServer } from "../http.ts";
import { type CallResult, inWords, type Json } from "../operation.ts";
import { control, controlPath } from "./control.ts";
import { Events, type EventTarget } from "./events.ts";
import { type Came, type Protocol, problemReply, type Reading, type Reply } from "./protocol.ts";
import { restProtocol } from "./rest.ts";
import { type Acted, type Effect, type Rule, Rules } from "./rules.ts";
import { soapProtocol } from "./soap.ts";
import { FakeSystem, type FakeSystemOptions } from "./system.ts";

export interface ServeOptions extends FakeSystemOptions {
  /** Default `127.0.0.1`. */
  readonly host?: string;
  /** Default 0: any free one. */
  readonly port?: number;
  readonly rules?: readonly Rule[];
  /** Largest request body in bytes. Default 8 MiB. */
  readonly maxBytes?: number;
  /** Where events go that the control endpoint is asked to send. */
  readonly events?: EventTarget;
  /** Told when a request is answered, or its connection was cut. */
  readonly onRequest?: (request: ServedRequest) => void;
}

/** One request, as it is told and remembered. */
export interface ServedRequest {
  /** From 1. */
  readonly number: number;
  readonly method: string;
  /** With the query; at most 500 characters. */
  readonly path: string;
  /** Absent: none of the contract matches. */
  readonly operation?: string;
  readonly input?: Json;
  /** Absent: the connection was cut. */
  readonly status?: number;
  readonly ms: number;
  /** What was wrong with it. */
  readonly problem?: string;
  readonly notes: readonly string[];
}

export interface Served {
  /** `http://127.0.0.1:4010`: what the system's connection is to be. */
  readonly url: string;
  readonly port: number;
  readonly system: FakeSystem;
  readonly rules: Rules;
  readonly events: Events;
  /** The last requests, oldest first: at most 200. */
  readonly requests: readonly ServedRequest[];
  /** Forgets what was created, the rules and the requests. */
  reset(): void;
  /** Cuts what is open. */
  close(): Promise<void>;
}

/** Longer than clients keep a connection, so that none is closed under a request. */
const idleMs = 65_000;
const mostRequests = 200;
/** Inputs above this are not remembered. */
const longestInput = 64 * 1024;

/** Rejects with `fake-port` where the port is taken. */
export async function serveFake(model: ContractModel, options: ServeOptions = {}): Promise<Served> {
  const fake = new Fake(model, options);
  await fake.listen();
  return fake;
}

class Fake implements Served {
  readonly system: FakeSystem;
  readonly rules = new Rules();
  readonly events: Events;
  readonly #options: ServeOptions;
  readonly #protocol: Protocol;
  readonly #server: Server;
  readonly #timers = new Set<NodeJS.Timeout>();
  readonly #maxBytes: number;
  #requests: ServedRequest[] = [];
  #count = 0;
  readonly #times = new Map<string, number>();

  constructor(model: ContractModel, options: ServeOptions) {
    this.#options = options;
    this.#maxBytes = options.maxBytes ?? 8 * 1024 * 1024;
    this.system = new FakeSystem(model, options);
    this.events = new Events(model, this.system.seed, options.events);
    this.#protocol =
      model.source.language === "wsdl" ? soapProtocol(model, this.#maxBytes) : restProtocol(model, this.#maxBytes);
    for (const rule of options.rules ?? []) this.rule(rule);
    this.#server = createServer(
      { maxHeaderSize: 32 * 1024, requireHostHeader: false, keepAliveTimeout: idleMs },
      (req, res) => {
        void this.#answer(req, res);
      },
    );
    this.#server.maxConnections = 500;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get url(): string {
    const { address, family, port } = this.#server.address() as AddressInfo;
    return `http://${family === "IPv6" ? `[${address}]` : address}:${port}`;
  }

  get requests(): readonly ServedRequest[] {
    return this.#requests;
  }

  /** Adds a rule. Throws `fake-rule` where it names nothing of the contract, or an answer that the contract does not allow. */
  rule(rule: Rule): void {
    checkRule(this.system, rule);
    this.rules.add(rule);
  }

  reset(): void {
    this.system.reset();
    this.rules.clear();
    this.#requests = [];
    this.#times.clear();
  }

  listen(): Promise<void> {
    const { host = "127.0.0.1", port = 0 } = this.#options;
    return new Promise((resolve, reject) => {
      this.#server.once("error", (error: NodeJS.ErrnoException) => {
        const busy = error.code === "EADDRINUSE";
        const reason = busy ? "something listens there already" : error.message;
        reject(failure("fake-port", { address: `${host}:${port}`, reason }, { cause: error }));
      });
      this.#server.listen(port, host, () => resolve());
    });
  }

  close(): Promise<void> {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
    return new Promise((resolve) => {
      this.#server.close(() => resolve());
      this.#server.closeAllConnections();
    });
  }

  async #answer(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const started = performance.now();
    const told: Telling = { notes: [] };
    try {
      const came = await this.#came(req);
      if (came === "too large") {
        told.problem = `the body is larger than ${this.#maxBytes} bytes`;
        const reply = problemReply(413, "Content Too Large", told.problem);
        this.#send(res, { ...reply, headers: { ...reply.headers, connection: "close" } }, told);
      } else if (came.path === controlPath || came.path.startsWith(`${controlPath}/`)) {
        this.#send(res, await control(this, came), {});
        return;
      } else await this.#call(req, res, came, told);
    } catch (error) {
      // A client that went away needs no answer; anything else is told.
      if (!res.destroyed && !res.headersSent) {
        told.problem = error instanceof Error ? error.message : String(error);
        this.#send(res, problemReply(500, "Fake failure", told.problem), told);
      }
    }
    this.#note(req, told, performance.now() - started);
  }

  async #call(req: IncomingMessage, res: ServerResponse, came: Came, told: Telling): Promise<void> {
    const reading = this.#protocol.read(came, (name) => this.rules.names(name));
    if (reading.kind === "nothing") {
      told.problem = reading.why;
      this.#send(res, reading.reply, told);
      return;
    }
    const { operation, problems } = reading;
    told.operation = operation.name;
    told.input = reading.input;
    told.notes.push(...reading.notes);
    const times = (this.#times.get(operation.name) ?? 0) + 1;
    this.#times.set(operation.name, times);
    const rule = this.rules.take(operation.name);
    if (rule?.delayMs !== undefined && !(await this.#rest(rule.delayMs, res))) return;
    let effect: Effect = rule?.effect ?? { kind: "usual" };
    if (problems.length > 0) told.problem = inWords(problems, "").trim();
    let acted: Acted | undefined;
    if (effect.kind === "function" && problems.length === 0) {
      acted = await effect.act(reading.input, { times, key: reading.key });
      effect =
        acted.kind === "effect"
          ? acted.effect
          : acted.lose === true
            ? { kind: "drop", when: "after" }
            : { kind: "usual" };
    }
    if (effect.kind === "drop" && effect.when === "before") {
      req.socket.destroy();
      return;
    }
    const failed = failing(reading, effect);
    if (failed !== undefined) {
      this.#send(res, failed, told);
      return;
    }
    const reply = problems.length > 0 ? reading.refuse(problems) : this.#reply(reading, effect, acted, told);
    if (effect.kind === "drop") req.socket.destroy();
    else if (effect.kind === "malformed") this.#send(res, halved(reply), told);
    else if (effect.kind === "slow") await this.#trickle(res, reply, effect.ms, told);
    else this.#send(res, reply, told);
  }

  #reply(reading: Extract<Reading, { kind: "call" }>, effect: Effect, acted: Acted | undefined, told: Telling): Reply {
    const { operation, input, key } = reading;
    let result: CallResult | "missing" | "none";
    if (acted?.kind === "result") result = acted.result;
    else if (effect.kind === "output") result = { ok: true, output: effect.output };
    else if (effect.kind === "fault")
      result = this.system.fault(operation, effect.name, undefined, effect.detail) ?? "none";
    else result = this.system.answer(operation, input, key);
    if (result === "missing") return reading.missing();
    if (result === "none") {
      told.problem = "the contract lets no valid answer be made; script one";
      return reading.fail(500, `${operation.name}: ${told.problem}`);
    }
    const unfit = unfitting(this.system.model, operation, result);
    if (unfit !== undefined) {
      told.problem = unfit;
      return reading.fail(500, `${operation.name}: ${unfit}`);
    }
    return reading.write(result);
  }

  #send(res: ServerResponse, { status, headers, body }: Reply, told: { status?: number }): void {
    told.status = status;
    if (res.destroyed) return;
    const length = status === 204 || status === 304 ? {} : { "content-length": String(Buffer.byteLength(body)) };
    res.writeHead(status, { ...headers, ...length });
    res.end(body);
  }

  /** The body in ten pieces. */
  async #trickle(res: ServerResponse, { status, headers, body }: Reply, ms: number, told: Telling): Promise<void> {
    told.status = status;
    const bytes = typeof body === "string" ? Buffer.from(body) : body;
    res.writeHead(status, { ...headers, "content-length": String(bytes.length) });
    res.flushHeaders();
    const size = Math.max(1, Math.ceil(bytes.length / 10));
    for (let at = 0; at < bytes.length; at += size) {
      if (!(await this.#rest(ms / 10, res))) return;
      res.write(bytes.subarray(at, at + size));
    }
    res.end();
  }

  /** Whether the client is still there afterwards. */
  #rest(ms: number, res: ServerResponse): Promise<boolean> {
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        this.#timers.delete(timer);
        res.off("close", done);
        resolve(!res.destroyed);
      };
      const timer = setTimeout(done, ms);
      this.#timers.add(timer);
      res.on("close", done);
    });
  }

  async #came(req: IncomingMessage): Promise<Came | "too large"> {
    const chunks: Uint8Array[] = [];
    let size = 0;
    for await (const chunk of req as AsyncIterable<Uint8Array>) {
      size += chunk.length;
      if (size > this.#maxBytes) return "too large";
      chunks.push(chunk);
    }
    const url = req.url ?? "/";
    const mark = url.indexOf("?");
    const headers: Record<string, string> = Object.create(null);
    for (const [name, value] of Object.entries(req.headers))
      if (value !== undefined) headers[name] = Array.isArray(value) ? value.join(", ") : value;
    return {
      method: req.method ?? "GET",
      path: mark < 0 ? url : url.slice(0, mark),
      query: mark < 0 ? "" : url.slice(mark + 1),
      headers,
      body: Buffer.concat(chunks),
    };
  }

  #note(req: IncomingMessage, told: Telling, ms: number): void {
    this.#count += 1;
    const { operation, input, status, problem, notes } = told;
    const small = input !== undefined && JSON.stringify(input).length <= longestInput;
    const request: ServedRequest = Object.freeze({
      number: this.#count,
      method: req.method ?? "GET",
      path: (req.url ?? "/").slice(0, 500),
      ...(operation === undefined ? {} : { operation }),
      ...(small ? { input } : {}),
      ...(status === undefined ? {} : { status }),
      ms: Math.round(ms * 10) / 10,
      ...(problem === undefined ? {} : { problem }),
      notes,
    });
    this.#requests.push(request);
    if (this.#requests.length > mostRequests) this.#requests.shift();
    this.#options.onRequest?.(request);
  }
}

interface Telling {
  operation?: string;
  input?: Json;
  status?: number;
  problem?: string;
  readonly notes: string[];
}

/** The answer of a rule that fails without doing anything. */
function failing(reading: Extract<Reading, { kind: "call" }>, effect: Effect): Reply | undefined {
  if (effect.kind !== "status") return undefined;
  const reply = reading.fail(effect.status, "as the fake was told to");
  if (effect.retryAfterMs === undefined) return reply;
  return { ...reply, headers: { ...reply.headers, "retry-after": String(Math.ceil(effect.retryAfterMs / 1000)) } };
}

/** The first half of the body, with its length and type as if that were all. */
function halved(reply: Reply): Reply {
  const bytes = typeof reply.body === "string" ? Buffer.from(reply.body) : reply.body;
  const half = bytes.length < 2 ? Buffer.from("{") : bytes.subarray(0, Math.floor(bytes.length / 2));
  return { ...reply, status: reply.status === 204 ? 200 : reply.status, body: half };
}

/** Why the contract does not allow a result. */
export function unfitting(model: ContractModel, operation: OperationModel, result: CallResult): string | undefined {
  const validators = operationValidators(model, operation);
  if (result.ok) {
    const problems = validators.output(result.output);
    return problems.length === 0
      ? undefined
      : `the fake's answer does not fit the contract: ${inWords(problems, "it")}`;
  }
  const { name, detail } = result.fault;
  if (!Object.hasOwn(operation.faults, name)) return `the contract declares no fault ${name}`;
  const problems = validators.fault(name)(detail);
  return problems.length === 0
    ? undefined
    : `the detail of ${name} does not fit the contract: ${inWords(problems, "it")}`;
}

/** Throws `fake-rule` where a rule can't be meant. */
export function checkRule(system: FakeSystem, { operation: name, effect }: Rule): void {
  const { operations } = system.model;
  const wrong = (reason: string): MortiseError => failure("fake-rule", { reason });
  if (name === "*") {
    if (effect.kind === "output" || effect.kind === "fault")
      throw wrong("an answer or a fault is told of one operation, not of all");
    return;
  }
  const operation = Object.hasOwn(operations, name) ? operations[name]! : undefined;
  if (operation === undefined) {
    const near = Object.keys(operations).filter((each) => each.toLowerCase().includes(name.toLowerCase().slice(0, 5)));
    throw wrong(
      `the contract has no operation "${name}"${near.length === 0 ? "" : `; is ${near.slice(0, 3).join(" or ")} meant?`}`,
    );
  }
  if (effect.kind === "output") {
    const unfit = unfitting(system.model, operation, { ok: true, output: effect.output });
    if (unfit !== undefined) throw wrong(`${name}: ${unfit}`);
  }
  if (effect.kind === "fault") {
    const result = system.fault(operation, effect.name, undefined, effect.detail);
    const declared = Object.keys(operation.faults).join(", ") || "none";
    if (result === undefined) throw wrong(`${name} declares these faults: ${declared}`);
    const unfit = unfitting(system.model, operation, result);
    if (unfit !== undefined) throw wrong(`${name}: ${unfit}`);
  }
}
