/** Rows 14, 20, 21 and 25 over raw sockets: bodies that are too large, packed, or too deep. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { test } from "node:test";
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync, zstdCompressSync } from "node:zlib";
import { openWebhookSecret, signWebhook } from "../../src/connectors/webhook.ts";
import { webhookSecret } from "./project.ts";
import { measured, openTarget, shortTimes, type Target } from "./target.ts";
import { answering } from "./upstream.ts";
import { bodyOf, codeOf, exchange, message, openLine, sized, statuses } from "./wire.ts";

const mebibyte = 1_048_576;
const json = "Content-Type: application/json";
const head = (auth: string, path = "/orders/v1/echo") =>
  [`POST ${path} HTTP/1.1`, "Host: a", "Connection: close", json, auth].filter((line) => line !== "").join("\n");
const chunk = (text: string) => `${text.length.toString(16)}\r\n${text}\r\n`;

/** A delivery with this body, rightly signed: what is wrong with it must be seen in the body. */
function signed(
  body: string,
  id: string,
): { readonly headers: readonly string[]; readonly body: string; readonly auth: "" } {
  const secrets = [openWebhookSecret(webhookSecret, "shop")];
  const headers = signWebhook({ id, timestamp: Math.floor(Date.now() / 1000), body, secrets });
  return { headers: Object.entries(headers).map(([name, value]) => `${name}: ${value}`), body, auth: "" };
}

test("OW-4 attack 14: a body one byte over the limit is 413 before it is held: declared, undeclared, lying, for callers and for strangers, a hundred at once", async (t) => {
  // A hundred megabytes come in at once: on a busy machine that takes more than a second.
  const target = await openTarget(t, { config: shortTimes.replace('"2s"', '"5s"') });
  const { port, auth, upstream } = target;
  const fill = (size: number) => `{"a":"${"x".repeat(size - 8)}"}`;
  const declared = (size: number, path?: string, own = auth) => sized(head(own, path), fill(size));
  const undeclared = (size: number, path?: string, own = auth) =>
    message(`${head(own, path)}\nTransfer-Encoding: chunked`, `${chunk(fill(size))}0\r\n\r\n`);
  for (const body of [declared, undeclared]) {
    for (const size of [mebibyte - 1, mebibyte]) {
      assert.deepEqual(statuses(await exchange(port, body(size))), [200], `${body.name} ${size}`);
      assert.equal(upstream.ledger.splice(0)[0]?.body.length, size);
    }
    const over = await exchange(port, body(mebibyte + 1));
    assert.deepEqual([statuses(over), codeOf(over)], [[413], "body-too-large"], body.name);
    const webhook = await exchange(port, body(mebibyte + 1, "/webhooks/shop", ""));
    assert.deepEqual(statuses(webhook), [413], "a stranger's too");
    // Who may not call is told so, and nothing of the body is waited for.
    const stranger = await exchange(port, body(mebibyte + 1, undefined, ""));
    assert.deepEqual(statuses(stranger), [401]);
  }
  // Lies: more announced than sent, less announced than sent, a thousandfold.
  const lies: Readonly<Record<string, readonly [string, number]>> = {
    "ten gigabytes announced, nothing sent": [message(`${head(auth)}\nContent-Length: 10000000000`), 413],
    "more announced than sent": [message(`${head(auth)}\nContent-Length: 100`, "{}"), 408],
    "chunks that never end": [message(`${head(auth)}\nTransfer-Encoding: chunked`, chunk(fill(100)).repeat(3)), 408],
    "one chunk for each byte": [
      message(`${head(auth)}\nTransfer-Encoding: chunked`, `${"1\r\n \r\n".repeat(20_000)}2\r\n{}\r\n0\r\n\r\n`),
      200,
    ],
    "an extension longer than everything": [
      message(`${head(auth)}\nTransfer-Encoding: chunked`, `2;${"a".repeat(2 * mebibyte)}\r\n{}\r\n0\r\n\r\n`),
      400,
    ],
  };
  const told = Object.entries(lies).map(async ([what, [bytes, status]]) => {
    const text = await exchange(port, bytes);
    assert.equal(statuses(text)[0], status, `${what}: ${text.slice(0, 500)}`);
    assert.equal(statuses(text).length, 1, what);
  });
  await Promise.all(told);
  // What comes behind a whole request and is none ends the connection; the request itself counts once at most.
  const open = head(auth).replace("Connection: close\n", "");
  const more = await exchange(port, message(`${open}\nContent-Length: 10`, `{"late":1}${"x".repeat(4096)}`));
  assert.ok(
    statuses(more).every((status) => status === 200 || status === 400),
    more,
  );
  assert.ok(upstream.about("late").length <= 1);

  const parallel = 100;
  const bytes = Buffer.from(undeclared(mebibyte + 65_536), "latin1");
  const grown = await measured(async () => {
    const answers = await Promise.all(Array.from({ length: parallel }, () => exchange(port, bytes)));
    for (const text of answers) assert.deepEqual(statuses(text), [413]);
  });
  assert.ok(grown.bytes < 2 * mebibyte * parallel, `${grown.bytes} bytes more`);
  upstream.ledger.length = 0;
  target.quiet();
  await target.works();
});

