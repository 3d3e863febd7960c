/**
 * The payment provider: REST per `systems/payments/openapi.yaml`, with idempotency keys and signed webhooks.
 *
 *   node payments.ts --data <folder> [--port n] [--control-port n] [--webhook-url url] [--duplicates 0..1] [--settle-ms n]
 *   PAYMENTS_TOKEN (bearer), PAYMENTS_WEBHOOK_SECRET (`whsec_...`)
 *
 * State is the ledger: every `applied` line holds the payment as it then is, and every remembered answer its key.
 * `POST /_configure {webhookUrl, duplicates, settleMs}` changes the settings while it runs.
 */
import { createHash, randomUUID } from "node:crypto";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { type Answer, type Call, jsonObject, problem, simulate } from "./control.ts";
import { type Line, openLedger } from "./ledger.ts";
import { Webhooks } from "./webhooks.ts";

interface Payment {
  readonly id: string;
  readonly reference: string;
  readonly status: "authorized" | "captured" | "settled" | "voided";
  readonly amount: string;
  readonly currency: string;
  readonly createdAt: string;
}
interface Remembered {
  readonly hash: string;
  readonly answer: Answer;
}

const { values: args } = parseArgs({
  options: {
    data: { type: "string" },
    port: { type: "string", default: "0" },
    "control-port": { type: "string", default: "0" },
    "webhook-url": { type: "string" },
    duplicates: { type: "string", default: "0.2" },
    "settle-ms": { type: "string", default: "300" },
  },
});
if (args.data === undefined) throw new Error("payments.ts needs --data <folder>");
const token = process.env.PAYMENTS_TOKEN ?? "";
const declineReasons: Readonly<Record<string, string>> = {
  tok_declined: "insufficient_funds",
  tok_expired: "expired_card",
  tok_fraud: "suspected_fraud",
};

const payments = new Map<string, Payment>();
const byKey = new Map<string, string>();
const voidedKeys = new Set<string>();
const remembered = new Map<string, Remembered>();
const webhooks = new Webhooks(process.env.PAYMENTS_WEBHOOK_SECRET ?? "");
webhooks.url = args["webhook-url"];
webhooks.duplicates = Number(args.duplicates);
let settleMs = Number(args["settle-ms"]);

const ledger = openLedger(join(args.data, "ledger.jsonl"), replay);
webhooks.start(ledger);
for (const payment of payments.values()) if (payment.status === "captured") settleLater(payment);

await simulate({
  name: "payments",
  ledger,
  port: Number(args.port),
  controlPort: Number(args["control-port"]),
  describe: (call) => ({ operation: operationOf(call) ?? "unknown", key: keyOf(call) }),
  handle,
  commands: {
    configure(body) {
      if (typeof body.webhookUrl === "string") webhooks.url = body.webhookUrl;
      if (typeof body.duplicates === "number") webhooks.duplicates = body.duplicates;
      if (typeof body.settleMs === "number") settleMs = body.settleMs;
    },
  },
  onStop: () => webhooks.stop(),
});

function replay(line: Line): void {
  webhooks.replay(line);
  if (line.kind !== "applied") return;
  const payment = line.payment as Payment | undefined;
  if (payment !== undefined) payments.set(payment.id, payment);
  if (line.operation === "authorize" && payment !== undefined) byKey.set(String(line.key), payment.id);
  if (typeof line.voidedKey === "string") voidedKeys.add(line.voidedKey);
  if (line.remember !== undefined) remembered.set(`${line.operation} ${line.key}`, line.remember as Remembered);
}

function operationOf({ method, path }: Call): string | undefined {
  if (path === "/payments") return method === "POST" ? "authorize" : "findPayments";
  if (path === "/voids" && method === "POST") return "void";
  if (/^\/payments\/[^/]+\/capture$/.test(path) && method === "POST") return "capture";
  return /^\/payments\/[^/]+$/.test(path) && method === "GET" ? "getPayment" : undefined;
}

function keyOf(call: Call): string | undefined {
  const key = call.headers["idempotency-key"];
  return typeof key === "string" && key !== "" ? key : undefined;
}

