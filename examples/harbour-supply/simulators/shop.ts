/**
 * The web shop. As a system: REST per `systems/shop/openapi.yaml`. As an API consumer: makes up orders, places them with Mortise
 * under one Idempotency-Key each, tries again until it is acknowledged, and follows the status link to the end.
 *
 *   node shop.ts --data <folder> [--port n] [--control-port n] [--api-url url] [--channel name] [--webhook-url url] [--rate n]
 *   SHOP_TOKEN (bearer, for those who call the shop), SHOP_API_KEY (for calling Mortise), SHOP_WEBHOOK_SECRET (`whsec_...`)
 *
 * `POST /_configure {apiUrl, apiKey, webhookUrl, rate}`   `POST /_place {kind?, count?, order?}`   `POST /_ask {sku}`
 * Ledger: `order` (made), `acknowledged` {id, status, run}, `refused` {id, status}, `ended` {id, state, run}, `applied`.
 */
import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { parseArgs } from "node:util";
import { type Answer, type Call, jsonObject, problem, simulate } from "./control.ts";
import { type Line, openLedger } from "./ledger.ts";
import { kindOf, makeOrder, type Order, type OrderKind, products } from "./orders.ts";
import { pauseBefore, type Sent, send } from "./send.ts";
import { Webhooks } from "./webhooks.ts";

const { values: args } = parseArgs({
  options: {
    data: { type: "string" },
    port: { type: "string", default: "0" },
    "control-port": { type: "string", default: "0" },
    "api-url": { type: "string" },
    "webhook-url": { type: "string" },
    channel: { type: "string", default: "web-shop" },
    rate: { type: "string", default: "0" },
  },
});
if (args.data === undefined) throw new Error("shop.ts needs --data <folder>");
const token = process.env.SHOP_TOKEN ?? "";
const inFlightAtMost = 64;
const endings: ReadonlySet<string> = new Set(["completed", "rejected", "undone", "cancelled", "terminated"]);

interface Known {
  readonly order: Order;
  /** The status link, once acknowledged. */
  link?: string;
  status: Record<string, unknown>;
}
const orders = new Map<string, Known>();
const open = new Set<string>();
const availability = new Map<string, unknown>();
const webhooks = new Webhooks(process.env.SHOP_WEBHOOK_SECRET ?? "");
webhooks.url = args["webhook-url"];
let apiUrl = args["api-url"];
let apiKey = process.env.SHOP_API_KEY ?? "";
let next = 100_001;
let inFlight = 0;
let timer: NodeJS.Timeout | undefined;

const ledger = openLedger(join(args.data, "ledger.jsonl"), replay);
webhooks.start(ledger);
for (const id of [...open]) void follow(id);
setRate(Number(args.rate));

await simulate({
  name: "shop",
  ledger,
  port: Number(args.port),
  controlPort: Number(args["control-port"]),
  describe: (call) => ({ operation: operationOf(call), key: decodeURIComponent(call.path.split("/")[2] ?? "") }),
  handle,
  commands: {
    configure,
    place,
    ask,
    orders: () => [...orders.values()].map(({ order, status }) => ({ id: order.id, ...status })),
  },
  onStop() {
    clearInterval(timer);
    webhooks.stop();
  },
});

function replay(line: Line): void {
  webhooks.replay(line);
  const id = String(line.id ?? line.key);
  const known = orders.get(id);
  if (line.kind === "order") {
    const order = line.order as Order;
    orders.set(order.id, { order, status: { status: "placed" } });
    open.add(order.id);
    const number = /^HS-([0-9]+)$/.exec(order.id);
    if (number !== null) next = Math.max(next, Number(number[1]) + 1);
  }
  if (line.kind === "acknowledged" && known !== undefined) known.link = String(line.link);
  if (line.kind === "ended" || line.kind === "refused") open.delete(id);
  if (line.kind === "applied" && line.operation === "setOrderStatus" && known !== undefined) {
    known.status = line.state as Record<string, unknown>;
  }
  if (line.kind === "applied" && line.operation === "setAvailability") availability.set(String(line.key), line.state);
}

function configure(body: Record<string, unknown>): void {
  if (typeof body.apiUrl === "string") apiUrl = body.apiUrl;
  if (typeof body.apiKey === "string") apiKey = body.apiKey;
  if (typeof body.webhookUrl === "string") webhooks.url = body.webhookUrl;
  if (typeof body.duplicates === "number") webhooks.duplicates = body.duplicates;
  if (typeof body.rate === "number") setRate(body.rate);
}

