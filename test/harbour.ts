/** An installation of the Harbour Supply example for tests: systems, Mortise, and what both say about an order. */
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { type Mortise, startMortise } from "../examples/harbour-supply/demo/mortise.ts";
import { freePort, openPlaces } from "../examples/harbour-supply/demo/places.ts";
import { launch, type Simulator, type SimulatorName } from "../examples/harbour-supply/simulators/launch.ts";
import { makeOrder, type Order, type OrderKind } from "../examples/harbour-supply/simulators/orders.ts";
import { send } from "../examples/harbour-supply/simulators/send.ts";

/** What the systems hold of one order. */
export interface Facts {
  /** Holds (not lines) that stand, and those that were released. */
  readonly held: number;
  readonly released: number;
  /** Status of each payment of the order. */
  readonly payments: readonly string[];
  readonly sales: readonly { readonly number: string; readonly status: string }[];
  /** What the shop shows. */
  readonly shop: Record<string, unknown> | undefined;
  /** Most attempts of one step, by the run's history. */
  readonly tries: number;
}

export interface Answered {
  readonly status: number;
  readonly type: string;
  readonly body: Record<string, unknown>;
}

export interface Ended {
  readonly id: string;
  /** The run's status, as the API shows it. */
  readonly state: string;
  readonly run: Record<string, unknown>;
}

export interface Harbour {
  readonly systems: Readonly<Record<SimulatorName, Simulator>>;
  /** Where the published API is. */
  readonly url: string;
  /** Lets the shop place an order; its id. */
  place(kind: OrderKind): Promise<string>;
  ended(id: string): Promise<Ended>;
  /** Places one and waits for its end. */
  order(kind: OrderKind): Promise<Ended>;
  /** An order as the shop would make it, with an id of its own; not placed. */
  newOrder(kind: OrderKind): Order;
  /** Answers the open task of an order, once there is one. */
  answer(id: string, answer: object): Promise<void>;
  facts(id: string): Promise<Facts>;
  /** The run of an order, once there is one. */
  run(id: string): Promise<RunShown | undefined>;
  admin(method: "GET" | "POST", path: string, body?: object): Promise<unknown>;
  /** Calls the published API, with the shop's key unless told otherwise; `id` is the Idempotency-Key. */
  api(
    method: string,
    path: string,
    options?: { readonly key?: string; readonly body?: object; readonly id?: string },
  ): Promise<Answered>;
  /** A new API key. */
  key(consumer: string, scopes: readonly string[]): Promise<string>;
  until<T>(look: () => Promise<T | undefined | false>, withinMs?: number): Promise<T>;
  /** Ends Mortise by the signal and starts it again. */
  restart(signal: NodeJS.Signals): Promise<void>;
  stop(): Promise<void>;
}

export interface RunShown {
  readonly id: string;
  readonly status: string;
  /** Why it waits or is parked. */
  readonly reason?: string;
}

interface Step {
  readonly id: string;
  readonly kind: string;
  readonly key?: string;
  readonly attempts?: number;
}

interface Audited {
  readonly action: string;
  readonly reference: string;
  readonly sku: string;
}

/** A hold is all lines of one reference; one that was made twice counts as two. */
function holdsOf(audit: readonly Audited[]): { readonly held: number; readonly released: number } {
  const count = (action: string): number => {
    let sum = 0;
    for (const reference of new Set(audit.map((row) => row.reference))) {
      const rows = audit.filter((row) => row.action === action && row.reference === reference);
      if (rows.length > 0) sum += rows.length / new Set(rows.map((row) => row.sku)).size;
    }
    return sum;
  };
  const released = count("release");
  return { held: count("hold") - released, released };
}

