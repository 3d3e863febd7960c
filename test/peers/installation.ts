/** A Mortise with one small API that needs no other system, for peers that other people wrote: curl, browsers. */
import { chmodSync, copyFileSync, mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { loadProject } from "../../src/server/project/project.ts";
import { startServer } from "../../src/server/server.ts";
import { testProject } from "../../src/server/test-project.ts";
import { root } from "../tree/sources.ts";

export interface Installation {
  /** `http://127.0.0.1:40123`, or `https://localhost:40123`. */
  readonly url: string;
  readonly port: number;
  /** The project. */
  readonly folder: string;
  /** A key of this consumer that may do everything. */
  key(consumer: string): Promise<string>;
  /** How many runs there are. */
  runs(): Promise<number>;
  stop(): Promise<void>;
}

export interface InstallationOptions {
  /** Serve TLS with a certificate for `localhost` that `authority` signed. */
  readonly tls?: boolean;
  /** Origins whose pages may call the API. */
  readonly origins?: readonly string[];
  /** Show the API in Swagger UI as well. */
  readonly swaggerUi?: boolean;
}

const fixtures = join(root, "src/outbound/fixtures");
/** The certificate of the authority that signed the server's. */
export const authority: string = join(fixtures, "ca.pem");

const process = `import { defineProcess, t } from "mortise";
export const line = t.object({ sku: t.string({ minLength: 1 }), quantity: t.integer({ minimum: 1 }) });
export const order = t.object({ id: t.string({ minLength: 1 }), buyer: t.string(), lines: t.array(line) });
export const fulfil = defineProcess({
  name: "fulfil", input: order, output: t.object({ number: t.string(), lines: t.array(line) }), key: ({ id }) => id,
  run: async (flow, { id, lines }) => ({ number: await flow.step("book", { effect: "read" }, async () => "S-" + id), lines }),
});
`;

const api = (
  origins: readonly string[],
  docs: string,
) => `import { apiKey, defineApi, get, post, published, t } from "mortise";
import { fulfil, line, order } from "../processes/fulfil.ts";
export default defineApi({
  name: "orders", version: "1.0.0", base: "/orders/v1", title: "Harbour Supply orders", lifecycle: published(), access: [apiKey()],
  description: "Place orders and follow them.", ${docs}
  ${origins.length === 0 ? "" : `cors: { origins: ${JSON.stringify(origins)} },`}
  operations: {
    placeOrder: post("/orders", {
      summary: "Places an order.", scope: "orders:write", starts: fulfil, wait: "20s", idempotency: { required: true },
      accepts: { body: t.object({ id: t.string({ minLength: 1 }), lines: t.array(line) }), map: (given, { caller }) => ({ ...given, buyer: caller.id }) },
    }),
    getOrder: get("/orders/{key}", {
      summary: "Where an order stands.", scope: "orders:read", run: fulfil, etag: true, allow: ({ caller, run }) => run.input.buyer === caller.id,
    }),
  },
});
`;

export async function openInstallation({
  tls = false,
  origins = [],
  swaggerUi = false,
}: InstallationOptions): Promise<Installation> {
  const listener = tls ? `{ port: 0, certificate: "tls/server.pem", key: "tls/server.key" }` : "{ port: 0 }";
  const { folder, remove } = testProject({
    "package.json": '{"name":"harbour","type":"module"}',
    "mortise.config.ts": `import { defineConfig } from "mortise";
export default defineConfig({ api: ${listener}, admin: { port: 0 } });`,
    "processes/fulfil.ts": process,
    "apis/orders.v1.ts": api(origins, !swaggerUi ? "" : 'docs: { renderer: "swagger-ui" },'),
  });
  if (tls) {
    mkdirSync(join(folder, "tls"));
    copyFileSync(join(fixtures, "good.pem"), join(folder, "tls/server.pem"));
    copyFileSync(join(fixtures, "server.key"), join(folder, "tls/server.key"));
    chmodSync(join(folder, "tls/server.key"), 0o600);
  }
  if (swaggerUi) {
    mkdirSync(join(folder, "node_modules/@fastify"), { recursive: true });
    symlinkSync(
      join(root, "node_modules/@fastify/swagger-ui"),
      join(folder, "node_modules/@fastify/swagger-ui"),
      "junction",
    );
  }
  const server = await startServer(await loadProject(folder), { environment: {}, log: () => {} }).catch((error) => {
    remove();
    throw error;
  });
  const admin = async (path: string, body?: object): Promise<Record<string, unknown>> => {
    const authorization = `Bearer ${server.adminToken}`;
    const sent =
      body === undefined
        ? { headers: { authorization } }
        : {
            method: "POST",
            headers: { authorization, "content-type": "application/json" },
            body: JSON.stringify(body),
          };
    return (await fetch(`${server.adminUrl}${path}`, sent)).json() as Promise<Record<string, unknown>>;
  };
  const port = Number(new URL(server.apiUrl).port);
  return {
    port,
    folder,
    url: tls ? `https://localhost:${port}` : server.apiUrl,
    key: async (consumer) => String((await admin("/keys", { consumer, scopes: ["orders:write", "orders:read"] })).key),
    runs: async () => ((await admin("/runs")).runs as unknown[]).length,
    async stop() {
      await server.stop();
      remove();
    },
  };
}
