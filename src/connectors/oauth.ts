/**
 * Access tokens by OAuth 2 client credentials (RFC 6749, section 4.4; RFC 9700 says how such a client behaves): one request at a time,
 * kept until shortly before the token ends, never logged, never in an error.
 */
import { type ErrorExtras, failure, MortiseError } from "../errors.ts";
import { parseJson } from "../formats/json.ts";
import type { Outbound } from "../outbound/outbound.ts";
import { pauseAsked } from "./http.ts";
import type { ResolvedCredentials, ResolvedSettings } from "./system.ts";

export type OAuthCredentials = Extract<ResolvedCredentials, { readonly kind: "oauth" }>;

/** Of a token that does not say how long it lives, and of the longest one believed. */
const usualLifeMs = 300_000;
const longestLifeMs = 24 * 3_600_000;
/** A token is renewed this long before its end, so that it does not end on the way. */
const marginMs = 30_000;
/** Between two renewals of tokens that were refused. */
const renewalMs = 1_000;

/** A request for a token that is under way, and how many calls wait for it. */
interface Fetching {
  readonly token: Promise<string>;
  readonly stop: AbortController;
  waiting: number;
}

export class TokenSource {
  readonly #credentials: OAuthCredentials;
  readonly #settings: ResolvedSettings;
  readonly #outbound: Outbound;
  #token: { readonly value: string; readonly until: number } | undefined;
  #fetching: Fetching | undefined;
  /** When a token was forgotten last since it was refused. */
  #renewedAt = Number.NEGATIVE_INFINITY;

  constructor(credentials: OAuthCredentials, settings: ResolvedSettings, outbound: Outbound) {
    this.#credentials = credentials;
    this.#settings = settings;
    this.#outbound = outbound;
    const url = URL.parse(credentials.tokenUrl);
    const local = url !== null && /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(url.hostname);
    if (url === null || (url.protocol !== "https:" && !(url.protocol === "http:" && local)))
      throw failure("connection-invalid", {
        system: settings.name,
        reason: "the tokenUrl of its credentials must begin with https:// (http:// inside one machine only)",
      });
  }

  /**
   * A token that is good for now. Rejects with `oauth-token`, or with `outbound-aborted` where the caller called off, always with outcome `none`. All who
   * ask meanwhile wait for one request, each as long as its own call may last: whoever goes away takes it from nobody.
   */
  async token(deadline: number, signal: AbortSignal): Promise<string> {
    const known = this.#token;
    if (known !== undefined && known.until > Date.now()) return known.value;
    this.#fetching ??= this.#begin();
    return this.#wait(this.#fetching, deadline, signal);
  }

  #begin(): Fetching {
    const stop = new AbortController();
    const token = this.#fetch(Date.now() + this.#settings.timeoutMs, stop.signal);
    const fetching = { token, stop, waiting: 0 };
    const over = () => {
      if (this.#fetching === fetching) this.#fetching = undefined;
    };
    token.then(over, over);
    return fetching;
  }

  #wait(fetching: Fetching, deadline: number, signal: AbortSignal): Promise<string> {
    return new Promise((resolve, reject) => {
      let left = false;
      const leave = () => {
        if (left) return;
        left = true;
        clearTimeout(timer);
        signal.removeEventListener("abort", aborted);
        fetching.waiting -= 1;
      };
      const giveUp = (error: MortiseError) => {
        leave();
        reject(error);
        if (fetching.waiting > 0) return;
        if (this.#fetching === fetching) this.#fetching = undefined;
        fetching.stop.abort();
      };
      const late = () => giveUp(this.#failed("its server did not answer in time"));
      const aborted = () =>
        Date.now() >= deadline ? late() : giveUp(failure("outbound-aborted", { host: this.#settings.name }));
      fetching.waiting += 1;
      const timer = setTimeout(late, Math.max(0, deadline - Date.now()));
      signal.addEventListener("abort", aborted);
      if (signal.aborted) aborted();
      else fetching.token.finally(leave).then(resolve, reject);
    });
  }

  /** Forgets a token that was refused, unless a newer one is there. A system that refuses them all must not cost its token's server a request per call. */
  refused(token: string): void {
    if (this.#token?.value !== token) return;
    const now = Date.now();
    if (Math.abs(now - this.#renewedAt) < renewalMs) return;
    this.#renewedAt = now;
    this.#token = undefined;
  }

  async #fetch(deadline: number, signal: AbortSignal): Promise<string> {
    const { tokenUrl, client, secret, scopes, auth } = this.#credentials;
    const form = new URLSearchParams({ grant_type: "client_credentials" });
    if (scopes.length > 0) form.set("scope", scopes.join(" "));
    const headers: Record<string, string> = {
      accept: "application/json",
      "content-type": "application/x-www-form-urlencoded",
    };
    if (auth === "body") {
      form.set("client_id", client);
      form.set("client_secret", secret);
    } else {
      // RFC 6749, section 2.3.1: both are form-encoded first
      const pair = `${encodeURIComponent(client)}:${encodeURIComponent(secret)}`;
      headers.authorization = `Basic ${Buffer.from(pair).toString("base64")}`;
    }
    try {
      const response = await this.#outbound.request({
        method: "POST",
        url: tokenUrl,
        headers,
        body: form.toString(),
        deadline,
        signal,
        maxResponseBytes: 64 * 1024,
        internal: this.#settings.internal,
      });
      // Whoever follows it would send the secret to another address; whoever asks again gets the same answer.
      if (response.status >= 300 && response.status < 400)
        throw this.#failed(
          "its server redirects, and a secret goes to no other address; the tokenUrl must be the final one",
          {
            class: "give-up",
          },
        );
      const { status } = response;
      // What its server asks for, all of the calls wait for.
      if (status === 429 || status >= 500) throw this.#failed(`its server answered ${status}`, pauseAsked(response));
      if (status !== 200) throw this.#failed(`its server answered ${status}`);
      return this.#read(parseJson(response.body));
    } catch (error) {
      if (!(error instanceof MortiseError)) throw error;
      if (error.code === "oauth-token") throw error;
      // Whatever happened to the token's request, the call itself was not made.
      throw failure("oauth-token", { system: this.#settings.name, reason: error.message }, { cause: error });
    }
  }

  #read(answer: unknown): string {
    const {
      access_token: value,
      token_type: type,
      expires_in: life,
    } = (answer ?? {}) as Readonly<Record<string, unknown>>;
    if (typeof value !== "string" || !/^[\x21-\x7e]{1,16384}$/.test(value))
      throw this.#failed("it holds no access token");
    if (type !== undefined && String(type).toLowerCase() !== "bearer")
      throw this.#failed("its token is no bearer token");
    const seconds = typeof life === "string" ? Number(life) : life;
    const lifeMs = typeof seconds === "number" && seconds > 0 ? Math.min(seconds * 1000, longestLifeMs) : usualLifeMs;
    this.#token = { value, until: Date.now() + Math.max(lifeMs - marginMs, lifeMs / 2) };
    return value;
  }

  #failed(reason: string, extras: Pick<ErrorExtras, "class" | "retryAfterMs"> = {}): MortiseError {
    return failure("oauth-token", { system: this.#settings.name, reason }, extras);
  }
}
