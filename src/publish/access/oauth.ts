/**
 * OAuth 2 access tokens as a way of proving who calls: JWTs (RFC 9068), and opaque tokens by introspection (RFC 7662). As a
 * resource server by RFC 9700; what is checked of a token is in token.ts, its keys are in key-set.ts.
 */
import { failure } from "../../errors.ts";
import { type Duration, milliseconds, type Reference } from "../../operation.ts";
import type { HttpRequest } from "../http.ts";
import { boundTo } from "./certificate-bound.ts";
import { openIntrospection } from "./introspection.ts";
import { openIssuer } from "./issuer.ts";
import { issuerOf, looksLikeJwt, type SigningAlgorithm, signingAlgorithms, TokenFault, verifyJwt } from "./jwt.ts";
import { openKeySet } from "./key-set.ts";
import { type Claims, callerOf, checkClaims, type TokenRules } from "./token.ts";
import type { Credential, Verdict, Way, WayTools } from "./way.ts";

/** How far an issuer's clock and ours may be apart. */
export const usualClockSkew = "30s";

/** An authorization server whose tokens are taken, and what they must say. */
export interface OAuthOptions {
  /** Its identifier, exactly as its tokens have it in `iss`. `https:`; `http:` only on this machine. */
  readonly issuer: string | Reference;
  /** What tokens for this API have in `aud`; one of several is enough. A token for anybody else is refused. */
  readonly audience: string | Reference | readonly (string | Reference)[];
  /** Address of its keys (RFC 7517). Default: from its metadata (RFC 8414, or OpenID Connect Discovery). */
  readonly jwksUri?: string | Reference;
  /** Default: all that sign with a private key. Those with a shared key, and `none`, are never taken. */
  readonly algorithms?: readonly SigningAlgorithm[];
  /**
   * `typ` of its tokens. Default `at+jwt` (RFC 9068). Another one, such as `JWT`, is a relaxation for issuers that do not follow the RFC:
   * then `sub`, `client_id`, `iat` and `jti` may be missing. ID tokens are refused in any case.
   */
  readonly typ?: string;
  /** The consumer of a token: the name of a claim, or a function. Default `client_id`. */
  readonly consumer?: string | ((claims: Claims) => string);
  /** Where its scopes stand. Default: the claim `scope`; text with spaces between, or a list. */
  readonly scopes?: string | ((claims: Claims) => readonly string[]);
  /** Where its roles stand. Default: the claim `roles` (RFC 9068, section 2.2.3.1). */
  readonly roles?: string | ((claims: Claims) => readonly string[]);
  /** How far its clock and ours may be apart. Default `"30s"`, at most `"5m"`. */
  readonly clockSkew?: Duration;
  /** Takes opaque tokens too, and asks the issuer about them. */
  readonly introspection?: IntrospectionOptions;
  /** Refuse a token that is not bound to the caller's certificate (RFC 8705). Default false; a bound one is held to its certificate in any case. */
  readonly certificateBound?: boolean;
}

export interface IntrospectionOptions {
  /** Default: from the issuer's metadata. */
  readonly url?: string | Reference;
  /** This server as a client of the issuer; sent as HTTP Basic (RFC 6749, section 2.3.1). */
  readonly client: string | Reference;
  readonly secret: Reference;
  /** How long an answer is reused; never beyond the token's `exp`. Default `"60s"`. */
  readonly cache?: Duration;
  /** Ask about JWTs as well: what is revoked is then refused at once, at a request each. Default false. */
  readonly always?: boolean;
}

/** What `oauth()` gives. */
export interface OAuthAccess extends OAuthOptions {
  readonly kind: "oauth";
}

/** Access tokens of an authorization server; sent as `Authorization: Bearer`. */
export function oauth(options: OAuthOptions): OAuthAccess {
  return Object.freeze({ ...options, kind: "oauth" });
}

/** `undefined`, or what is wrong with it. */
export function oauthProblem(access: OAuthAccess): string | undefined {
  const { issuer, audience, algorithms, typ, clockSkew, introspection } = access;
  if (typeof issuer === "string") {
    const problem = issuerProblem(issuer);
    if (problem !== undefined) return problem;
  } else if (issuer === undefined || issuer === null) return "oauth() needs an issuer";
  // Without an audience a token for any other API of the issuer would open this one (OA2-3).
  const audiences = Array.isArray(audience) ? audience : [audience];
  if (audiences.length === 0 || audiences.some((one) => one === undefined || one === ""))
    return "oauth() needs an audience: what tokens for this API have in aud";
  const strange = algorithms?.find((one) => !signingAlgorithms.includes(one));
  if (strange !== undefined || algorithms?.length === 0)
    return `oauth() takes the algorithms ${signingAlgorithms.join(", ")}; not ${strange ?? "none at all"}`;
  if (typ !== undefined && !/^[A-Za-z0-9+.-]{1,60}$/.test(typ)) return "oauth() has a typ that is none";
  if (typ !== undefined && idTokenTypes.has(typ.toLowerCase())) return `oauth() can't take tokens of the typ ${typ}`;
  if (milliseconds(clockSkew ?? 0) > 300_000) return 'oauth() has a clockSkew above "5m"';
  if (introspection !== undefined && typeof introspection.secret === "string")
    return 'oauth() needs introspection.secret as a reference, such as secret("INTROSPECTION")';
  return undefined;
}

