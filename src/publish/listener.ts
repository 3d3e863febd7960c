/**
 * The hardened HTTP listener: node:http around a plain handler, with the limits that Node leaves open. Used for the
 * published APIs and for the admin API.
 *
 *  L1  What two readers could understand differently is refused: repeated Host and other single headers, absolute-form and
 *      authority-form targets, Transfer-Encoding in HTTP/1.0 or other than `chunked`, more than `maxHeaders` headers
 *      (Node would hide the rest).
 *  L2  No body is read before the handler asks for it; then at most the limit is kept, whatever was declared.
 *  L3  Every wait has an end: headers, whole request, idle connection, and a client that does not read its answer.
 *  L4  Every refusal is a problem (RFC 9457), also where there was no request yet, and reaches a client that is still writing (linger.ts).
 */
import { randomBytes } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer as createTlsServer, Server as TlsServer } from "node:https";
import type { AddressInfo, Socket } from "node:net";
import type { Duplex } from "node:stream";
import { TLSSocket } from "node:tls";
import { failure, type MortiseError } from "../errors.ts";
import { createServer } from "../http.ts";
import { rememberBelow } from "./below-tls.ts";
import { screenClear } from "./clear.ts";
import type { ConnectionMemory, HttpHandler, HttpRequest, HttpResponse } from "./http.ts";
import { addressBucket } from "./limits/address.ts";
import { deafen, giveUpLater, isLingering, linger } from "./linger.ts";
import { problemResponse, rawProblem } from "./problem.ts";
import { checkedHead, readBody } from "./request-head.ts";
import { cutBody, type Wire } from "./streams/body.ts";
import { sendStream } from "./streams/send.ts";
import { type TlsOptions, tlsOptions, watchTls } from "./tls.ts";

export interface ListenerOptions {
  /** Default `127.0.0.1`. */
  readonly host?: string;
  /** 0: any free one. */
  readonly port: number;
  /** Request line and headers together, in bytes. Default 16384. */
  readonly maxHeaderBytes?: number;
  /** Default 100. */
  readonly maxHeaders?: number;
  /** Milliseconds until the headers are here. Default 10000. */
  readonly headersTimeoutMs?: number;
  /** Milliseconds until the whole request is here; also how long an answer may take to be read. Default 30000. */
  readonly bodyTimeoutMs?: number;
  /** Milliseconds that an idle connection is kept. Default 5000. */
  readonly keepAliveMs?: number;
  /** Connections in total. Default 5000; the next is closed at once. */
  readonly maxConnections?: number;
  /** Connections from one address, or one IPv6 /64 network. Default 100. Raise it behind a proxy: all callers then have its address. */
  readonly maxConnectionsPerAddress?: number;
  /** TLS with these files. Default: none, in clear. */
  readonly tls?: TlsOptions;
  /** Addresses of proxies whose `Client-Cert` is believed (RFC 9440). Default: none. */
  readonly certificateProxies?: ReadonlySet<string>;
  /** Of a port with TLS: told of each request that came in clear, and was refused. Default: nothing. */
  readonly onClear?: (request: HttpRequest) => void;
  /** Told of what a handler throws; never sees a refusal. Default: nothing. */
  readonly onError?: (error: unknown, request: HttpRequest) => void;
}

export interface Listener {
  /** `http://127.0.0.1:8080` */
  readonly url: string;
  readonly port: number;
  /** Looks at the files of TLS now, and not in a few seconds. */
  renewTls(): void;
  /** Requests that are being answered. */
  readonly inFlight: number;
  /**
   * Stops accepting, closes idle connections, lets what is in flight end with `Connection: close`, and after `graceMs`
   * destroys the rest. Resolves when no connection is left.
   */
  close(graceMs: number): Promise<void>;
}

/** Where the options say nothing. Times in milliseconds; headers together with the request line in bytes. */
export const listenerDefaults = Object.freeze({
  headers: 100,
  headerBytes: 16_384,
  headersMs: 10_000,
  bodyMs: 30_000,
  keepAliveMs: 5_000,
  connections: 5_000,
  perAddress: 100,
});

const contentPolicy = "default-src 'none'; frame-ancestors 'none'";

