/** Row 15 over raw sockets: clients that take their time. Each wait has an end, and nobody else waits for them. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { openTarget } from "./target.ts";
import { answering } from "./upstream.ts";
import { codeOf, type Line, message, openLine, sized, statuses } from "./wire.ts";

/** Sends one piece after the other; stops where the connection ends. */
function drip(port: number, first: string, piece: (n: number) => string, everyMs: number): Promise<string> {
  const line = openLine(port, first);
  let n = 0;
  const timer = setInterval(() => line.socket.write(piece(n++)), everyMs);
  return line.closed.finally(() => clearInterval(timer));
}

function close(lines: readonly Line[]): void {
  for (const { socket } of lines) socket.destroy();
}

/** Milliseconds until `closed`. */
async function lasted(closed: Promise<string>): Promise<readonly [text: string, ms: number]> {
  const begun = performance.now();
  return [await closed, performance.now() - begun];
}

test("attack 15: slow heads, slow bodies, silence and idle connections are ended by their deadlines", async (t) => {
  const target = await openTarget(t);
  const { port, auth } = target;
  const post = `POST /orders/v1/bookings HTTP/1.1\nHost: a\nContent-Type: application/json\n${auth}`;
  const valid = message(`GET /orders/v1/stock/idle HTTP/1.1\nHost: a\n${auth}`);
  // A second and a half for a head, two for a whole request, 200 ms (and up to a second of Node's own) between two.
  const cases: Readonly<
    Record<string, { readonly closed: Promise<string>; readonly status: number; readonly ms: number }>
  > = {
    "nothing at all": { closed: openLine(port).closed, status: 408, ms: 1500 },
    "one byte": { closed: openLine(port, "P").closed, status: 408, ms: 1500 },
    "half a head": { closed: openLine(port, "GET / HTTP/1.1\r\nHost: a\r\nX: ").closed, status: 408, ms: 1500 },
    "a head, byte for byte": { closed: drip(port, "GET / HTTP/1.1\r\nX: ", () => "a", 50), status: 408, ms: 1500 },
    "headers without end": {
      closed: drip(port, "GET / HTTP/1.1\r\n", (n) => `X-${n}: a\r\n`, 50),
      status: 408,
      ms: 1500,
    },
    "empty lines": { closed: drip(port, "", () => "\r\n", 50), status: 408, ms: 1500 },
    "a body, byte for byte": {
      closed: drip(port, message(`${post}\nContent-Length: 1000`), () => " ", 50),
      status: 408,
      ms: 2000,
    },
    "chunks, byte for byte": {
      closed: drip(port, message(`${post}\nTransfer-Encoding: chunked`), () => "1\r\n \r\n", 50),
      status: 408,
      ms: 2000,
    },
    "a body that never begins": {
      closed: openLine(port, message(`${post}\nContent-Length: 10`)).closed,
      status: 408,
      ms: 2000,
    },
    "a second head, byte for byte": {
      closed: drip(port, `${valid}GET / HTTP/1.1\r\nX: `, () => "a", 50),
      status: 200,
      ms: 1500,
    },
    "an idle connection": { closed: openLine(port, valid).closed, status: 200, ms: 200 },
  };
  const measured = await Promise.all(
    Object.entries(cases).map(async ([what, { closed }]) => [what, ...(await lasted(closed))] as const),
  );
  for (const [what, text, ms] of measured) {
    const { status, ms: least } = cases[what]!;
    if (status === 408 && text !== "") assert.equal(codeOf(text), "request-timeout", what);
    if (status === 200) assert.equal(statuses(text)[0], 200, what);
    assert.ok(
      statuses(text).every((one) => one === status || one === 408),
      `${what}: ${text}`,
    );
    assert.ok(ms >= least * 0.9 && ms < least + 2500, `${what}: ${ms} ms`);
  }
  target.upstream.ledger.splice(0).every(({ target: path }) => assert.equal(path, "/stock/idle"));
  target.quiet();
  await target.works();
});