const zeros = Buffer.alloc(4 * mebibyte, 32);

test("attack 20: a packed request is refused unread, whatever packed it; a packed answer is bounded by size, ratio and one encoding", async (t) => {
  const target = await openTarget(t);
  const { ask, port, auth, upstream } = target;
  const packed: Readonly<Record<string, Buffer>> = {
    gzip: gzipSync("{}"),
    "x-gzip": gzipSync(zeros),
    deflate: deflateSync(zeros),
    br: brotliCompressSync(zeros),
    zstd: zstdCompressSync(zeros),
    compress: Buffer.from("{}"),
    "gzip, gzip": gzipSync(gzipSync(zeros)),
    "gzip, gzip, gzip, gzip, gzip, gzip, gzip": gzipSync("{}"),
    "identity, gzip": gzipSync("{}"),
    "*": Buffer.from("{}"),
    "": Buffer.from("{}"),
  };
  for (const [encoding, bytes] of Object.entries(packed)) {
    const text = await exchange(
      port,
      Buffer.concat([
        Buffer.from(message(`${head(auth)}\nContent-Encoding: ${encoding}\nContent-Length: ${bytes.length}`), "latin1"),
        bytes,
      ]),
    );
    assert.deepEqual([statuses(text), codeOf(text)], [[415], "media-type-unsupported"], encoding);
  }
  // Called plain, it is no JSON.
  const disguised = Buffer.concat([
    Buffer.from(message(`${head(auth)}\nContent-Length: ${gzipSync("{}").length}`)),
    gzipSync("{}"),
  ]);
  assert.deepEqual(statuses(await exchange(port, disguised)), [400]);
  target.quiet();

  const huge = gzipSync(Buffer.alloc(100 * mebibyte, 32));
  const answers: Readonly<Record<string, Buffer>> = {
    "gzip, 1000 to 1": answering("200 OK", huge, "content-encoding: gzip\r\n"),
    "gzip in gzip": answering("200 OK", gzipSync(huge), "content-encoding: gzip, gzip\r\n"),
    "gzip in gzip, called gzip": answering("200 OK", gzipSync(huge), "content-encoding: gzip\r\n"),
    "two headers": answering("200 OK", gzipSync("{}"), "content-encoding: gzip\r\ncontent-encoding: gzip\r\n"),
    "six encodings": answering("200 OK", huge, `content-encoding: ${Array(6).fill("gzip").join(", ")}\r\n`),
    "many members": answering("200 OK", Buffer.concat(Array(200).fill(gzipSync(zeros))), "content-encoding: gzip\r\n"),
    deflate: answering("200 OK", deflateSync(zeros), "content-encoding: deflate\r\n"),
    "deflate without its head": answering("200 OK", deflateRawSync(zeros), "content-encoding: deflate\r\n"),
    "brotli that nobody asked for": answering("200 OK", brotliCompressSync(zeros), "content-encoding: br\r\n"),
    "a broken brotli stream": answering("200 OK", Buffer.alloc(1000, 0xff), "content-encoding: br\r\n"),
    zstd: answering("200 OK", zstdCompressSync(zeros), "content-encoding: zstd\r\n"),
    "no gzip at all": answering("200 OK", "{}", "content-encoding: gzip\r\n"),
    "half of it": answering("200 OK", gzipSync("{}").subarray(0, 15), "content-encoding: gzip\r\n"),
    "plain, over eight mebibytes": answering("200 OK", Buffer.alloc(9 * mebibyte, 32)),
  };
  const grown = await measured(async () => {
    for (const [what, bytes] of Object.entries(answers)) {
      upstream.lie = (_, socket) => void socket.write(bytes);
      const read = await ask("GET /orders/v1/stock/a");
      assert.ok(read.status >= 500, `${what}: ${read.text}`);
      assert.match(read.text, /urn:mortise:error:system-(failed|unavailable)/, what);
    }
  });
  assert.ok(grown.bytes < 256 * mebibyte, `${grown.bytes} bytes more`);
  upstream.lie = (_, socket) =>
    void socket.write(answering("200 OK", gzipSync('{"onHand":7}'), "content-encoding: gzip\r\n"));
  assert.equal((await ask("GET /orders/v1/stock/a")).status, 200, "one layer of honest gzip is read");
  upstream.lie = undefined;
  upstream.ledger.length = 0;
  target.quiet();
  await target.works();
});

