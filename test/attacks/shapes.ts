/** Shapes of request smuggling: each has a second request where some reader of it would find one. */
import { message } from "./wire.ts";

export interface Shape {
  /** `auth`: the header of a caller who may do both; `at` names the case in both requests. */
  readonly bytes: (auth: string, at: number) => string;
  /** The first request is a proper one: it arrives, and has the hidden one for its body or is followed by what is no request. Default: refused. */
  readonly taken?: boolean;
}

/** A whole request by itself. */
export function hidden(auth: string, sku: string): string {
  const body = `{"sku":"${sku}."}`;
  return message(
    `POST /orders/v1/bookings HTTP/1.1\nHost: a\n${auth}\nContent-Type: application/json\nContent-Length: ${body.length}`,
    body,
  );
}

const shown = (at: number) => `{"sku":"shown-${at}."}`;
const start = (auth: string) => `POST /orders/v1/bookings HTTP/1.1\nHost: a\n${auth}\nContent-Type: application/json`;

/** Framing headers, then a body that ends early for one reader, with the hidden request behind its end. */
function headers(lines: string, body?: (json: string) => string): Shape {
  return {
    bytes: (auth, at) =>
      message(`${start(auth)}\n${lines.replaceAll("LEN", String(shown(at).length))}`, (body ?? plain)(shown(at))) +
      hidden(auth, `hidden-${at}`),
  };
}
const plain = (json: string) => json;
const chunked = (json: string) => `${json.length.toString(16)}\r\n${json}\r\n0\r\n\r\n`;

/** A chunked body, written as `body` writes it. */
function chunks(body: (json: string, size: string) => string): Shape {
  return headers("Transfer-Encoding: chunked", (json) => body(json, json.length.toString(16)));
}

/** The whole of it, with CR LF already in its place. */
function whole(bytes: Shape["bytes"], taken = false): Shape {
  return { bytes, ...(taken ? { taken } : {}) };
}

