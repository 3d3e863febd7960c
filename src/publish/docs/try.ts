/**
 * Trying an API out: requests below `<base>/docs/try` are answered by what makes answers up from the contract. It needs no key, takes none,
 * and reaches nothing; what it may cost is bounded.
 */
import type { HttpRequest, HttpResponse } from "../http.ts";
import { addressBucket } from "../limits/address.ts";
import { rateLimiter } from "../limits/rate.ts";
import type { Page } from "../page.ts";

/** A request without what it says about its sender. */
export interface Tried {
  readonly method: string;
  /** Below the base, still percent-encoded. */
  readonly path: string;
  readonly query: string;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
  /** The status that is asked for. */
  readonly wanted?: number;
}

/** Makes an answer up. Rejects for what is no fault of the request. */
export type MakeUp = (request: Tried) => Promise<HttpResponse>;

/** Of a request's body. */
export const mostTriedBytes = 65_536;

/** Says that the answer is made up. */
export const madeUpHeader = "x-made-up";

/** What proves who somebody is has no business here. */
const credentials: ReadonlySet<string> = new Set([
  "authorization",
  "cookie",
  "proxy-authorization",
  "x-api-key",
  "client-cert",
  "client-cert-chain",
]);

export interface TryLimits {
  /** Throws what is answered where it is too much. */
  take(request: HttpRequest): void;
}

/** One for all APIs of a publisher: what anybody may ask for must not take what callers need. */
export function tryLimits(monotonic: () => number): TryLimits {
  const address = rateLimiter({ per: "address", rate: 60, every: "1m", burst: 30 }, "try-address", monotonic);
  const all = rateLimiter({ per: "all", rate: 50, every: "1s" }, "try", monotonic);
  return {
    take(request) {
      for (const [limiter, who] of [
        [address, addressBucket(request.address)],
        [all, ""],
      ] as const) {
        const taken = limiter.take(who, 1);
        if (taken.kind === "refused") throw limiter.refusal(taken);
      }
    },
  };
}

/** `prefix`: what stands before the operation's path, such as `/orders/v1/docs/try`. */
export function tryPage(prefix: string, make: MakeUp, limits: TryLimits): Page {
  return {
    fresh: true,
    async response(request) {
      limits.take(request);
      const wanted = wantedOf(request);
      const made = await make({
        method: request.method === "HEAD" ? "GET" : request.method,
        path: request.path.slice(prefix.length) || "/",
        query: request.query,
        headers: Object.fromEntries(Object.entries(request.headers).filter(([name]) => !credentials.has(name))),
        body: await request.body(mostTriedBytes),
        ...(wanted === undefined ? {} : { wanted }),
      });
      return marked(made);
    },
  };
}

/** `Prefer: code=404` (RFC 7240; the preference is what other fakes know, too). */
function wantedOf({ headers }: HttpRequest): number | undefined {
  const [, code] = /(?:^|[,;]\s*)code\s*=\s*"?([1-5]\d\d)"?\s*(?:$|[,;])/i.exec(headers.prefer ?? "") ?? [];
  return code === undefined ? undefined : Number(code);
}

/** Should a contract say that an answer is a page, no browser runs it. */
function marked(made: HttpResponse): HttpResponse {
  const policy = "default-src 'none'; sandbox; frame-ancestors 'none'";
  const own = { "cache-control": "no-store", [madeUpHeader]: "from the contract", "content-security-policy": policy };
  return { ...made, headers: { ...made.headers, ...own } };
}
