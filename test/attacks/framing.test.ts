/**
 * Rows 12, 13, 16 and 17 over raw sockets: whatever two readers could cut apart differently. Each case has a second request hidden where one
 * of them would find it. One request in is at most one request out; the hidden one never reaches the system.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { hidden, shapes } from "./shapes.ts";
import { measured, openTarget } from "./target.ts";
import { codeOf, exchange, message, openLine, sized, statuses } from "./wire.ts";

const json = "Content-Type: application/json";

test("attack 12: in every shape of smuggling one request in is at most one out, and the hidden one is none", async (t) => {
  const target = await openTarget(t);
  // The control: where there really are two requests, both arrive. Without it a ledger that sees nothing would prove nothing.
  const two = hidden(target.auth, "control-a") + hidden(target.auth, "control-b");
  assert.deepEqual(statuses(await exchange(target.port, two)), [200, 200]);
  assert.equal(target.upstream.about("control").length, 2);
  target.upstream.ledger.length = 0;

  const cases = Object.entries(shapes);
  assert.ok(cases.length >= 40);
  const answers = await Promise.all(
    cases.map(async ([what, { bytes }], at) => [what, await exchange(target.port, bytes(target.auth, at))] as const),
  );
  answers.forEach(([what, text], at) => {
    const { taken = false } = shapes[what]!;
    assert.deepEqual(target.upstream.about(`hidden-${at}.`), [], `${what}: the hidden request arrived: ${text}`);
    assert.equal(target.upstream.about(`shown-${at}.`).length, taken ? 1 : 0, `${what}: ${text}`);
    const all = statuses(text);
    if (taken) assert.equal(all[0], 200, `${what}: ${text}`);
    else {
      assert.ok(all.length === 1 && all[0] !== undefined && all[0] >= 400 && all[0] < 500, `${what}: ${text}`);
      assert.match(text, /connection: close/i, what);
      assert.match(text, /application\/problem\+json/, what);
    }
  });
  target.upstream.ledger.length = 0;
  target.quiet();
  await target.works();
});

test("attack 12: what a caller writes never becomes a second request, a header or another path of the system's", async (t) => {
  const target = await openTarget(t);
  const { port, auth, upstream } = target;
  const smuggled = "x HTTP/1.1\r\nHost: a\r\n\r\nPOST /bookings HTTP/1.1\r\nContent-Length: 0\r\n\r\n";
  const encoded = encodeURIComponent(smuggled);
  const head = `HTTP/1.1\nHost: a\nConnection: close\n${auth}`;
  // Neither what came as a header nor how the connection was used goes on to the system.
  const own = [
    "Cookie: session=1",
    "X-Forwarded-For: 127.0.0.1",
    "TE: trailers",
    "Trailer: X-Late",
    "Proxy-Authorization: Basic eDp5",
    "Via: 1.1 evil",
    "X-Original-URL: /bookings",
    "Connection: close, Authorization, Idempotency-Key",
  ].join("\n");
  const refused = [
    `GET /orders/v1/stock/${encoded} ${head}`,
    `GET /orders/v1/stock/a?trace=${encoded} ${head}`,
    `GET /orders/v1/stock/a?trace=a%0d%0aX-Injected:%201 ${head}`,
    `GET /orders/v1/stock/a?trace=a%0aX-Injected:%201 ${head}`,
    `GET /orders/v1/stock/a?trace=a%00b ${head}`,
    `GET /orders/v1/stock/a?trace=%E5%98%8A%E5%98%8DX-Injected:1 ${head}`,
    `GET /orders/v1/stock/%2e%2e ${head}`,
    `GET /orders/v1/stock/..%2Fbookings ${head}`,
    `GET /orders/v1/stock/a%5C..%5Cb ${head}`,
  ];
  for (const each of refused) {
    const text = await exchange(port, message(each));
    assert.ok([400, 422].includes(statuses(text)[0]!), `${each}: ${text}`);
    assert.deepEqual(upstream.ledger, [], each);
  }
  const taken = [
    message(`GET /orders/v1/stock/a?note=${encoded} ${head}`),
    message(`GET /orders/v1/stock/a%3Fnote=b%23c%3Bd ${head}`),
    message(`GET /orders/v1/stock/a ${head.replace("Connection: close\n", "")}\n${own}`),
    sized(`POST /orders/v1/bookings ${head}\n${json}`, JSON.stringify({ sku: smuggled })),
    sized(`POST /orders/v1/bookings ${head}\n${json}`, JSON.stringify({ sku: "\u00e9\u{1f600}\u2028\u0000 \\r\\n" })),
  ];
  for (const each of taken) {
    const text = await exchange(port, Buffer.from(each, "utf8"));
    assert.deepEqual(statuses(text), [200], `${each}: ${text}`);
    assert.equal(upstream.ledger.length, 1, each);
    const [entry] = upstream.ledger.splice(0);
    assert.ok(
      entry!.target === "/bookings" || /^\/stock\/[^/?#;]*(\?note=[^&#]*)?$/.test(entry!.target),
      entry!.target,
    );
    assert.deepEqual(
      entry!.headers.map(([name]) => name.toLowerCase()).filter((name) => !expectedHeaders.has(name)),
      [],
      each,
    );
  }
  target.quiet();
  await target.works();
});

const expectedHeaders: ReadonlySet<string> = new Set([
  "host",
  "connection",
  "accept",
  "accept-encoding",
  "content-type",
  "content-length",
  "idempotency-key",
]);

/** Ways to write the address of the straight write, and of an operation that this caller may not use. */
const disguises = (path: string): readonly string[] => {
  const [base, last] = [path.slice(0, path.lastIndexOf("/")), path.slice(path.lastIndexOf("/") + 1)];
  return [
    `/${path}`,
    `${base}//${last}`,
    `${base}/./${last}`,
    `${base}/x/../${last}`,
    `${base}/%2e/${last}`,
    `${base}/x/%2e%2e/${last}`,
    `${base}/.%2E/${base.slice(1)}/${last}`,
    `${base}%2F${last}`,
    `${base}%5C${last}`,
    `${base}\\${last}`,
    `${base}/${last};x=1`,
    `${base};x/${last}`,
    `${base}/${last}/`,
    `${base}/${last}.`,
    `${base}/${last}%20`,
    `${base}/${last}%00`,
    `${base}/${last}%0a`,
    `${base}/${last.toUpperCase()}`,
    `${base.toUpperCase()}/${last}`,
    `${base}/%${last.charCodeAt(0).toString(16)}${last.slice(1)}`,
    `${base}/%25${last.charCodeAt(0).toString(16)}${last.slice(1)}`,
    `${base}/${last}#x`,
    `${base}/${last}%3fx`,
    `${base}/${last}%23`,
    `${base}/%u0062${last.slice(1)}`,
    `${base}/%c0%af${last}`,
    `${base}/${last}.json`,
    `${base}/*`,
    `${base}/:operation`,
    `${base}/${last[0]}\u00ad${last.slice(1)}`,
  ];
};