export const shapes: Readonly<Record<string, Shape>> = {
  "a length and chunks": headers("Content-Length: LEN\nTransfer-Encoding: chunked", chunked),
  "chunks and a length": headers("Transfer-Encoding: chunked\nContent-Length: LEN", chunked),
  "a length of 0 and chunks": headers("Content-Length: 0\nTransfer-Encoding: chunked", chunked),
  "two lengths": headers("Content-Length: LEN\nContent-Length: 1"),
  "two equal lengths": headers("Content-Length: LEN\nContent-Length: LEN"),
  "a length with a plus": headers("Content-Length: +LEN"),
  "a negative length": headers("Content-Length: -LEN"),
  "a length in hex": headers("Content-Length: 0x12"),
  "a length with a fraction": headers("Content-Length: LEN.0"),
  "a length with an exponent": headers("Content-Length: 1e1"),
  "a list of equal lengths": headers("Content-Length: LEN, LEN"),
  "a list of lengths": headers("Content-Length: LEN, 1"),
  "a length with a space in it": headers("Content-Length: 1 8"),
  "an empty length": headers("Content-Length: "),
  "a length beyond 64 bits": headers("Content-Length: 18446744073709551634"),
  "a length in other digits": headers("Content-Length: \u00b2\u00b9"),
  "a folded length": headers("Content-Length:\n LEN"),
  "a folded coding": headers("Transfer-Encoding:\n chunked", chunked),
  "a space before the colon of a length": headers("Content-Length : LEN"),
  "a tab before the colon of a coding": headers("Transfer-Encoding\t: chunked", chunked),
  "a NUL in the name of a coding": headers("Transfer-Encoding\0: chunked", chunked),
  "a header without a colon": headers("Content-Length LEN"),
  "a header without a name": headers(": x\nContent-Length: LEN"),
  "a bare CR in a header": headers("X: a\rContent-Length: LEN"),
  "a bare CR before the length": headers("Content-Length: \rLEN"),
  xchunked: headers("Transfer-Encoding: xchunked", chunked),
  "chunked in quotes": headers('Transfer-Encoding: "chunked"', chunked),
  "chunked with a parameter": headers("Transfer-Encoding: chunked;q=1", chunked),
  "chunked behind a vertical tab": headers("Transfer-Encoding: \x0bchunked", chunked),
  "chunked and a tab": headers("Transfer-Encoding: chunked \t", chunked),
  "chunked, identity": headers("Transfer-Encoding: chunked, identity", chunked),
  "identity, chunked": headers("Transfer-Encoding: identity, chunked", chunked),
  "gzip, chunked": headers("Transfer-Encoding: gzip, chunked", chunked),
  "chunked, chunked": headers("Transfer-Encoding: chunked, chunked", chunked),
  "identity and a length": headers("Transfer-Encoding: identity\nContent-Length: LEN"),
  "an empty coding and a length": headers("Transfer-Encoding: \nContent-Length: LEN"),
  "two codings": headers("Transfer-Encoding: chunked\nTransfer-Encoding: identity", chunked),
  "a chunk size that overflows": chunks((json) => `fffffffffffffffff\r\n${json}\r\n0\r\n\r\n`),
  "a chunk size that wraps around": chunks((json, size) => `1000000000000000${size}\r\n${json}\r\n0\r\n\r\n`),
  "a chunk size with a plus": chunks((json, size) => `+${size}\r\n${json}\r\n0\r\n\r\n`),
  "a negative chunk size": chunks((json, size) => `-${size}\r\n${json}\r\n0\r\n\r\n`),
  "a chunk size with 0x": chunks((json, size) => `0x${size}\r\n${json}\r\n0\r\n\r\n`),
  "a space before a chunk size": chunks((json, size) => ` ${size}\r\n${json}\r\n0\r\n\r\n`),
  "a bare LF behind a chunk size": chunks((json, size) => `${size}\n${json}\r\n0\r\n\r\n`),
  "a bare CR behind a chunk size": chunks((json, size) => `${size}\r${json}\r\n0\r\n\r\n`),
  "a bare LF in a chunk's extension": chunks((json, size) => `${size};a\n${json}\r\n0\r\n\r\n`),
  "a chunk without its end": chunks((json, size) => `${size}\r\n${json}0\r\n\r\n`),
  "a chunk that ends in a bare LF": chunks((json, size) => `${size}\r\n${json}\n0\r\n\r\n`),
  "an empty line for a chunk size": chunks((json) => `\r\n${json}\r\n0\r\n\r\n`),
  "a last chunk of other letters": chunks((json, size) => `${size}\r\n${json}\r\ng\r\n\r\n`),
  "trailers with a length": chunks((json, size) => `${size}\r\n${json}\r\n0\r\nContent-Length: 5\r\n\r\n`),
  "trailers with a coding": chunks((json, size) => `${size}\r\n${json}\r\n0\r\nTransfer-Encoding: chunked\r\n\r\n`),
  "chunks in HTTP/1.0": whole(
    (auth, at) =>
      message(`${start(auth).replace("HTTP/1.1", "HTTP/1.0")}\nTransfer-Encoding: chunked`, chunked(shown(at))) +
      hidden(auth, `hidden-${at}`),
  ),
  "bare line feeds": whole(
    (auth, at) => `${start(auth)}\nContent-Length: ${shown(at).length}\n\n${shown(at)}${hidden(auth, `hidden-${at}`)}`,
  ),
  "a bare line feed before the length": whole(
    (auth, at) =>
      message(`${start(auth)}\nX: a`).replace("X: a\r\n", `X: a\nContent-Length: ${shown(at).length}\r\n`) +
      shown(at) +
      hidden(auth, `hidden-${at}`),
  ),
  "a space before the first header": whole(
    (auth, at) =>
      message(`${start(auth).replace("Host", " X: y\nHost")}\nContent-Length: ${shown(at).length}`, shown(at)) +
      hidden(auth, `hidden-${at}`),
  ),
  ...Object.fromEntries(
    ["HTTP/2.0", "HTTP/1.2", "HTTP/11", "HTTP/1", "http/1.1", "HTTP/1.1 x", "HTTP /1.1", ""].map((version) => [
      `the version ${JSON.stringify(version)}`,
      whole(
        (auth, at) =>
          message(`${start(auth).replace("HTTP/1.1", version)}\nContent-Length: ${shown(at).length}`, shown(at)) +
          hidden(auth, `hidden-${at}`),
      ),
    ]),
  ),
  "a tab in the first line": whole(
    (auth, at) =>
      message(`${start(auth).replace("POST ", "POST\t")}\nContent-Length: ${shown(at).length}`, shown(at)) +
      hidden(auth, `hidden-${at}`),
  ),
  // What is proper: the first request counts, and what is hidden in its body stays its body.
  "the body of a GET": whole((auth, at) => {
    const body = hidden(auth, `hidden-${at}`);
    return message(
      `GET /orders/v1/stock/shown-${at}. HTTP/1.1\nHost: a\n${auth}\nContent-Length: ${body.length}`,
      body,
    );
  }, true),
  "the chunks of a GET": whole((auth, at) => {
    const body = hidden(auth, `hidden-${at}`);
    return message(
      `GET /orders/v1/stock/shown-${at}. HTTP/1.1\nHost: a\n${auth}\nTransfer-Encoding: chunked`,
      `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`,
    );
  }, true),
  "trailers that mean nothing any more": whole(
    (auth, at) =>
      message(
        `${start(auth)}\nTransfer-Encoding: chunked\nTrailer: Authorization`,
        `${shown(at).length.toString(16)}\r\n${shown(at)}\r\n0\r\nAuthorization: Bearer x\r\nHost: b\r\nX-Late: 1\r\n\r\n`,
      ),
    true,
  ),
  "an extension of a chunk": whole(
    (auth, at) =>
      message(
        `${start(auth)}\nTransfer-Encoding: chunked`,
        `${shown(at).length.toString(16)};a="b;c"\r\n${shown(at)}\r\n0\r\n\r\n`,
      ),
    true,
  ),
  "upper case and white space": whole(
    (auth, at) => message(`${start(auth)}\ntransfer-encoding:\t CHUNKED`, chunked(shown(at))),
    true,
  ),
  "an upgrade that nobody makes": whole(
    (auth, at) =>
      message(
        `${start(auth)}\nConnection: upgrade, close\nUpgrade: h2c\nContent-Length: ${shown(at).length}`,
        shown(at),
      ),
    true,
  ),
};
