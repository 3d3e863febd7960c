/**
 * A request and its answer as plain values, so that everything but the listener is tested without sockets. The body is
 * read on demand: who is not let in sends nothing into our memory.
 */
import type { Readable } from "node:stream";
import type { Wire } from "./streams/body.ts";

export interface HttpRequest {
  /** Made by the listener; unique. Stands in the answer as `X-Request-Id` and in `instance` of a problem. */
  readonly id: string;
  /** Upper case. */
  readonly method: string;
  /** As sent, without the query; begins with `/`. Still percent-encoded. */
  readonly path: string;
  /** As sent, without the `?`; empty if there is none. */
  readonly query: string;
  /** Lower-case names, no prototype. Repeated ones are joined with ", ", except those that may stand only once (refused). */
  readonly headers: Readonly<Record<string, string>>;
  /** Of the socket; never taken from a header. */
  readonly address: string;
  /** Whether it came over TLS of our own. */
  readonly secure?: boolean;
  /** What the client showed when the connection was made; the handshake proved that it holds the private key, and nothing else. */
  readonly certificate?: ClientCertificate;
  /** What is remembered of the connection from one request to the next; of the listener, and never told. */
  readonly memory?: ConnectionMemory;
  /** What a body is read from that passes unread. Of the listener; absent where there is no connection. */
  readonly wire?: Wire;
  /** Reads the whole body. Rejects with `body-too-large` above `limit` bytes, before buffering what is over. Call it at most once. */
  body(limit: number): Promise<Uint8Array>;
}

/** Goes with its connection. */
export interface ConnectionMemory {
  /** The key that came with it last and was found right (access/keyring.ts). */
  key?: { readonly presented: Uint8Array; readonly id: string };
}

export interface HttpResponse {
  readonly status: number;
  /** Lower-case names. The listener adds length, request id and security headers where they are missing. */
  readonly headers: Readonly<Record<string, string>>;
  /** Absent: an empty body. */
  readonly body?: string | Uint8Array;
  /**
   * Instead of `body`: sent as it comes, no faster than the client reads. If it fails the connection breaks, so that what was cut off never looks whole; it is destroyed
   * when the client is gone.
   */
  readonly stream?: Readable;
  /** Of a body that is the same each time: what is made of it once. */
  readonly made?: MadeOnce;
}

export interface MadeOnce {
  packed?: Promise<Uint8Array>;
}

/** Never rejects by intention; what it throws becomes an `internal` problem. */
export type HttpHandler = (request: HttpRequest) => Promise<HttpResponse>;

/** A certificate of a client. Who signed it, and whether it is valid, was not checked. */
export interface ClientCertificate {
  /** SHA-256 of the whole, base64url: `x5t#S256` (RFC 8705, section 3.1). */
  readonly thumbprint: string;
  /** DER. */
  readonly der: Uint8Array;
  /** What was sent along to lead to an anchor, DER. */
  readonly chain: readonly Uint8Array[];
}
