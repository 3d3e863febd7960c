/** What the tests of this room share: a real store, an engine in memory that honours `alongside`, and a small API. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ContractModel } from "../contract/model.ts";
import { failure } from "../errors.ts";
import { canonicalJson } from "../formats/json.ts";
import type { CallContext, CallResult, EventType, Json, Operation, PassCaller, Schema } from "../operation.ts";
import { openStore } from "../store/open.ts";
import type { Store } from "../store/store.ts";
import { apiKey } from "./access/api-key.ts";
import type { Backend, BackendRun, BackendStart, BackendStarted, ListedRun, ReadCaller } from "./backend.ts";
import { type ApiDefinition, type ApiOptions, defineApi } from "./define.ts";
import type { HttpRequest, HttpResponse } from "./http.ts";
import { published } from "./lifecycle/states.ts";
import { get, post, type Startable } from "./operations.ts";
import { createPublisher, type Publisher, type PublisherOptions } from "./publisher.ts";

export interface Order {
  readonly id: string;
  readonly customerId: string;
  readonly lines: readonly { readonly sku: string; readonly quantity: number }[];
}

export const orderSchema: Schema<Order> = {
  kind: "schema",
  json: {
    $ref: "#/$defs/Order",
    $defs: {
      Order: {
        type: "object",
        description: "What a customer wants.",
        properties: {
          id: { type: "string", minLength: 1, description: "The shop's order number." },
          customerId: { type: "string", description: "Who pays." },
          lines: { type: "array", minItems: 1, items: { $ref: "#/$defs/Line" }, description: "What is wanted." },
        },
        required: ["id", "customerId", "lines"],
        additionalProperties: false,
      },
      Line: {
        type: "object",
        properties: { sku: { type: "string" }, quantity: { type: "integer", minimum: 1 } },
        required: ["sku", "quantity"],
        additionalProperties: false,
      },
    },
  },
};
export const resultSchema: Schema<{ readonly salesOrder: string }> = {
  kind: "schema",
  json: { type: "object", properties: { salesOrder: { type: "string" } }, required: ["salesOrder"] },
};
export const orderToCash: Startable<Order, { readonly salesOrder: string }> = {
  kind: "process",
  name: "order-to-cash",
  input: orderSchema,
  output: resultSchema,
  key: (order) => order.id,
};

export const getStock: Operation<
  { readonly sku: string; readonly limit?: number },
  { readonly sku: string; readonly onHand: number },
  { readonly UnknownSku: { readonly sku: string } }
> = { kind: "operation", system: "warehouse", name: "getStock", effect: "read" };
export const bookHold: Operation<{ readonly reference: string }, { readonly hold: string }> = {
  kind: "operation",
  system: "warehouse",
  name: "bookHold",
  effect: "unrepeatable",
};
export const setPrice: Operation<{ readonly sku: string; readonly price: string }, { readonly price: string }> = {
  kind: "operation",
  system: "warehouse",
  name: "setPrice",
  effect: "idempotent",
};

const text = { type: "string" } as const;
const noBinding = {
  protocol: "sql",
  dialect: "sqlite",
  statements: [],
  parameters: [],
  columns: [],
  rows: "one",
  faults: [],
} as const;
export const warehouse: ContractModel = {
  format: 1,
  name: "warehouse",
  source: { language: "sql", languageVersion: "1", files: [] },
  servers: [],
  events: {
    stockChanged: {
      name: "stockChanged",
      payload: true,
      binding: { protocol: "webhook", mediaType: "application/json" },
    },
    counted: { name: "counted", payload: true, binding: { protocol: "webhook", mediaType: "application/json" } },
  },
  schemas: {},
  operations: {
    getStock: {
      name: "getStock",
      effect: "read",
      input: {
        type: "object",
        properties: { sku: text, limit: { type: "integer" } },
        required: ["sku"],
        additionalProperties: false,
      },
      output: { type: "object", properties: { sku: text, onHand: { type: "integer" } } },
      faults: {
        UnknownSku: {
          description: "There is no such article.",
          detail: { type: "object", properties: { sku: text }, required: ["sku"] },
        },
      },
      binding: noBinding,
    },
    bookHold: {
      name: "bookHold",
      effect: "unrepeatable",
      input: { type: "object", properties: { reference: text }, required: ["reference"], additionalProperties: false },
      output: { type: "object" },
      faults: {},
      binding: noBinding,
    },
    setPrice: {
      name: "setPrice",
      effect: "idempotent",
      input: { type: "object", properties: { sku: text, price: text }, required: ["sku", "price"] },
      output: { type: "object" },
      faults: {},
      binding: noBinding,
    },
  },
};

/** An event of the warehouse. Its contract has `stockChanged` and `counted`. */
export const event = (name: string): EventType<Json> => ({ kind: "event", system: "warehouse", name });

