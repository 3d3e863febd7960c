/**
 * JWTs as RFC 8725 wants them read: size and form first, then the header, then the signature, and only then the claims.
 * The signature is jose's business; what decides about it is here.
 */
import type { CryptoKey } from "jose";
import { parseJson } from "../../formats/json.ts";
import type { Json } from "../../operation.ts";
import { jose } from "./jose.ts";
import type { Claims } from "./token.ts";

/** Algorithms that sign with a private key (RFC 7518, section 3.1; RFC 9864). No other is ever taken: a key that verifies can't sign. */
export const signingAlgorithms = [
  "RS256",
  "RS384",
  "RS512",
  "PS256",
  "PS384",
  "PS512",
  "ES256",
  "ES384",
  "ES512",
  "EdDSA",
  "Ed25519",
] as const;
export type SigningAlgorithm = (typeof signingAlgorithms)[number];

/** What helps, by what is wrong: one sentence each, without its full stop. */
export const remedies = Object.freeze({
  unchanged: "Send an access token of the authorization server that this API names, unchanged",
  made: "Ask the authorization server for one that is made for this API",
  renewed: "Ask the authorization server for a new one",
  later:
    "Wait until it is; if it was made just now, the clock of the authorization server is ahead, and its owner has to set it right",
  access: "Send the access token that came with it, or ask the authorization server for one",
  issuer: "Ask the authorization server that this API names for one",
  certificate: "Send it over a connection with the client certificate that it is bound to",
  bound: "Ask the authorization server for one that is bound to your client certificate",
  owner: "Only the API's owner can mend that, with the authorization server",
});

/** Why a token is refused, in words that the caller may see. */
export class TokenFault extends Error {
  /** Whether it may be a guess: its signature was not shown to be right. */
  readonly guess: boolean;
  /** What its bearer can do about it. It says no more of the API than its own description does. */
  readonly remedy: string;
  constructor(reason: string, guess = true, remedy: string = guess ? remedies.unchanged : remedies.made) {
    super(reason);
    this.guess = guess;
    this.remedy = remedy;
  }
}

export interface JwtHeader {
  readonly alg: string;
  readonly kid?: string;
}

export interface JwtRules {
  readonly algorithms: ReadonlySet<string>;
  readonly typ: string;
  /** The key that this header names, among the issuer's. A `kid` is looked up, and goes nowhere else. */
  readonly key: (header: JwtHeader) => Promise<CryptoKey | undefined>;
}

/** Characters of a token, at most. */
const longestToken = 12_288;
const form = /^[A-Za-z0-9_-]*\.[A-Za-z0-9_-]*\.[A-Za-z0-9_-]*$/;
const jsonLimits = { maxDepth: 16, maxKeys: 200, maxItems: 2000, duplicates: "refuse" } as const;

/** Whether it has the form of a signed JWT (RFC 7515, section 7.1), also one without a signature. */
export function looksLikeJwt(token: string): boolean {
  return token.length <= longestToken && form.test(token);
}

/** `iss` of a token, unverified: it only chooses among issuers. */
export function issuerOf(token: string): string | undefined {
  try {
    const { iss } = readPart(token.split(".")[1]);
    return typeof iss === "string" ? iss : undefined;
  } catch {
    return undefined;
  }
}

/** The claims of a token whose signature is right. Throws `TokenFault`; rejects with what `key` rejects with. */
export async function verifyJwt(token: string, rules: JwtRules): Promise<Claims> {
  const [head, , signature] = token.split(".");
  const header = readPart(head);
  const { alg, kid, typ } = header;
  // The list decides, not the header; `none` in whatever letters is not on it (JB-1).
  if (typeof alg !== "string" || !rules.algorithms.has(alg)) throw new TokenFault("its algorithm is not taken here");
  if (signature === undefined || signature === "") throw new TokenFault("it is not signed");
  if (header.crit !== undefined || header.b64 !== undefined)
    throw new TokenFault("its header asks for what is not known");
  if (kid !== undefined && (typeof kid !== "string" || kid.length > 400)) throw new TokenFault("its kid is none");
  if (typeof typ !== "string" || bareType(typ) !== bareType(rules.typ))
    throw new TokenFault(`its typ is not ${rules.typ}`, true, remedies.access);
  const key = await rules.key(kid === undefined ? { alg } : { alg, kid });
  if (key === undefined) throw new TokenFault("it is not signed by a key of its issuer");
  const { compactVerify, errors } = await jose();
  let payload: Uint8Array;
  try {
    payload = (await compactVerify(token, key, { algorithms: [alg] })).payload;
  } catch (error) {
    if (error instanceof errors.JOSEError || error instanceof TypeError) throw new TokenFault("its signature is wrong");
    throw error;
  }
  return readJson(payload);
}

/** RFC 7515, section 4.1.9: a `typ` without a slash stands for `application/`. */
function bareType(typ: string): string {
  return typ.toLowerCase().replace(/^application\//, "");
}

function readPart(part: string | undefined): Claims {
  if (part === undefined || part === "") throw new TokenFault("it is not whole");
  return readJson(Buffer.from(part, "base64url"));
}

/** A member that is named twice makes two tokens of one: it is refused (JB-5). */
function readJson(bytes: Uint8Array): Claims {
  let value: Json;
  try {
    value = parseJson(bytes, jsonLimits);
  } catch {
    throw new TokenFault("it holds JSON that is not taken");
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw new TokenFault("it holds no object");
  return value as Claims;
}
