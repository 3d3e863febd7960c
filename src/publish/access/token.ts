/** What a token must say (RFC 9068, section 4; RFC 7662, section 2.2), and the caller that it makes. */
import type { Json } from "../../operation.ts";
import { consumerForm } from "../consumers/name.ts";
import type { ApiCaller } from "../operations.ts";
import { remedies, TokenFault } from "./jwt.ts";

/** What an issuer says of a token. */
export type Claims = { readonly [claim: string]: Json };

export interface TokenRules {
  readonly issuer: string;
  readonly audiences: readonly string[];
  /** All that RFC 9068 requires must be there. */
  readonly strict: boolean;
  readonly skewSeconds: number;
  readonly consumer: string | ((claims: Claims) => string);
  readonly scopes: string | ((claims: Claims) => readonly string[]);
  readonly roles: string | ((claims: Claims) => readonly string[]);
}

/** Of ID tokens alone (OpenID Connect Core, sections 2 and 3.3.2.11), and of other tokens that are no access tokens. */
const foreign = ["nonce", "at_hash", "c_hash", "s_hash", "events"] as const;

/** Throws `TokenFault`. `now`: epoch seconds. */
export function checkClaims(claims: Claims, rules: TokenRules, now: number, by: "jwt" | "introspected"): void {
  const { skewSeconds } = rules;
  const fault = (reason: string, remedy?: string) => new TokenFault(reason, false, remedy);
  if (by === "jwt" ? claims.iss !== rules.issuer : claims.iss !== undefined && claims.iss !== rules.issuer)
    throw fault("it is of another issuer", remedies.issuer);
  const aud = Array.isArray(claims.aud) ? (claims.aud as readonly Json[]) : [claims.aud];
  if (!rules.audiences.some((audience) => aud.includes(audience))) throw fault("it is not meant for this API");
  const exp = time(claims, "exp");
  const nbf = time(claims, "nbf");
  const iat = time(claims, "iat");
  if (exp === undefined && by === "jwt") throw fault("it never expires", remedies.owner);
  if (exp !== undefined && exp <= now - skewSeconds) throw fault("it has expired", remedies.renewed);
  if (nbf !== undefined && nbf > now + skewSeconds) throw fault("it is not valid yet", remedies.later);
  if (iat !== undefined && iat > now + skewSeconds) throw fault("it was made in the future", remedies.later);
  if (foreign.some((claim) => claims[claim] !== undefined) || claims.token_use === "id" || claims.typ === "ID")
    throw fault("it is no access token", remedies.access);
  if (by === "introspected") {
    const { token_type: type } = claims;
    if (type !== undefined && (typeof type !== "string" || type.toLowerCase() !== "bearer"))
      throw fault("it is no bearer token");
    return;
  }
  if (!rules.strict) return;
  for (const claim of ["sub", "client_id", "jti"]) {
    const value = claims[claim];
    if (typeof value !== "string" || value === "") throw fault(`it has no ${claim}`, remedies.owner);
  }
  if (iat === undefined) throw fault("it has no iat", remedies.owner);
}

/** NumericDate (RFC 7519, section 2): a number, never text. */
function time(claims: Claims, claim: string): number | undefined {
  const value = claims[claim];
  if (value === undefined) return undefined;
  if (typeof value !== "number" || !Number.isFinite(value))
    throw new TokenFault(`its ${claim} is no time`, false, remedies.owner);
  return value;
}

/** Throws `TokenFault` where it names no consumer. */
export function callerOf(claims: Claims, rules: TokenRules): ApiCaller {
  let id: unknown;
  try {
    id = typeof rules.consumer === "string" ? own(claims, rules.consumer) : rules.consumer(claims);
  } catch {
    id = undefined;
  }
  if (typeof id !== "string" || !consumerForm.test(id))
    throw new TokenFault("it names no consumer", false, remedies.owner);
  const roles = listOf(claims, rules.roles);
  return Object.freeze({
    id,
    scopes: listOf(claims, rules.scopes),
    ...(roles.length === 0 ? {} : { roles }),
    claims: Object.freeze(claims),
    via: "oauth",
  });
}

function own(claims: Claims, claim: string): Json | undefined {
  return Object.hasOwn(claims, claim) ? claims[claim] : undefined;
}

/** Text with spaces between, or a list of texts; anything else gives nothing. */
function listOf(claims: Claims, where: string | ((claims: Claims) => readonly string[])): readonly string[] {
  let value: unknown;
  try {
    value = typeof where === "string" ? own(claims, where) : where(claims);
  } catch {
    value = undefined;
  }
  if (typeof value === "string") return Object.freeze(value.split(" ").filter((one) => one !== ""));
  if (!Array.isArray(value)) return Object.freeze([]);
  return Object.freeze(value.filter((one): one is string => typeof one === "string"));
}
