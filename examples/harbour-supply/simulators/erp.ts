/**
 * The ERP: SOAP 1.1 per `systems/erp/erp.wsdl`, behind a UsernameToken.
 *
 *   node erp.ts --data <folder> [--port n] [--control-port n] [--carrier url] [--carrier-ms n]
 *   ERP_USER, ERP_PASSWORD
 *
 * It never looks for an earlier sales order of the same reference: a create that is repeated makes a second one, and the
 * ledger shows both. Open orders are told to the carrier (`POST <carrier>/shipments`) some time later, until it says 2xx.
 * `POST /_configure {carrier, carrierMs}` changes the settings while it runs.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { type Answer, type Call, problem, simulate } from "./control.ts";
import { type Line, openLedger } from "./ledger.ts";
import { pauseBefore, send } from "./send.ts";
import { checkToken, type Element, elements, envelope, escapeXml, fault, readEnvelope, textOf } from "./soap.ts";

interface SalesOrder {
  readonly number: string;
  readonly reference: string;
  readonly customerNumber: string;
  readonly status: "open" | "cancelled";
  readonly total: string;
  readonly createdAt: string;
  readonly pieces: number;
}

const namespace = "urn:harbour-supply:erp:sales";
const { values: args } = parseArgs({
  options: {
    data: { type: "string" },
    port: { type: "string", default: "0" },
    "control-port": { type: "string", default: "0" },
    carrier: { type: "string" },
    "carrier-ms": { type: "string", default: "500" },
  },
});
if (args.data === undefined) throw new Error("erp.ts needs --data <folder>");
const user = process.env.ERP_USER ?? "mortise";
const password = process.env.ERP_PASSWORD ?? "";
/** Customers and their credit limit per order, in cents. */
const customers: Readonly<Record<string, bigint>> = {
  "C-1001": 5_000_000n,
  "C-1002": 5_000_000n,
  "C-1003": 5_000_000n,
  "C-1004": 5_000_000n,
  "C-1005": 100_000n,
};

const orders = new Map<string, SalesOrder>();
const told = new Set<string>();
const nonces = new Map<string, number>();
let carrier = args.carrier;
let carrierMs = Number(args["carrier-ms"]);
let next = 500_001;

const ledger = openLedger(join(args.data, "ledger.jsonl"), replay);
for (const order of orders.values()) tellLater(order.number, 1);

await simulate({
  name: "erp",
  ledger,
  port: Number(args.port),
  controlPort: Number(args["control-port"]),
  describe,
  handle,
  commands: {
    configure(body) {
      if (typeof body.carrier === "string") carrier = body.carrier;
      if (typeof body.carrierMs === "number") carrierMs = body.carrierMs;
    },
  },
});

function replay(line: Line): void {
  if (line.kind === "authenticated") nonces.set(String(line.nonce), Date.parse(line.at));
  if (line.kind === "told") told.add(String(line.number));
  if (line.kind !== "applied") return;
  for (const order of line.salesOrders as SalesOrder[]) {
    orders.set(order.number, order);
    next = Math.max(next, Number(order.number.slice(3)) + 1);
  }
}

function describe(call: Call): { operation: string; key?: string } {
  if (call.method !== "POST") return { operation: "document" };
  try {
    const { request } = readEnvelope(call.body.toString("utf8"));
    return { operation: request.local, key: textOf(request, "reference") ?? textOf(request, "number") };
  } catch {
    return { operation: "unreadable" };
  }
}

function handle(call: Call): Answer {
  if (call.method === "GET") return document(call);
  if (call.path !== "/sales") return problem(404, "There is no such resource.");
  let header: Element | undefined;
  let request: Element;
  try {
    ({ header, request } = readEnvelope(call.body.toString("utf8")));
  } catch (error) {
    return fault("Client", error instanceof Error ? error.message : "unreadable");
  }
  const checked = checkToken(header, user, password, nonces, Date.now());
  if ("refused" in checked) return fault(`wsse:${checked.refused}`, "The security header was refused.");
  ledger.append({ kind: "authenticated", call: call.id, nonce: checked.nonce });
  const action = String(call.headers.soapaction ?? "").replaceAll('"', "");
  if (action !== `urn:harbour-supply:erp:${request.local}`)
    return fault("Client", `SOAPAction "${action}" does not fit.`);
  if (request.uri !== namespace) return fault("Client", `{${request.uri}}${request.local} is not known.`);
  if (request.local === "createSalesOrder") return create(call, request);
  if (request.local === "cancelSalesOrder") return cancel(call, request);
  if (request.local === "findSalesOrder") return find(request);
  return fault("Client", `${request.local} is not known.`);
}

// The WSDL and its schema, as ERPs serve them.
function document(call: Call): Answer {
  const name = call.query.has("wsdl") ? "erp.wsdl" : call.query.get("xsd") === "sales.xsd" ? "sales.xsd" : undefined;
  if (name === undefined) return problem(404, "There is no such document.");
  const text = readFileSync(new URL(`../systems/erp/${name}`, import.meta.url), "utf8");
  return { status: 200, headers: { "content-type": "text/xml; charset=utf-8" }, body: text };
}

