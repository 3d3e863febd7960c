/**
 * Opaque tokens: the issuer is asked (RFC 7662). Its answer is kept for a minute at most and never beyond the token's `exp`, by a hash
 * of the token, in a bounded memory; what it refuses is kept for ten seconds, apart, so that guesses push nothing out.
 */
import { hash } from "node:crypto";
import { failure } from "../../errors.ts";
import { parseJson } from "../../formats/json.ts";
import { milliseconds, type Reference } from "../../operation.ts";
import type { Outbound } from "../../outbound/outbound.ts";
import { type Issuer, issuerTimeoutMs } from "./issuer.ts";
import { remedies, TokenFault } from "./jwt.ts";
import type { IntrospectionOptions } from "./oauth.ts";
import type { Claims } from "./token.ts";

export interface Introspection {
  /** What the issuer says of an active token. Rejects with `TokenFault` for one that is not, with `issuer-unavailable` without an answer. */
  claims(token: string): Promise<Claims>;
  /** Whether it can be answered without asking. */
  knows(token: string): boolean;
}

export interface IntrospectionTools {
  readonly issuer: Issuer;
  readonly resolve: (given: Reference | string) => string;
  readonly outbound: Outbound;
  readonly clock: () => number;
}

const mostActive = 10_000;
const mostRefused = 1_000;
const refusedMs = 10_000;
const longestToken = 4096;
/** RFC 6750, section 2.1. */
const form = /^[A-Za-z0-9._~+/-]+=*$/;

export function openIntrospection(options: IntrospectionOptions, tools: IntrospectionTools): Introspection {
  const { issuer, resolve, outbound, clock } = tools;
  const url = options.url === undefined ? undefined : resolve(options.url);
  const cacheMs = milliseconds(options.cache ?? "60s");
  const credentials = [resolve(options.client), resolve(options.secret)].map(formEncoded).join(":");
  const authorization = `Basic ${Buffer.from(credentials).toString("base64")}`;
  const active = new Map<string, { readonly claims: Claims; readonly until: number }>();
  const refused = new Map<string, number>();
  const underway = new Map<string, Promise<Claims>>();

  async function ask(token: string, id: string): Promise<Claims> {
    const to = url === undefined ? await issuer.introspection() : { url, internal: true };
    const { status, body } = await outbound.request({
      method: "POST",
      url: to.url,
      headers: {
        authorization,
        accept: "application/json",
        "content-type": "application/x-www-form-urlencoded",
      },
      body: `token=${formEncoded(token)}&token_type_hint=access_token`,
      deadline: Date.now() + issuerTimeoutMs,
      maxResponseBytes: 65_536,
      internal: to.internal,
    });
    // 401 here means that we are refused, not the token.
    if (status !== 200) throw new Error(`the introspection endpoint answered ${status}`);
    const claims = parseJson(body, { duplicates: "refuse", maxDepth: 16 });
    if (typeof claims !== "object" || claims === null || Array.isArray(claims))
      throw new Error("the introspection endpoint answered no object");
    const said = claims as Claims;
    const now = clock();
    if (said.active !== true) {
      keep(refused, id, now + refusedMs, mostRefused);
      throw new TokenFault("its issuer does not know it, or it has ended", true, remedies.renewed);
    }
    const until = typeof said.exp === "number" ? Math.min(now + cacheMs, said.exp * 1000) : now + cacheMs;
    if (until > now) keep(active, id, { claims: said, until }, mostActive);
    return said;
  }

  return {
    knows(token) {
      const id = idOf(token);
      return (active.get(id)?.until ?? 0) > clock() || (refused.get(id) ?? 0) > clock();
    },
    async claims(token) {
      if (token.length > longestToken || !form.test(token))
        throw new TokenFault("it is not of a form that this API takes");
      const id = idOf(token);
      const known = active.get(id);
      if (known !== undefined && known.until > clock()) return known.claims;
      if ((refused.get(id) ?? 0) > clock())
        throw new TokenFault("its issuer does not know it, or it has ended", true, remedies.renewed);
      const asked =
        underway.get(id) ??
        ask(token, id)
          .catch((error: unknown) => {
            if (error instanceof TokenFault) throw error;
            throw failure("issuer-unavailable", {}, { retryAfterMs: 5000, cause: error });
          })
          .finally(() => underway.delete(id));
      underway.set(id, asked);
      return asked;
    },
  };
}

/** By its hash: what is in memory opens nothing. */
function idOf(token: string): string {
  return hash("sha256", token, "base64url");
}

/** Newest last; beyond `most` the oldest goes. */
function keep<T>(map: Map<string, T>, id: string, value: T, most: number): void {
  map.delete(id);
  if (map.size >= most) for (const oldest of map.keys()) if (map.delete(oldest)) break;
  map.set(id, value);
}

function formEncoded(text: string): string {
  return new URLSearchParams({ _: text }).toString().slice(2);
}