const nested = (levels: number, open = '{"a":', inner = "1", close = "}") =>
  open.repeat(levels) + inner + close.repeat(levels);
const refusedTexts: Readonly<Record<string, string>> = {
  "100,000 levels of lists": nested(100_000, "[", "", "]"),
  "100,000 levels that never close": "[".repeat(100_000),
  "100,000 levels of objects": nested(100_000),
  "65 levels": nested(65),
  "64 levels in a list": `[${nested(64)}]`,
  "10,001 members": `{${Array.from({ length: 10_001 }, (_, n) => `"k${n}":0`).join()}}`,
  "100,001 values": `{"a":[${Array.from({ length: 100_001 }, () => 0).join()}]}`,
  "a member twice": '{"a":1,"a":2}',
  "a member twice, once escaped": '{"a":1,"\\u0061":2}',
  "a member twice, far inside": '{"a":[{"b":{"c":1,"d":2,"c":3}}]}',
  "1e999": '{"a":1e999}',
  "-1e999": '{"a":-1e999}',
  "2^53 + 1": '{"a":9007199254740993}',
  "a thousand digits": `{"a":${"9".repeat(1000)}}`,
  NaN: '{"a":NaN}',
  Infinity: '{"a":Infinity}',
  "a number in hex": '{"a":0x10}',
  "a leading zero": '{"a":01}',
  "a leading plus": '{"a":+1}',
  "half a surrogate pair": '{"a":"\\ud800"}',
  "the other half": '{"a":"\\udc00"}',
  "halves in the wrong order": '{"a":"\\udc00\\ud800"}',
  "half a pair in a name": '{"\\ud800":1}',
  "a NUL outside of a string": '{"a":1}\u0000',
  "a NUL in a string": '{"a":"\u0000"}',
  "a line feed in a string": '{"a":"\n"}',
  "bytes that are no UTF-8": '{"a":"RAW\u00ff\u00fe"}',
  "an overlong NUL": '{"a":"RAW\u00c0\u0080"}',
  "a second text": '{"a":1}{"a":2}',
  "a comma at the end": '{"a":1,}',
  "a remark": '{"a":1/*x*/}',
  "single quotes": "{'a':1}",
  "no quotes": "{a:1}",
  "a function": '{"a":function(){}}',
  nothing: "",
  "white space": "   ",
  "half of it": '{"a":',
};

