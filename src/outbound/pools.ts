/**
 * Connection pools, one per origin and kind of address check. The guard sits in the connector: whatever led to a connection
 * (first call, reconnect, redirect), the address that is checked is the address that is used.
 */
import { type LookupAddress, lookup as systemLookup } from "node:dns";
import { isIP, type LookupFunction } from "node:net";
import type { buildConnector, Pool } from "undici";
import { failure } from "../errors.ts";
import { whenNeeded } from "../when-needed.ts";
import { refusedAddress } from "./addresses.ts";

// By their files: whole, undici brings mocks, caches, WebSockets and another fetch to every thread that calls something.
const poolKind = whenNeeded<typeof Pool>("undici/lib/dispatcher/pool.js");
const connectors = whenNeeded<typeof buildConnector>("undici/lib/core/connect.js");

/** Resolves a name to all of its addresses. Tests put their own resolver here. */
export type ResolveAll = (
  hostname: string,
  done: (error: Error | null, addresses: readonly LookupAddress[]) => void,
) => void;

export interface PoolOptions {
  readonly connectTimeoutMs: number;
  readonly connectionsPerOrigin: number;
  /** Certificates (PEM) trusted besides those of Node. */
  readonly ca: readonly string[] | undefined;
  readonly resolve: ResolveAll | undefined;
}

/** More origins than this are not kept at a time: the oldest pool is closed when its last request is done. */
const maxPools = 512;

export class Pools {
  readonly #pools = new Map<string, Pool>();
  readonly #options: PoolOptions;
  readonly #closing = new Set<Promise<void>>();

  constructor(options: PoolOptions) {
    this.#options = options;
    // Loaded here, and not under the first call.
    poolKind();
  }

  /** The pool of `origin`, which is a `URL.origin`, not text from outside. */
  pool(origin: string, internal: boolean): Pool {
    const key = internal ? origin : `guarded ${origin}`;
    const known = this.#pools.get(key);
    if (known !== undefined) return known;
    if (this.#pools.size >= maxPools) {
      const oldest = this.#pools.entries().next().value;
      if (oldest !== undefined) {
        this.#pools.delete(oldest[0]);
        const closed = oldest[1].close().finally(() => this.#closing.delete(closed));
        this.#closing.add(closed);
      }
    }
    const Kind = poolKind();
    const pool = new Kind(origin, {
      connections: this.#options.connectionsPerOrigin,
      connect: guardedConnector(this.#options, internal),
      // Deadlines are our own, and total; undici's are idle times, which a slow drip never trips.
      headersTimeout: 0,
      bodyTimeout: 0,
      keepAliveTimeout: 4_000,
      keepAliveMaxTimeout: 60_000,
      maxHeaderSize: 16 * 1024,
      pipelining: 1,
      allowH2: false,
    });
    this.#pools.set(key, pool);
    return pool;
  }

  async close(): Promise<void> {
    const pools = [...this.#pools.values()];
    this.#pools.clear();
    await Promise.all([...pools.map((pool) => pool.close()), ...this.#closing]);
  }
}

function guardedConnector(options: PoolOptions, internal: boolean): buildConnector.connector {
  const connect = connectors()({
    timeout: options.connectTimeoutMs,
    allowH2: false,
    // Stated, so that NODE_TLS_REJECT_UNAUTHORIZED=0 has no say here.
    rejectUnauthorized: true,
    minVersion: "TLSv1.2",
    ...(options.ca === undefined ? {} : { ca: [...options.ca] }),
    autoSelectFamily: true,
    lookup: guardedLookup(options.resolve ?? resolveBySystem, internal),
  });
  return (target, done) => {
    const host = target.hostname.startsWith("[") ? target.hostname.slice(1, -1) : target.hostname;
    if (isIP(host) !== 0) {
      const reason = refusedAddress(host, internal, true);
      if (reason !== undefined) {
        queueMicrotask(() => done(failure("outbound-address", { host, place: "", reason }), null));
        return;
      }
    }
    connect(target, done);
  };
}

function resolveBySystem(...[hostname, done]: Parameters<ResolveAll>): void {
  systemLookup(hostname, { all: true, order: "verbatim" }, done);
}

/** One refused address refuses the name: a name with both kinds of address is either a mistake or an attack. */
function guardedLookup(resolve: ResolveAll, internal: boolean): LookupFunction {
  return (hostname, options, done) => {
    resolve(hostname, (error, addresses) => {
      const first = addresses?.[0];
      if (error !== null || first === undefined) {
        const missing = Object.assign(new Error(`getaddrinfo ENOTFOUND ${hostname}`), { code: "ENOTFOUND" });
        done(error ?? missing, "", 0);
        return;
      }
      for (const { address } of addresses) {
        const reason = refusedAddress(address, internal, false);
        if (reason !== undefined) {
          done(failure("outbound-address", { host: hostname, place: `, which stands at ${address},`, reason }), "", 0);
          return;
        }
      }
      if (options.all === true) done(null, [...addresses]);
      else done(null, first.address, first.family);
    });
  };
}
