/**
 * The client certificate of a request: of its own connection, or in the `Client-Cert` field of a proxy that the configuration names (RFC 9440).
 * From anybody else the field is taken away unread.
 */
import { createHash } from "node:crypto";
import type { Socket } from "node:net";
import { TLSSocket } from "node:tls";
import { failure } from "../errors.ts";
import type { ClientCertificate } from "./http.ts";

const mostSentAlong = 4;
/** Of connections: no client changes its certificate on one, since renegotiation is off. */
const known = new WeakMap<Socket, { readonly certificate: ClientCertificate | undefined }>();

/** Takes the fields out of `headers`. `proxies`: addresses that are believed, as the socket has them. Throws `request-malformed`. */
export function clientCertificate(
  socket: Socket,
  headers: Record<string, string>,
  proxies: ReadonlySet<string>,
): ClientCertificate | undefined {
  const { "client-cert": field, "client-cert-chain": chain } = headers;
  if (field !== undefined) delete headers["client-cert"];
  if (chain !== undefined) delete headers["client-cert-chain"];
  if (proxies.size > 0 && proxies.has(plainAddress(socket.remoteAddress))) {
    // Its own certificate, if it shows one, says who the proxy is, not who calls.
    if (field === undefined) return undefined;
    const sent = chain === undefined ? [] : chain.split(",").map((one) => byteSequence(one.trim()));
    return certificateOf(byteSequence(field.trim()), sent.slice(0, mostSentAlong));
  }
  if (!(socket instanceof TLSSocket)) return undefined;
  const before = known.get(socket);
  if (before !== undefined) return before.certificate;
  const certificate = ofConnection(socket);
  known.set(socket, { certificate });
  return certificate;
}

/** An IPv4-mapped IPv6 address counts as IPv4. */
export function plainAddress(address: string | undefined): string {
  return (address ?? "").replace(/^::ffff:(?=\d+\.)/i, "");
}

function ofConnection(socket: TLSSocket): ClientCertificate | undefined {
  const leaf = socket.getPeerX509Certificate();
  if (leaf === undefined) return undefined;
  const chain: Uint8Array[] = [];
  for (let at = leaf.issuerCertificate; at !== undefined && chain.length < mostSentAlong; at = at.issuerCertificate)
    chain.push(at.raw);
  return certificateOf(leaf.raw, chain);
}

function certificateOf(der: Uint8Array, chain: readonly Uint8Array[]): ClientCertificate {
  return { thumbprint: createHash("sha256").update(der).digest("base64url"), der, chain };
}

/** RFC 9651, section 3.3.5. */
function byteSequence(text: string): Uint8Array {
  const match = /^:([A-Za-z0-9+/]+={0,2}):$/.exec(text);
  if (match === null) throw failure("request-malformed", { reason: "its Client-Cert is no byte sequence" });
  return Buffer.from(match[1] as string, "base64");
}