export async function startHarbour(folder: string): Promise<Harbour> {
  const places = openPlaces(folder, false);
  const webhookSecret = () => `whsec_${randomBytes(24).toString("base64")}`;
  const ports = { api: await freePort(0), admin: await freePort(0) };
  const api = `http://127.0.0.1:${ports.api}`;
  const started: Simulator[] = [];
  const start = async (name: SimulatorName, args: string[], environment: Record<string, string> = {}) => {
    const simulator = await launch(name, ["--data", places.data(name), ...args], environment);
    started.push(simulator);
    return simulator;
  };
  let mortise: Mortise | undefined;
  const stop = async (): Promise<void> => {
    await mortise?.stop();
    await Promise.all(started.map((simulator) => simulator.stop()));
  };
  try {
    const carrier = await start("carrier", ["--outbox", places.outbox, "--every-ms", "100"]);
    const [shop, erp, payments, warehouse] = await Promise.all([
      start("shop", ["--api-url", api, "--webhook-url", `${api}/webhooks/shop`], {
        SHOP_TOKEN: places.secret("SHOP_TOKEN"),
        SHOP_WEBHOOK_SECRET: places.secret("SHOP_WEBHOOK_SECRET", webhookSecret),
      }),
      start("erp", ["--carrier", carrier.url, "--carrier-ms", "50"], {
        ERP_USER: "mortise",
        ERP_PASSWORD: places.secret("ERP_PASSWORD"),
      }),
      start("payments", ["--webhook-url", `${api}/webhooks/payments`, "--duplicates", "0", "--settle-ms", "50"], {
        PAYMENTS_TOKEN: places.secret("PAYMENTS_TOKEN"),
        PAYMENTS_WEBHOOK_SECRET: places.secret("PAYMENTS_WEBHOOK_SECRET", webhookSecret),
      }),
      start("warehouse", ["--receipt-ms", "3600000"]),
    ]);
    const startOne = () =>
      startMortise({
        store: places.store,
        logs: places.logs,
        adminPort: ports.admin,
        environment: {
          SHOP_URL: shop.url,
          ERP_URL: `${erp.url}/sales`,
          PAYMENTS_URL: payments.url,
          WAREHOUSE_URL: join(places.data("warehouse"), "warehouse.db"),
          CARRIER_FOLDER: places.outbox,
          HARBOUR_API_PORT: String(ports.api),
          HARBOUR_ADMIN_PORT: String(ports.admin),
          HARBOUR_STORE: places.store,
          HARBOUR_SECRETS: places.secrets,
        },
      });
    mortise = await startOne();
    const admin = (method: "GET" | "POST", path: string, body?: object) =>
      (mortise as Mortise).admin(method, path, body);
    const key = async (consumer: string, scopes: readonly string[]) =>
      ((await admin("POST", "/keys", { consumer, scopes })) as { readonly key: string }).key;
    const shopKey = await key("web-shop", ["orders:write", "orders:read", "stock:read"]);
    await shop.command("configure", { apiKey: shopKey });

    const run = async (id: string): Promise<RunShown | undefined> => {
      const found = await admin("GET", `/runs?process=order-to-cash&key=${id}`);
      return (found as { readonly runs: readonly RunShown[] }).runs[0];
    };
    const steps = async (id: string): Promise<readonly Step[]> => {
      const found = await run(id);
      const detail = found === undefined ? undefined : await admin("GET", `/runs/${found.id}`);
      return (detail as { readonly steps: readonly Step[] } | undefined)?.steps ?? [];
    };
    const harbour: Harbour = {
      systems: { shop, erp, payments, warehouse, carrier },
      url: api,
      key,
      run,
      admin,
      stop,
      until,
      async place(kind) {
        const { ids } = (await shop.command("place", { kind })) as { readonly ids: readonly string[] };
        return ids[0] ?? "";
      },
      async ended(id) {
        const line = await until(async () =>
          (await shop.ledger()).find((one) => (one.kind === "ended" || one.kind === "refused") && one.id === id),
        );
        return { id, state: String(line.state ?? line.status), run: (line.run ?? {}) as Record<string, unknown> };
      },
      order: async (kind) => harbour.ended(await harbour.place(kind)),
      newOrder: (kind) => ({ ...makeOrder(1, kind, "web-shop"), id: `T-${randomBytes(6).toString("hex")}` }),
      async answer(id, answer) {
        const task = await until(async () => {
          const { tasks } = (await admin("GET", "/tasks?status=open")) as {
            readonly tasks: readonly { id: string; key: string }[];
          };
          return tasks.find((one) => one.key === id);
        });
        await admin("POST", `/tasks/${task.id}/answer`, { answer, reason: "test" });
      },
      async facts(id) {
        const history = await steps(id);
        const audit = JSON.parse((await send(`${warehouse.url}/audit`)).body) as Audited[];
        const keys = new Set(history.flatMap((step) => (step.key === undefined ? [] : [step.key])));
        const holds = holdsOf(audit.filter((row) => keys.has(row.reference)));
        const found = await send(`${payments.url}/payments?reference=${id}`, {
          headers: { authorization: `Bearer ${places.secret("PAYMENTS_TOKEN")}` },
        });
        const sales = new Map<string, { number: string; status: string }>();
        for (const line of await erp.ledger()) {
          if (line.kind !== "applied") continue;
          for (const one of line.salesOrders as { number: string; reference: string; status: string }[]) {
            if (one.reference === id) sales.set(one.number, { number: one.number, status: one.status });
          }
        }
        const shown = (await shop.ledger()).findLast(
          (line) => line.operation === "setOrderStatus" && line.kind === "applied" && line.key === id,
        );
        return {
          ...holds,
          payments: (JSON.parse(found.body) as { status: string }[]).map(({ status }) => status),
          sales: [...sales.values()],
          shop: shown?.state as Record<string, unknown> | undefined,
          tries: Math.max(0, ...history.map((step) => step.attempts ?? 0)),
        };
      },
      async api(method, path, options = {}) {
        const headers: Record<string, string> = { authorization: `Bearer ${options.key ?? shopKey}` };
        if (options.body !== undefined) headers["content-type"] = "application/json";
        if (options.id !== undefined) headers["idempotency-key"] = options.id;
        const body = options.body === undefined ? undefined : JSON.stringify(options.body);
        const answer = await send(new URL(path, api).href, { method, headers, body, timeoutMs: 30_000 });
        const type = String(answer.headers["content-type"] ?? "");
        return {
          status: answer.status,
          type,
          body: type.includes("json") ? (JSON.parse(answer.body) as Record<string, unknown>) : {},
        };
      },
      async restart(signal) {
        await mortise?.stop(signal);
        mortise = await startOne();
      },
    };
    return harbour;
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Asks again until `look` gives something; fails after `withinMs` (default 30 s). */
async function until<T>(look: () => Promise<T | undefined | false>, withinMs = 30_000): Promise<T> {
  const deadline = Date.now() + withinMs;
  for (;;) {
    const found = await look();
    if (found !== undefined && found !== false) return found;
    if (Date.now() > deadline) throw new Error(`not seen within ${withinMs} ms: ${look.toString()}`);
    await pause(20);
  }
}
