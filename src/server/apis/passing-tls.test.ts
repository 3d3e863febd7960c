/** What breaks off over TLS, where a connection can end in more ways than one: by its own last word, by that of TCP alone, and by a reset. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { text } from "node:stream/consumers";
import { test } from "node:test";
import { type TLSSocket, connect as tlsConnect } from "node:tls";
import { authority, block, blocks, pdf, type Served, serve, until } from "./test-passing.ts";

interface Line {
  readonly secure: TLSSocket;
  readonly tcp: Socket;
}

/** A connection over TLS whose lower half the test can break. */
async function open({ port }: Pick<Served, "port">, ALPNProtocols?: string[]): Promise<Line> {
  const tcp = connect(port, "127.0.0.1");
  tcp.on("error", () => {});
  await once(tcp, "connect");
  const more = ALPNProtocols === undefined ? {} : { ALPNProtocols };
  const secure = tlsConnect({ socket: tcp, ca: authority, servername: "localhost", ...more });
  await once(secure, "secureConnect");
  return { secure, tcp };
}

const waysToLeave: Readonly<Record<string, (line: Line) => void>> = {
  "ends TLS": ({ secure }) => void secure.end(),
  "is gone": ({ secure }) => void secure.destroy(),
  "ends TCP alone": ({ tcp }) => void tcp.end(),
  resets: ({ tcp }) => void tcp.resetAndDestroy(),
};

for (const [how, leave] of Object.entries(waysToLeave)) {
  test(`over TLS a client that ${how} in the middle of a download ends it at the system too`, async () => {
    await using served = await serve({ tls: true, silenceMs: 60_000 });
    let closed = false;
    served.answer = (_, response) => {
      response.writeHead(200, pdf).on("close", () => {
        closed = true;
      });
      blocks(1_000_000).pipe(response);
    };
    const line = await open(served);
    line.secure.on("error", () => {});
    line.secure.write(`GET /v1/files/7 HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${served.key}\r\n\r\n`);
    await once(line.secure, "data");
    leave(line);
    await until(() => closed);
    await until(() => served.taken() === 0);
    line.tcp.destroy();
  });

  test(`over TLS a client that ${how} in the middle of an upload cuts it off at the system, which sees no end of it`, async () => {
    await using served = await serve({ tls: true, silenceMs: 60_000 });
    let ended = false;
    served.answer = (request) =>
      request.resume().on("end", () => {
        ended = true;
      });
    for (const framing of ["content-length: 1000000", "transfer-encoding: chunked"]) {
      served.seen.length = 0;
      const line = await open(served);
      line.secure.on("error", () => {});
      line.secure.write(
        `PUT /v1/files/7 HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${served.key}\r\ncontent-type: application/octet-stream\r\n${framing}\r\n\r\n5\r\nropes\r\n`,
      );
      await until(() => served.seen.length === 1);
      leave(line);
      await until(() => served.seen[0] === "/files/7 cut off");
      await until(() => served.taken() === 0);
      assert.equal(ended, false);
      line.tcp.destroy();
    }
  });
}

test("over TLS a download that breaks off looks whole to nobody: chunked, with a length, and HTTP/1.0, where the end of the connection is the end of the body", async () => {
  await using served = await serve({ tls: true });
  const ask = async (version: string): Promise<Line> => {
    const line = await open(served, [`http/${version}`]);
    line.secure.write(`GET /v1/files/7 HTTP/${version}\r\nhost: x\r\nauthorization: Bearer ${served.key}\r\n\r\n`);
    return line;
  };
  const breaking = (headers: object) => {
    served.answer = (_, response) => {
      response.writeHead(200, { ...pdf, ...headers });
      response.write(block, () => setTimeout(() => response.destroy(), 20));
    };
  };
  breaking({});
  const chunked = await text((await ask("1.1")).secure);
  assert.match(chunked, /^HTTP\/1\.1 200 [\s\S]*rope rope/);
  assert.ok(!chunked.endsWith("0\r\n\r\n"), "the last chunk was not sent");
  breaking({ "content-length": String(3 * block.length) });
  const sized = await text((await ask("1.1")).secure);
  assert.match(sized, new RegExp(`^HTTP/1\\.1 200 [\\s\\S]*content-length: ${3 * block.length}`, "i"));
  assert.ok(sized.length < 3 * block.length);
  breaking({});
  const old = await ask("1.0");
  assert.equal(old.secure.alpnProtocol, "http/1.0");
  const [error] = (await once(old.secure.resume(), "error")) as [NodeJS.ErrnoException];
  assert.equal(error.code, "ECONNRESET");
  await until(() => served.taken() === 0);
  // And one that is whole ends as it should.
  served.answer = (_, response) => void response.writeHead(200, pdf).end("rope");
  assert.match(await text((await ask("1.0")).secure), /^HTTP\/1\.1 200 [\s\S]*\r\n\r\nrope$/);
});
