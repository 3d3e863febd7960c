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
import { addressBucket } from "../limits/address.ts";
import type { RateLimiter } from "../limits/rate.ts";
import { ProblemError } from "../problem.ts";
import type { Resource } from "./resource.ts";
import type { Admitted, Challenge, Credential, Verdict, Way } from "./way.ts";

export interface Authenticator {
  /** The caller, or a problem with every challenge. */
  authenticate(request: HttpRequest): Admitted | Promise<Admitted>;
  /** The refusal of a caller that lacks a scope: 403 (RFC 6750, section 3.1). */
  lacksScope(scope: string, request: HttpRequest): ProblemError;
  /** Of an API that takes tokens: its metadata. */
  readonly resource: Resource | undefined;
  /** Whether a way needs the body before the caller is known. */
  readonly signed: boolean;
  /** Security schemes for OpenAPI. */
  readonly schemes: Readonly<Record<string, unknown>>;
}

/** `guesses`: what a wrong credential takes from its address; shared by all APIs, so that no guesser has a turn at each. */
export function createAuthenticator(
  ways: readonly Way[],
  guesses: RateLimiter,
  resource: Resource | undefined,
): Authenticator {
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
  /** Every challenge, with the way to the metadata (RFC 9728, section 5.1). */
  function challenged(request: HttpRequest, error?: Readonly<Record<string, string>>) {
    const address = resource?.address(request);
    const bearer = { ...error, ...(address === undefined ? {} : { resource_metadata: address }) };
    return { headers: { "www-authenticate": header(ways, bearer) } };
  }
  const missing = ways.every(({ places }) => places.includes("x-api-key")) ? "api-key-missing" : "credential-missing";

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
      if (authorization !== undefined) throw several(request);
      found = { in: "x-api-key", token: own };
    }
    if (signing.length > 0 && signing.some((way) => way.signs?.(request) === true)) {
      if (authorization !== undefined || found !== undefined) throw several(request);
      found = { in: "signature" };
    }
    // A token in the query ends up in logs: it is never read, and beside another credential it makes two (RFC 9700, section 4.3.2).
    if (found !== undefined && request.query !== "" && takes.has("bearer") && tokenInQuery.test(request.query))
      throw several(request);
    if (found !== undefined) return found;
    if (takes.has("certificate") && request.certificate !== undefined) return { in: "certificate" };
    throw new ProblemError(failure(missing, {}), challenged(request));
  }

  /** The first that surely owns it, else the first that may; the only one that looks there has to answer for it. */
  function ownerOf(credential: Credential, request: HttpRequest): Way | undefined {
    const ablest = byPlace[credential.in];
    if (ablest.length === 1) return ablest[0];
    let may: Way | undefined;
    for (const way of ablest) {
      const owns = way.owns(credential, request);
      if (owns === 2) return way;
      if (owns === 1) may ??= way;
    }
    return may;
  }

  function several(request: HttpRequest): ProblemError {
    return new ProblemError(failure("credential-several", {}), challenged(request, { error: "invalid_request" }));
  }

  function refuse(error: MortiseError, guess: boolean, request: HttpRequest): unknown {
    if (guess) {
      const taken = guesses.take(addressBucket(request.address), 1);
      if (taken.kind === "refused") return guesses.refusal(taken);
    }
    return new ProblemError(error, challenged(request, { error: "invalid_token" }));
  }

  function settle(verdict: Verdict, request: HttpRequest): Admitted {
    if (verdict.ok) return verdict;
    throw refuse(verdict.error, verdict.guess, request);
  }

  return {
    authenticate(request) {
      const credential = find(request);
      const way = ownerOf(credential, request);
      if (way === undefined) throw refuse(failure("credential-invalid", {}), true, request);
      // A guess that makes us work, or ask somebody, must not be free to repeat (OW-2).
      if (way.costs?.(credential) === true) {
        const spent = guesses.look(addressBucket(request.address));
        if (spent !== undefined) throw guesses.refusal(spent);
      }
      const verdict = way.check(credential, request);
      return verdict instanceof Promise ? verdict.then((known) => settle(known, request)) : settle(verdict, request);
    },
    lacksScope(scope, request) {
      return new ProblemError(
        failure("scope-missing", { scope }),
        challenged(request, { error: "insufficient_scope", scope }),
      );
    },
    resource,
    signed: signing.length > 0,
    schemes: named(ways.flatMap(({ schemes }) => Object.entries(schemes))),
  };
}

/** Two of a name, such as of two issuers, are told apart by a number. */
function named(schemes: readonly (readonly [string, unknown])[]): Readonly<Record<string, unknown>> {
  const all: Record<string, unknown> = {};
  for (const [name, scheme] of schemes) {
    let free = name;
    for (let count = 2; Object.hasOwn(all, free); count++) free = `${name}-${count}`;
    all[free] = scheme;
  }
  return all;
}

const tokenInQuery = /(^|&)access_token=/;

/** Every challenge, one of a scheme, with the parameters of all its ways; `bearer` stands in that of tokens only. */
function header(ways: readonly Way[], bearer: Readonly<Record<string, string>>): string {
  const schemes = new Map<string, Record<string, string>>();
  for (const { challenge } of ways) {
    const known = schemes.get(challenge.scheme) ?? (challenge.scheme === "Bearer" ? { ...bearer } : {});
    schemes.set(challenge.scheme, { ...known, ...challenge.parameters });
  }
  return [...schemes].map(([scheme, parameters]) => written({ scheme, parameters })).join(", ");
}

function written({ scheme, parameters }: Challenge): string {
  const list = Object.entries(parameters).map(([name, value]) => `${name}="${value.replace(/["\\]/g, "\\$&")}"`);
  return list.length === 0 ? scheme : `${scheme} ${list.join(", ")}`;
}
