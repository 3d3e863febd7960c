/**
 * The one guarded HTTP client: addresses, redirects, sizes, deadlines, TLS. Everything that Mortise fetches or calls over
 * HTTP goes through it. This file is the room's interface.
 */
import type { Readable } from "node:stream";

/** One request. It is sent once; nothing here repeats. */
export interface OutboundRequest {
  readonly method: string;
  /** `http:` or `https:`. */
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
  /** Total time from here to the last byte of the answer, as `Date.now()` milliseconds. */
  readonly deadline: number;
  readonly signal?: AbortSignal;
  /** Largest decoded answer, in bytes. Default 8 MiB. */
  readonly maxResponseBytes?: number;
  /** Private, loopback and link-local addresses are refused unless true; checked on the resolved address at connect. */
  readonly internal: boolean;
  /** Redirects that are followed (GET only; at another origin without credentials, at another host to public addresses only). Default 0. */
  readonly redirects?: number;
}

export interface OutboundResponse {
  readonly status: number;
  /** Lower-case names; repeated headers are joined with ", ". */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

/** A request whose bodies are not held in memory. Never redirected, and its answer must not be packed. */
export interface OutboundStreamRequest extends Omit<OutboundRequest, "body" | "redirects" | "maxResponseBytes"> {
  /** Destroyed when the request fails; if it fails, the other side sees a request that was cut off. */
  readonly body?: Readable;
  /** Bytes of `body`, where they are known; else it is sent in chunks. */
  readonly length?: number;
  readonly maxResponseBytes: number;
  /** Milliseconds from the end of the request to the head of the answer, at most. */
  readonly headWithinMs: number;
  /** Milliseconds without a byte of the answer, while somebody wants more of it. */
  readonly idleMs: number;
}

export interface OutboundStreamResponse {
  readonly status: number;
  /** As of `OutboundResponse`. */
  readonly headers: Readonly<Record<string, string>>;
  /** Fails with a `MortiseError` where the answer is cut off. Must be read to its end or destroyed. */
  readonly body: Readable;
}

export interface Outbound {
  /**
   * Rejects with a `MortiseError` of right class and outcome. Any answered status resolves.
   * Outcome `none` only if the request was surely not sent whole (refused, unresolved, TLS failed, no connection).
   */
  request(request: OutboundRequest): Promise<OutboundResponse>;
  /** As `request`, but resolves at the head of the answer. */
  stream(request: OutboundStreamRequest): Promise<OutboundStreamResponse>;
  close(): Promise<void>;
}
