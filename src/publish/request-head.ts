/** Reads the head of a request strictly, and its body within a limit. See L1 and L2 in listener.ts. */
import type { IncomingMessage } from "node:http";
import { TLSSocket } from "node:tls";
import { failure } from "../errors.ts";
import { Pieces } from "../outbound/pieces.ts";
import { bareRecord } from "./bare.ts";
import { clientCertificate } from "./client-certificate.ts";
import type { HttpRequest } from "./http.ts";
import type { Wire } from "./streams/body.ts";

/** Headers that mean different things to different readers when they are repeated. */
const single: ReadonlySet<string> = new Set([
  "host",
  "content-length",
  "content-type",
  "content-encoding",
  "transfer-encoding",
  "authorization",
  "x-api-key",
  "idempotency-key",
  "client-cert",
  "webhook-id",
  "webhook-timestamp",
  "webhook-signature",
]);

/**
 * What no target may hold (RFC 9112, section 3.2), of what the parser lets through: a fragment is the client's own, and the rest is what a URL
 * parser encodes too. What it leaves in a query (`[`, `]`, `{`, `}`, `|`, `^`, a backslash, a backtick) is data to everybody, and is taken.
 */
const foreign = /[^!$-;=?-~]/;

type Plain = Omit<HttpRequest, "id" | "memory" | "wire" | "body">;
type Head = { -readonly [K in keyof Plain]: Plain[K] };

/** The head as a plain value, or a refusal. */
export function checkedHead(req: IncomingMessage, maxHeaders: number, proxies: ReadonlySet<string>): Plain {
  // The parser takes HTTP/0.9 and 2.0 too, and answers neither.
  if (req.httpVersion !== "1.1" && req.httpVersion !== "1.0") throw refused("only HTTP/1.1 and HTTP/1.0 are served");
  const raw = req.rawHeaders;
  if (raw.length > maxHeaders * 2) throw failure("headers-too-large", { limit: `${maxHeaders} headers` });
  const headers = bareRecord<string>();
  for (let at = 0; at < raw.length; at += 2) {
    const name = (raw[at] as string).toLowerCase();
    const value = raw[at + 1] as string;
    const before = headers[name];
    if (before === undefined) headers[name] = value;
    else if (single.has(name)) throw refused(`the header ${name} is repeated`);
    else headers[name] = `${before}, ${value}`;
  }
  if (headers.host === undefined && req.httpVersion !== "1.0") throw refused("there is no Host header");
  const coding = headers["transfer-encoding"];
  if (coding !== undefined) {
    if (req.httpVersion === "1.0") throw refused("HTTP/1.0 has no Transfer-Encoding");
    if (coding.toLowerCase() !== "chunked") throw refused("the only Transfer-Encoding served is chunked");
    if (headers["content-length"] !== undefined)
      throw refused("Transfer-Encoding and Content-Length contradict each other");
  }
  const target = req.url ?? "";
  if (target[0] !== "/") throw refused("the target must be a path");
  if (foreign.test(target)) throw refused("the target holds a character that must be percent-encoded");
  const cut = target.indexOf("?");
  const certificate = clientCertificate(req.socket, headers, proxies);
  // What most requests don't have is added after: in clear all of them are of one shape.
  const head: Head = {
    method: req.method ?? "GET",
    path: cut < 0 ? target : target.slice(0, cut),
    query: cut < 0 ? "" : target.slice(cut + 1),
    headers,
    address: req.socket.remoteAddress ?? "",
  };
  if (req.socket instanceof TLSSocket) head.secure = true;
  if (certificate !== undefined) head.certificate = certificate;
  return head;
}

export function readBody(
  req: IncomingMessage,
  headers: Readonly<Record<string, string>>,
  limit: number,
  wire: Pick<Wire, "continues" | "res" | "cut" | "onCut">,
): Promise<Uint8Array> {
  const declared = headers["content-length"];
  if (declared === undefined && headers["transfer-encoding"] === undefined) return Promise.resolve(empty);
  const length = declared === undefined ? undefined : Number(declared);
  if (length !== undefined && length > limit) return Promise.reject(failure("body-too-large", { limit }));
  if (length === 0) return Promise.resolve(empty);
  if (wire.cut !== undefined) return Promise.reject(wire.cut);
  return new Promise((resolve, reject) => {
    const pieces = new Pieces();
    req.on("data", (chunk: Buffer) => {
      if (pieces.size + chunk.length <= limit) {
        pieces.add(chunk);
        return;
      }
      req.removeAllListeners("data");
      reject(failure("body-too-large", { limit }));
    });
    req.once("end", () => resolve(pieces.whole()));
    const cut = () => {
      if (!req.readableEnded) reject(refused("the connection ended before the body did"));
    };
    req.once("error", cut);
    req.once("close", cut);
    wire.onCut = reject;
    if (wire.continues) wire.res.writeContinue();
  });
}

const empty = new Uint8Array(0);

function refused(reason: string): Error {
  return failure("request-malformed", { reason });
}