function setRate(perSecond: number): void {
  clearInterval(timer);
  if (!(perSecond > 0)) return;
  timer = setInterval(() => {
    if (inFlight < inFlightAtMost) place({});
  }, 1000 / perSecond);
}

/** Makes `count` orders (default 1) of `kind` (default: the mix), or takes `order` as it is; returns their ids. */
function place(body: Record<string, unknown>): { readonly ids: readonly string[] } {
  const ids: string[] = [];
  for (let made = 0; made < Number(body.count ?? 1); made += 1) {
    const kind = (body.kind as OrderKind | undefined) ?? kindOf(next);
    const order = (body.order as Order | undefined) ?? makeOrder(next, kind, args.channel);
    replay(ledger.append({ kind: "order", order }));
    ids.push(order.id);
    void follow(order.id);
  }
  return { ids };
}

function ask(body: Record<string, unknown>): { readonly question: string } {
  const sku = String(body.sku ?? products[Math.floor(Math.random() * products.length)]?.sku);
  const question = randomUUID();
  webhooks.add(`msg_${question}`, { question, sku }, 0);
  return { question };
}

async function follow(id: string): Promise<void> {
  inFlight += 1;
  try {
    const known = orders.get(id);
    if (known === undefined) return;
    if (known.link === undefined) await placeWithMortise(known);
    if (known.link !== undefined) await waitForEnd(known);
  } finally {
    inFlight -= 1;
  }
}

// The same key and the same body, however often, until there is an answer that settles it.
async function placeWithMortise({ order }: Known): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    const answer = await api("POST", "/orders/v1/orders", JSON.stringify(order), order.id);
    if (answer !== undefined && answer.status >= 200 && answer.status < 300) {
      const link = String(answer.headers.location ?? `/orders/v1/orders/${encodeURIComponent(order.id)}`);
      replay(
        ledger.append({
          kind: "acknowledged",
          id: order.id,
          status: answer.status,
          link,
          answer: readJson(answer.body),
        }),
      );
      return;
    }
    if (
      answer !== undefined &&
      [400, 409, 413, 415, 422].includes(answer.status) &&
      answer.headers["retry-after"] === undefined
    ) {
      replay(ledger.append({ kind: "refused", id: order.id, status: answer.status, answer: readJson(answer.body) }));
      return;
    }
    await pause(pauseBefore(attempt));
  }
}

async function waitForEnd({ order, link }: Known): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    await pause(Math.min(2000, 150 * attempt));
    const answer = await api("GET", link ?? "");
    if (answer?.status !== 200) continue;
    const run = readJson(answer.body) as { readonly status?: unknown };
    if (typeof run.status !== "string" || !endings.has(run.status)) continue;
    replay(ledger.append({ kind: "ended", id: order.id, state: run.status, run }));
    return;
  }
}

async function api(method: string, path: string, body?: string, key?: string): Promise<Sent | undefined> {
  if (apiUrl === undefined) return undefined;
  const headers: Record<string, string> = { authorization: `Bearer ${apiKey}`, accept: "application/json" };
  if (body !== undefined) headers["content-type"] = "application/json";
  if (key !== undefined) headers["idempotency-key"] = key;
  try {
    return await send(new URL(path, apiUrl).href, { method, headers, body });
  } catch {
    return undefined; // not reachable, or no answer in time: tried again
  }
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return { text: text.slice(0, 1000) };
  }
}

function operationOf({ method, path }: Call): string {
  if (/^\/orders\/[^/]+\/status$/.test(path) && method === "PUT") return "setOrderStatus";
  if (/^\/orders\/[^/]+$/.test(path) && method === "GET") return "getOrder";
  return /^\/products\/[^/]+\/availability$/.test(path) && method === "PUT" ? "setAvailability" : "unknown";
}

function handle(call: Call): Answer {
  if (call.headers.authorization !== `Bearer ${token}`) return problem(401, "The bearer token is missing or wrong.");
  const operation = operationOf(call);
  const key = decodeURIComponent(call.path.split("/")[2] ?? "");
  const known = orders.get(key);
  if (operation === "unknown") return problem(404, "There is no such resource.");
  if (operation === "setAvailability") {
    const state = jsonObject(call);
    if (!Number.isInteger(state?.available)) return problem(400, "available must be a whole number.");
    replay(ledger.append({ kind: "applied", call: call.id, operation, key, state }));
    return { status: 204 };
  }
  if (known === undefined) return problem(404, "There is no such order.");
  if (operation === "getOrder") return { status: 200, body: known.order };
  const state = jsonObject(call);
  if (typeof state?.status !== "string") return problem(400, "status must be a string.");
  replay(ledger.append({ kind: "applied", call: call.id, operation, key, state }));
  return { status: 200, body: state };
}
