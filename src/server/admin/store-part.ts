/**
 * What the admin API keeps: named tokens (hashes only) and the audit. The writer thread imports this module, so it imports types
 * alone. The audit is only ever added to.
 */
import type { PartContext, StorePart } from "../../store/store.ts";

export interface AuditParameters {
  /** Name of the token, and of the person where the caller gave one: `local:anna`. */
  readonly by: string;
  readonly role: string;
  /** `run.retry`, `key.create`. */
  readonly action: string;
  readonly target: string;
  readonly reason: string;
  /** `done`, or the code of the refusal. */
  readonly result: string;
}

export interface TokenParameters {
  readonly id: string;
  readonly name: string;
  readonly role: string;
  /** SHA-256 of the secret, hex. */
  readonly hash: string;
  readonly by: string;
}

const migrations = [
  `CREATE TABLE admin_tokens (
     id TEXT PRIMARY KEY,
     name TEXT NOT NULL,
     role TEXT NOT NULL,
     hash TEXT NOT NULL,
     created_by TEXT NOT NULL,
     created_at INTEGER NOT NULL,
     revoked_at INTEGER,
     revoked_by TEXT
   ) STRICT, WITHOUT ROWID;
   CREATE UNIQUE INDEX admin_tokens_name ON admin_tokens (name) WHERE revoked_at IS NULL;
   CREATE TABLE admin_audit (
     id INTEGER PRIMARY KEY,
     at INTEGER NOT NULL,
     actor TEXT NOT NULL,
     role TEXT NOT NULL,
     action TEXT NOT NULL,
     target TEXT NOT NULL,
     reason TEXT NOT NULL,
     result TEXT NOT NULL
   ) STRICT;`,
] as const;

export const storePart: StorePart = {
  name: "admin",
  migrations,
  commands({ db, now, refuse }: PartContext) {
    const audit = db.prepare(
      "INSERT INTO admin_audit (at, actor, role, action, target, reason, result) VALUES (?, ?, ?, ?, ?, ?, ?)",
    );
    const create = db.prepare(
      `INSERT INTO admin_tokens (id, name, role, hash, created_by, created_at) VALUES (?, ?, ?, ?, ?, ?)
       ON CONFLICT (name) WHERE revoked_at IS NULL DO NOTHING`,
    );
    const revoke = db.prepare(
      "UPDATE admin_tokens SET revoked_at = ?, revoked_by = ? WHERE name = ? AND revoked_at IS NULL",
    );
    return {
      audit(p: AuditParameters) {
        audit.run(now(), p.by, p.role, p.action, p.target, p.reason, p.result);
      },
      /** Refuses the batch with `"taken"` if there is a token of this name. */
      "token-create"(p: TokenParameters) {
        if (create.run(p.id, p.name, p.role, p.hash, p.by, now()).changes === 0) refuse("taken");
      },
      /** Refuses the batch with `"unknown"` if there is none. */
      "token-revoke"(p: { readonly name: string; readonly by: string }) {
        if (revoke.run(now(), p.by, p.name).changes === 0) refuse("unknown");
      },
    };
  },
};
