/** For tests: bytes through a published API to a REST system and back: real sockets on both sides, and everything between as the server joins it. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { setTimeout as pause } from "node:timers/promises";
import { bindSystems } from "../../connectors/bind.ts";
import { definition, type ResolvedSettings, rest } from "../../connectors/system.ts";
import type { ContractModel } from "../../contract/model.ts";
import { readOpenApi } from "../../contract/read/openapi.ts";
import type { ContractFile, ContractFiles } from "../../contract/read/source.ts";
import { createServer } from "../../http.ts";
import type { Operation } from "../../operation.ts";
import { createOutbound } from "../../outbound/client.ts";
import { openPermits, permitTable } from "../../outbound/permits.ts";
import { apiKey } from "../../publish/access/api-key.ts";
import type { Backend } from "../../publish/backend.ts";
import { type ApiDefinition, type ApiOperations, defineApi } from "../../publish/define.ts";
import { published } from "../../publish/lifecycle/states.ts";
import { listen } from "../../publish/listener.ts";
import { get, post, put } from "../../publish/operations.ts";
import { createPublisher } from "../../publish/publisher.ts";
import { openStore } from "../../store/open.ts";

const contractText = `
openapi: 3.1.0
info: { title: Archive, version: "1" }
paths:
  /files/{id}:
    parameters: [{ name: id, in: path, required: true, schema: { type: string } }]
    get:
      operationId: getFile
      parameters: [{ name: page, in: query, schema: { type: integer } }]
      responses:
        "200": { description: whole, content: { application/pdf: {}, text/csv: {} } }
        "206": { description: part, content: { application/pdf: {} } }
        "404": { description: none, content: { application/json: { schema: { type: object, properties: { reason: { type: string } } } } } }
    put:
      operationId: putFile
      requestBody: { required: true, content: { application/octet-stream: {} } }
      responses:
        "201": { description: kept, content: { application/json: { schema: { type: object, required: [bytes], properties: { bytes: { type: integer } } } } } }
  /picture: { get: { operationId: getPicture, responses: { "200": { description: ok, content: { "image/*": {} } } } } }
  /order: { get: { operationId: getOrder, responses: { "200": { description: ok, content: { application/json: { schema: { type: object } } } } } } }
  /convert:
    post:
      operationId: convert
      requestBody: { required: true, content: { application/octet-stream: {} } }
      responses: { "200": { description: converted, content: { application/pdf: {} } } }
`;

const fixture = (name: string) => readFileSync(new URL(`../../outbound/fixtures/${name}`, import.meta.url), "utf8");
const pair = { cert: fixture("good.pem"), key: fixture("server.key") };
export const authority: string = fixture("ca.pem");

export async function contractOf(): Promise<ContractModel> {
  const bytes = Buffer.from(contractText);
  const file: ContractFile = {
    path: "archive.yaml",
    text: contractText,
    bytes,
    sha256: createHash("sha256").update(bytes).digest("hex"),
  };
  const files: ContractFiles = { entry: file, read: async () => file, files: () => [file] };
  return readOpenApi(files, "archive");
}

export const block = Buffer.alloc(65_536, "rope ");
export const operation = (
  name: string,
  effect: "read" | "idempotent" | "unrepeatable",
): Operation<{ readonly id: string; readonly page?: number }> => ({
  kind: "operation",
  system: "archive",
  name,
  effect,
});
const getFile = operation("getFile", "read");
const putFile = operation("putFile", "idempotent");
const operations: ApiOperations = {
  getFile: get("/files/{id}", {
    scope: "files",
    calls: getFile,
    download: true,
    allow: ({ input }) => input.id !== "secret",
    faults: { notFound: 404 },
  }),
  getCsv: get("/csv/{id}", {
    scope: "files",
    calls: getFile,
    download: { types: ["text/csv"], maxBytes: 3 * block.length },
  }),
  putFile: put("/files/{id}", {
    scope: "files",
    calls: putFile,
    upload: { maxBytes: 256 * 1_048_576 },
    allow: ({ input }) => input.id !== "secret",
  }),
  putSmall: put("/small/{id}", { scope: "files", calls: putFile, upload: { types: ["text/csv"], maxBytes: 1000 } }),
  putSlow: put("/slow/{id}", { scope: "files", calls: putFile, upload: true, timeout: "300ms" }),
  convert: post("/convert", { scope: "files", calls: operation("convert", "read"), upload: true, download: true }),
};

export interface Served extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  readonly key: string;
  /** What the system does with a request. */
  answer: (request: IncomingMessage, response: ServerResponse) => void;
  /** `id` of each request that reached the system, and how its body ended. */
  readonly seen: string[];
  ask(path: string, init?: RequestInit): Promise<Response>;
  /** Permits of the system that are taken. */
  taken(): number;
  readonly publisher: ReturnType<typeof createPublisher>;
}

