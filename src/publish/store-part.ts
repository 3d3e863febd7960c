/**
 * What publishing keeps: API keys (hashes only) and idempotency records. The writer thread imports this module, so it
 * imports types alone.
 *
 * An idempotency record is `open` from its reservation until its answer is known. Where a process is started, the
 * reservation stands in the start's own commit (IK-4), with the answer when that is known beforehand.
 */
import type { PartContext, StorePart } from "../store/store.ts";

/** Parameters of `publish.reserve`. `id` and `fingerprint` are hex. */
export interface ReserveParameters {
  readonly id: string;
  readonly fingerprint: string;
  /** The client's key, as text. */
  readonly key: string;
  /** Of a started run: `$run`. */
  readonly run?: string;
  /** The run was there already. */
  readonly joined?: true;
  /** Who asked for what, and when: of all but the request that started its run, since that run has them (`originOf`). */
  readonly origin?: string;
  readonly at?: number;
  /** Of the answer, where it is known already. */
  readonly status?: number;
  readonly headers?: string;
  readonly body?: string;
  /** Epoch milliseconds. */
  readonly expiresAt: number;
}

/** Parameters of `publish.secret`. */
export interface SecretParameters {
  readonly name: string;
  readonly value: string;
}

/** Parameters of `publish.complete`. */
export interface CompleteParameters {
  readonly id: string;
  readonly status: number;
  readonly headers: string;
  readonly body: string;
  /** The system was called again under the same effect key, after a call that may have had an effect. */
  readonly again?: true;
  /** What the system gave. */
  readonly gave?: "output" | "fault";
}

/** Parameters of `publish.repeated`: what came again with a key, since it was told last. */
export interface RepeatedParameters {
  readonly repeats: readonly ({ readonly id: string; readonly at: number } & Repeats)[];
}
/** How often a key came again: answered from the record, refused since the first was being worked on, refused since it was another request. */
export interface Repeats {
  readonly replayed: number;
  readonly inFlight: number;
  readonly reused: number;
}

/** Parameters of `publish.key-create`. Times are epoch milliseconds. */
export interface KeyCreateParameters {
  readonly id: string;
  /** SHA-256 of the secret, hex. */
  readonly hash: string;
  readonly environment: string;
  readonly consumer: string;
  /** JSON list. */
  readonly scopes: string;
  readonly createdBy: string;
  readonly expiresAt: number | null;
}

/** Parameters of `publish.key-rotate`: the successor, and until when the key before it is still valid. */
export interface KeyRotateParameters extends KeyCreateParameters {
  readonly rotatedFrom: string;
  readonly validUntil: number;
}

/** Parameters of `publish.keys-used`. */
export interface KeysUsedParameters {
  readonly used: readonly { readonly id: string; readonly at: number; readonly by: string }[];
}

const migrations = [
  `CREATE TABLE publish_keys (
     id TEXT PRIMARY KEY,
     hash TEXT NOT NULL,
     environment TEXT NOT NULL,
     consumer TEXT NOT NULL,
     scopes TEXT NOT NULL,
     created_by TEXT NOT NULL,
     created_at INTEGER NOT NULL,
     expires_at INTEGER,
     revoked_at INTEGER,
     revoked_by TEXT,
     used_at INTEGER,
     used_by TEXT
   ) STRICT, WITHOUT ROWID;
   CREATE TABLE publish_idempotency (
     id BLOB PRIMARY KEY,
     fingerprint BLOB NOT NULL,
     run TEXT,
     status INTEGER,
     headers TEXT,
     body TEXT,
     expires_at INTEGER NOT NULL
   ) STRICT, WITHOUT ROWID;
   CREATE INDEX publish_idempotency_expiry ON publish_idempotency (expires_at);`,
  `ALTER TABLE publish_keys ADD COLUMN rotated_from TEXT;`,
  // For the trace of a key (decision 0040). Runs are found by the index that expiry has anyway: it costs no page more.
  `ALTER TABLE publish_idempotency ADD COLUMN key TEXT;
   ALTER TABLE publish_idempotency ADD COLUMN origin TEXT;
   ALTER TABLE publish_idempotency ADD COLUMN at INTEGER;
   ALTER TABLE publish_idempotency ADD COLUMN joined INTEGER;
   ALTER TABLE publish_idempotency ADD COLUMN again INTEGER;
   ALTER TABLE publish_idempotency ADD COLUMN replayed INTEGER NOT NULL DEFAULT 0;
   ALTER TABLE publish_idempotency ADD COLUMN in_flight INTEGER NOT NULL DEFAULT 0;
   ALTER TABLE publish_idempotency ADD COLUMN reused INTEGER NOT NULL DEFAULT 0;
   ALTER TABLE publish_idempotency ADD COLUMN repeated_at INTEGER;
   DROP INDEX publish_idempotency_expiry;
   CREATE INDEX publish_idempotency_expiry ON publish_idempotency (expires_at, run);`,
  // 1: an output, 0: a fault.
  `ALTER TABLE publish_idempotency ADD COLUMN gave INTEGER;`,
  `CREATE TABLE publish_secrets (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;`,
  // When it first came in clear (OA2-7).
  `ALTER TABLE publish_keys ADD COLUMN exposed_at INTEGER;`,
] as const;

