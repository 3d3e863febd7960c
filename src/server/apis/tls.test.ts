import assert from "node:assert/strict";
import { chmodSync, copyFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { mtls } from "../../publish/access/mtls.ts";
import { defineApi } from "../../publish/define.ts";
import { published } from "../../publish/lifecycle/states.ts";
import { listen } from "../../publish/listener.ts";
import { type ApiListener, type ConfigOptions, defineConfig, resolveConfig } from "../project/config.ts";
import { apiTls } from "./tls.ts";

const fixtures = new URL("../../outbound/fixtures/", import.meta.url).pathname;
const silent = { error() {} };

function openFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "mortise-tls-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  copyFileSync(join(fixtures, "good.pem"), join(folder, "server.pem"));
  copyFileSync(join(fixtures, "server.key"), join(folder, "server.key"));
  chmodSync(join(folder, "server.key"), 0o600);
  return folder;
}

const configOf = (options: ConfigOptions) => resolveConfig(defineConfig(options), {});
const files = { certificate: "server.pem", key: "server.key" };

test("with two files the port speaks TLS 1.2 and newer, and clear HTTP no more", async (t) => {
  const folder = openFolder(t);
  const { tls } = apiTls(() => ({ project: { folder, apis: [] }, config: configOf({ api: files }) }), silent);
  assert.equal(tls?.asksClients, false, "no API wants a certificate, so no client is asked for one");
  const seen: (boolean | undefined)[] = [];
  const listener = await listen(
    async ({ secure }) => {
      seen.push(secure);
      return { status: 204, headers: {} };
    },
    { port: 0, ...(tls === undefined ? {} : { tls }) },
  );
  t.after(() => listener.close(0));
  assert.match(listener.url, /^https:/);
  const [status, hsts] = await new Promise<(number | string | undefined)[]>((resolve, reject) => {
    const sent = request(
      { host: "localhost", family: 4, port: listener.port, agent: false, rejectUnauthorized: false },
      (response) => {
        response.resume();
        resolve([response.statusCode, response.headers["strict-transport-security"]]);
      },
    );
    sent.on("error", reject).end();
  });
  assert.equal(status, 204);
  assert.equal(hsts, "max-age=31536000");
  assert.deepEqual(seen, [true]);
  const clear = await fetch(`http://127.0.0.1:${listener.port}/`, { redirect: "error" });
  assert.equal(clear.status, 403);
  assert.equal(((await clear.json()) as { readonly type: string }).type, "urn:mortise:error:tls-required");
  assert.deepEqual(seen, [true], "it came to no handler");
});

test("clients are asked for a certificate where an API wants one", (t) => {
  const folder = openFolder(t);
  const access = [mtls({ anchors: ["a.pem"], consumers: { a: { dns: "a.example", scopes: [] } } })];
  const api = defineApi({ name: "a", version: "1.0.0", base: "/a", lifecycle: published(), access, operations: {} });
  assert.equal(
    apiTls(() => ({ project: { folder, apis: [api] }, config: configOf({ api: files }) }), silent).tls?.asksClients,
    true,
  );
});

test("files that are no certificate and key do not start, and are no fault of the server's", (t) => {
  const folder = openFolder(t);
  writeFileSync(join(folder, "other.pem"), "not a certificate\n");
  const given = { ...files, certificate: "other.pem" };
  assert.throws(() => apiTls(() => ({ project: { folder, apis: [] }, config: configOf({ api: given }) }), silent), {
    code: "server-failed",
    message: /the TLS files other\.pem and server\.key can't be used as a certificate in PEM and its key/,
  });
});

test("half a pair, a key that others can read, and a proxy that is no address do not start", (t) => {
  const folder = openFolder(t);
  const open = (api: ApiListener) =>
    apiTls(() => ({ project: { folder, apis: [] }, config: configOf({ api }) }), silent).tls?.read();
  assert.throws(() => open({ certificate: "server.pem" }), { code: "server-failed", message: /set both/ });
  assert.throws(() => open({ certificate: "none.pem", key: "server.key" }), { code: "server-failed" });
  assert.throws(() => open({ certificateProxies: "10.0.0.1, proxy.example" }), {
    code: "server-failed",
    message: /proxy.example/,
  });
  if (process.platform === "win32") return;
  chmodSync(join(folder, "server.key"), 0o644);
  assert.throws(() => open(files), { code: "secret-open" });
});
