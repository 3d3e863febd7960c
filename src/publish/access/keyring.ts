/**
 * API keys: `mtz_<env>_<id>_<secret>_<crc>`. The id finds the row, the secret is compared by its hash, and the checksum
 * lets scanners and our own log scrubber recognise a key without asking anybody.
 *
 * The secret is 256 random bits, so a plain SHA-256 is enough to store (nothing to guess, nothing to stretch). It is
 * shown once and never kept.
 */
import { hash, randomBytes, timingSafeEqual } from "node:crypto";
import { crc32 } from "node:zlib";
import { failure, plainName } from "../../errors.ts";
import type { Command, Store } from "../../store/store.ts";
import type { ConnectionMemory } from "../http.ts";
import type { KeyCreateParameters, KeyRotateParameters, KeysUsedParameters } from "../store-part.ts";

/** A key as lists show it. Times are epoch milliseconds. */
export interface KeyRecord {
  readonly id: string;
  readonly environment: string;
  readonly consumer: string;
  readonly scopes: readonly string[];
  readonly createdBy: string;
  readonly createdAt: number;
  readonly expiresAt?: number;
  readonly revokedAt?: number;
  readonly revokedBy?: string;
  /** Id of the key whose successor it is. */
  readonly rotatedFrom?: string;
  /** When it first came in clear to a port with TLS: others may have read it. */
  readonly exposedAt?: number;
  /** Written behind: up to a minute late. */
  readonly lastUsed?: { readonly at: number; readonly by: string };
}

export interface NewKey {
  /** Whose key: letters, digits, `.`, `_`, `@`, `-`; at most 100. */
  readonly consumer: string;
  readonly scopes: readonly string[];
  /** Default `live`. Lower-case letters and digits, at most 12. */
  readonly environment?: string;
  /** Epoch milliseconds. Default: never. */
  readonly expiresAt?: number;
  /** Who makes it, for the record. */
  readonly by: string;
  /** Store commands that are done in the same commit (the audit). */
  readonly alongside?: readonly Command[];
}

export interface Rotation {
  /** Until when the old key is valid beside the new one. Epoch milliseconds. Default: in seven days; now ends it at once. */
  readonly validUntil?: number;
  /** Of the new key. Epoch milliseconds. Default: it lives as long as the old one was to; never, if that was so. */
  readonly expiresAt?: number;
  readonly by: string;
  /** As of a new key. */
  readonly alongside?: readonly Command[];
}

export interface Keyring {
  /** `key` is the only time that it is shown. Throws `api-key-definition`. */
  create(key: NewKey): Promise<{ readonly key: string; readonly record: KeyRecord }>;
  /** From the moment it resolves, no request passes with it. `alongside`: as of a new key. Throws `api-key-unknown`. */
  revoke(id: string, by: string, alongside?: readonly Command[]): Promise<void>;
  /**
   * Makes the successor of a key, of the same consumer, environment and scopes. Both are valid until `validUntil`, or until the old
   * one would have expired anyway. Throws `api-key-unknown`, also of a key that is no longer valid, and `api-key-definition`.
   */
  rotate(id: string, rotation: Rotation): Promise<{ readonly key: string; readonly record: KeyRecord }>;
  /** Newest first. */
  list(): readonly KeyRecord[];
  /**
   * The key's record, or `undefined` if it is unknown, revoked or expired. Takes the same time for a wrong secret and an unknown id. `memory`: of the connection; a key
   * that comes on it again is compared with the one that was found right there, in constant time, and not hashed once more. Whether it is still valid is looked at each time.
   */
  authenticate(presented: string, memory?: ConnectionMemory): KeyRecord | undefined;
  /** Notes on record that it came in clear. The first time counts; what is on record is not written again. */
  exposed(id: string): Promise<void>;
  /** Remembers the use; written later, in batches. `by`: `orders 1.0.0 placeOrder`. */
  used(id: string, by: string): void;
  /** Writes what `used` remembered. */
  flush(): Promise<void>;
}

interface Cached {
  readonly record: KeyRecord;
  readonly digest: Buffer;
}

const alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const idLength = 12;
const secretLength = 43; // 43 characters of 62 hold 256 bits
const crcLength = 6;
const environmentForm = /^[a-z0-9]{1,12}$/;
const consumerForm = /^[A-Za-z0-9._@-]{1,100}$/;
const scopeForm = /^[\x21\x23-\x5b\x5d-\x7e]{1,100}$/; // RFC 6749, section 3.3
/** A key as it is sent, in characters, at most. */
const longestForm = 100;
const scratch = Buffer.alloc(longestForm);
const noSecret = Buffer.alloc(32);
const defaultOverlapMs = 7 * 86_400_000;
/** Of a `Date`. */
const latest = 8.64e15;

