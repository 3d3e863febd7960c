/** Tokens that are bound to a client's certificate (RFC 8705, section 3): of use only to who holds its private key. */
import { timingSafeEqual } from "node:crypto";
import type { ClientCertificate } from "../http.ts";
import { remedies, TokenFault } from "./jwt.ts";
import type { Claims } from "./token.ts";

/**
 * Throws `TokenFault` where the token is bound to another certificate than the one that was shown, or in a way that is not known here:
 * such a token must not be taken as one that anybody may bear (RFC 9449, section 7.2). `must`: one that is not bound is refused too.
 */
export function boundTo(claims: Claims, certificate: ClientCertificate | undefined, must: boolean): void {
  const { cnf } = claims;
  if (cnf === undefined) {
    if (must) throw new TokenFault("it is not bound to a certificate", false, remedies.bound);
    return;
  }
  const methods = typeof cnf === "object" && cnf !== null && !Array.isArray(cnf) ? Object.entries(cnf) : [];
  const [method, thumbprint] = methods[0] ?? [];
  if (methods.length !== 1 || method !== "x5t#S256" || typeof thumbprint !== "string")
    throw new TokenFault("it is bound in a way that is not taken here", false, remedies.bound);
  const shown = Buffer.from(certificate?.thumbprint ?? "");
  const wanted = Buffer.from(thumbprint);
  if (shown.length !== wanted.length || !timingSafeEqual(shown, wanted))
    throw new TokenFault("it is bound to another certificate", false, remedies.certificate);
}
