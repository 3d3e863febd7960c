/**
 * The receiver's side of WS-Security: checks a UsernameToken and a Timestamp (OASIS UsernameToken Profile 1.1.1, section 3.1; SOAP
 * Message Security 1.1.1, sections 10 and 12). What is wrong is told by the standard's fault code and nothing more: whether
 * the user is known, or which half failed, is nobody's business.
 */
import { createHash, timingSafeEqual } from "node:crypto";
import { attributeOf, type XmlElement } from "../formats/xml.ts";
import { passwordDigest, wsse, wsu } from "./ws-security.ts";

export type TokenVerdict =
  | { readonly ok: true; readonly user: string }
  /** Local name of the fault code, in the namespace `wsse`. */
  | { readonly ok: false; readonly code: "InvalidSecurity" | "FailedAuthentication" | "MessageExpired" };

export interface TokenSettings {
  /** The password of a user; `undefined` if there is none of that name. */
  readonly passwordOf: (user: string) => string | undefined;
  /** How old a token may be, and how far the clocks may be apart, in milliseconds. Default 5 minutes. */
  readonly windowMs?: number;
  /** Nonces that are remembered; above, the oldest ones go. Default 100,000. */
  readonly mostNonces?: number;
}

const profile = /#(PasswordText|PasswordDigest)$/;

/** Checks tokens, and remembers the nonces of the last minutes, so that a message sent twice is refused. */
export class UsernameTokens {
  readonly #settings: Required<TokenSettings>;
  /** Nonce to the time until which it counts, oldest first. */
  readonly #nonces = new Map<string, number>();

  constructor(settings: TokenSettings) {
    this.#settings = { windowMs: 300_000, mostNonces: 100_000, ...settings };
  }

  /** `security`: the header block, if there is one. `now` as `Date.now()`. */
  check(security: XmlElement | undefined, now: number): TokenVerdict {
    if (security === undefined) return { ok: false, code: "InvalidSecurity" };
    const { windowMs } = this.#settings;
    const tokens = security.children.filter((each) => each.namespace === wsse && each.local === "UsernameToken");
    const times = security.children.filter((each) => each.namespace === wsu && each.local === "Timestamp");
    const [token] = tokens;
    if (token === undefined || tokens.length > 1 || times.length > 1) return { ok: false, code: "InvalidSecurity" };
    for (const timestamp of times) {
      const verdict = fresh(timestamp, now, windowMs);
      if (verdict !== undefined) return { ok: false, code: verdict };
    }
    const user = textOf(token, wsse, "Username");
    const passwords = token.children.filter((each) => each.namespace === wsse && each.local === "Password");
    const [password] = passwords;
    if (user === undefined || password === undefined || passwords.length > 1)
      return { ok: false, code: "InvalidSecurity" };
    // Absent means text (section 3.1).
    const type = profile.exec(attributeOf(password, "Type") ?? "#PasswordText")?.[1];
    const created = textOf(token, wsu, "Created");
    if (created !== undefined) {
      const at = Date.parse(created);
      if (!Number.isFinite(at) || Math.abs(now - at) > windowMs) return { ok: false, code: "MessageExpired" };
    }
    const known = this.#settings.passwordOf(user);
    // The same work for a user who is not there.
    const secret = known ?? "";
    const nonce = textOf(token, wsse, "Nonce");
    let matches: boolean;
    if (type === "PasswordDigest") {
      if (nonce === undefined || created === undefined) return { ok: false, code: "InvalidSecurity" };
      matches = equal(password.text.trim(), passwordDigest(Buffer.from(nonce, "base64"), created, secret));
    } else if (type === "PasswordText") matches = equal(password.text, secret);
    else return { ok: false, code: "InvalidSecurity" };
    if (!matches || known === undefined) return { ok: false, code: "FailedAuthentication" };
    if (nonce !== undefined && !this.#firstUse(`${user}\n${nonce}`, now)) return { ok: false, code: "InvalidSecurity" };
    return { ok: true, user };
  }

  #firstUse(nonce: string, now: number): boolean {
    for (const [old, until] of this.#nonces) {
      if (until > now && this.#nonces.size <= this.#settings.mostNonces) break;
      this.#nonces.delete(old);
    }
    if (this.#nonces.has(nonce)) return false;
    this.#nonces.set(nonce, now + 2 * this.#settings.windowMs);
    return true;
  }
}

function fresh(timestamp: XmlElement, now: number, windowMs: number): "InvalidSecurity" | "MessageExpired" | undefined {
  const created = textOf(timestamp, wsu, "Created");
  const expires = textOf(timestamp, wsu, "Expires");
  const from = created === undefined ? now : Date.parse(created);
  const until = expires === undefined ? now + 1 : Date.parse(expires);
  if (!Number.isFinite(from) || !Number.isFinite(until)) return "InvalidSecurity";
  return from - windowMs > now || until + windowMs <= now ? "MessageExpired" : undefined;
}

function textOf(element: XmlElement, namespace: string, local: string): string | undefined {
  return element.children.find((each) => each.namespace === namespace && each.local === local)?.text.trim();
}

/** In a time that does not depend on where they differ. */
function equal(a: string, b: string): boolean {
  const hash = (text: string): Buffer => createHash("sha256").update(text, "utf8").digest();
  return timingSafeEqual(hash(a), hash(b));
}
