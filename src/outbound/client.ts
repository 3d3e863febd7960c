/**
 * The guarded HTTP client over undici's dispatch. What it promises stands in outbound.ts. Its limits:
 * connect 3 s, one total deadline per request, 16 KiB of answer headers, 8 MiB of decoded answer, gzip at most 100:1 (never
 * Brotli), HTTP/1.1 only, no redirect unless asked for, TLS 1.2 or newer with the certificate always verified.
 */
import { failure } from "../errors.ts";
import { lastFound } from "../slots.ts";
import { Aborts } from "./aborts.ts";
import { isMetadataAddress } from "./addresses.ts";
import { Deadlines } from "./deadlines.ts";
import { Exchange } from "./exchange.ts";
import type {
  Outbound,
  OutboundRequest,
  OutboundResponse,
  OutboundStreamRequest,
  OutboundStreamResponse,
} from "./outbound.ts";
import { Pools, type ResolveAll } from "./pools.ts";
import { StreamedExchange } from "./streamed.ts";

export interface OutboundOptions {
  /** Time to open a connection, TLS included. Default 3000. */
  readonly connectTimeoutMs?: number;
  /** Connections per origin; more requests than that wait in line. Default 128. */
  readonly connectionsPerOrigin?: number;
  /** Certificates (PEM) to trust. Default: Node's own, and NODE_EXTRA_CA_CERTS. */
  readonly ca?: readonly string[];
  /** Resolver of names. Default: the system's. */
  readonly resolve?: ResolveAll;
}

/** Where options and requests say nothing. */
export const outboundDefaults = { connectMs: 3_000, connections: 128, bytes: 8 * 1024 * 1024 } as const;
/** Prefixes of URLs whose origin is worked out are remembered up to this many. */
const maxPrefixes = 4096;
/** What may travel to another origin. Everything else could be a credential. */
const harmless: ReadonlySet<string> = new Set(["accept", "accept-language", "user-agent"]);

interface Target {
  readonly origin: string;
  readonly host: string;
  readonly path: string;
}

type Prefix = Pick<Target, "origin" | "host">;

