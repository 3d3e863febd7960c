/**
 * TLS of the listener: 1.2 and 1.3, certificate and key from files that are looked at again every few seconds. A new pair is used for new
 * connections at once; one that does not fit together leaves the last good one in place, and is told.
 */
import { constants } from "node:crypto";
import type { Server } from "node:https";
import { createSecureContext, type SecureContextOptions } from "node:tls";

export interface TlsOptions {
  /** Reads certificate (with those that lead to its authority) and key, PEM. */
  readonly read: () => TlsPair;
  /** Ask clients for a certificate. Whether it is believed is a matter of the API. */
  readonly asksClients: boolean;
  /** Told why a new pair is not used. */
  readonly onFailure: (error: unknown) => void;
  /** Milliseconds after which the files are looked at again. Default 5000. */
  readonly everyMs?: number;
}

export interface TlsPair {
  readonly cert: string;
  readonly key: string;
}

/** What a server is made with. Throws what is wrong with the pair. */
export function tlsOptions(
  pair: TlsPair,
  asksClients: boolean,
): SecureContextOptions & { readonly requestCert: boolean } {
  const options = {
    ...pair,
    minVersion: "TLSv1.2" as const,
    requestCert: asksClients,
    // A refusal in the handshake could not say why, and each API has anchors of its own: see access/mtls.ts.
    rejectUnauthorized: false,
    // A resumed session would bring an earlier certificate along: with client certificates each connection proves its own.
    secureOptions: asksClients
      ? constants.SSL_OP_NO_TICKET | constants.SSL_OP_NO_RENEGOTIATION
      : constants.SSL_OP_NO_RENEGOTIATION,
  };
  createSecureContext(options);
  return options;
}

/** Watches the files for a server. */
export function watchTls(
  server: Server,
  { read, asksClients, onFailure, everyMs = 5_000 }: TlsOptions,
  first: TlsPair,
) {
  let used = first;
  let refused: TlsPair | undefined;
  const look = () => {
    let next: TlsPair | undefined;
    try {
      next = read();
      if (same(next, used) || (refused !== undefined && same(next, refused))) return;
      server.setSecureContext(tlsOptions(next, asksClients));
      used = next;
      refused = undefined;
    } catch (error) {
      // Told once for each pair, not every few seconds.
      if (next !== undefined || refused === undefined) onFailure(error);
      refused = next ?? { cert: "", key: "" };
    }
  };
  const timer = setInterval(look, everyMs);
  timer.unref();
  return { look, stop: () => clearInterval(timer) };
}

function same(one: TlsPair, other: TlsPair): boolean {
  return one.cert === other.cert && one.key === other.key;
}
