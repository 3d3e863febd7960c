/**
 * User and password (RFC 7617), for callers that can do no better. Passwords can be guessed, so guessing is made slow: per address and
 * per user name, whether there is such a user or not, and before anything is computed. What was right once is remembered by a keyed
 * hash, so that a caller who knows the password never waits for those who don't.
 */
import { createHmac, randomBytes, scrypt, timingSafeEqual } from "node:crypto";
import { failure } from "../../errors.ts";
import type { Reference } from "../../operation.ts";
import { rateLimiter } from "../limits/rate.ts";
import type { ApiCaller } from "../operations.ts";
import type { Credential, Verdict, Way, WayTools } from "./way.ts";

export interface BasicOptions {
  /** By user name. */
  readonly users: { readonly [user: string]: BasicUser };
}

export interface BasicUser {
  /**
   * The password (at least 12 characters), or its hash, so that the password itself is nowhere on this machine:
   * `scrypt:<N>:<r>:<p>:<salt>:<hash>`, salt and hash in base64url (RFC 7914).
   */
  readonly password: Reference;
  readonly scopes: readonly string[];
  readonly roles?: readonly string[];
  /** Default: the user name. */
  readonly consumer?: string;
}

/** What `basic()` gives. */
export interface BasicAccess extends BasicOptions {
  readonly kind: "basic";
}

/** User and password; sent as `Authorization: Basic`. For legacy callers: prefer keys or tokens. */
export function basic(options: BasicOptions): BasicAccess {
  return Object.freeze({ ...options, kind: "basic" });
}

/** `undefined`, or what is wrong with it. */
export function basicProblem({ users }: BasicAccess): string | undefined {
  const all = Object.entries(users ?? {});
  if (all.length === 0) return "basic() needs users: { name: { password: secret(...), scopes: [...] } }";
  for (const [name, { password, scopes }] of all) {
    if (name.includes(":") || !/^[^\p{Cc}]{1,100}$/u.test(name)) return `basic() has a user name that is none: ${name}`;
    if (typeof password !== "object")
      return `basic() needs the password of ${name} as a reference, such as secret("LEGACY")`;
    if (!Array.isArray(scopes)) return `basic() needs the scopes of ${name}`;
  }
  return undefined;
}

type Stored =
  | { readonly kind: "text"; readonly digest: Buffer }
  | { readonly kind: "scrypt"; readonly cost: ScryptCost; readonly salt: Buffer; readonly hash: Buffer };
interface ScryptCost {
  readonly N: number;
  readonly r: number;
  readonly p: number;
}

const mostRemembered = 1000;
const mostAtWork = 2;
const mostWaiting = 32;
const longestCredential = 1024;
const hashForm = /^scrypt:(\d{1,7}):(\d{1,2}):(\d{1,2}):([A-Za-z0-9_-]{16,100}):([A-Za-z0-9_-]{32,128})$/;