function handle(call: Call): Answer {
  if (call.headers.authorization !== `Bearer ${token}`) return problem(401, "The bearer token is missing or wrong.");
  const operation = operationOf(call);
  const id = decodeURIComponent(call.path.split("/")[2] ?? "");
  if (operation === undefined) return problem(404, "There is no such resource.");
  if (operation === "findPayments") {
    const reference = call.query.get("reference");
    if (reference === null) return problem(400, "The parameter reference is missing.");
    return { status: 200, body: [...payments.values()].filter((payment) => payment.reference === reference) };
  }
  if (operation === "getPayment") {
    const payment = payments.get(id);
    return payment === undefined ? problem(404, "There is no such payment.") : { status: 200, body: payment };
  }
  const key = keyOf(call);
  if (key === undefined) return problem(400, "The header Idempotency-Key is missing.");
  const hash = createHash("sha256").update(`${call.path}\n`).update(call.body).digest("hex");
  const before = remembered.get(`${operation} ${key}`);
  // Handling is synchronous, so there is never a first request in flight when a second one is looked at.
  if (before !== undefined) {
    if (before.hash !== hash) return problem(422, "This Idempotency-Key was used before with another request.");
    return { ...before.answer, headers: { ...before.answer.headers, "idempotent-replayed": "true" } };
  }
  const done =
    operation === "authorize" ? authorize(call, key) : operation === "void" ? voidPayment(call) : capture(id);
  if (done.answer.status < 400 || done.answer.status === 402) {
    const remember: Remembered = { hash, answer: done.answer };
    const line = { call: call.id, operation, key, remember, payment: done.payment, voidedKey: done.voidedKey };
    replay(ledger.append({ kind: "applied", ...line }));
    if (operation === "capture" && done.payment !== undefined) settleLater(done.payment);
  }
  return done.answer;
}

interface Done {
  readonly answer: Answer;
  readonly payment?: Payment;
  readonly voidedKey?: string;
}

function authorize(call: Call, key: string): Done {
  const body = jsonObject(call);
  const { reference, amount, currency, token: card } = body ?? {};
  if (typeof reference !== "string" || typeof currency !== "string" || typeof card !== "string") {
    return { answer: problem(400, "reference, currency and token must be strings.") };
  }
  if (typeof amount !== "string" || !/^[0-9]{1,12}\.[0-9]{2}$/.test(amount)) {
    return { answer: problem(400, 'amount must be an exact decimal such as "129.90".') };
  }
  if (voidedKeys.has(key)) return { answer: problem(409, "This authorization was voided before it arrived.") };
  const reason = declineReasons[card];
  if (reason !== undefined) return { answer: problem(402, "The card was declined.", { reason }) };
  const id = `pay_${randomUUID().slice(0, 13)}`;
  const createdAt = new Date().toISOString();
  const payment: Payment = { id, reference, status: "authorized", amount, currency, createdAt };
  return { answer: { status: 201, body: payment }, payment };
}

function voidPayment(call: Call): Done {
  const body = jsonObject(call);
  const key = typeof body?.reference === "string" ? body.reference : undefined;
  const id = typeof body?.id === "string" ? body.id : byKey.get(key ?? "");
  const payment = payments.get(id ?? "");
  if (payment === undefined) return { answer: { status: 200, body: { status: "unknown" } }, voidedKey: key };
  if (payment.status === "captured" || payment.status === "settled") {
    return { answer: problem(409, `The payment is ${payment.status} and can't be voided.`) };
  }
  const answer: Answer = { status: 200, body: { id: payment.id, status: "voided" } };
  return { answer, payment: { ...payment, status: "voided" }, voidedKey: key };
}

function capture(id: string): Done {
  const payment = payments.get(id);
  if (payment === undefined) return { answer: problem(404, "There is no such payment.") };
  if (payment.status !== "authorized") return { answer: problem(409, `The payment is ${payment.status}.`) };
  const captured: Payment = { ...payment, status: "captured" };
  return { answer: { status: 200, body: captured }, payment: captured };
}

// The webhook's id is derived from the payment, so that a settlement redone after a kill is the same delivery.
function settleLater(payment: Payment): void {
  setTimeout(() => {
    const settled: Payment = { ...payment, status: "settled" };
    const { id, reference, amount, currency } = settled;
    webhooks.add(`msg_${id}`, { paymentId: id, reference, amount, currency, settledAt: new Date().toISOString() }, 0);
    replay(ledger.append({ kind: "applied", operation: "settle", payment: settled }));
  }, settleMs).unref();
}