/** Splits a key, or gives `undefined` if its form or checksum is wrong. Needs no store. */
export function parseKey(text: string): { readonly id: string; readonly secret: string } | undefined {
  if (text.length > longestForm || !text.startsWith("mtz_")) return undefined;
  const [, environment, id, secret, crc, ...rest] = text.split("_");
  if (environment === undefined || id?.length !== idLength || secret?.length !== secretLength) return undefined;
  if (crc?.length !== crcLength || rest.length > 0) return undefined;
  return checksum(text.slice(0, -crcLength - 1)) === crc ? { id, secret } : undefined;
}

/** Opens the keys of a store. Rows are cached by id; creating and revoking in this process renews the cache. */
export function openKeyring(store: Pick<Store, "submit" | "read">, clock: () => number = Date.now): Keyring {
  const byId = store.read.prepare("SELECT * FROM publish_keys WHERE id = ?");
  const all = store.read.prepare("SELECT * FROM publish_keys ORDER BY created_at DESC, id");
  const successor = store.read.prepare(
    "SELECT * FROM publish_keys WHERE rotated_from = ? ORDER BY created_at, id LIMIT 1",
  );
  const cache = new Map<string, Cached>();
  const uses = new Map<string, { readonly at: number; readonly by: string }>();

  function lookup(id: string): Cached | undefined {
    const cached = cache.get(id);
    if (cached !== undefined) return cached;
    const row = byId.get(id) as Row | undefined;
    if (row === undefined) return undefined;
    const found = { record: recordOf(row), digest: Buffer.from(row.hash, "hex") };
    cache.set(id, found);
    return found;
  }

  /** The key that came with this connection before, if it is this one. */
  function known(presented: string, memory: ConnectionMemory | undefined): Cached | undefined {
    const last = memory?.key;
    if (last === undefined || presented.length > longestForm) return undefined;
    scratch.fill(0, scratch.write(presented, "latin1"));
    return timingSafeEqual(scratch, last.presented) ? lookup(last.id) : undefined;
  }

  function proven(presented: string, memory: ConnectionMemory | undefined): Cached | undefined {
    const parts = parseKey(presented);
    if (parts === undefined) return undefined;
    const found = lookup(parts.id);
    const same = timingSafeEqual(digest(parts.secret), found?.digest ?? noSecret);
    if (!same || found === undefined) return undefined;
    if (memory !== undefined) {
      const text = Buffer.alloc(longestForm);
      text.write(presented, "latin1");
      memory.key = { presented: text, id: parts.id };
    }
    return found;
  }

  /** A new key, and the row that is kept of it. */
  function mint(of: Pick<KeyRecord, "environment" | "consumer" | "scopes">, by: string, expiresAt: number | undefined) {
    if (expiresAt !== undefined && !(expiresAt > clock()))
      throw failure("api-key-definition", { reason: "it would have expired already" });
    if (expiresAt !== undefined && expiresAt > latest)
      throw failure("api-key-definition", { reason: "it would expire at a time that no date has" });
    const id = random(idLength);
    const secret = random(secretLength);
    const start = `mtz_${of.environment}_${id}_${secret}`;
    const parameters: KeyCreateParameters = {
      id,
      hash: digest(secret).toString("hex"),
      environment: of.environment,
      consumer: of.consumer,
      scopes: JSON.stringify([...new Set(of.scopes)]),
      createdBy: by,
      expiresAt: expiresAt ?? null,
    };
    const shown = () => ({
      key: `${start}_${checksum(start)}`,
      record: recordOf(byId.get(id) as unknown as Row),
    });
    return { parameters, shown };
  }

  /** Of a key that was rotated before it is that of its first successor: its own end is that of the overlap. `undefined`: it has none. */
  function lifetimeOf({ id, expiresAt, createdAt }: KeyRecord): number | undefined {
    if (expiresAt === undefined) return undefined;
    const next = successor.get(id) as Row | undefined;
    return next === undefined ? expiresAt - createdAt : lifetimeOf(recordOf(next));
  }

  return {
    async create({ consumer, scopes, environment = "live", expiresAt, by, alongside = [] }) {
      const refuse = (reason: string) => failure("api-key-definition", { reason });
      if (!consumerForm.test(consumer)) throw refuse("a consumer is 1 to 100 letters, digits and . _ @ -");
      if (!environmentForm.test(environment)) throw refuse("an environment is 1 to 12 lower-case letters and digits");
      if (scopes.length === 0) throw refuse("it needs at least one scope");
      const bad = scopes.find((scope) => !scopeForm.test(scope));
      if (bad !== undefined) throw refuse('a scope is 1 to 100 visible characters without " and \\');
      const { parameters, shown } = mint({ environment, consumer, scopes }, by, expiresAt);
      await store.submit([{ name: "publish.key-create", parameters }, ...alongside]);
      return shown();
    },
    async rotate(old, { validUntil = clock() + defaultOverlapMs, expiresAt, by, alongside = [] }) {
      const before = byId.get(old) as Row | undefined;
      if (before === undefined) throw failure("api-key-unknown", { key: plainName(old) });
      const record = recordOf(before);
      const lifetime = lifetimeOf(record);
      const end = expiresAt ?? (lifetime === undefined ? undefined : clock() + lifetime);
      const made = mint(record, by, end);
      const parameters: KeyRotateParameters = {
        ...made.parameters,
        rotatedFrom: old,
        validUntil: Math.min(validUntil, latest),
      };
      const answer = await store.submit([{ name: "publish.key-rotate", parameters }, ...alongside]);
      cache.delete(old);
      if (answer.kind === "refused") throw failure("api-key-unknown", { key: plainName(old) });
      return made.shown();
    },
    async revoke(id, by, alongside = []) {
      const answer = await store.submit([{ name: "publish.key-revoke", parameters: { id, by } }, ...alongside]);
      cache.delete(id);
      if (answer.kind === "refused") throw failure("api-key-unknown", { key: plainName(id) });
    },
    list: () => (all.all() as unknown as Row[]).map(recordOf),
    authenticate(presented, memory) {
      const found = known(presented, memory) ?? proven(presented, memory);
      if (found === undefined) return undefined;
      const { revokedAt, expiresAt } = found.record;
      return revokedAt !== undefined || (expiresAt !== undefined && expiresAt <= clock()) ? undefined : found.record;
    },
    async exposed(id) {
      if (lookup(id)?.record.exposedAt !== undefined) return;
      await store.submit([{ name: "publish.key-exposed", parameters: { id } }]);
      cache.delete(id);
    },
    used(id, by) {
      uses.set(id, { at: clock(), by });
    },
    async flush() {
      if (uses.size === 0) return;
      const used = [...uses].map(([id, use]) => ({ id, ...use }));
      uses.clear();
      const parameters: KeysUsedParameters = { used };
      try {
        await store.submit([{ name: "publish.keys-used", parameters }]);
      } catch (error) {
        for (const { id, ...use } of used) if (!uses.has(id)) uses.set(id, use);
        throw error;
      }
    },
  };
}