export function openBasic(access: BasicAccess, { sources, monotonic }: WayTools): Way {
  const key = randomBytes(32);
  const digest = (text: string) => createHmac("sha256", key).update(text).digest();
  const users = new Map<string, { readonly stored: Stored; readonly caller: ApiCaller }>();
  if (sources !== undefined) {
    for (const [name, user] of Object.entries(access.users)) {
      const { scopes, roles, consumer = name } = user;
      const caller = { id: consumer, scopes, ...(roles === undefined ? {} : { roles }), via: "basic" } as const;
      users.set(name, { stored: storedOf(name, sources.resolve(user.password), digest), caller });
    }
  }
  /** Stands in for the password of a user that there is not: it takes as long. */
  const nobody = [...users.values()].find(({ stored }) => stored.kind === "scrypt")?.stored ?? {
    kind: "text",
    digest: randomBytes(32),
  };
  const perUser = rateLimiter({ per: "consumer", rate: 10, every: "1m" }, "failed-passwords", monotonic);
  const remembered = new Map<string, ApiCaller>();
  const work = createQueue(mostAtWork, mostWaiting);

  const refused: Verdict = { ok: false, error: failure("password-refused", {}), guess: true };
  const tokenOf = (credential: Credential) => ("token" in credential ? credential.token : "");
  const known = (token: string) => remembered.get(digest(token).toString("base64"));

  async function matches(stored: Stored, password: string): Promise<boolean> {
    if (stored.kind === "text") return timingSafeEqual(digest(password), stored.digest);
    const { cost, salt, hash } = stored;
    return timingSafeEqual(await work(() => derive(password, salt, hash.length, cost)), hash);
  }

  async function check(credential: Credential): Promise<Verdict> {
    const token = tokenOf(credential);
    const before = known(token);
    if (before !== undefined) return { ok: true, caller: before };
    const pair = readPair(token);
    if (pair === undefined) return refused;
    const [name, password] = pair;
    // By its hash: names that somebody made up are not kept.
    const who = digest(`user ${name}`).toString("base64");
    const spent = perUser.look(who);
    if (spent !== undefined) throw perUser.refusal(spent);
    const user = users.get(name);
    const right = await matches(user?.stored ?? nobody, password);
    if (!right || user === undefined) {
      perUser.take(who, 1);
      return refused;
    }
    if (remembered.size >= mostRemembered) for (const oldest of remembered.keys()) if (remembered.delete(oldest)) break;
    remembered.set(digest(token).toString("base64"), user.caller);
    return { ok: true, caller: user.caller };
  }

  return {
    challenge: { scheme: "Basic", parameters: { realm: "api", charset: "UTF-8" } },
    places: ["basic"],
    owns: () => 2,
    check,
    costs: (credential) => known(tokenOf(credential)) === undefined,
    schemes: {
      basic: { type: "http", scheme: "basic", description: "User and password, for callers that can do no better." },
    },
  };
}

function readPair(token: string): readonly [user: string, password: string] | undefined {
  if (token.length > longestCredential || !/^[A-Za-z0-9+/]+={0,2}$/.test(token)) return undefined;
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(Buffer.from(token, "base64"));
  } catch {
    return undefined;
  }
  const cut = text.indexOf(":");
  return cut < 0 ? undefined : [text.slice(0, cut), text.slice(cut + 1)];
}

/** Throws `server-failed` for a password that is too short, or a hash that is none. */
function storedOf(user: string, value: string, digest: (text: string) => Buffer): Stored {
  const refuse = (reason: string) => failure("server-failed", { reason: `the password of the user ${user} ${reason}` });
  if (!value.startsWith("scrypt:")) {
    if (value.length < 12) throw refuse("is shorter than 12 characters");
    return { kind: "text", digest: digest(value) };
  }
  const match = hashForm.exec(value);
  if (match === null) throw refuse("is no scrypt:<N>:<r>:<p>:<salt>:<hash>");
  const [N, r, p] = match.slice(1, 4).map(Number) as [number, number, number];
  if (N < 16_384 || N > 131_072 || (N & (N - 1)) !== 0 || r < 1 || r > 16 || p < 1 || p > 4)
    throw refuse("needs scrypt with N of 16384 to 131072 (a power of two), r up to 16 and p up to 4");
  const [salt, hash] = match.slice(4).map((text) => Buffer.from(text, "base64url")) as [Buffer, Buffer];
  return { kind: "scrypt", cost: { N, r, p }, salt, hash };
}

function derive(password: string, salt: Buffer, length: number, cost: ScryptCost): Promise<Buffer> {
  const maxmem = 160 * cost.N * cost.r;
  return new Promise((resolve, reject) =>
    scrypt(password, salt, length, { ...cost, maxmem }, (error, key) =>
      error === null ? resolve(key) : reject(error),
    ),
  );
}

/** At most `atOnce` at a time; beyond `waiting` in line they are refused: a crowd of guessers must not take the machine. */
function createQueue(atOnce: number, waiting: number): <T>(work: () => Promise<T>) => Promise<T> {
  let running = 0;
  const line: (() => void)[] = [];
  return async (work) => {
    if (running >= atOnce) {
      if (line.length >= waiting) throw failure("password-busy", {}, { retryAfterMs: 2000 });
      await new Promise<void>((resolve) => line.push(resolve));
    } else running += 1;
    try {
      return await work();
    } finally {
      const next = line.shift();
      if (next === undefined) running -= 1;
      else next();
    }
  };
}