test("OW-4 attack 21: JSON that is too deep, too broad, ambiguous, inexact or broken is refused before anything walks through it, from callers and in webhooks", async (t) => {
  const target = await openTarget(t);
  const { ask, port, auth, upstream } = target;
  const send = (text: string) =>
    text.includes("RAW")
      ? exchange(
          port,
          Buffer.from(
            sized(head(auth), text.replace("RAW", "")).replace(
              /Content-Length: \d+/,
              `Content-Length: ${text.length - 3}`,
            ),
            "latin1",
          ),
        )
      : ask("POST /orders/v1/echo", { body: text }).then((answer) => answer.text);
  const grown = await measured(async () => {
    for (const [what, text] of Object.entries(refusedTexts)) {
      const answer = await send(text);
      assert.ok([400, 413].includes(statuses(answer)[0]!), `${what}: ${answer.slice(0, 600)}`);
      assert.match(answer, /urn:mortise:error:json-(invalid|limit)/, what);
      if (text.includes("RAW")) continue;
      const webhook = await ask("POST /webhooks/shop", signed(text, `d-${what.replace(/\W/g, "-")}`));
      assert.ok([400, 413].includes(webhook.status), `webhook, ${what}: ${webhook.text}`);
    }
  });
  assert.ok(grown.stalledMs < 500, `the event loop stood still for ${grown.stalledMs} ms`);
  target.quiet();

  // What is allowed comes through as it is, to the last digit.
  const marked = await ask("POST /orders/v1/echo", { body: '\ufeff{"a":1}' });
  assert.equal(marked.status, 200, "a byte order mark says nothing, and is passed over (RFC 8259, section 8.1)");
  upstream.ledger.length = 0;
  const exact: readonly string[] = [
    nested(64),
    '{"a":9007199254740991,"b":-9007199254740991,"c":0.1,"d":1.5e-7}',
    '{"a":"\\u0000\\u001f\\u2028\ud83d\ude00\u00e9"}',
    '{"__proto__":{"a":1},"constructor":{"prototype":{"a":1}},"toString":1}',
    '{"a":[],"b":{},"c":null,"d":true,"":0}',
  ];
  for (const text of exact) {
    const answer = await ask("POST /orders/v1/echo", { body: text });
    assert.equal(answer.status, 200, text.slice(0, 100));
    const sent = upstream.ledger.splice(0)[0]!.body;
    assert.equal(JSON.stringify(JSON.parse(sent)), JSON.stringify(JSON.parse(text)), text);
    const back = Buffer.from(bodyOf(answer.text), "latin1").toString("utf8");
    assert.equal(JSON.stringify(JSON.parse(back)), JSON.stringify(JSON.parse(text)), text);
  }
  await target.works();
});

const names = [
  "__proto__",
  "constructor",
  "prototype",
  "toString",
  "valueOf",
  "hasOwnProperty",
  "__defineGetter__",
  "then",
];

/** Whether anything that was sent stands on all objects now. */
function unpolluted(): void {
  const object: Record<string, unknown> = {};
  for (const name of ["polluted", "a", "isAdmin", "scopes"]) assert.equal(object[name], undefined);
  assert.equal(([] as unknown as Record<string, unknown>).polluted, undefined);
  assert.deepEqual(Object.keys(Object.prototype), []);
}

