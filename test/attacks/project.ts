/** The project that is attacked: a straight read, a straight write, a process with a signed webhook, and a few operations made for one attack each. */
import { testContract } from "../../src/server/test-project.ts";

export const webhookSecret = `whsec_${Buffer.alloc(32, 7).toString("base64")}`;

const anything = { type: "object" };
const text = { type: "string" };

/** The test contract, with a read and an echo besides. */
export function shopContract(name = "shop"): string {
  const contract = JSON.parse(testContract(name));
  const echo = {
    protocol: "rest",
    method: "POST",
    path: "/echo",
    parameters: [],
    body: { mediaType: "application/json", required: true, from: { kind: "spread" } },
    success: [{ status: "200", mediaType: "application/json" }],
    faults: [],
  };
  const parameter = (property: string, place: string, at: string) => ({
    property,
    in: place,
    name: at,
    required: place === "path",
    style: place === "query" ? "form" : "simple",
    explode: false,
  });
  Object.assign(contract.operations, {
    echo: { name: "echo", effect: "idempotent", input: anything, output: anything, faults: {}, binding: echo },
    getStock: {
      name: "getStock",
      effect: "read",
      input: {
        type: "object",
        properties: { sku: text, note: text, trace: text },
        required: ["sku"],
        additionalProperties: false,
      },
      output: { type: "object", properties: { onHand: { type: "integer" } } },
      faults: {},
      binding: {
        protocol: "rest",
        method: "GET",
        path: "/stock/{sku}",
        parameters: [
          parameter("sku", "path", "sku"),
          parameter("note", "query", "note"),
          parameter("trace", "header", "X-Trace"),
        ],
        success: [{ status: "200", mediaType: "application/json" }],
        faults: [],
      },
    },
  });
  return JSON.stringify(contract);
}

export const anyContractTs = `import { pinnedContract } from "mortise";
export const contract = pinnedContract<any>(import.meta.url) as any;
`;

/** `more`: settings of the system, as they stand in its file. */
export function shopTs(url: string, more = ""): string {
  return `import { rest, secret } from "mortise"; import { contract } from "./contract.ts";
    export const shop: any = rest(contract, { connection: "${url}", timeout: "5s", circuit: false, webhookSecret: secret("shop-webhook"), ${more} });`;
}

const orderTs = `import { defineProcess } from "mortise"; import { shop } from "../systems/shop/index.ts";
  const order = { type: "object", properties: { id: { type: "string", minLength: 1, maxLength: 100 }, customer: { type: "string" } }, required: ["id", "customer"], additionalProperties: false };
  export const ordering: any = defineProcess({ name: "ordering", input: { kind: "schema", json: order } as any, output: { kind: "schema", json: { type: "object" } } as any,
    key: (input: any) => input.id,
    async run(flow, input: any) {
      const booked: any = await flow.call(shop.book, { sku: input.id });
      const paid: any = await flow.receive(shop.paid, { key: input.id });
      return { booked: booked.id, paid: paid.order };
    } });`;

const approvalTs = `import { defineProcess, defineTask, t } from "mortise";
  const look = defineTask({ name: "look", title: "Look at it", input: t.object({ id: t.string() }), answer: t.object({ approved: t.boolean() }) });
  export const approval: any = defineProcess({ name: "approval", input: t.object({ id: t.string() }), output: t.object({ approved: t.boolean() }), key: ({ id }) => id,
    run: async (flow, input) => flow.task(look, { assign: "finance", input }) });`;

const apiTs = `import { apiKey, defineApi, get, post, published, t } from "mortise";
  import { ordering } from "../processes/ordering.ts"; import { shop } from "../systems/shop/index.ts";
  export default defineApi({ name: "orders", version: "1.0.0", base: "/orders/v1", lifecycle: published(), access: [apiKey()], operations: {
    placeOrder: post("/orders", { scope: "orders", starts: ordering, accepts: { body: t.object({ id: t.string() }), map: ({ id }: any, { caller }: any) => ({ id, customer: caller.id }) } }),
    getOrder: get("/orders/{key}", { scope: "orders", run: ordering, allow: ({ caller, run }: any) => run.input.customer === caller.id }),
    book: post("/bookings", { scope: "orders", calls: shop.book }),
    echo: post("/echo", { scope: "orders", calls: shop.echo }),
    getStock: get("/stock/{sku}", { scope: "orders", calls: shop.getStock }),
    purge: post("/purge", { scope: "operators", calls: shop.book }),
    window: get("/window/{sku}", { access: "public", calls: shop.getStock, limits: [{ per: "address", rate: 3, every: "1m" }] }),
  } } as any);`;

export interface ProjectOptions {
  /** Options of the configuration, as they stand in its file. */
  readonly config?: string;
  /** Settings of the system. */
  readonly system?: string;
  /** Files besides, or instead. */
  readonly files?: Readonly<Record<string, string>>;
}

export function attackedProject(url: string, { config = "", system = "", files = {} }: ProjectOptions) {
  return {
    "package.json": '{"name":"attacked","type":"module"}',
    "mortise.config.ts": `import { defineConfig } from "mortise";
      export default defineConfig({ api: { port: 0 }, admin: { port: 0 }, shutdown: { grace: "1s" }, watch: { every: "0s" }, ${config} });`,
    "secrets/shop-webhook": webhookSecret,
    "systems/shop/contract.json": shopContract(),
    "systems/shop/contract.ts": anyContractTs,
    "systems/shop/index.ts": shopTs(url, system),
    "processes/ordering.ts": orderTs,
    "processes/approval.ts": approvalTs,
    "apis/orders.v1.ts": apiTs,
    ...files,
  };
}