export const ordersOptions: ApiOptions = {
  name: "orders",
  version: "1.0.0",
  base: "/orders/v1",
  title: "Harbour Supply orders",
  description: "Place orders, follow them to the end, and look at the stock.",
  lifecycle: published(),
  access: [apiKey()],
  operations: {
    placeOrder: post("/orders", { scope: "orders:write", starts: orderToCash, summary: "Places an order." }),
    placeOrderNow: post("/orders/now", { scope: "orders:write", starts: orderToCash, wait: "1s" }),
    getOrder: get("/orders/{key}", {
      scope: "orders:read",
      run: orderToCash,
      allow: ({ caller, run }) => run.input.customerId === caller.id,
    }),
    getStock: get("/stock/{sku}", { scope: "stock:read", calls: getStock, cache: "1s", faults: { UnknownSku: 404 } }),
    bookHold: post("/holds", { scope: "stock:write", calls: bookHold }),
    setPrice: post("/prices", { scope: "stock:write", calls: setPrice }),
  },
};
export const orders: ApiDefinition = defineApi(ordersOptions);
export const allScopes: readonly string[] = ["orders:write", "orders:read", "stock:read", "stock:write"];

/** An engine in memory: starts are real commits of the store, so that `alongside` is tried for real. */
export class FakeBackend implements Backend {
  readonly runs = new Map<string, BackendRun>();
  readonly started: BackendStart[] = [];
  readonly called: { readonly operation: string; readonly input: Json; readonly key: string }[] = [];
  /** What a settled run looks like. Default: completed. */
  end: Partial<BackendRun> = { status: "completed", output: { salesOrder: "S-1" } };
  answer: (input: Json, context: CallContext) => Promise<CallResult> | CallResult = (input) => ({
    ok: true,
    output: { sku: (input as { sku: string }).sku, onHand: 7 },
  });
  /** Called between the start's commit and its answer. */
  onStarted: () => Promise<void> = async () => {};
  readonly #store: Pick<Store, "submit">;
  constructor(store: Pick<Store, "submit">) {
    this.#store = store;
  }
  /** Every start is refused with it. */
  refuses: Error | undefined;

  async start(command: BackendStart): Promise<BackendStarted> {
    if (this.refuses !== undefined) throw this.refuses;
    const known = this.runs.get(`${command.process}/${command.key}`);
    if (known !== undefined) {
      if (canonicalJson(known.input) === canonicalJson(command.input)) return { kind: "exists", run: known.id };
      throw failure("run-key-conflict", { process: command.process, key: command.key, run: known.id });
    }
    const id = `run-${this.runs.size + 1}`;
    const commands = JSON.parse(JSON.stringify(command.alongside ?? []).replaceAll('"$run"', JSON.stringify(id)));
    const answer = await this.#store.submit(commands);
    if (answer.kind === "refused") return { kind: "refused", by: answer.by, answer: answer.answer };
    const now = Date.now();
    const run: BackendRun = {
      id,
      key: command.key,
      status: "running",
      createdAt: now,
      updatedAt: now,
      input: command.input,
    };
    this.runs.set(`${command.process}/${command.key}`, run);
    this.started.push(command);
    await this.onStarted();
    return { kind: "started", run: id };
  }
  async settled(run: string, _ms: number): Promise<BackendRun> {
    for (const [at, one] of this.runs) {
      if (one.id !== run) continue;
      const ended = { ...one, ...this.end };
      this.runs.set(at, ended);
      return ended;
    }
    throw failure("run-unknown", { run });
  }
  runsOf(process: string, before: string | undefined, limit: number): readonly ListedRun[] {
    const all = [...this.runs]
      .filter(([at]) => at.startsWith(`${process}/`))
      .map(([, { id, key }]) => ({ id, key, origin: this.started.find((one) => one.key === key)?.origin ?? "test" }))
      .reverse();
    const from = before === undefined ? 0 : all.findIndex(({ id }) => id === before) + 1;
    return all.slice(from, from + limit);
  }
  runByKey(process: string, key: string): BackendRun | undefined {
    return this.runs.get(`${process}/${key}`);
  }
  pass: PassCaller = () => Promise.reject(new Error("nothing passes here"));
  mark(process: string, key: string): string | undefined {
    const run = this.runs.get(`${process}/${key}`);
    return run === undefined ? undefined : JSON.stringify([run.id, run.status, run.state]);
  }
  async call(operation: { readonly name: string }, input: Json, context: CallContext): Promise<CallResult> {
    this.called.push({ operation: operation.name, input, key: context.key });
    return this.answer(input, context);
  }
  read: ReadCaller = (operation, input, context) => this.call(operation, input, context);
}