export async function serve({
  silenceMs = 5000,
  apis = [],
  tls = false,
}: {
  readonly silenceMs?: number;
  readonly apis?: readonly ApiDefinition[];
  /** With a certificate for `localhost`, of the authority `authority`. */
  readonly tls?: boolean;
} = {}): Promise<Served> {
  const sockets = new Set<Socket>();
  const seen: string[] = [];
  const upstream = createServer((request, response) => {
    const at = seen.push(String(request.url)) - 1;
    request.on("close", () => {
      seen[at] += request.complete ? "" : " cut off";
    });
    request.on("error", () => {});
    served.answer(request, response);
  });
  upstream.on("connection", (socket) => sockets.add(socket.on("error", () => {})));
  upstream.listen(0, "127.0.0.1");
  await once(upstream, "listening");
  const connection = `http://127.0.0.1:${(upstream.address() as AddressInfo).port}`;

  const model = await contractOf();
  const settings: ResolvedSettings = {
    name: "archive",
    connection,
    timeoutMs: 1000,
    concurrency: 4,
    maxResponseBytes: 100_000,
    internal: true,
    sensitive: [],
  };
  const outbound = createOutbound();
  const permits = openPermits(permitTable(new Map([["archive", 4]])), 0);
  const system = rest({ kind: "contract", model }, { connection })[definition];
  const bound = bindSystems({
    definitions: [system],
    settings: new Map([["archive", settings]]),
    environment: { outbound, project: "/" },
    permits,
  });
  const folder = mkdtempSync(join(tmpdir(), "mortise-passing-"));
  const part = (path: string) => new URL(`../../publish/${path}`, import.meta.url).href;
  const store = await openStore({
    file: join(folder, "store.db"),
    parts: ["store-part.ts", "lifecycle/store-part.ts", "limits/store-part.ts", "consumers/store-part.ts"].map(part),
  });
  const publisher = createPublisher({
    apis: [
      defineApi({
        name: "files",
        version: "1.0.0",
        base: "/v1",
        lifecycle: published(),
        access: [apiKey()],
        operations,
      }),
      ...apis,
    ],
    store,
    backend: { call: bound.caller, pass: bound.passer } as unknown as Backend,
    contracts: new Map([["archive", model]]),
  });
  const { key } = await publisher.keys.create({ consumer: "shop", scopes: ["files"], by: "test" });
  const listener = await listen((request) => publisher.handle(request), {
    port: 0,
    bodyTimeoutMs: silenceMs,
    ...(tls ? { tls: { read: () => pair, asksClients: false, onFailure: assert.ifError } } : {}),
  });
  const served: Served = {
    url: `${listener.url}/v1`,
    port: listener.port,
    key,
    seen,
    publisher,
    answer: (_, response) => void response.end(),
    ask: (path, init = {}) =>
      fetch(`${listener.url}/v1${path}`, { ...init, headers: { authorization: `Bearer ${key}`, ...init.headers } }),
    taken: () => permits.get("archive")?.taken() ?? 0,
    async [Symbol.asyncDispose]() {
      await listener.close(0);
      await publisher.close();
      await bound.close();
      for (const socket of sockets) socket.destroy();
      await outbound.close();
      await new Promise((resolve) => upstream.close(resolve));
      await store.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
  return served;
}

export function blocks(count: number, told: (sent: number) => void = () => {}): Readable {
  let sent = 0;
  return new Readable({
    read() {
      told(sent);
      this.push(sent++ < count ? block : null);
    },
  });
}

export async function problem(response: Response): Promise<unknown[]> {
  const { type } = (await response.json()) as { type: string };
  return [response.status, type.replace("urn:mortise:error:", "")];
}
export const pdf = { "content-type": "application/pdf" };

export async function until(holds: () => boolean): Promise<void> {
  for (let tries = 0; !holds(); tries++) {
    assert.ok(tries < 500, "it did not come to that");
    await pause(10);
  }
}
