/**
 * Who calls: one authenticator per API, over the ways that the API takes. It fails closed:
 *
 *  - A request carries exactly one credential. Two are refused (RFC 6750, section 2 and 3.1), whichever of them is right.
 *  - The first way that owns the credential by its form decides; no other way is asked after it.
 *  - What no way owns is refused, and so is every credential while the way's own server is away.
 *
 * A client certificate is of the connection, so it stands beside another credential; it is one itself only where there is no other.
 */
import { failure, type MortiseError } from "../../errors.ts";
import type { HttpRequest } from "../http.ts";
import { addressBucket, type Limiter } from "../limits.ts";
import type { ApiCaller } from "../operations.ts";
import { ProblemError } from "../problem.ts";
import type { Challenge, Credential, Verdict, Way } from "./way.ts";

export interface Authenticator {
  /** The caller, or a problem with every challenge. */
  authenticate(request: HttpRequest): ApiCaller | Promise<ApiCaller>;
  /** The refusal of a caller that lacks a scope: 403 (RFC 6750, section 3.1). */
  lacksScope(scope: string): ProblemError;
  /** Whether a way needs the body before the caller is known. */
  readonly signed: boolean;
  /** Security schemes for OpenAPI. */
  readonly schemes: Readonly<Record<string, unknown>>;
}

/** `guesses`: what a wrong credential takes from its address; shared by all APIs, so that no guesser has a turn at each. */
export function createAuthenticator(ways: readonly Way[], guesses: Limiter): Authenticator {
  const takes = new Set(ways.flatMap(({ places }) => places));
  const signing = ways.filter(({ signs }) => signs !== undefined);
  const able = (place: Credential["in"]) => ways.filter(({ places }) => places.includes(place));
  const byPlace: Readonly<Record<Credential["in"], readonly Way[]>> = {
    bearer: able("bearer"),
    basic: able("basic"),
    "x-api-key": able("x-api-key"),
    signature: able("signature"),
    certificate: able("certificate"),
  };
  const challenges = {
    none: header(ways, undefined),
    invalid: header(ways, { error: "invalid_token" }),
    several: header(ways, { error: "invalid_request" }),
  };
  const missing = takes.size === 2 && takes.has("x-api-key") ? "api-key-missing" : "credential-missing";

  /** The credential; throws where there are two, or none. */
  function find(request: HttpRequest): Credential {
    const { authorization, "x-api-key": own } = request.headers;
    let found: Credential | undefined;
    if (authorization !== undefined) {
      const cut = authorization.indexOf(" ");
      const scheme = cut < 0 ? "" : authorization.slice(0, cut).toLowerCase();
      if ((scheme === "bearer" || scheme === "basic") && takes.has(scheme))
        found = { in: scheme, token: authorization.slice(cut + 1).trim() };
    }
    if (own !== undefined && takes.has("x-api-key")) {
      if (authorization !== undefined) throw several();
      found = { in: "x-api-key", token: own };
    }
    if (signing.length > 0 && signing.some((way) => way.signs?.(request) === true)) {
      if (authorization !== undefined || found !== undefined) throw several();
      found = { in: "signature" };
    }
    // A token in the query ends up in logs: it is never read, and beside another credential it makes two (RFC 9700, section 4.3.2).
    if (request.query !== "" && takes.has("bearer") && tokenInQuery.test(request.query) && found !== undefined)
      throw several();
    if (found !== undefined) return found;
    if (takes.has("certificate") && request.certificate !== undefined) return { in: "certificate" };
    throw new ProblemError(failure(missing, {}), { headers: { "www-authenticate": challenges.none } });
  }

  function several(): ProblemError {
    return new ProblemError(failure("credential-several", {}), { headers: { "www-authenticate": challenges.several } });
  }

  function refuse(error: MortiseError, guess: boolean, request: HttpRequest): unknown {
    if (guess) {
      const taken = guesses.take(addressBucket(request.address));
      if (!taken.allowed) return guesses.refusal(taken);
    }
    return new ProblemError(error, { headers: { "www-authenticate": challenges.invalid } });
  }

  function settle(verdict: Verdict, request: HttpRequest): ApiCaller {
    if (verdict.ok) return verdict.caller;
    throw refuse(verdict.error, verdict.guess, request);
  }

  return {
    authenticate(request) {
      const credential = find(request);
      const ablest = byPlace[credential.in];
      const way = ablest.find((one) => one.owns(credential, request)) ?? ablest[0];
      if (way === undefined) throw refuse(failure("credential-invalid", {}), true, request);
      const verdict = way.check(credential, request);
      return verdict instanceof Promise ? verdict.then((known) => settle(known, request)) : settle(verdict, request);
    },
    lacksScope(scope) {
      return new ProblemError(failure("scope-missing", { scope }), {
        headers: { "www-authenticate": header(ways, { error: "insufficient_scope", scope }) },
      });
    },
    signed: signing.length > 0,
    schemes: Object.assign({}, ...ways.map(({ schemes }) => schemes)) as Readonly<Record<string, unknown>>,
  };
}

const tokenInQuery = /(^|&)access_token=/;

/** Every challenge, one of a scheme, with the parameters of all its ways; `error` stands in that of bearer tokens only. */
function header(ways: readonly Way[], error: Readonly<Record<string, string>> | undefined): string {
  const schemes = new Map<string, Record<string, string>>();
  for (const { challenge } of ways) {
    const known = schemes.get(challenge.scheme) ?? (challenge.scheme === "Bearer" ? { ...error } : {});
    schemes.set(challenge.scheme, { ...known, ...challenge.parameters });
  }
  return [...schemes].map(([scheme, parameters]) => written({ scheme, parameters })).join(", ");
}

function written({ scheme, parameters }: Challenge): string {
  const list = Object.entries(parameters).map(([name, value]) => `${name}="${value.replace(/["\\]/g, "\\$&")}"`);
  return list.length === 0 ? scheme : `${scheme} ${list.join(", ")}`;
}
