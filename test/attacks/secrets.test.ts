/** Row 40 through the whole server: a marked secret in every field that takes one, every error that a system can force, and a look at everything that is written and shown. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { anyContractTs, shopContract } from "./project.ts";
import { openTarget, runOf } from "./target.ts";
import { answering } from "./upstream.ts";

/** One for each place where a secret can be configured. */
const canary = (what: string) => `CANARY-${what}-4711'"/+x`;
const hook = `whsec_${Buffer.from("CANARYCANARYCANARYCANARYCAN").toString("base64")}`;
const kinds: Readonly<Record<string, string>> = {
  bearer: 'kind: "bearer", token: secret("c-bearer")',
  basic: 'kind: "basic", user: "u", password: secret("c-basic")',
  header: 'kind: "header", name: "X-Key", value: secret("c-header")',
  query: 'kind: "query", name: "key", value: secret("c-query")',
  cookie: 'kind: "cookie", name: "key", value: secret("c-cookie")',
  grant: 'kind: "oauth", tokenUrl: "UPSTREAM/token", client: "c", secret: secret("c-grant"), auth: "body"',
};

test("attack 40: a secret is in no log, answer, metric, history, file or output, whichever field holds it and whatever error is forced", async (t) => {
  const files: Record<string, string> = {
    "secrets/shop-webhook": hook,
    "secrets/c-sender": canary("sender"),
    "secrets/c-introspection": canary("introspection"),
  };
  for (const [kind, credentials] of Object.entries(kinds)) {
    files[`secrets/c-${kind}`] = canary(kind);
    files[`systems/${kind}/contract.json`] = shopContract(kind);
    files[`systems/${kind}/contract.ts`] = anyContractTs;
    files[`systems/${kind}/index.ts`] =
      `import { rest, secret } from "mortise"; import { contract } from "./contract.ts";
       export const ${kind}: any = rest(contract, { connection: "UPSTREAM", timeout: "600ms", circuit: false, webhookSecret: secret("shop-webhook"), credentials: { ${credentials} } as any });`;
    files[`processes/${kind}-run.ts`] =
      `import { defineProcess } from "mortise"; import { ${kind} } from "../systems/${kind}/index.ts"; const any = { kind: "schema", json: true } as any;
       export const run: any = defineProcess({ name: "${kind}-run", input: any, output: any, key: (input: any) => input.id, retry: { attempts: 1 } as any, run: async (flow) => flow.call(${kind}.book, { sku: "a" }) });`;
    files[`apis/${kind}.ts`] =
      `import { apiKey, defineApi, get, oauth, post, published, secret, signed } from "mortise"; import { ${kind} } from "../systems/${kind}/index.ts";
      export default defineApi({ name: "${kind}", version: "1.0.0", base: "/${kind}/v1", lifecycle: published(),
        access: [apiKey(), oauth({ issuer: "http://127.0.0.1:9/", audience: "a", introspection: { client: "gateway", secret: secret("c-introspection"), url: "UPSTREAM/introspect" } }),
          signed({ scheme: { header: "x-signature", over: ["body"] } as any, consumers: { sender: { secrets: [secret("c-sender")], scopes: ["orders"] } } })].slice(0, ${kind === "bearer" ? 2 : 1}),
        operations: { getStock: get("/stock/{sku}", { scope: "orders", calls: ${kind}.getStock }), book: post("/bookings", { scope: "orders", calls: ${kind}.book }) } } as any);`;
  }
  const target = await openTarget(t, {
    config:
      'log: { level: "trace" }, limits: { headersTimeout: "2s", keepAlive: "200ms" }, encryption: { key: secret("store-key") }',
    files: {
      ...files,
      "secrets/store-key": Buffer.from("CANARYCANARYCANARYCANARYCANARY12").toString("base64"),
      "mortise.config.ts": `import { defineConfig, secret } from "mortise";
        export default defineConfig({ api: { port: 0 }, admin: { port: 0 }, shutdown: { grace: "1s" }, watch: { every: "0s" }, log: { level: "trace" }, encryption: { key: secret("store-key") },
          limits: { headersTimeout: "5s", keepAlive: "200ms" } });`,
    },
  });
  const { ask, admin, upstream } = target;
  const shown: string[] = [];
  /** Everything that came in, given back wherever a system could put it. */
  const everything = (entry: { readonly target: string; readonly headers: unknown; readonly body: string }) =>
    JSON.stringify({ title: entry, detail: JSON.stringify(entry), access_token: JSON.stringify(entry), active: entry });
  const errors: Readonly<Record<string, NonNullable<typeof upstream.lie>>> = {
    "401 and everything": (entry, socket) =>
      void socket.write(answering("401 No", everything(entry), 'www-authenticate: Bearer error="x"\r\n')),
    "400 and everything": (entry, socket) => void socket.write(answering("400 No", everything(entry))),
    "500 and everything": (entry, socket) => void socket.write(answering("500 No", everything(entry))),
    "success of another shape": (entry, socket) => void socket.write(answering("201 Created", everything(entry))),
    "a redirect with it": (entry, socket) =>
      void socket.write(answering("302 Found", "", `location: http://x/?${encodeURIComponent(everything(entry))}\r\n`)),
    "no HTTP": (entry, socket) => void socket.end(everything(entry)),
    "a reset": (_, socket) => void socket.resetAndDestroy(),
    silence: () => {},
    "a TLS alert": (_, socket) => void socket.end(Buffer.from([0x15, 3, 3, 0, 2, 2, 40])),
  };
  for (const [what, lie] of Object.entries(errors)) {
    upstream.lie = (entry, socket) => {
      // Where a token is wanted, one is given, so that the call itself is made too; every other time.
      if (entry.target === "/token" && upstream.ledger.length % 2 === 0)
        socket.write(
          answering("200 OK", JSON.stringify({ access_token: "CANARY-token", token_type: "bearer", expires_in: 1 })),
        );
      else lie(entry, socket);
    };
    await Promise.all(
      Object.keys(kinds).map(async (kind) => {
        for (const line of [`GET /${kind}/v1/stock/a`, `POST /${kind}/v1/bookings`]) {
          const answer = await ask(line, line.startsWith("POST") ? { body: { sku: "a" } } : {});
          assert.ok(answer.status >= 400, `${kind}, ${what}: ${answer.text}`);
          shown.push(answer.text);
        }
        const start = await admin(`/processes/${kind}-run/start`, { input: { id: `${kind} ${what}` }, reason: "test" });
        assert.equal(start.status, 201, start.text);
        shown.push(start.text, (await admin(`/systems/${kind}/health`, {})).text);
      }),
    );
    shown.push((await ask("GET /bearer/v1/stock/a", { auth: "Authorization: Bearer opaque" })).text);
  }
  for (const kind of Object.keys(kinds))
    for (const what of Object.keys(errors))
      shown.push(await runOf(target, `${kind} ${what}`, (text) => /"status":"(parked|waiting|running)"/.test(text)));
  upstream.lie = undefined;
  for (const path of [
    "/runs?limit=200",
    "/runs/causes",
    "/systems",
    "/audit",
    "/metrics",
    "/versions",
    "/apis",
    "/keys",
    "/tokens",
    "/contracts",
    "/consumers",
    "/openapi.json",
    "/store/size",
    "/processes",
  ])
    shown.push((await admin(path)).text);
  // What people see in a terminal.
  const bin = new URL("../../bin/mortise.mjs", import.meta.url).pathname;
  const commands = [["runs", "list"], ["systems"], ["runs", "list", "--json"], ["check"], ["audit"]];
  await Promise.all(
    commands.map(async (args) => {
      const done = await promisify(execFile)(process.execPath, [bin, ...args, "-C", target.folder.folder], {
        timeout: 60_000,
      }).catch((error: { stdout?: string; stderr?: string }) => error);
      shown.push(`${done.stdout}${done.stderr}`);
    }),
  );
  await target.server.stop();
  const secrets = [...Object.keys(kinds), "sender", "introspection"].map(canary);
  const forms = [
    "CANARY",
    hook.slice(6),
    ...secrets.map(encodeURIComponent),
    ...secrets.map((one) => Buffer.from(one).toString("base64").slice(0, 20)),
  ];
  forms.push(
    Buffer.from(`u:${canary("basic")}`)
      .toString("base64")
      .slice(4, 24),
    "Q0FOQVJZ",
    Buffer.from("XCANARY").toString("base64").slice(2, 8),
  );
  const leaks = (text: string | Buffer) => forms.filter((form) => text.includes(form));
  // The control: every one of them was really sent to the system, which gave it back.
  for (const kind of [...Object.keys(kinds), "introspection"]) {
    const [plain, form] = [canary(kind), new URLSearchParams({ a: canary(kind) }).toString().slice(2)];
    const pair = (user: string) => Buffer.from(`${user}:${plain}`).toString("base64");
    const sent = [plain, form, encodeURIComponent(plain), pair("u"), Buffer.from(`gateway:${form}`).toString("base64")];
    const all = upstream.ledger.flatMap(({ target: to, headers, body }) => [
      to,
      body,
      ...headers.map(([, value]) => value),
    ]);
    assert.ok(
      all.some((text) => sent.some((one) => text.includes(one))),
      `${kind} was sent`,
    );
  }
  assert.ok(shown.length > 100 && target.lines.length > 100);
  for (const text of [...shown, ...target.lines]) assert.deepEqual(leaks(text), [], text.slice(0, 3000));
  for (const entry of readdirSync(join(target.folder.folder, ".mortise"), { withFileTypes: true, recursive: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isFile()) assert.deepEqual(leaks(readFileSync(path)), [], path);
  }
});