test("attack 13: whatever form a path, a method or a host has, policy and routing see the same, and nothing is reached that is not allowed", async (t) => {
  const target = await openTarget(t);
  const { port, auth } = target;
  const body = '{"sku":"disguised"}';
  const request = (line: string, ...headers: readonly string[]) =>
    sized([line, "Connection: close", json, ...headers].join("\n"), body);
  const never: string[] = [];
  for (const path of ["/orders/v1/bookings", "/orders/v1/purge"]) {
    // Without a key nothing may be reached; with one, not the operation whose scope it lacks.
    for (const disguise of [path, ...disguises(path)]) {
      never.push(request(`POST ${disguise} HTTP/1.1`, "Host: a"));
      if (path.endsWith("purge")) never.push(request(`POST ${disguise} HTTP/1.1`, "Host: a", auth));
    }
  }
  const write = "/orders/v1/bookings";
  never.push(
    request(`POST ${write} HTTP/1.1`, "Host: a", "Host: b", auth),
    request(`POST ${write} HTTP/1.1`, "Host: a", "hOST: a", auth),
    request(`POST ${write} HTTP/1.1`, auth),
    request(`POST http://evil${write} HTTP/1.1`, "Host: a", auth),
    request(`POST http://a${write} HTTP/1.1`, "Host: a", auth),
    request(`POST //evil${write} HTTP/1.1`, "Host: a", auth),
    request(`POST evil:80 HTTP/1.1`, "Host: a", auth),
    request(`POST * HTTP/1.1`, "Host: a", auth),
    request(`POST ?${write} HTTP/1.1`, "Host: a", auth),
    message(
      `POST ${write} HTTP/1.0\nHost: a\nTransfer-Encoding: chunked\n${json}\n${auth}`,
      `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`,
    ),
    // Nobody but the request line says what the method and the path are.
    request(`GET ${write} HTTP/1.1`, "Host: a", auth, "X-HTTP-Method-Override: POST"),
    request(`GET ${write} HTTP/1.1`, "Host: a", auth, "X-Method-Override: POST", "X-HTTP-Method: POST"),
    request(`GET ${write}?_method=POST HTTP/1.1`, "Host: a", auth),
    request(`PUT ${write} HTTP/1.1`, "Host: a", auth),
    request(`post ${write} HTTP/1.1`, "Host: a", auth),
    request(`POSTX ${write} HTTP/1.1`, "Host: a", auth),
    request(`QUERY ${write} HTTP/1.1`, "Host: a", auth),
    request(`TRACE ${write} HTTP/1.1`, "Host: a", auth),
    request(`POST /none HTTP/1.1`, "Host: a", auth, `X-Original-URL: ${write}`, `X-Rewrite-URL: ${write}`),
    request(`POST /none HTTP/1.1`, "Host: a", auth, "X-Forwarded-Prefix: /orders/v1", `X-Forwarded-Path: ${write}`),
  );
  const answers = await Promise.all(never.map((each) => exchange(port, Buffer.from(each, "utf8"))));
  answers.forEach((text, at) => {
    const [status = 0] = statuses(text);
    assert.ok(status >= 400 && status < 500 && status !== 408, `${never[at]}\n${text}`);
    assert.match(text, /application\/problem\+json/, never[at]);
  });
  target.quiet();
  // A letter that needed no encoding is the same letter: the same operation, by the same policy.
  const spelled = request("POST /orders/v1/%62ookings HTTP/1.1", "Host: a", auth);
  assert.deepEqual(statuses(await exchange(port, spelled)), [200]);
  assert.equal(target.upstream.ledger.splice(0).length, 1);
  await target.works();
});