/** Makes the client of this thread. Connections are opened by the first request to an origin. */
export function createOutbound(options: OutboundOptions = {}): Outbound {
  const pools = new Pools({
    connectTimeoutMs: options.connectTimeoutMs ?? outboundDefaults.connectMs,
    connectionsPerOrigin: options.connectionsPerOrigin ?? outboundDefaults.connections,
    ca: options.ca,
    resolve: options.resolve,
  });
  const deadlines = new Deadlines();
  const aborts = new Aborts();
  const prefixes = new Map<string, Prefix>();
  let closed = false;

  const knownPrefix = lastFound(prefixes);

  /** Splits a URL; the parser runs once per origin, not once per request. */
  function targetOf(url: string): Target {
    const slash = url.indexOf("/", 8);
    const known = slash === -1 ? undefined : knownPrefix(url.slice(0, slash));
    if (known === undefined) return parsedTarget(url, slash);
    const hash = url.indexOf("#", slash);
    return { origin: known.origin, host: known.host, path: hash === -1 ? url.slice(slash) : url.slice(slash, hash) };
  }

  function parsedTarget(url: string, slash: number): Target {
    const parsed = URL.parse(url);
    if (parsed === null) throw failure("outbound-request", { host: "an unreadable URL", reason: "it is not a URL" });
    const { origin, host } = parsed;
    if (parsed.protocol !== "http:" && parsed.protocol !== "https:")
      throw failure("outbound-request", { host: parsed.protocol, reason: "only http: and https: are called" });
    if (parsed.username !== "" || parsed.password !== "")
      throw failure("outbound-request", { host, reason: "its URL holds credentials; state them in the settings" });
    if (host === "") throw failure("outbound-request", { host: "an unreadable URL", reason: "it names no host" });
    if (slash !== -1 && prefixes.size < maxPrefixes && /^https?:\/\/[a-z0-9.:[\]-]+$/i.test(url.slice(0, slash)))
      prefixes.set(url.slice(0, slash), { origin, host });
    return { origin, host, path: parsed.pathname + parsed.search };
  }

  function send(request: OutboundRequest, target: Target): Promise<OutboundResponse> {
    if (closed) return Promise.reject(failure("outbound-closed", { host: target.host }));
    return new Promise((resolve, reject) => {
      const maxBytes = request.maxResponseBytes ?? outboundDefaults.bytes;
      const exchange = new Exchange(request, target.host, maxBytes, deadlines, aborts, resolve, reject);
      if (!exchange.arm()) return;
      pools
        .pool(target.origin, request.internal)
        .dispatch(
          { method: request.method, path: target.path, headers: sentHeaders(request.headers), body: request.body },
          exchange,
        );
    });
  }

  async function follow(request: OutboundRequest, first: Target): Promise<OutboundResponse> {
    let target = first;
    let current = request;
    for (let hops = 0; ; hops += 1) {
      const response = await send(current, target);
      const location = response.headers.location;
      if (!isRedirect(response.status) || location === undefined) return response;
      const refuse = (reason: string) => failure("outbound-redirect", { host: target.host, reason });
      if (hops >= (request.redirects ?? 0)) throw refuse("it redirects too often");
      const next = URL.parse(location, target.origin + target.path);
      if (next === null) throw refuse("its redirect leads to no URL");
      if (target.origin.startsWith("https:") && next.protocol !== "https:")
        throw refuse("its redirect leads away from https");
      // Only a connection may name a metadata address, never the other side.
      if (isMetadataAddress(next.hostname.replace(/^\[|\]$/g, "")))
        throw refuse("its redirect leads to a metadata service");
      const nextTarget = parsedTarget(next.href, -1);
      if (nextTarget.origin !== target.origin) {
        // Whoever may call an internal host said so of that host: its answers choose no other one.
        const internal = current.internal && next.hostname === new URL(target.origin).hostname;
        current = { ...current, internal, headers: harmlessHeaders(current.headers) };
      }
      target = nextTarget;
    }
  }

  function checkedTarget({ url, headers }: Pick<OutboundRequest, "url" | "headers">): Target {
    const target = targetOf(url);
    refuseDots(url, target.host);
    if (headers !== undefined) refuseHost(headers, target.host);
    return target;
  }

  return Object.freeze({
    async stream(request: OutboundStreamRequest): Promise<OutboundStreamResponse> {
      const { method, body, length } = request;
      const { origin, host, path } = checkedTarget(request);
      if (closed) throw failure("outbound-closed", { host });
      const headers = sentHeaders(request.headers);
      return new Promise((resolve, reject) => {
        const exchange = new StreamedExchange(request, host, aborts, resolve, reject);
        if (!exchange.arm()) return;
        const sized = length === undefined ? headers : { ...headers, "content-length": String(length) };
        pools.pool(origin, request.internal).dispatch({ method, path, headers: sized, body }, exchange);
      });
    },
    request(request: OutboundRequest): Promise<OutboundResponse> {
      let target: Target;
      try {
        target = checkedTarget(request);
      } catch (error) {
        return Promise.reject(error as Error);
      }
      if (request.redirects === undefined || request.redirects === 0 || request.method !== "GET")
        return send(request, target);
      return follow(request, target);
    },
    async close(): Promise<void> {
      closed = true;
      await pools.close();
    },
  });
}

function isRedirect(status: number): boolean {
  return status === 301 || status === 302 || status === 303 || status === 307 || status === 308;
}

/** `identity`: unpacking costs more than a local network; a server that packs all the same is understood if it is gzip. */
function sentHeaders(headers: Readonly<Record<string, string>> | undefined): Readonly<Record<string, string>> {
  return headers === undefined ? identity : { "accept-encoding": "identity", ...headers };
}
const identity = Object.freeze({ "accept-encoding": "identity" });

function harmlessHeaders(headers: Readonly<Record<string, string>> = {}): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => harmless.has(name.toLowerCase())));
}

/** The Host header and the name that TLS checks come from the URL only. */
function refuseHost(headers: Readonly<Record<string, string>>, host: string): void {
  for (const name in headers) {
    if (name.length === 4 && name.toLowerCase() === "host")
      throw failure("outbound-request", { host, reason: "the header host is set by the URL" });
  }
}

/** A value put into a path must not climb out of it: `.` or `..`, plain or escaped, as a whole segment. */
function refuseDots(url: string, host: string): void {
  if (!/[/\\](?:\.|%2e)/i.test(url)) return;
  const path = url.slice(url.indexOf("/", 8)).split(/[?#]/, 1)[0] ?? "";
  if (/[/\\](?:\.|%2e){1,2}(?:[/\\]|$)/i.test(path))
    throw failure("outbound-request", { host, reason: "its path holds a . or .. segment" });
}