/** Sweeps are bounded, so that they never hold up the group's commit. */
const sweepRows = 500;

export const storePart: StorePart = {
  name: "publish",
  migrations,
  commands({ db, now, refuse }: PartContext) {
    const find = db.prepare("SELECT expires_at FROM publish_idempotency WHERE id = unhex(?)");
    const remove = db.prepare("DELETE FROM publish_idempotency WHERE id = unhex(?)");
    const insert = db.prepare(
      `INSERT INTO publish_idempotency (id, fingerprint, run, status, headers, body, expires_at, key, origin, at, joined)
       VALUES (unhex(?), unhex(?), ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    );
    const complete = db.prepare(
      "UPDATE publish_idempotency SET status = ?, headers = ?, body = ?, again = coalesce(?, again), gave = ? WHERE id = unhex(?)",
    );
    const repeated = db.prepare(
      `UPDATE publish_idempotency SET replayed = replayed + ?, in_flight = in_flight + ?, reused = reused + ?, repeated_at = ?
       WHERE id = unhex(?)`,
    );
    const sweep = db.prepare(
      `DELETE FROM publish_idempotency WHERE id IN
         (SELECT id FROM publish_idempotency WHERE expires_at <= ? ORDER BY expires_at LIMIT ${sweepRows})`,
    );
    const createKey = db.prepare(
      `INSERT INTO publish_keys (id, hash, environment, consumer, scopes, created_by, created_at, expires_at, rotated_from)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    );
    // An end that was set before is not put off by it.
    const endKey = db.prepare(
      `UPDATE publish_keys SET expires_at = min(coalesce(expires_at, ?1), ?1)
       WHERE id = ?2 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > ?3)`,
    );
    const insertKey = (p: KeyCreateParameters, rotatedFrom: string | null) =>
      createKey.run(p.id, p.hash, p.environment, p.consumer, p.scopes, p.createdBy, now(), p.expiresAt, rotatedFrom);
    const revokeKey = db.prepare(
      "UPDATE publish_keys SET revoked_at = ?, revoked_by = ? WHERE id = ? AND revoked_at IS NULL",
    );
    const exposeKey = db.prepare("UPDATE publish_keys SET exposed_at = ? WHERE id = ? AND exposed_at IS NULL");
    const touchKey = db.prepare(
      "UPDATE publish_keys SET used_at = ?, used_by = ? WHERE id = ? AND (used_at IS NULL OR used_at <= ?)",
    );

    const keepSecret = db.prepare("INSERT OR IGNORE INTO publish_secrets (name, value) VALUES (?, ?)");

    return {
      /** Of this installation; the first one stays. */
      secret({ name, value }: SecretParameters) {
        keepSecret.run(name, value);
      },
      /** Refuses the batch with `"taken"` while a record of the id is kept; one past its time counts as none (IK-7). */
      reserve(p: ReserveParameters) {
        const row = find.get(p.id);
        if (row !== undefined) {
          if (Number(row.expires_at) > now()) refuse("taken");
          remove.run(p.id);
        }
        insert.run(
          p.id,
          p.fingerprint,
          p.run ?? null,
          p.status ?? null,
          p.headers ?? null,
          p.body ?? null,
          p.expiresAt,
          p.key,
          p.origin ?? null,
          p.at ?? null,
          p.joined === true ? 1 : null,
        );
      },
      complete(p: CompleteParameters) {
        const gave = p.gave === undefined ? null : p.gave === "output" ? 1 : 0;
        complete.run(p.status, p.headers, p.body, p.again === true ? 1 : null, gave, p.id);
      },
      repeated(p: RepeatedParameters) {
        for (const { id, at, replayed, inFlight, reused } of p.repeats)
          repeated.run(replayed, inFlight, reused, at, id);
      },
      /** After a failure that surely had no effect: the key may be used again. */
      release(p: { readonly id: string }) {
        remove.run(p.id);
      },
      /** Answers how many were removed: as many as fit into one sweep means there may be more. */
      sweep() {
        return Number(sweep.run(now()).changes);
      },
      "key-create"(p: KeyCreateParameters) {
        insertKey(p, null);
      },
      /** Refuses the batch with `"unknown"` if there is no such key that is still valid. */
      "key-rotate"(p: KeyRotateParameters) {
        if (endKey.run(p.validUntil, p.rotatedFrom, now()).changes === 0) refuse("unknown");
        insertKey(p, p.rotatedFrom);
      },
      /** Refuses the batch with `"unknown"` if there is no such key that is not yet revoked. */
      "key-revoke"(p: { readonly id: string; readonly by: string }) {
        if (revokeKey.run(now(), p.by, p.id).changes === 0) refuse("unknown");
      },
      /** It came in clear; the first time stays. */
      "key-exposed"({ id }: { readonly id: string }) {
        exposeKey.run(now(), id);
      },
      "keys-used"(p: KeysUsedParameters) {
        for (const { id, at, by } of p.used) touchKey.run(at, by, id, at);
      },
    };
  },
};