export interface Bench {
  readonly publisher: Publisher;
  /** Serves these from now on. */
  republish(apis: readonly ApiDefinition[]): void;
  readonly backend: FakeBackend;
  readonly store: Store;
  /** Of the consumer `shop`, with every scope. */
  readonly key: string;
  /** What the clocks say; both move with it. */
  readonly time: { now: number };
  ask(method: string, path: string, more?: Ask): Promise<Answer>;
  /** The same store under a new publisher and nothing in memory, as after a restart. */
  restart(): Publisher;
  [Symbol.asyncDispose](): Promise<void>;
}
export interface Ask {
  readonly headers?: Readonly<Record<string, string>>;
  /** JSON, or bytes as they are. */
  readonly body?: unknown;
  /** `null`: none. Default: the bench's key. */
  readonly key?: string | null;
  readonly address?: string;
  readonly by?: Publisher;
}
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  // biome-ignore lint/suspicious/noExplicitAny: answers of every shape are looked into
  readonly json: any;
  readonly text: string;
}

export async function openBench(options: Partial<PublisherOptions> = {}): Promise<Bench> {
  const folder = mkdtempSync(join(tmpdir(), "mortise-publish-"));
  const store = await openStore({
    file: join(folder, "store.db"),
    parts: ["store-part.ts", "lifecycle/store-part.ts", "limits/store-part.ts", "consumers/store-part.ts"].map(
      (part) => new URL(`./${part}`, import.meta.url).href,
    ),
  });
  const backend = new FakeBackend(store);
  const time = { now: Date.now() };
  const contracts = new Map([["warehouse", warehouse]]);
  const open = () =>
    createPublisher({
      apis: [orders],
      store,
      backend,
      contracts,
      clock: () => time.now,
      monotonic: () => time.now,
      ...options,
    });
  const publishers = [open()];
  const publisher = publishers[0] as Publisher;
  const { key } = await publisher.keys.create({ consumer: "shop", scopes: allScopes, by: "test" });
  let count = 0;
  return {
    publisher,
    republish: (apis) => publisher.prepare({ apis, backend, contracts })(),
    backend,
    store,
    key,
    time,
    async ask(method, target, { headers = {}, body, key: own = key, address = "127.0.0.1", by = publisher } = {}) {
      const [path = "", query = ""] = target.split("?");
      const bytes =
        body === undefined ? new Uint8Array() : body instanceof Uint8Array ? body : Buffer.from(JSON.stringify(body));
      const all: Record<string, string> = Object.assign(Object.create(null), headers);
      if (own !== null) all.authorization ??= `Bearer ${own}`;
      if (body !== undefined) all["content-type"] ??= "application/json";
      const request: HttpRequest = {
        id: `r${++count}`,
        method,
        path,
        query,
        headers: all,
        address,
        body: async (limit) => {
          if (bytes.length > limit) throw failure("body-too-large", { limit });
          return bytes;
        },
      };
      return answerOf(await by.handle(request));
    },
    restart() {
      const next = open();
      publishers.push(next);
      return next;
    },
    async [Symbol.asyncDispose]() {
      for (const one of publishers) await one.close();
      await store.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function answerOf(response: HttpResponse): Answer {
  const body = typeof response.body === "string" ? response.body : "";
  const json = (response.headers["content-type"] ?? "").includes("json") ? JSON.parse(body) : undefined;
  return { status: response.status, headers: response.headers, json, text: body };
}

/** A problem of this code, in the right form (PD-1, PD-2, PD-4). */
export function assertProblem(answer: Answer, status: number, code: string): void {
  assert.equal(answer.json?.type, `urn:mortise:error:${code}`, answer.text);
  assert.equal(answer.status, status);
  assert.equal(answer.json.status, status);
  assert.equal(answer.headers["content-type"], "application/problem+json");
  assert.match(answer.json.instance, /^urn:mortise:request:/);
  assert.equal(typeof answer.json.title, "string");
  assert.equal(typeof answer.json.detail, "string");
}

export const anOrder: Order = { id: "o-1", customerId: "shop", lines: [{ sku: "rope", quantity: 2 }] };