/** A browser that came over TLS once comes back over TLS only, for a year. */
const hsts = ["strict-transport-security", "max-age=31536000"] as const;

/** Binds and listens. Rejects with Node's error if the port is taken. */
export async function listen(handler: HttpHandler, options: ListenerOptions): Promise<Listener> {
  const limits = {
    headers: options.maxHeaders ?? listenerDefaults.headers,
    headerBytes: options.maxHeaderBytes ?? listenerDefaults.headerBytes,
    bodyMs: options.bodyTimeoutMs ?? listenerDefaults.bodyMs,
    perAddress: options.maxConnectionsPerAddress ?? listenerDefaults.perAddress,
  };
  const headersTimeout = Math.min(options.headersTimeoutMs ?? listenerDefaults.headersMs, limits.bodyMs);
  const pair = options.tls?.read();
  const { tls } = options;
  const settings = {
    maxHeaderSize: limits.headerBytes + 1, // Node refuses at it, not above it
    headersTimeout,
    requestTimeout: limits.bodyMs,
    keepAliveTimeout: options.keepAliveMs ?? listenerDefaults.keepAliveMs,
    connectionsCheckingInterval: Math.floor(Math.max(50, Math.min(1000, headersTimeout / 4))),
    insecureHTTPParser: false,
    requireHostHeader: false, // refused in checkedHead, as a problem
    joinDuplicateHeaders: false,
    noDelay: true,
  };
  const server =
    tls === undefined || pair === undefined
      ? createServer(settings)
      : createTlsServer({
          ...settings,
          ...tlsOptions(pair, tls.asksClients),
          // What is spoken here; a client that names HTTP/1.0 alone would be turned away in its handshake.
          ALPNProtocols: ["http/1.1", "http/1.0"],
          handshakeTimeout: headersTimeout,
          allowHalfOpen: true,
        });
  const watch =
    tls === undefined || pair === undefined || !(server instanceof TlsServer) ? undefined : watchTls(server, tls, pair);
  // A client may end its side once its request is whole, and still wait for the answer. Node has no option for it, but this property.
  (server as { httpAllowHalfOpen?: boolean }).httpAllowHalfOpen = true;
  const proxies = options.certificateProxies ?? new Set<string>();
  server.maxHeadersCount = 0; // show all of them: checkedHead counts
  server.maxConnections = options.maxConnections ?? listenerDefaults.connections;

  const ids = requestIds();
  const perAddress = new Map<string, number>();
  const lines = new WeakMap<Socket, Line>();
  let inFlight = 0;
  let draining = false;
  let drained: (() => void) | undefined;

  /** The line of a connection, from its first request on. */
  function opened(socket: Socket): Line {
    const over = (): void => {
      line.open -= 1;
      inFlight -= 1;
      if (line.open === 0 && (line.refusal !== undefined || line.last?.cut !== undefined))
        linger(socket, limits.bodyMs, line.refusal);
      if (draining && inFlight === 0) drained?.();
    };
    const line: Line = { open: 0, closing: false, last: undefined, refusal: undefined, more: false, memory: {}, over };
    lines.set(socket, line);
    giveUpLater(socket, () => line.open > 0 && line.last?.res.headersSent !== true);
    // What Node ends a connection with once its last answer is written.
    const usual = socket.destroySoon.bind(socket);
    socket.destroySoon = () => {
      if (line.more || line.last?.req.complete === false) linger(socket, limits.bodyMs);
      else usual();
    };
    return line;
  }

  async function respond(req: IncomingMessage, res: ServerResponse, line: Line, wire: Wire): Promise<void> {
    const id = ids();
    let request: HttpRequest | undefined;
    let answer: HttpResponse;
    let closes = draining;
    try {
      const head = checkedHead(req, limits.headers, proxies);
      request = { ...head, id, wire, memory: line.memory, body: (limit) => readBody(req, head.headers, limit, wire) };
      answer = await handler(request);
    } catch (thrown) {
      answer = problemResponse(thrown, id);
      // Whoever sent an ambiguous head may have sent an ambiguous end of it too.
      if (request === undefined) closes = true;
      else if (answer.status >= 500) options.onError?.(thrown, request);
    }
    closes ||= draining || wire.broken || leftUnread(req);
    if (closes) line.closing = true;
    if (res.destroyed) {
      answer.stream?.destroy();
      return;
    }
    send(req, res, answer, id, closes, limits.bodyMs);
  }

  function accept(req: IncomingMessage, res: ServerResponse, expectsContinue: boolean): void {
    const line = lines.get(req.socket) ?? opened(req.socket);
    // What comes behind a refused head is not believed to be a request; the connection ends with the refusal.
    if (line.closing) {
      line.more = true;
      deafen(req.socket);
      return;
    }
    line.open += 1;
    const wire: Wire = {
      req,
      res,
      continues: expectsContinue,
      silenceMs: limits.bodyMs,
      passing: false,
      broken: false,
      cut: undefined,
      onCut: undefined,
    };
    line.last = wire;
    inFlight += 1;
    res.on("close", line.over);
    // `respond` handles every failure of the handler; what is left is ours, and must not leave a client waiting.
    respond(req, res, line, wire).catch(() => req.socket.destroy());
  }

  server.on("request", (req, res) => accept(req, res, false));
  server.on("checkContinue", (req, res) => accept(req, res, true));
  server.on("checkExpectation", (req: IncomingMessage, res: ServerResponse) => {
    const id = ids();
    send(
      req,
      res,
      problemResponse(failure("request-malformed", { reason: "this Expect is not known" }), id),
      id,
      true,
      0,
    );
  });
  server.on("connect", (_req: IncomingMessage, socket: Duplex) => {
    socket.on("error", () => {}); // Node no longer listens to it
    const refusal = failure("request-malformed", { reason: "CONNECT is not served" });
    linger(socket as Socket, limits.bodyMs, rawProblem(refusal, ids()));
  });
  server.on("clientError", (error: NodeJS.ErrnoException, duplex: Duplex) => {
    const socket = duplex as Socket;
    if (isLingering(socket)) return;
    const line = lines.get(socket);
    // Before the handshake is done nobody can read an answer.
    const unheard = error.code === "ECONNRESET" || error.code === "ERR_TLS_HANDSHAKE_TIMEOUT";
    if (unheard || !socket.writable || socket.destroyed) {
      socket.destroy();
      return;
    }
    if (line === undefined || line.open === 0) {
      linger(socket, limits.bodyMs, rawProblem(unparsed(error, limits.headerBytes, limits.bodyMs), ids()));
      return;
    }
    line.more = true;
    // The last answer is being sent: what comes behind it is nobody's.
    if (line.closing || line.last === undefined) return;
    const { last } = line;
    if (!last.req.complete) {
      if (last.passing && error.code === "ERR_HTTP_REQUEST_TIMEOUT") return;
      // Whoever reads the body is told, and answers in its turn.
      cutBody(last, unparsed(error, limits.headerBytes, limits.bodyMs));
      return;
    }
    // It said `Connection: close` itself: there is no next request that could be refused (RFC 9112, section 9.6).
    if (error.code === "HPE_CLOSED_CONNECTION") return;
    // An answer written now would be taken for that of a request still being worked on: it waits for its turn.
    line.closing = true;
    deafen(socket);
    line.refusal = rawProblem(unparsed(error, limits.headerBytes, limits.bodyMs), ids());
    const timer = setTimeout(() => socket.destroy(), limits.bodyMs);
    socket.once("close", () => clearTimeout(timer));
  });
  if (server instanceof TlsServer) {
    screenClear(server, {
      maxHeaderSize: settings.maxHeaderSize,
      maxHeaders: limits.headers,
      headersMs: headersTimeout,
      ids,
      send: (req, res, answer, id) => send(req, res, answer, id, true, limits.bodyMs),
      told: options.onClear,
    });
    rememberBelow(server);
  }
  server.on("connection", (socket: Socket) => {
    const address = addressBucket(socket.remoteAddress ?? "");
    const open = (perAddress.get(address) ?? 0) + 1;
    perAddress.set(address, open);
    socket.once("close", () => {
      const left = (perAddress.get(address) ?? 1) - 1;
      if (left === 0) perAddress.delete(address);
      else perAddress.set(address, left);
    });
    if (open > limits.perAddress) socket.destroy();
  });

  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(options.port, options.host ?? "127.0.0.1", () => {
      server.off("error", reject);
      resolve();
    });
  });
  const { address, port, family } = server.address() as AddressInfo;

  return {
    url: `${watch === undefined ? "http" : "https"}://${family === "IPv6" ? `[${address}]` : address}:${port}`,
    port,
    renewTls: () => watch?.look(),
    get inFlight() {
      return inFlight;
    },
    async close(graceMs) {
      draining = true;
      watch?.stop();
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeIdleConnections();
      if (inFlight > 0) {
        let timer: NodeJS.Timeout | undefined;
        await new Promise<void>((resolve) => {
          drained = resolve;
          timer = setTimeout(resolve, graceMs);
        });
        clearTimeout(timer);
      }
      server.closeAllConnections();
      await closed;
    },
  };
}