function create(call: Call, request: Element): Answer {
  const reference = textOf(request, "reference") ?? "";
  const customerNumber = textOf(request, "customerNumber") ?? "";
  const limit = Object.hasOwn(customers, customerNumber) ? customers[customerNumber] : undefined;
  if (limit === undefined) return declared("UnknownCustomer", "The customer is not known.", { customerNumber });
  const lines = request.children.filter((inner) => inner.local === "line");
  let sum = 0n;
  let pieces = 0;
  for (const line of lines) {
    const price = cents(textOf(line, "unitPrice"));
    const quantity = textOf(line, "quantity") ?? "";
    if (price === undefined || !/^[1-9][0-9]{0,8}$/.test(quantity)) return invalid("a line can't be read");
    sum += price * BigInt(quantity);
    pieces += Number(quantity);
  }
  const total = cents(textOf(request, "total"));
  if (reference === "" || lines.length === 0 || total === undefined)
    return invalid("reference, line and total are needed");
  if (total !== sum) return invalid(`the lines make ${money(sum)}, the total says ${money(total)}`);
  if (total > limit) {
    return declared("CreditLimitExceeded", "The credit limit is exceeded.", {
      customerNumber,
      limit: money(limit),
      requested: money(total),
    });
  }
  const order: SalesOrder = {
    number: `SO-${next}`,
    reference,
    customerNumber,
    status: "open",
    total: money(total),
    createdAt: new Date().toISOString(),
    pieces,
  };
  replay(
    ledger.append({
      kind: "applied",
      call: call.id,
      operation: "createSalesOrder",
      key: reference,
      salesOrders: [order],
    }),
  );
  tellLater(order.number, 1);
  return respond("createSalesOrderResponse", written(order));
}

function cancel(call: Call, request: Element): Answer {
  const number = textOf(request, "number");
  const reference = textOf(request, "reference");
  if (number === undefined && reference === undefined) return fault("Client", "A number or a reference is needed.");
  if (number !== undefined && !orders.has(number)) {
    return declared("UnknownSalesOrder", "There is no such sales order.", { number });
  }
  const named = [...orders.values()].filter((order) =>
    number === undefined ? order.reference === reference : order.number === number,
  );
  const salesOrders = named
    .filter(({ status }) => status === "open")
    .map((order) => ({ ...order, status: "cancelled" }));
  replay(
    ledger.append({
      kind: "applied",
      call: call.id,
      operation: "cancelSalesOrder",
      key: number ?? reference,
      salesOrders,
    }),
  );
  return respond("cancelSalesOrderResponse", elements({ cancelled: named.length }));
}

function find(request: Element): Answer {
  const reference = textOf(request, "reference");
  const found = [...orders.values()].filter((order) => order.reference === reference && order.status === "open");
  return respond("findSalesOrderResponse", found.map(written).join(""));
}

function written({ number, reference, customerNumber, status, total, createdAt }: SalesOrder): string {
  return `<salesOrder>${elements({ number, reference, customerNumber, status, total, createdAt })}</salesOrder>`;
}

function respond(name: string, content: string): Answer {
  return envelope(`<${name} xmlns="${namespace}">${content}</${name}>`);
}

function invalid(reason: string): Answer {
  return declared("InvalidOrder", "The order is not valid.", { reason });
}

function declared(name: string, message: string, detail: Readonly<Record<string, string>>): Answer {
  return fault("Client", message, `<${name} xmlns="${escapeXml(namespace)}">${elements(detail)}</${name}>`);
}

/** An exact decimal as cents; `undefined` on any other form. */
function cents(text: string | undefined): bigint | undefined {
  const match = /^\+?([0-9]{1,12})(?:\.([0-9]{0,2}))?$/.exec(text ?? "");
  return match === null ? undefined : BigInt(match[1] ?? "0") * 100n + BigInt((match[2] ?? "").padEnd(2, "0"));
}

function money(value: bigint): string {
  return `${value / 100n}.${String(value % 100n).padStart(2, "0")}`;
}

function tellLater(number: string, attempt: number): void {
  if (told.has(number)) return;
  const timer = setTimeout(() => void tell(number, attempt), attempt === 1 ? carrierMs : pauseBefore(attempt));
  timer.unref();
}

async function tell(number: string, attempt: number): Promise<void> {
  const order = orders.get(number);
  if (order === undefined || order.status === "cancelled") return;
  if (carrier === undefined) return tellLater(number, attempt + 1);
  const body = JSON.stringify({ salesOrder: number, orderId: order.reference, pieces: order.pieces });
  try {
    const headers = { "content-type": "application/json" };
    const answer = await send(`${carrier}/shipments`, { method: "POST", headers, body });
    if (answer.status >= 200 && answer.status < 300) return void replay(ledger.append({ kind: "told", number }));
  } catch {
    // not reachable now: told again
  }
  tellLater(number, attempt + 1);
}
