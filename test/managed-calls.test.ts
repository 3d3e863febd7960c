/**
 * What is published, as its callers have it: a real server as a process of its own, clients over HTTP, and a system that writes down what it receives. Answers that are kept and
 * shared, calls that are sent twice, times that are over; and what is on disk after a kill: quotas, the uses of keys, starts that wait for their turn.
 */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { type AddressInfo, connect } from "node:net";
import { createInterface } from "node:readline";
import { type TestContext, test } from "node:test";
import { fileURLToPath } from "node:url";
import { mortise } from "../src/cli/test-terminal.ts";
import { createServer } from "../src/http.ts";
import { testProject } from "../src/server/test-project.ts";

const binary = fileURLToPath(new URL("../bin/mortise.mjs", import.meta.url));

// --- the system -------------------------------------------------------------------------------------------------------

interface Received {
  readonly name: string;
  readonly sku: string;
  readonly key: string | undefined;
  /** Whether its connection was closed before there was an answer. */
  left: boolean;
}

/** Of an SKU that begins with `cut`, the first request of a kind is cut off; of one with `silent` none is answered; with `slow` each waits for `let go`. */
async function openSystem(t: TestContext) {
  const ledger: Received[] = [];
  const waiting: (() => void)[] = [];
  const server = createServer((asked, answer) => {
    const { pathname, searchParams } = new URL(asked.url ?? "", "http://system");
    const [name, sku] = [pathname.slice(1), searchParams.get("sku") ?? ""];
    const key = asked.headers["idempotency-key"] as string | undefined;
    const first = !ledger.some((one) => one.name === name && one.sku === sku);
    const one: Received = { name, sku, key, left: false };
    ledger.push(one);
    asked.resume();
    answer.on("close", () => {
      one.left = !answer.writableEnded;
    });
    const give = () =>
      void answer
        .writeHead(200, { "content-type": "application/json" })
        .end(JSON.stringify({ text: `${sku} ${ledger.length}` }));
    if (sku.startsWith("cut") && first) asked.socket.destroy();
    else if (sku.startsWith("slow")) waiting.push(give);
    else if (!sku.startsWith("silent")) give();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    of: (sku: string) => ledger.filter((one) => one.sku === sku),
    waiting,
  };
}

const operation = (name: string, method: string, effect: string) => ({
  name,
  effect,
  ...(effect === "idempotent" ? { key: { in: "header", name: "Idempotency-Key" } } : {}),
  input: { type: "object", properties: { sku: { type: "string" } }, required: ["sku"], additionalProperties: false },
  output: { type: "object", properties: { text: { type: "string" } }, required: ["text"] },
  faults: {},
  binding: {
    protocol: "rest",
    method,
    path: `/${name}`,
    parameters: [{ property: "sku", name: "sku", in: "query", required: true, style: "form", explode: true }],
    success: [{ status: "200", mediaType: "application/json" }],
    faults: [],
  },
});

const contract = JSON.stringify({
  format: 1,
  name: "shop",
  source: { language: "openapi", languageVersion: "3.1.0", files: [] },
  servers: [],
  schemas: {},
  events: {},
  operations: {
    look: operation("look", "GET", "read"),
    book: operation("book", "POST", "idempotent"),
    ship: operation("ship", "POST", "unrepeatable"),
  },
});

// --- the project and its server ---------------------------------------------------------------------------------------

const files = (shop: string): Readonly<Record<string, string>> => ({
  "package.json": '{"name":"managed","type":"module"}',
  "mortise.config.ts": `import { defineConfig } from "mortise";
    export default defineConfig({ api: { port: 0 }, admin: { port: 0 }, shutdown: { grace: "2s" } });`,
  "systems/shop/contract.json": contract,
  "systems/shop/contract.ts": `import { pinnedContract } from "mortise";
    type Call = { input: { sku: string }; output: { text: string }; faults: {} };
    export const contract = pinnedContract<{ events: {}; schemas: {}; operations: { look: Call; book: Call; ship: Call } }>(import.meta.url);`,
  "systems/shop/index.ts": `import { rest } from "mortise"; import { contract } from "./contract.ts";
    export const shop = rest(contract, { connection: "${shop}", timeout: "5s" });`,
  "processes/order.ts": `import { defineProcess, t } from "mortise";
    export const order = defineProcess({ name: "order", key: ({ id }) => id,
      input: t.object({ id: t.string(), pieces: t.integer({ minimum: 1 }) }), async run(flow) { await flow.sleep("1ms"); } });`,
  "apis/things.v1.ts": `import { apiKey, defineApi, get, post, published, t } from "mortise"; import { shop } from "../systems/shop/index.ts";
    import { order } from "../processes/order.ts";
    const sku = t.object({ sku: t.string() });
    export default defineApi({ name: "things", version: "1.2.0", base: "/things/v1", lifecycle: published(), access: [apiKey()],
      limits: [{ per: "consumer", quota: 40, window: "month" }], plans: { watching: { limits: [{ per: "consumer", rate: 1000, every: "1s" }] } },
      operations: {
        look: get("/look/{sku}", { scope: "w", calls: shop.look }),
        kept: get("/kept/{sku}", { scope: "w", calls: shop.look, cache: "1h" }),
        mine: post("/mine", { scope: "w", calls: shop.look, cache: "1h", accepts: { body: sku, map: ({ sku }, { caller }) => ({ sku: sku + "-" + caller.id }) } }),
        quick: get("/quick/{sku}", { scope: "w", calls: shop.look, timeout: "300ms" }),
        book: post("/book", { scope: "w", calls: shop.book }),
        ship: post("/ship", { scope: "w", calls: shop.ship }),
        order: post("/orders", { scope: "w", starts: order,
          limits: [{ per: "consumer", rate: 100, every: "1h", cost: ({ input }) => input.pieces }, { per: "all", rate: 1, every: "3s", queue: "7s" }] }),
        getOrder: get("/orders/{key}", { scope: "w", run: order, allow: () => true }),
      } });`,
});

async function setUp(t: TestContext) {
  const system = await openSystem(t);
  const project = testProject(files(system.url));
  let child: ChildProcess | undefined;
  let api = "";

  async function stop(signal: NodeJS.Signals): Promise<void> {
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, "exit");
    child.kill(signal);
    await ended;
  }
  async function start(): Promise<void> {
    const started = spawn(process.execPath, [binary, "start", "--project", project.folder], {
      stdio: ["ignore", "pipe", "inherit"],
      env: { ...process.env, NODE_TEST_CONTEXT: undefined },
    });
    child = started;
    for await (const line of createInterface({ input: started.stdout })) {
      if (!line.includes('"msg":"started"')) continue;
      ({ api } = JSON.parse(line) as { api: string });
      break;
    }
    started.stdout.resume();
  }
  t.after(async () => {
    await stop("SIGTERM");
    project.remove();
  });
  await start();
  const keys = new Map<string, string>();
  async function keyOf(consumer: string): Promise<string> {
    const key = keys.get(consumer) ?? (await run<{ key: string }>("keys", "create", consumer, "--scope", "w")).key;
    keys.set(consumer, key);
    return key;
  }
  async function run<T>(...args: string[]): Promise<T> {
    const { code, out, err } = await mortise([...args, "--json"], { folder: project.folder });
    assert.equal(code, 0, err);
    return JSON.parse(out) as T;
  }
  return {
    system,
    run,
    shown: async (...args: string[]) => (await mortise(args, { folder: project.folder })).out,
    async killAndStart() {
      await stop("SIGKILL");
      await start();
    },
    async ask(path: string, body?: object, { consumer = "acme", headers = {} }: Asking = {}) {
      const response = await fetch(`${api}/things/v1${path}`, {
        method: body === undefined ? "GET" : "POST",
        headers: { authorization: `Bearer ${await keyOf(consumer)}`, "content-type": "application/json", ...headers },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      // biome-ignore lint/suspicious/noExplicitAny: answers of every shape are looked into
      const json = (await response.json()) as any;
      return { status: response.status, headers: response.headers, json };
    },
    /** Reads that are sent at once on one connection, so that the server takes them in this order; the bodies of their answers. */
    async together(
      asked: readonly { readonly path: string; readonly consumer: string }[],
    ): Promise<{ text: string }[]> {
      const requests: string[] = [];
      for (const [at, { path, consumer }] of asked.entries()) {
        const last = at === asked.length - 1 ? "connection: close\r\n" : "";
        const head = `GET /things/v1${path} HTTP/1.1\r\nhost: things\r\nauthorization: Bearer ${await keyOf(consumer)}`;
        requests.push(`${head}\r\n${last}\r\n`);
      }
      const socket = connect(Number(new URL(api).port), "127.0.0.1");
      socket.write(requests.join(""));
      let answers = "";
      for await (const chunk of socket) answers += String(chunk);
      return answers
        .split("HTTP/1.1 200 OK\r\n")
        .slice(1)
        .map((answer) => JSON.parse(answer.slice(answer.indexOf("\r\n\r\n"))));
    },
  };
}
interface Asking {
  readonly consumer?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

async function until<T>(look: () => Promise<T | undefined> | T | undefined): Promise<T> {
  for (let tries = 0; ; tries++) {
    const found = await look();
    if (found !== undefined) return found;
    assert.ok(tries < 2000, "it did not come to that");
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

// --- the tests --------------------------------------------------------------------------------------------------------

test("straight calls over sockets: answers are kept and shared, and none is another caller's; what is sent twice, and what is not; a time that is over ends the call", async (t) => {
  const { system, ask, together } = await setUp(t);
  const { of, waiting } = system;

  // Kept: one call for both consumers, where nothing of it depends on who asks.
  const first = await ask("/kept/rope");
  assert.deepEqual((await ask("/kept/rope", undefined, { consumer: "other" })).json, first.json);
  assert.equal(of("rope").length, 1);
  // What is made of the caller is asked for each caller.
  const mine = await ask("/mine", { sku: "mast" });
  const theirs = await ask("/mine", { sku: "mast" }, { consumer: "other" });
  assert.deepEqual([mine.json.text.split(" ")[0], theirs.json.text.split(" ")[0]], ["mast-acme", "mast-other"]);
  assert.deepEqual((await ask("/mine", { sku: "mast" })).json, mine.json);
  assert.deepEqual([of("mast-acme").length, of("mast-other").length], [1, 1]);

  // Equal reads under way are one call. The one behind them is asked once all of them are in; that each consumer calls this operation is on record by then.
  for (const consumer of ["acme", "other"]) await ask("/look/rope", undefined, { consumer });
  const many = Array.from({ length: 12 }, (_, at) => ({
    path: "/look/slow",
    consumer: at % 2 === 0 ? "acme" : "other",
  }));
  const answers = together([...many, { path: "/look/behind", consumer: "acme" }]);
  await until(() => (of("behind").length > 0 ? true : undefined));
  assert.equal(waiting.length, 1);
  waiting[0]?.();
  const texts = (await answers).map(({ text }) => text);
  assert.equal(texts.length, 13);
  assert.deepEqual([new Set(texts.slice(0, 12)).size, of("slow").length], [1, 1]);

  // Cut off: a read and what has a key are sent once more, the one under its key; what must not be repeated is not.
  assert.equal((await ask("/look/cut-1")).status, 200);
  assert.equal(of("cut-1").length, 2);
  assert.equal((await ask("/book", { sku: "cut-2" })).status, 200);
  const keysSent = of("cut-2").map(({ key }) => key);
  assert.deepEqual([keysSent.length, new Set(keysSent).size, typeof keysSent[0]], [2, 1, "string"]);
  const shipped = await ask("/ship", { sku: "cut-3" });
  assert.deepEqual([shipped.status, shipped.json.type], [504, "urn:mortise:error:system-outcome-unknown"]);
  assert.equal(of("cut-3").length, 1);

  // A system that says nothing: the operation's own time counts, and the call is broken off.
  // On a machine that stands still for as long, the time is over before anything was sent: then once more.
  do {
    const begun = performance.now();
    assert.equal((await ask("/quick/silent")).json.type, "urn:mortise:error:system-unavailable");
    assert.ok(performance.now() - begun < 3000);
  } while (of("silent").length === 0);
  await until(() => (of("silent").every(({ left }) => left) ? true : undefined));
});

test("after a kill: a quota goes on where it was, it is known when and for what each key was used, and what was queued begins in its turn", async (t) => {
  const { ask, run, shown, killAndStart } = await setUp(t);
  const left = (headers: Headers) => Number(/"consumer";r=(\d+)/.exec(headers.get("ratelimit") ?? "")?.[1]);
  let last = await ask("/look/rope");
  for (let at = 0; at < 6; at++) last = await ask("/look/rope");
  const before = left(last.headers);
  assert.equal(before, 33, last.headers.get("ratelimit") ?? "");

  // The uses of keys are written down within five seconds.
  interface Keys {
    readonly keys: readonly {
      readonly id: string;
      readonly consumer: string;
      readonly lastUsed?: { readonly at: number; readonly by: string };
    }[];
  }
  const used = await until(async () =>
    (await run<Keys>("keys", "list")).keys.find(({ lastUsed }) => lastUsed !== undefined),
  );
  assert.equal(used.lastUsed?.by, "things 1.2.0 look");

  // One order each three seconds begins, others wait on disk; more than seven seconds of waiting is refused, and so is more than a hundred pieces an hour.
  const order = (id: string, pieces = 1) => ask("/orders", { id, pieces });
  const large = await ask("/orders", { id: "o-5", pieces: 101 }, { consumer: "other" });
  assert.deepEqual([large.status, large.json["violated-policies"]], [429, ["order-consumer"]]);
  const accepted = Date.now();
  const placed = await Promise.all(["o-1", "o-2", "o-3"].map((id) => order(id)));
  assert.deepEqual(
    placed.map(({ status }) => status),
    [202, 202, 202],
  );
  const refused = await order("o-4");
  assert.deepEqual([refused.status, refused.json.type], [429, "urn:mortise:error:quota-exceeded"]);

  await killAndStart();
  await run("consumers", "set", "reader", "--plan", "watching");
  const states = await Promise.all(
    ["o-1", "o-2", "o-3"].map((id) =>
      until(async () => {
        const { json } = await ask(`/orders/${id}`, undefined, { consumer: "reader" });
        return json.status === "completed" ? json : undefined;
      }),
    ),
  );
  const began = states.map(({ updatedAt }) => Date.parse(updatedAt)).sort((a, b) => a - b);
  // None before its turn, however long the server was away.
  for (const [at, time] of began.entries()) assert.ok(time - accepted >= at * 3000 - 1, `${at}: ${time - accepted} ms`);
  assert.equal((await ask("/orders/o-4", undefined, { consumer: "reader" })).status, 404);

  // Three starts and this one: what a limit refused did not use the quota up.
  assert.equal(left((await ask("/look/rope")).headers), before - 4);
  const { keys } = await run<Keys>("keys", "list");
  assert.ok((keys.find(({ id }) => id === used.id)?.lastUsed?.at ?? 0) >= (used.lastUsed?.at ?? 0));
  assert.match(await shown("keys", "list", "--consumer", "acme"), /things 1\.2\.0 (look|order)/);
  interface Usage {
    readonly usage: readonly {
      readonly consumer: string;
      readonly key: string;
      readonly version: string;
      readonly operation: string;
      readonly calls: number;
    }[];
  }
  const { usage } = await run<Usage>("apis", "usage", "things", "1.2.0");
  const looks = usage.find(({ consumer, operation }) => consumer === "acme" && operation === "look");
  assert.deepEqual([looks?.key, looks?.version, (looks?.calls ?? 0) >= 7], [used.id, "1.2.0", true]);
});
