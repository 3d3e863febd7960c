/** A contract for tests with something of everything, and what stands behind it. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { TestContext } from "node:test";
import type { Contract, ContractTypes } from "../../contract/contract.ts";
import { readOpenApi } from "../../contract/read/openapi.ts";
import { openSource } from "../../contract/read/source.ts";
import { apiKey } from "../access/api-key.ts";
import { getStock, type Order, orderSchema, resultSchema } from "../harness.test.ts";
import { published } from "../lifecycle/states.ts";
import type { Startable } from "../operations.ts";
import { fault } from "./fault.ts";
import { implementApi } from "./implement.ts";

const document = `
openapi: 3.1.0
info: { title: Partner stock, version: 2.1.0, contact: { name: Partner board } }
servers: [{ url: https://partner.example/stock }]
security: [{ key: [] }]
paths:
  /items/{item-no}:
    parameters: [{ $ref: "#/components/parameters/ItemNo" }]
    get:
      operationId: getItem
      summary: One item
      parameters:
        - { name: limit, in: query, schema: { type: integer } }
        - { name: sites, in: query, style: pipeDelimited, explode: false, schema: { type: array, items: { type: string } } }
        - { name: where, in: query, style: deepObject, schema: { type: object, properties: { color: { type: string } }, additionalProperties: false } }
        - { name: X-Trace, in: header, schema: { type: string } }
        - { name: session, in: cookie, schema: { type: string } }
      responses:
        "200":
          description: ok
          headers: { X-Stand: { required: true, schema: { type: string } } }
          content:
            application/json: { schema: { $ref: "#/components/schemas/Item" } }
            application/xml: { schema: { $ref: "#/components/schemas/Item" } }
        "404": { description: no such item, content: { application/json: { schema: { $ref: "#/components/schemas/Error" } } } }
        default: { description: anything else, content: { application/vnd.board.error+json: { schema: { $ref: "#/components/schemas/Error" } } } }
  /orders:
    post:
      operationId: placeOrder
      requestBody: { required: true, content: { application/vnd.board.order+json: { schema: { $ref: "#/components/schemas/Order" } } } }
      responses:
        "201": { description: done, content: { application/json: { schema: { $ref: "#/components/schemas/Receipt" } } } }
        "202": { description: under way }
        "409": { description: refused, content: { application/problem+json: { schema: { type: object, required: [title], properties: { title: { type: string }, why: { type: string } } } } } }
  /orders/{id}:
    get:
      operationId: getOrder
      parameters: [{ name: id, in: path, required: true, schema: { type: string } }]
      responses: { "200": { description: ok, content: { application/json: { schema: { $ref: "#/components/schemas/Receipt" } } } } }
    delete:
      operationId: cancelOrder
      parameters: [{ name: id, in: path, required: true, schema: { type: string } }]
      responses: { "204": { description: gone } }
  /labels:post:
    post:
      operationId: postLabel
      requestBody: { content: { text/plain: { schema: { type: string } } } }
      responses: { "200": { description: the label, content: { text/csv: { schema: { type: string } } } } }
components:
  securitySchemes: { key: { type: apiKey, in: header, name: X-API-Key } }
  parameters: { ItemNo: { name: item-no, in: path, required: true, schema: { type: string, pattern: "^[A-Z0-9%-]+$" } } }
  schemas:
    Item: { type: object, required: [itemNo, available], properties: { itemNo: { type: string }, available: { type: integer }, secret: { type: string, writeOnly: true } } }
    Order: { type: object, required: [id, pieces], properties: { id: { type: string }, pieces: { type: integer, minimum: 1 }, made: { type: string, readOnly: true } } }
    Receipt: { type: object, required: [number], properties: { number: { type: string }, state: { type: string } } }
    Error: { type: object, required: [code, message], properties: { code: { type: integer }, message: { type: string } }, additionalProperties: false }
`;

interface Receipt {
  readonly number: string;
  readonly state?: string;
}
interface ErrorBody {
  readonly code: number;
  readonly message: string;
}
type None = Record<never, never>;
/** As the generator writes it. */
export interface StockContract {
  readonly operations: {
    readonly getItem: {
      readonly input: {
        readonly itemNo: string;
        readonly limit?: number;
        readonly sites?: readonly string[];
        readonly where?: { readonly color?: string };
        readonly xTrace?: string;
        readonly session?: string;
      };
      readonly output: { readonly itemNo: string; readonly available: number };
      readonly faults: { readonly notFound: ErrorBody; readonly otherFault: ErrorBody };
    };
    readonly placeOrder: {
      readonly input: { readonly id: string; readonly pieces: number };
      readonly output: Receipt | null;
      readonly faults: { readonly conflict: { readonly title: string; readonly why?: string } };
    };
    readonly getOrder: { readonly input: { readonly id: string }; readonly output: Receipt; readonly faults: None };
    readonly cancelOrder: { readonly input: { readonly id: string }; readonly output: null; readonly faults: None };
    readonly postLabel: { readonly input: { readonly body?: string }; readonly output: string; readonly faults: None };
  };
  readonly events: None;
  readonly schemas: None;
}

