/** For tests of code versions: a small project with one process, its server, and requests to both. */
import type { TestContext } from "node:test";
import { request } from "undici";
import { loadProject } from "../project/project.ts";
import { type RunningServer, startServer } from "../server.ts";
import { type TestProject, testProject } from "../test-project.ts";

/** A process that asks a person, and then says which code answered. `mark` tells the versions apart. */
export function processText(
  mark: string,
  {
    name = "order",
    field = "order",
    before = "",
    first = "",
    task = "{}",
    more = "",
  }: Readonly<Record<string, string>> = {},
): string {
  return `import { defineProcess, defineTask } from "mortise"; ${before}
    const approve = defineTask({ name: "approve", title: "Approve?", answer: { kind: "schema", json: true } as any });
    export const order = defineProcess({ name: "${name}", key: (input: any) => input.${field},
      input: { kind: "schema", json: { type: "object", properties: { ${field}: { type: "string" } }, required: ["${field}"] } } as any,
      ${more}
      async run(flow, input: any) {
        ${first}
        await flow.task(approve, { assign: "sales", input: ${task} });
        return { mark: "${mark}" };
      } });`;
}

export const files = {
  "package.json": '{"name":"harbour","type":"module"}',
  "mortise.config.ts": `import { defineConfig } from "mortise";
    export default defineConfig({ api: { port: 0 }, admin: { port: 0 }, limits: { connectionsPerAddress: 1000 }, shutdown: { grace: "5s" } });`,
  "processes/order.ts": processText("one"),
  "apis/orders.v1.ts": `import { apiKey, defineApi, get, post, published } from "mortise"; import { order } from "../processes/order.ts";
    export default defineApi({ name: "orders", version: "1.0.0", base: "/orders/v1", lifecycle: published(), access: [apiKey()],
      operations: { placeOrder: post("/orders", { access: "public", starts: order }) } });`,
};

export interface Answer {
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: a JSON document
  readonly body: any;
}

export interface Running {
  readonly project: TestProject;
  readonly lines: string[];
  start(promote?: boolean): Promise<RunningServer>;
}

export function setUp(t: TestContext, change: Readonly<Record<string, string>> = {}): Running {
  const project = testProject({ ...files, ...change });
  const lines: string[] = [];
  const servers: RunningServer[] = [];
  t.after(async () => {
    for (const server of servers) await server.stop();
    project.remove();
  });
  return {
    project,
    lines,
    async start(promote = false) {
      const read = await loadProject(project.folder);
      const server = await startServer(read, { environment: {}, promote, log: (line) => lines.push(line) });
      servers.push(server);
      return server;
    },
  };
}

export async function send(url: string, headers: Record<string, string>, body?: unknown): Promise<Answer> {
  const answer = await request(url, {
    method: body === undefined ? "GET" : "POST",
    headers: { ...headers, ...(body === undefined ? {} : { "content-type": "application/json" }) },
    body: body === undefined ? null : JSON.stringify(body),
  });
  const text = await answer.body.text();
  const given = JSON.parse(text);
  const code = typeof given.type === "string" ? { code: given.type.replace("urn:mortise:error:", "") } : {};
  return { status: answer.statusCode, body: { ...given, ...code } };
}

export const admin = (server: RunningServer, path: string, body?: unknown): Promise<Answer> =>
  send(`${server.adminUrl}${path}`, { authorization: `Bearer ${server.adminToken}` }, body);
export const place = (server: RunningServer, body: unknown): Promise<Answer> =>
  send(`${server.apiUrl}/orders/v1/orders`, {}, body);

/** Looks until what `look` gives is there. */
export async function until<T>(look: () => Promise<T | undefined>): Promise<T> {
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