/** One connection: how many answers are due on it, and whether it takes no more requests. */
interface Line {
  open: number;
  closing: boolean;
  last: Wire | undefined;
  /** Written as the last answer once the others are: what came behind their requests is none. */
  refusal: string | undefined;
  /** Something came that is no request, and more of it may be on its way. */
  more: boolean;
  readonly memory: ConnectionMemory;
  /** One of the answers was sent, or can't be any more. */
  readonly over: () => void;
}

/** Unique over restarts: eight random bytes of this start, then a count. */
function requestIds(): () => string {
  const start = randomBytes(8).toString("hex");
  let count = 0;
  return () => {
    count += 1;
    return `${start}-${count.toString(36)}`;
  };
}

/** Whether a body is still coming that is too long to be read away for the sake of the connection. */
function leftUnread(req: IncomingMessage): boolean {
  if (req.complete || req.readableEnded) return false;
  const declared = req.headers["content-length"];
  return req.headers["transfer-encoding"] !== undefined || (declared !== undefined && Number(declared) > 65_536);
}

function send(
  req: IncomingMessage,
  res: ServerResponse,
  answer: HttpResponse,
  id: string,
  closes: boolean,
  readWithinMs: number,
): void {
  const { body, headers, stream } = answer;
  const list: string[] = [];
  for (const name in headers) list.push(name, headers[name] as string);
  if (headers["x-content-type-options"] === undefined) list.push("x-content-type-options", "nosniff");
  if (headers["cache-control"] === undefined) list.push("cache-control", "no-store");
  if (headers["content-security-policy"] === undefined) list.push("content-security-policy", contentPolicy);
  list.push("x-request-id", id);
  // RFC 6797, section 7.2: only in what comes over TLS. Behind a proxy that ends TLS it is the proxy's to say.
  if (req.socket instanceof TLSSocket && headers[hsts[0]] === undefined) list.push(...hsts);
  if (closes) list.push("connection", "close");
  // The client may still be sending: it is read away, or it never comes to read the answer.
  if (closes && !req.complete) req.resume();
  if (stream !== undefined) {
    res.writeHead(answer.status, list);
    sendStream(req, res, stream, readWithinMs);
    return;
  }
  if (answer.status !== 204 && answer.status !== 304 && headers["content-length"] === undefined) {
    list.push("content-length", String(body === undefined ? 0 : Buffer.byteLength(body)));
  }
  res.writeHead(answer.status, list);
  res.end(req.method === "HEAD" ? undefined : body);
  // What the kernel did not take at once waits for the client to read: not for ever (L3).
  if (!res.writableFinished && res.writableLength > 0) {
    const timer = setTimeout(() => res.destroy(), readWithinMs);
    res.once("close", () => clearTimeout(timer));
  }
}

/** What is wrong with what the parser did not take. */
function unparsed(error: NodeJS.ErrnoException, headerBytes: number, bodyMs: number): MortiseError {
  switch (error.code) {
    case "HPE_HEADER_OVERFLOW":
      return failure("headers-too-large", { limit: `${headerBytes} bytes` });
    case "ERR_HTTP_REQUEST_TIMEOUT":
      return failure("request-timeout", { seconds: bodyMs / 1000 });
    case "HPE_INVALID_EOF_STATE":
      return failure("request-malformed", { reason: "the connection ended before the request did" });
    default:
      return failure("request-malformed", { reason: "it can't be parsed" });
  }
}
