/**
 * The keys of an issuer (RFC 7517), as they are known here:
 *
 *  - Fetched when first needed, and again in the background every ten minutes.
 *  - A `kid` that is not known has them fetched again, at most every thirty seconds however many such tokens come; every five where that failed,
 *    since it may be one that was made while the issuer was away.
 *  - While the issuer is away the last good ones stay, for a day; without any, nobody is let in (503).
 *
 * Only public keys of asymmetric kinds are kept, each for the algorithms of its kind: a shared key can't be made of one (JB-2).
 */
import type { CryptoKey, JWK } from "jose";
import { failure } from "../../errors.ts";
import { jose } from "./jose.ts";
import type { JwtHeader } from "./jwt.ts";

export interface KeySet {
  /** The one key for this header, or `undefined`. Rejects with `issuer-unavailable` where nothing is known. */
  find(header: JwtHeader): Promise<CryptoKey | undefined>;
}

export interface KeySetOptions {
  /** Fetches the list `keys` of the set. */
  readonly load: () => Promise<readonly unknown[]>;
  readonly monotonic: () => number;
  /** Told why a fetch failed. */
  readonly report: (error: unknown) => void;
}

const freshMs = 600_000;
/** Between two fetches for the sake of keys that nobody knows. */
export const unknownKidMs = 30_000;
const afterFailureMs = 5_000;
const keptMs = 86_400_000;
const mostKeys = 100;

interface Key {
  readonly kid: string | undefined;
  readonly kind: string;
  /** States it itself, or undefined. */
  readonly alg: string | undefined;
  readonly jwk: JWK;
  /** By algorithm. */
  readonly imported: Map<string, Promise<CryptoKey>>;
}

export function openKeySet({ load, monotonic, report }: KeySetOptions): KeySet {
  // It is there before the first token comes.
  void jose();
  let keys: readonly Key[] | undefined;
  let loadedAt = Number.NEGATIVE_INFINITY;
  let triedAt = Number.NEGATIVE_INFINITY;
  let unknownAt = Number.NEGATIVE_INFINITY;
  let failed = false;
  let underway: Promise<void> | undefined;

  function refresh(): Promise<void> {
    triedAt = monotonic();
    underway ??= load()
      .then((list) => {
        keys = list.slice(0, mostKeys).flatMap(usable);
        loadedAt = monotonic();
        failed = false;
      })
      .catch((error: unknown) => {
        failed = true;
        report(error);
      })
      .finally(() => {
        underway = undefined;
      });
    return underway;
  }

  const unavailable = () => failure("issuer-unavailable", {}, { retryAfterMs: afterFailureMs });
  const gone = () => keys === undefined || monotonic() - loadedAt > keptMs;

  function pick({ alg, kid }: JwtHeader): Key | undefined {
    const kind = kindOf(alg);
    const fitting = (keys ?? []).filter(
      (key) =>
        key.kind === kind &&
        (key.alg === undefined || kindOf(key.alg, alg) === alg) &&
        (kid === undefined || key.kid === kid),
    );
    // Two that fit leave a doubt, and a doubt lets nobody in.
    return fitting.length === 1 ? fitting[0] : undefined;
  }

  return {
    async find(header) {
      const now = monotonic();
      if (gone()) {
        if (underway === undefined && failed && now - triedAt < afterFailureMs) throw unavailable();
        await refresh();
        if (gone()) throw unavailable();
      } else if (now - loadedAt > freshMs && (!failed || now - triedAt >= afterFailureMs)) void refresh();
      let key = pick(header);
      if (key === undefined) {
        if (monotonic() - unknownAt >= (failed ? afterFailureMs : unknownKidMs)) {
          unknownAt = monotonic();
          await refresh();
        } else await underway;
        key = pick(header);
        if (key === undefined && failed) throw unavailable();
      }
      if (key === undefined) return undefined;
      const { alg } = header;
      const known =
        key.imported.get(alg) ?? jose().then(({ importJWK }) => importJWK(key.jwk, alg) as Promise<CryptoKey>);
      key.imported.set(alg, known);
      return known.catch(() => undefined);
    },
  };
}

/** The kind of key that an algorithm needs. With `same`: two names of one algorithm count as that one. */
function kindOf(alg: string, same?: string): string | undefined {
  if (same !== undefined) return edwards.has(alg) && edwards.has(same) ? same : alg;
  if (/^[RP]S(256|384|512)$/.test(alg)) return "RSA";
  if (edwards.has(alg)) return "OKP Ed25519";
  return curves[alg];
}
const edwards: ReadonlySet<string> = new Set(["EdDSA", "Ed25519"]);
const curves: Readonly<Record<string, string>> = Object.freeze(
  Object.assign(Object.create(null), { ES256: "EC P-256", ES384: "EC P-384", ES512: "EC P-521" }),
);

/** Bytes of an RSA modulus, at least (RFC 7518, section 3.3) and at most: a huge one is slow to verify with. */
const leastModulus = 256;
const mostModulus = 1024;

/** The key, of its public members alone; nothing, if it is not for signatures, or not of a kind that is taken. */
function usable(given: unknown): readonly Key[] {
  if (typeof given !== "object" || given === null) return [];
  const { kty, kid, alg, use, key_ops: uses, n, e, crv, x, y, d, k } = given as Readonly<Record<string, unknown>>;
  if (d !== undefined || k !== undefined) return [];
  if (use !== undefined && use !== "sig") return [];
  if (uses !== undefined && !(Array.isArray(uses) && uses.includes("verify"))) return [];
  if ((kid !== undefined && typeof kid !== "string") || (alg !== undefined && typeof alg !== "string")) return [];
  const key = (kind: string, jwk: JWK): readonly Key[] => [{ kid, alg, kind, jwk, imported: new Map() }];
  if (kty === "RSA" && typeof n === "string" && typeof e === "string") {
    const bytes = Buffer.from(n, "base64url").length;
    return bytes < leastModulus || bytes > mostModulus ? [] : key("RSA", { kty, n, e });
  }
  if (kty === "EC" && typeof crv === "string" && typeof x === "string" && typeof y === "string")
    return key(`EC ${crv}`, { kty, crv, x, y });
  if (kty === "OKP" && typeof crv === "string" && typeof x === "string") return key(`OKP ${crv}`, { kty, crv, x });
  return [];
}
