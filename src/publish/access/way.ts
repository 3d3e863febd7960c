/**
 * What every way of proving who calls has in common. A way says whether a credential in a request is its own, and then who
 * it is; the authenticator (authenticator.ts) finds the credential, answers refusals and slows down guessing.
 */
import type { MortiseError } from "../../errors.ts";
import type { Reference } from "../../operation.ts";
import type { Outbound } from "../../outbound/outbound.ts";
import type { HttpRequest } from "../http.ts";
import type { ApiCaller } from "../operations.ts";
import type { Keyring } from "./keyring.ts";

/** The one credential of a request. Nothing of it was checked. */
export type Credential =
  | { readonly in: "bearer"; readonly token: string }
  | { readonly in: "basic"; readonly token: string }
  | { readonly in: "x-api-key"; readonly token: string }
  /** Signed by its sender: the way reads what it needs from the request. */
  | { readonly in: "signature" }
  /** Nothing in the request, but the connection has a client certificate. */
  | { readonly in: "certificate" };

/** Who it is, and what it said once and for all. */
export interface Admitted {
  readonly ok: true;
  readonly caller: ApiCaller;
  /** Of a signed request. */
  readonly message?: SignedMessage;
}
/** A message that counts once. */
export interface SignedMessage {
  /** The same for each repeat of it. */
  readonly key: string;
  /** How long, from now, its signature could still be taken for fresh. */
  readonly freshMs: number;
}

/** Who it is, or why not. */
export type Verdict =
  | Admitted
  | {
      readonly ok: false;
      readonly error: MortiseError;
      /** Could be a guess: it counts against the address. An expired token of ours is none. */
      readonly guess: boolean;
    };

/** A challenge of `WWW-Authenticate` (RFC 9110, section 11.6.1). */
export interface Challenge {
  readonly scheme: string;
  readonly parameters: Readonly<Record<string, string>>;
}

/** One way, open. */
export interface Way {
  readonly challenge: Challenge;
  /** The places that it looks at. */
  readonly places: readonly Credential["in"][];
  /** Whether a credential in one of its places is its own, by its form alone: 2 surely, 1 if no other way's, 0 no. */
  owns(credential: Credential, request: HttpRequest): 0 | 1 | 2;
  /**
   * Who it is. Rejects or throws only with what is no verdict: a server of the issuer that is away (503), too many guesses (429).
   */
  check(credential: Credential, request: HttpRequest): Verdict | Promise<Verdict>;
  /** Of a `signature`: whether the request has one of this way. */
  signs?(request: HttpRequest): boolean;
  /** Whether checking it costs more than a look: then an address that guessed too often is not served at all. */
  costs?(credential: Credential): boolean;
  /** Of tokens: whose. */
  readonly issuer?: string;
  /** A security scheme of OpenAPI 3.1, by its name there. */
  readonly schemes: Readonly<Record<string, unknown>>;
}

/** What ways are opened with. */
export interface WayTools {
  readonly keys: Keyring;
  /** Epoch milliseconds. */
  readonly clock: () => number;
  /** Milliseconds that never go back. */
  readonly monotonic: () => number;
  /** Tells of a failure that no caller is shown. */
  readonly report: (error: unknown) => void;
  /** Absent where an API is only checked: then nothing can be resolved, and nobody is let in. */
  readonly sources: AccessSources | undefined;
}

/** What the server gives to the ways that need more than the store. */
export interface AccessSources {
  /** The value of a reference in an API's `access`. */
  readonly resolve: (given: Reference | string) => string;
  /** The text of a file, by its path relative to the project; as it is now. */
  readonly readFile: (path: string) => string;
  /** Fetches key sets and asks about tokens. */
  readonly outbound: Outbound;
}