test("attack 15: a client that does not read its answer is cut off, and what it holds is given back", async (t) => {
  const target = await openTarget(t, {
    // Answers larger than what the kernel takes at once.
    system: "maxResponseBytes: 8388608",
  });
  const { port, auth, upstream } = target;
  const large = answering("200 OK", `{"a":"${"x".repeat(7 * 1_048_576)}"}`);
  upstream.lie = ({ target: path }, socket) =>
    void socket.write(path === "/echo" ? large : answering("200 OK", '{"onHand":7}'));
  const lines = Array.from({ length: 8 }, () => {
    const line = openLine(
      port,
      sized(`POST /orders/v1/echo HTTP/1.1\nHost: a\nContent-Type: application/json\n${auth}`, "{}"),
    );
    line.socket.pause();
    return line;
  });
  const serve = async (done: () => boolean) => {
    while (!done()) {
      assert.equal((await target.ask("GET /orders/v1/stock/a")).status, 200, "others are served meanwhile");
      await new Promise((next) => setTimeout(next, 20));
    }
  };
  // From then on the answers are made, and wait to be read.
  await serve(() => target.lines.filter((text) => text.includes('"operation":"echo"')).length === lines.length);
  // An answer may take two seconds to be read; more than that is over.
  const over = performance.now() + 3500;
  await serve(() => performance.now() > over);
  for (const { socket } of lines) socket.resume();
  const texts = await Promise.all(lines.map(({ closed }) => closed));
  for (const text of texts) assert.ok(text.length < 7 * 1_048_576, "cut off");
  upstream.lie = undefined;
  upstream.ledger.length = 0;
  target.quiet();
  await target.works();
});

test("attack 15: fifteen hundred idle connections stop nobody, and one more than the limit is closed at once", async (t) => {
  const idle = 1500;
  const target = await openTarget(t, {
    config: `limits: { headersTimeout: "2m", requestTimeout: "2m", connections: ${idle + 20}, connectionsPerAddress: 5000 }`,
  });
  const { port } = target;
  const times = async () => {
    const list: number[] = [];
    for (let n = 0; n < 40; n += 1) {
      const begun = performance.now();
      assert.equal((await target.ask("GET /orders/v1/stock/a")).status, 200);
      list.push(performance.now() - begun);
    }
    return list.toSorted((a, b) => a - b)[37]!;
  };
  const before = await times();
  const lines: Line[] = [];
  t.after(() => close(lines));
  // A few hundred at a time, each lot with a request behind it: the kernel's own line is shorter than all of them.
  while (lines.length < idle) {
    const lot = Array.from({ length: 250 }, (_, n) => openLine(port, n % 2 === 0 ? "" : "GET / HTTP/1.1\r\nX: "));
    lines.push(...lot);
    await Promise.all(lot.map(({ socket }) => new Promise((resolve) => socket.once("connect", resolve))));
    assert.equal((await target.ask("GET /orders/v1/stock/a")).status, 200);
  }
  const after = await times();
  assert.ok(after < before + 250, `${before} ms, then ${after} ms`);
  const over = Array.from({ length: 60 }, () => openLine(port));
  t.after(() => close(over));
  let refused = 0;
  await new Promise<void>((resolve) => {
    for (const { closed } of over)
      void closed.then((text) => {
        assert.equal(text, "", "refused without a word");
        refused += 1;
        if (refused === 40) resolve();
      });
  });
  for (const { socket } of [...lines, ...over]) socket.destroy();
  await Promise.all([...lines, ...over].map((line) => line.closed));
  target.upstream.ledger.length = 0;
  target.quiet();
  await target.works();
});

test("attack 15: the connections of one address are counted, and the next one is closed at once", async (t) => {
  const target = await openTarget(t, { config: "limits: { connectionsPerAddress: 20 }" });
  const lines = Array.from({ length: 20 }, () => openLine(target.port));
  await Promise.all(lines.map(({ socket }) => new Promise((resolve) => socket.once("connect", resolve))));
  t.after(() => close(lines));
  assert.equal(await openLine(target.port).closed, "");
  for (const { socket } of lines) socket.destroy();
  await Promise.all(lines.map(({ closed }) => closed));
  for (let served = 0; served === 0; )
    served = (await target.ask("GET /orders/v1/stock/a").catch(() => ({ status: 0 }))).status;
  target.upstream.ledger.length = 0;
  target.quiet();
  await target.works();
});