interface Row {
  readonly id: string;
  readonly hash: string;
  readonly environment: string;
  readonly consumer: string;
  readonly scopes: string;
  readonly created_by: string;
  readonly created_at: number;
  readonly expires_at: number | null;
  readonly revoked_at: number | null;
  readonly revoked_by: string | null;
  readonly rotated_from: string | null;
  readonly exposed_at: number | null;
  readonly used_at: number | null;
  readonly used_by: string | null;
}

function recordOf(row: Row): KeyRecord {
  return Object.freeze({
    id: row.id,
    environment: row.environment,
    consumer: row.consumer,
    scopes: Object.freeze(JSON.parse(row.scopes) as string[]),
    createdBy: row.created_by,
    createdAt: row.created_at,
    ...(row.expires_at === null ? {} : { expiresAt: row.expires_at }),
    ...(row.revoked_at === null ? {} : { revokedAt: row.revoked_at, revokedBy: row.revoked_by ?? "" }),
    ...(row.rotated_from === null ? {} : { rotatedFrom: row.rotated_from }),
    ...(row.exposed_at === null ? {} : { exposedAt: row.exposed_at }),
    ...(row.used_at === null ? {} : { lastUsed: { at: row.used_at, by: row.used_by ?? "" } }),
  });
}

function digest(secret: string): Buffer {
  return hash("sha256", secret, "buffer");
}

/** Uniform over the alphabet: bytes that would favour its first letters are thrown away. */
function random(length: number): string {
  let text = "";
  while (text.length < length) {
    for (const byte of randomBytes(length)) if (byte < 248 && text.length < length) text += alphabet[byte % 62];
  }
  return text;
}

function checksum(text: string): string {
  let rest = crc32(text);
  let digits = "";
  for (let i = 0; i < crcLength; i++) {
    digits = alphabet[rest % 62] + digits;
    rest = Math.floor(rest / 62);
  }
  return digits;
}