export const order: Startable<Order, { readonly salesOrder: string }> = {
  kind: "process",
  name: "order-to-cash",
  input: orderSchema,
  output: resultSchema,
  key: ({ id }) => id,
};

export function implemented(contract: Contract<StockContract>) {
  return implementApi(contract, {
    base: "/stock/v2",
    lifecycle: published(),
    access: [apiKey()],
    operations: {
      getItem: {
        scope: "stock:read",
        calls: getStock,
        accepts: ({ itemNo, limit, where, sites, xTrace, session }) => ({
          sku: [itemNo, where?.color, ...(sites ?? []), xTrace, session].filter(Boolean).join("/"),
          ...(limit === undefined ? {} : { limit }),
        }),
        responds: ({ sku, onHand }, { request, input }) =>
          onHand < 0
            ? fault("otherFault", { code: 1, message: "counted wrong" })
            : {
                itemNo: sku,
                available: request.session === undefined || input.sku.includes(request.session) ? onHand : -2,
              },
        headers: ({ available }) => ({ "X-Stand": available }),
        faults: { UnknownSku: ({ sku }) => fault("notFound", { code: 17, message: `no ${sku}` }) },
      },
      placeOrder: {
        scope: "orders:write",
        starts: order,
        wait: "1s",
        accepts: ({ id, pieces }, { caller }) => ({
          id,
          customerId: caller.id,
          lines: [{ sku: "rope", quantity: pieces }],
        }),
        responds: ({ salesOrder }, { input }) => ({ number: `${salesOrder}-${input.id}` }),
        rejected: ({ reason }) => fault("conflict", { title: "Refused", why: reason }),
      },
      getOrder: {
        scope: "orders:read",
        run: order,
        allow: ({ caller, run }) => run.input.customerId === caller.id,
        responds: ({ output, status }) => ({ number: output?.salesOrder ?? "", state: status }),
      },
      cancelOrder: {
        scope: "orders:write",
        calls: { kind: "operation", system: "warehouse", name: "bookHold", effect: "unrepeatable" } as const,
        accepts: ({ id }) => ({ reference: id }),
        responds: () => null,
      },
      postLabel: {
        scope: "stock:write",
        calls: { kind: "operation", system: "warehouse", name: "setPrice", effect: "idempotent" } as const,
        accepts: ({ body }) => ({ sku: body ?? "none", price: "1" }),
        responds: () => "a;b\n",
      },
    },
    problems: ({ status, detail }) => ({ code: status, message: detail }),
  });
}

export const stock = (t: TestContext) =>
  pinned<StockContract>("stock.v2", { "openapi.yaml": document }, (undo) => t.after(undo));

/** `texts`: files by path, the entry first. `after`: what removes the folder. */
export async function pinned<T extends ContractTypes>(
  name: string,
  texts: Readonly<Record<string, string>>,
  after: (undo: () => void) => void,
): Promise<Contract<T>> {
  const folder = mkdtempSync(join(tmpdir(), "mortise-contract-"));
  after(() => rmSync(folder, { recursive: true, force: true }));
  for (const [path, text] of Object.entries(texts)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  const [entry = ""] = Object.keys(texts);
  const model = await readOpenApi(await openSource(join(folder, entry), { root: folder }), name);
  return { kind: "contract", model, folder };
}
