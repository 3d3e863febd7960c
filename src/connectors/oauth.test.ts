/** Many calls that wait for one access token. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { failure } from "../errors.ts";
import type { Outbound, OutboundRequest, OutboundResponse } from "../outbound/outbound.ts";
import { TokenSource } from "./oauth.ts";

const credentials = {
  kind: "oauth",
  tokenUrl: "https://id.example/token",
  client: "c",
  secret: "hunter2",
  scopes: [],
  auth: "basic",
} as const;

/** A source, and the requests that it sent, each to be answered by hand; one that is broken off fails as the client's own would. */
function open() {
  const asked: { readonly request: OutboundRequest; readonly answer: (response: Partial<OutboundResponse>) => void }[] =
    [];
  const outbound: Pick<Outbound, "request"> = {
    request(request) {
      return new Promise((resolve, reject) => {
        const answer = (response: Partial<OutboundResponse>) =>
          resolve({ status: 200, headers: {}, body: Buffer.alloc(0), ...response });
        asked.push({ request, answer });
        request.signal?.addEventListener("abort", () => reject(failure("outbound-aborted", { host: "id.example" })));
      });
    },
  };
  const settings = {
    name: "shop",
    connection: "https://shop.example",
    timeoutMs: 5000,
    concurrency: 4,
    maxResponseBytes: 100_000,
    internal: true,
    sensitive: [],
  };
  return { source: new TokenSource(credentials, settings, outbound as Outbound), asked };
}

const token = (value: string) => ({ body: Buffer.from(JSON.stringify({ access_token: value, expires_in: 3600 })) });
const never = () => new AbortController().signal;
const soon = () => Date.now() + 5000;

test("a call that is called off, or has no time left, takes the token from nobody else", async () => {
  const { source, asked } = open();
  const leaving = new AbortController();
  const first = source.token(soon(), leaving.signal);
  const late = source.token(Date.now(), never());
  const other = source.token(soon(), never());
  leaving.abort();
  // Its own fault: it says nothing of the system.
  await assert.rejects(first, { code: "outbound-aborted", outcome: "none" });
  await assert.rejects(late, { code: "oauth-token", outcome: "none" });
  asked[0]?.answer(token("t1"));
  assert.equal(await other, "t1");
  assert.equal(await source.token(soon(), never()), "t1");
  assert.equal(asked.length, 1);
});

test("where nobody waits for a token any more its request is broken off, and the next call asks anew", async () => {
  const { source, asked } = open();
  const leaving = new AbortController();
  const both = [source.token(soon(), leaving.signal), source.token(soon(), leaving.signal)];
  leaving.abort();
  for (const one of both) await assert.rejects(one, { code: "outbound-aborted" });
  assert.equal(asked[0]?.request.signal?.aborted, true);
  const next = source.token(soon(), never());
  asked[1]?.answer(token("t2"));
  assert.equal(await next, "t2");
});

test("the pause that a token's server asks for is the call's", async () => {
  const cases = [
    [429, "7", { class: "wait", retryAfterMs: 7000 }],
    [429, undefined, { class: "wait", retryAfterMs: 1000 }],
    [503, "7", { class: "wait", retryAfterMs: 7000 }],
    [500, "3", { class: "retry", retryAfterMs: 3000 }],
    [503, undefined, { class: "retry", retryAfterMs: undefined }],
    [401, "7", { class: "retry", retryAfterMs: undefined }],
  ] as const;
  for (const [status, after, wanted] of cases) {
    const { source, asked } = open();
    const waiting = source.token(soon(), never());
    asked[0]?.answer({ status, headers: after === undefined ? {} : { "retry-after": after } });
    await assert.rejects(waiting, { code: "oauth-token", outcome: "none", ...wanted }, String(status));
  }
});

test("a system that refuses every token has one fetched a second, not one for each call", async (t) => {
  t.mock.timers.enable({ apis: ["Date"], now: 1_000_000 });
  const { source, asked } = open();
  let made = 0;
  const next = async () => {
    const waiting = source.token(soon(), never());
    if (asked.length > made) asked[made++]?.answer(token(`t${made}`));
    return waiting;
  };
  assert.equal(await next(), "t1");
  source.refused("t1");
  assert.equal(await next(), "t2");
  for (let call = 0; call < 20; call += 1) {
    source.refused("t2");
    assert.equal(await next(), "t2");
  }
  t.mock.timers.tick(1000);
  source.refused("t2");
  assert.equal(await next(), "t3");
  assert.equal(asked.length, 3);
});
