/**
 * What comes in clear to a port with TLS (OA2-7; draft-ietf-httpapi-privacy, section 4): told from a handshake by its first byte, and answered
 * with one refusal. It is never led on to https: a client that is led on sends its credential in clear the next time, too. What it sent
 * was there to read for whoever stood between, so the request is handed on for its credential to be noted; nothing else is done with it.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Server as TlsServer } from "node:https";
import type { Socket } from "node:net";
import { failure } from "../errors.ts";
import { createServer } from "../http.ts";
import type { HttpRequest, HttpResponse } from "./http.ts";
import { isLingering, linger } from "./linger.ts";
import { problemResponse } from "./problem.ts";
import { checkedHead } from "./request-head.ts";

export interface ClearOptions {
  /** Request line and headers together, in bytes. */
  readonly maxHeaderSize: number;
  readonly maxHeaders: number;
  /** Milliseconds until the first byte is here, and again until the head is. */
  readonly headersMs: number;
  readonly ids: () => string;
  readonly send: (req: IncomingMessage, res: ServerResponse, answer: HttpResponse, id: string) => void;
  /** Told of each request that came in clear. Its body is not read. */
  readonly told: ((request: HttpRequest) => void) | undefined;
}

const noProxies: ReadonlySet<string> = new Set();

/** Puts itself between the server's connections and their handshakes. */
export function screenClear(server: TlsServer, options: ClearOptions): void {
  const { ids, headersMs } = options;
  // It never listens, so Node's own timers for heads don't run in it: each connection has one of ours.
  const clear = createServer({ maxHeaderSize: options.maxHeaderSize, insecureHTTPParser: false, keepAlive: false });
  clear.maxHeadersCount = 0;
  clear.on("clientError", (_error, socket) => {
    if (!isLingering(socket as Socket)) socket.destroy();
  });
  const refuse = (req: IncomingMessage, res: ServerResponse) => {
    const id = ids();
    let answer = problemResponse(failure("tls-required", {}), id);
    try {
      const head = checkedHead(req, options.maxHeaders, noProxies);
      const body = () => Promise.reject(failure("tls-required", {}));
      options.told?.({ ...head, id, secure: false, body });
    } catch (error) {
      answer = problemResponse(error, id);
    }
    req.socket.destroySoon = () => linger(req.socket, headersMs);
    options.send(req, res, answer, id);
  };
  for (const event of ["request", "checkContinue", "checkExpectation"] as const) clear.on(event, refuse);
  for (const event of ["connect", "upgrade"] as const) clear.on(event, (_req, socket: Socket) => socket.destroy());

  // Node documents that a "connection" of a TLS server is what begins its handshake, also one that is handed to it.
  const handshakes = server.listeners("connection") as ((socket: Socket) => void)[];
  server.removeAllListeners("connection");
  server.on("connection", (socket: Socket) => {
    const timer = setTimeout(() => socket.destroy(), headersMs);
    socket.once("close", () => clearTimeout(timer));
    socket.on("error", () => {}); // it closes with it, and nobody is to be told
    socket.once("readable", () => {
      const first = socket.read() as Buffer | null;
      if (first === null) {
        socket.destroy();
        return;
      }
      socket.unshift(first);
      if (isLetter(first[0])) {
        timer.refresh();
        clear.emit("connection", socket);
        return;
      }
      clearTimeout(timer);
      for (const handshake of handshakes) handshake.call(server, socket);
    });
  });
}

/** A request line begins with a method. A handshake begins with 22, SSL 2 with 128 or more. */
function isLetter(byte = 0): boolean {
  const upper = byte & 0xdf;
  return upper >= 0x41 && upper <= 0x5a;
}
