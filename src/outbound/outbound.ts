/**
 * The one guarded HTTP client: addresses, redirects, sizes, deadlines, TLS. Everything that Mortise fetches or calls over
 * HTTP goes through it. This file is the room's interface.
 */

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

export interface Outbound {
  /**
   * Rejects with a `MortiseError` of right class and outcome. Any answered status resolves.
   * Outcome `none` only if the request was surely not sent whole (refused, unresolved, TLS failed, no connection).
   */
  request(request: OutboundRequest): Promise<OutboundResponse>;
  close(): Promise<void>;
}
