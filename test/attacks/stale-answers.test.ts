/** Row 34 through the whole server: what a system sends behind, before or instead of its answer is nobody's answer. */
import assert from "node:assert/strict";
import type { Socket } from "node:net";
import { test } from "node:test";
import { openTarget } from "./target.ts";
import { answering, type Entry, usual } from "./upstream.ts";
import { bodyOf } from "./wire.ts";

type Lie = (entry: Entry, socket: Socket) => void;
const stale = '{"onHand":666}';
const honest = (entry: Entry) => Buffer.from(usual(entry));
const lies: Readonly<Record<string, Lie>> = {
  "a second answer": (entry, socket) => void socket.write(Buffer.concat([honest(entry), answering("200 OK", stale)])),
  "bytes behind the answer": (entry, socket) => void socket.write(Buffer.concat([honest(entry), Buffer.from(stale)])),
  "half a head behind the answer": (entry, socket) =>
    void socket.write(
      Buffer.concat([honest(entry), Buffer.from("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n")]),
    ),
  "a length that is too short": (_, socket) =>
    void socket.write(
      Buffer.from(
        answering("200 OK", '{"onHand":7}')
          .toString()
          .replace(/length: \d+/, "length: 5"),
      ),
    ),
  "a length that is too long": (_, socket) =>
    void socket.write(
      Buffer.from(
        answering("200 OK", '{"onHand":7}')
          .toString()
          .replace(/length: \d+/, "length: 5000"),
      ),
    ),
  "two lengths": (_, socket) => void socket.write(answering("200 OK", '{"onHand":7}', "content-length: 5\r\n")),
  "a length and chunks": (_, socket) =>
    void socket.write(answering("200 OK", '{"onHand":7}', "transfer-encoding: chunked\r\n")),
  "no length, and a second answer": (_, socket) =>
    void socket.end(
      `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n{"onHand":7}HTTP/1.1 200 OK\r\n\r\n${stale}`,
    ),
  "an interim answer and a second one": (entry, socket) =>
    void socket.write(
      Buffer.concat([Buffer.from("HTTP/1.1 100 Continue\r\n\r\n"), honest(entry), answering("200 OK", stale)]),
    ),
  "interim answers without end": (_, socket) => {
    const timer = setInterval(() => socket.write("HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n".repeat(100)), 1);
    socket.on("close", () => clearInterval(timer));
  },
  "a header without end": (_, socket) => {
    socket.write("HTTP/1.1 200 OK\r\nx: ");
    const timer = setInterval(() => socket.write("y".repeat(100_000)), 1);
    socket.on("close", () => clearInterval(timer));
  },
  "ten thousand headers": (_, socket) =>
    void socket.write(answering("200 OK", stale, Array.from({ length: 10_000 }, (_, n) => `x${n}: 1\r\n`).join(""))),
  "an upgrade": (_, socket) =>
    void socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n${answering("200 OK", stale)}`,
    ),
  "no content with content": (_, socket) =>
    void socket.write(`HTTP/1.1 204 No Content\r\n\r\n${answering("200 OK", stale)}`),
  "not modified with content": (_, socket) =>
    void socket.write(`HTTP/1.1 304 Not Modified\r\ncontent-length: 0\r\n\r\n${answering("200 OK", stale)}`),
};

test("attack 34: whatever a system sends behind, before or instead of its answer, no later call gets it", async (t) => {
  const target = await openTarget(t, { system: 'timeout: "1s"' });
  const { upstream } = target;
  for (const [what, lie] of Object.entries(lies)) {
    upstream.lie = (entry, socket) =>
      entry.target.includes("lied")
        ? lie(entry, socket)
        : void socket.write(answering("200 OK", `{"onHand":${entry.target.split("-")[1]}}`));
    // A connection that is open already, as a gateway's are; then the lie on it, and many honest calls behind it.
    await target.ask("GET /orders/v1/stock/ok-1");
    const lied = await target.ask("GET /orders/v1/stock/lied");
    assert.ok([200, 502, 503, 504].includes(lied.status), `${what}: ${lied.text}`);
    assert.ok(!lied.text.includes("666"), what);
    const skus = Array.from({ length: 12 }, (_, n) => n + 100);
    const later = await Promise.all([
      ...skus.slice(0, 6).map((n) => target.ask(`GET /orders/v1/stock/ok-${n}`)),
      ...skus.slice(6).map((n) => target.ask(`GET /orders/v1/stock/ok-${n}`)),
    ]);
    later.forEach((answer, at) => {
      assert.equal(answer.status, 200, `${what}: ${answer.text}`);
      assert.equal(bodyOf(answer.text), `{"onHand":${skus[at]}}`, what);
    });
  }
  // While nothing is asked, nothing is an answer: the connection is given up. (What comes once the next request has left is that request's answer, whoever meant it for
  // another: no client can tell.)
  let idle: Socket | undefined;
  upstream.lie = (entry, socket) => {
    idle = socket;
    socket.write(honest(entry));
  };
  assert.equal((await target.ask("GET /orders/v1/stock/lied")).status, 200);
  const ended = new Promise((resolve) => idle!.once("close", resolve));
  idle!.write(answering("200 OK", stale));
  await ended;
  upstream.lie = undefined;
  assert.equal(bodyOf((await target.ask("GET /orders/v1/stock/a")).text), '{"onHand":7}');
  upstream.ledger.length = 0;
  target.quiet();
  await target.works();
});