/** Names that objects have anyway, wherever a name or a text comes from outside. */
async function prototypeNames(target: Target): Promise<void> {
  const { ask, admin, upstream } = target;
  for (const name of names) {
    const evil = { polluted: 1, isAdmin: true, scopes: ["operators"], prototype: { polluted: 1 } };
    const text = `{"${name}":${JSON.stringify(evil)},"inner":[{"${name}":{"polluted":1}}]}`;
    const echo = await ask("POST /orders/v1/echo", { body: text });
    assert.equal(echo.status, 200, name);
    assert.equal(bodyOf(echo.text), text, "it is data, and comes back as it went");
    // Runs that the loop before has started may book meanwhile.
    assert.equal(upstream.about("isAdmin").length, 1);
    assert.equal(upstream.about("isAdmin")[0]?.body, text);
    upstream.ledger.splice(upstream.ledger.indexOf(upstream.about("isAdmin")[0]!), 1);
    // Where the names are declared, these are not.
    const booked = await ask("POST /orders/v1/bookings", { body: `{"sku":"a","${name}":{"polluted":1}}` });
    assert.equal(booked.status, 400, name);
    const order = await ask("POST /orders/v1/orders", { body: `{"id":"a-${name}","${name}":1}` });
    assert.equal(order.status, 400, name);
    for (const query of [
      `${name}=1`,
      `${name}[polluted]=1`,
      `note=1&${name}.polluted=1`,
      `constructor[prototype][polluted]=1`,
    ])
      assert.equal((await ask(`GET /orders/v1/stock/a?${query}`)).status, 400, query);
    const headers = [`${name}: polluted`, `Cookie: ${name}=1`, `Idempotency-Key: "${name}"`];
    const path = await ask(`GET /orders/v1/stock/${name}`, { headers });
    assert.equal(path.status, 200);
    assert.equal(upstream.about(`/stock/${name}`).length, 1);
    assert.equal((await ask(`GET /orders/v1/orders/${name}`)).status, 404, name);
    assert.equal((await ask(`POST /webhooks/${name}`, { body: {} })).status, 404, name);
    assert.equal((await ask(`GET /${name}/v1`)).status, 404, name);
    assert.equal((await ask(`${name} /orders/v1/orders`, { body: {} })).status, 400, name);
    const event = await ask("POST /webhooks/shop", signed(`{"type":"${name}","order":"a"}`, `t-${name}`));
    assert.equal(event.status, 422, name);
    // Names of the server's own things, and filters of its lists.
    for (const at of [
      `/processes/${name}/start`,
      `/systems/${name}/health`,
      `/runs/${name}`,
      `/schedules/${name}/pause`,
    ]) {
      const answer = await admin(at, { [name]: 1 });
      assert.ok(answer.status >= 400 && answer.status < 500, `${at}: ${answer.status}`);
    }
    assert.ok((await admin(`/runs?process=${name}`)).status < 500);
    assert.equal((await admin(`/runs?${name}=1`)).status, 400);
    const consumer = await admin(`/consumers/${name}`, { plan: name });
    assert.ok(consumer.status < 500, `${name}: ${consumer.text}`);
    // A run whose business key it is: a key like any other.
    assert.equal((await ask("POST /orders/v1/orders", { body: { id: name } })).status, 202, name);
  }
  for (const name of names) {
    for (const end = Date.now() + 10_000; Date.now() < end && upstream.about(`"sku":"${name}"`).length === 0; )
      await new Promise((next) => setTimeout(next, 10));
    assert.equal(upstream.about(`"sku":"${name}"`).length, 1, "each order is booked once");
  }
  upstream.ledger.length = 0;
  unpolluted();
}

test("attack 25: names such as __proto__ are plain data, in JSON, queries, paths, headers, keys and names of the server's own things", async (t) => {
  const target = await openTarget(t);
  await prototypeNames(target);
  target.quiet();
  await target.works();
});

test("attack 25: the same in a process that has no __proto__ at all (--disable-proto=delete)", {
  skip: process.execArgv.includes("--disable-proto=delete"),
}, async () => {
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  const child = spawn(
    process.execPath,
    ["--disable-proto=delete", "--test-name-pattern=attack 25: names such as", import.meta.filename],
    { stdio: ["ignore", "pipe", "inherit"], env },
  );
  let text = "";
  child.stdout.on("data", (piece) => {
    text += piece;
  });
  const code = await new Promise((resolve) => child.once("close", resolve));
  assert.equal(code, 0, text);
  assert.match(text, /pass 1\b/, text);
});

test("attacks 14 and 15: a client that goes away in the middle of its body has nothing done for it", async (t) => {
  const target = await openTarget(t);
  const { port, auth } = target;
  const lines = Array.from({ length: 50 }, () =>
    openLine(port, message(`${head(auth)}\nContent-Length: 100`, '{"a":')),
  );
  await Promise.all(lines.map(({ socket }) => new Promise((resolve) => socket.once("connect", resolve))));
  for (const [at, { socket }] of lines.entries())
    if (at % 2 === 0) socket.resetAndDestroy();
    else socket.destroy();
  await Promise.all(lines.map(({ closed }) => closed));
  target.quiet();
  await target.works();
});