test("attack 16: too many headers, headers and addresses that are too long, and ten thousand parameters are refused", async (t) => {
  const target = await openTarget(t);
  const { port, auth } = target;
  const head = `HTTP/1.1\nHost: a\nConnection: close\n${auth}`;
  const cases: Readonly<Record<string, readonly [string, number]>> = {
    "a header of 20 KB": [message(`GET /orders/v1/stock/a ${head}\nX: ${"a".repeat(20_000)}`), 431],
    "a name of 20 KB": [message(`GET /orders/v1/stock/a ${head}\n${"a".repeat(20_000)}: 1`), 431],
    "3,000 headers": [
      message(`GET /orders/v1/stock/a ${head}\n${Array.from({ length: 3000 }, () => "a: 1").join("\n")}`),
      431,
    ],
    "101 headers": [
      message(`GET /orders/v1/stock/a ${head}\n${Array.from({ length: 98 }, (_, n) => `a${n}: 1`).join("\n")}`),
      431,
    ],
    "an address of 64 KB": [message(`GET /orders/v1/stock/${"a".repeat(65_536)} ${head}`), 431],
    "an address of 3 KB": [message(`GET /orders/v1/stock/${"a".repeat(3000)} ${head}`), 400],
    "10,000 parameters": [
      message(`GET /orders/v1/stock/a?${Array.from({ length: 10_000 }, (_, n) => `a${n}=1`).join("&")} ${head}`),
      431,
    ],
    "300 parameters": [
      message(`GET /orders/v1/stock/a?${Array.from({ length: 300 }, () => "note=1").join("&")} ${head}`),
      400,
    ],
    "a parameter twice": [message(`GET /orders/v1/stock/a?note=1&note=2 ${head}`), 400],
    "the last header counts too": [
      message(
        `GET /orders/v1/stock/a HTTP/1.1\nHost: a\n${Array.from({ length: 97 }, (_, n) => `a${n}: 1`).join("\n")}\nAuthorization: Bearer wrong`,
      ),
      401,
    ],
    "trailers without end": [
      message(
        `POST /orders/v1/bookings ${head}\n${json}\nTransfer-Encoding: chunked`,
        `0\r\n${Array.from({ length: 3000 }, (_, n) => `X-${n}: ${"a".repeat(20)}\r\n`).join("")}\r\n`,
      ),
      431,
    ],
  };
  for (const [what, [bytes, status]] of Object.entries(cases))
    assert.equal(statuses(await exchange(port, bytes))[0], status, what);
  target.quiet();
  await target.works();
});

const preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/** Length, type, flags, stream: RFC 9113, section 4.1. */
function frame(type: number, flags: number, stream: number, payload = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

test("attack 17: HTTP/2 is off: its preface, its floods and an upgrade to it are refused or not noticed, and memory stays flat", async (t) => {
  const target = await openTarget(t);
  const { port, auth } = target;
  const settings = frame(4, 0, 0);
  const floods: Readonly<Record<string, Buffer>> = {
    "rapid reset": Buffer.concat(
      Array.from({ length: 5000 }, (_, n) => [
        frame(1, 5, n * 2 + 1, Buffer.from([0x82, 0x84, 0x86])),
        frame(3, 0, n * 2 + 1, Buffer.alloc(4)),
      ]).flat(),
    ),
    "CONTINUATION without end": Buffer.concat([
      frame(1, 1, 1, Buffer.from([0x82])),
      ...Array.from({ length: 5000 }, () => frame(9, 0, 1, Buffer.alloc(64, 0x40))),
    ]),
    "a header table of 4 GB": frame(4, 0, 0, Buffer.from([0, 1, 0xff, 0xff, 0xff, 0xff])),
    pings: Buffer.concat(Array.from({ length: 5000 }, () => frame(6, 0, 0, Buffer.alloc(8)))),
    "empty frames": Buffer.concat(Array.from({ length: 5000 }, () => frame(0, 0, 1))),
  };
  const grown = await measured(async () => {
    for (const [what, flood] of Object.entries(floods)) {
      const bytes = Buffer.concat([Buffer.from(preface), settings, flood]);
      const answers = await Promise.all(Array.from({ length: 20 }, () => exchange(port, bytes)));
      for (const text of answers) {
        assert.deepEqual(statuses(text), [400], what);
        assert.equal(codeOf(text), "request-malformed", what);
      }
    }
  });
  assert.ok(grown.bytes < 128 * 1_048_576, `${grown.bytes} bytes more`);
  const upgrade = message(
    `GET /orders/v1/stock/a HTTP/1.1\nHost: a\nConnection: Upgrade, HTTP2-Settings\nUpgrade: h2c\nHTTP2-Settings: AAMAAABkAAQAAP__\n${auth}`,
  );
  const line = openLine(port, upgrade + preface);
  const text = await line.closed;
  assert.ok(!text.includes("101 "), text);
  assert.ok([200, 400].includes(statuses(text)[0]!), text);
  target.upstream.ledger.length = 0;
  const websocket = message(
    `GET /orders/v1/stock/a HTTP/1.1\nHost: a\nConnection: Upgrade\nUpgrade: websocket\nSec-WebSocket-Version: 13\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==`,
  );
  assert.deepEqual(statuses(await exchange(port, websocket)), [401], "no protocol goes round the policy");
  target.quiet();
  await target.works();
});