/** Tokens that are something else by their own name (JB-6). */
const idTokenTypes: ReadonlySet<string> = new Set(["id_token", "id", "logout+jwt", "dpop+jwt", "secevent+jwt"]);

function issuerProblem(issuer: string): string | undefined {
  const url = URL.parse(issuer);
  if (url === null || url.search !== "" || url.hash !== "") return `oauth() has an issuer that is no URL: ${issuer}`;
  const local = /^(localhost|127\.0\.0\.1|\[::1\])$/.test(url.hostname);
  if (url.protocol === "https:" || (url.protocol === "http:" && local)) return undefined;
  return `oauth() has the issuer ${issuer}; it must begin with https:// (http:// only on this machine)`;
}

/** For operators: a relaxation must be seen (AT-1). */
export function describeOAuth({ issuer, typ, introspection, certificateBound }: OAuthAccess): string {
  const of = typeof issuer === "string" ? issuer : `the ${issuer.kind} ${issuer.name}`;
  const notes = [
    ...(isStrict(typ) ? [] : [`relaxed: takes the typ ${typ}`]),
    ...(introspection === undefined ? [] : ["asks the issuer about opaque tokens"]),
    ...(certificateBound === true ? ["bound to certificates"] : []),
  ];
  return `access tokens of ${of}${notes.length === 0 ? "" : ` (${notes.join("; ")})`}`;
}

function isStrict(typ: string | undefined): boolean {
  return typ === undefined || /^(application\/)?at\+jwt$/i.test(typ);
}

export function openOAuth(access: OAuthAccess, tools: WayTools): Way {
  const { sources, clock, monotonic, report } = tools;
  const base = { challenge: { scheme: "Bearer", parameters: {} }, places: ["bearer"] } as const;
  if (sources === undefined) return { ...base, owns: () => 1, check: closed, schemes: schemesOf(access, undefined) };
  const { resolve, outbound } = sources;
  const issuer = resolve(access.issuer);
  const problem = issuerProblem(issuer);
  if (problem !== undefined) throw failure("server-failed", { reason: problem });
  const audiences = (Array.isArray(access.audience) ? access.audience : [access.audience]).map(resolve);
  const rules: TokenRules = {
    issuer,
    audiences,
    strict: isStrict(access.typ),
    skewSeconds: milliseconds(access.clockSkew ?? usualClockSkew) / 1000,
    consumer: access.consumer ?? "client_id",
    scopes: access.scopes ?? "scope",
    roles: access.roles ?? "roles",
  };
  const server = openIssuer({ issuer, outbound, clock });
  const jwksUri = access.jwksUri === undefined ? undefined : resolve(access.jwksUri);
  const keys = openKeySet({ load: () => server.keys(jwksUri), monotonic, report });
  const introspection =
    access.introspection === undefined
      ? undefined
      : openIntrospection(access.introspection, { issuer: server, resolve, outbound, clock });
  const algorithms: ReadonlySet<string> = new Set(access.algorithms ?? signingAlgorithms);
  const typ = access.typ ?? "at+jwt";

  const verifiedHere = (token: string) => looksLikeJwt(token) && access.introspection?.always !== true;

  async function claimsOf(token: string): Promise<Claims> {
    if (verifiedHere(token)) {
      const claims = await verifyJwt(token, { algorithms, typ, key: (header) => keys.find(header) });
      checkClaims(claims, rules, clock() / 1000, "jwt");
      return claims;
    }
    if (introspection === undefined) throw new TokenFault("it is not of a form that this API takes");
    const claims = await introspection.claims(token);
    checkClaims(claims, rules, clock() / 1000, "introspected");
    return claims;
  }

  async function check(credential: Credential, request: HttpRequest): Promise<Verdict> {
    try {
      const claims = await claimsOf("token" in credential ? credential.token : "");
      boundTo(claims, request.certificate, access.certificateBound === true);
      return { ok: true, caller: callerOf(claims, rules) };
    } catch (error) {
      if (!(error instanceof TokenFault)) throw error;
      return {
        ok: false,
        error: failure("token-invalid", { reason: error.message, remedy: error.remedy }),
        guess: error.guess,
      };
    }
  }

  return {
    ...base,
    owns(credential) {
      if (credential.in !== "bearer" || credential.token.startsWith("mtz_")) return 0;
      return looksLikeJwt(credential.token) && issuerOf(credential.token) === issuer ? 2 : 1;
    },
    check,
    costs: (credential) =>
      introspection !== undefined &&
      "token" in credential &&
      !verifiedHere(credential.token) &&
      !introspection.knows(credential.token),
    schemes: schemesOf(access, issuer),
    issuer,
  };
}

/** Without what the server gives, nobody is let in. */
function closed(): never {
  throw failure("issuer-unavailable", {}, { retryAfterMs: 5000 });
}

function schemesOf({ introspection, typ }: OAuthAccess, issuer: string | undefined): Readonly<Record<string, unknown>> {
  const format = introspection === undefined ? { bearerFormat: "JWT" } : {};
  const what = introspection === undefined ? "A JWT access token (RFC 9068)" : "An access token";
  const relaxed = isStrict(typ) ? "" : `, of the typ ${typ}`;
  const whose = issuer === undefined ? "" : ` of ${issuer}`;
  return { oauth: { type: "http", scheme: "bearer", ...format, description: `${what}${whose}${relaxed}.` } };
}
