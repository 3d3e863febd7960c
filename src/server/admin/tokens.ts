/**
 * Tokens of the admin API: `mta_<id>_<secret>`, named, each with a role. Stored as a SHA-256 (the secret is 256 random bits, so
 * there is nothing to guess). The local token is made at each start, kept in memory, and written to admin.json for the command line.
 */
import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import { failure, plainName } from "../../errors.ts";
import type { Command, Store } from "../../store/store.ts";
import type { TokenParameters } from "./store-part.ts";

/** `viewer` reads; `operator` also acts on runs, tasks and signals; `admin` also manages keys and tokens. */
export type Role = "viewer" | "operator" | "admin";
export const roles: readonly Role[] = ["viewer", "operator", "admin"];

/** Who calls the admin API. */
export interface Caller {
  readonly name: string;
  readonly role: Role;
}

/** A token as lists show it. Times are epoch milliseconds. */
export interface TokenRecord {
  readonly name: string;
  readonly role: Role;
  readonly createdBy: string;
  readonly createdAt: number;
  readonly revokedAt?: number;
  readonly revokedBy?: string;
}

export interface Tokens {
  /** For admin.json; of role `admin`, named `local`. Good until the server stops. */
  readonly local: string;
  authenticate(presented: string): Caller | undefined;
  /** The token, shown this once. `alongside` (the audit) is done in the same commit. Throws `admin-request` on a taken name. */
  create(name: string, role: Role, by: string, alongside: Command): Promise<string>;
  /** Throws `token-unknown`. */
  revoke(name: string, by: string, alongside: Command): Promise<void>;
  list(): readonly TokenRecord[];
}

/** Whether `role` may do what needs `needed`. */
export function allows(role: Role, needed: Role): boolean {
  return roles.indexOf(role) >= roles.indexOf(needed);
}

const form = /^mta_([0-9a-f]{12})_([0-9a-f]{64})$/;
const nameForm = /^[a-z0-9][a-z0-9._-]{0,62}$/;
const noSecret = Buffer.alloc(32);

export function openTokens(store: Pick<Store, "submit" | "read">): Tokens {
  const byId = store.read.prepare("SELECT name, role, hash FROM admin_tokens WHERE id = ? AND revoked_at IS NULL");
  const all = store.read.prepare("SELECT * FROM admin_tokens ORDER BY created_at DESC, id");
  const local = newToken();
  return {
    local: local.token,
    authenticate(presented) {
      const match = form.exec(presented);
      if (match === null) return undefined;
      const [, id, secret] = match as unknown as [string, string, string];
      const row = (id === local.id ? { name: "local", role: "admin", hash: local.hash } : byId.get(id)) as
        | { name: string; role: Role; hash: string }
        | undefined;
      // Compared in any case, so that an unknown id takes as long as a wrong secret.
      const right = timingSafeEqual(digest(secret), row === undefined ? noSecret : Buffer.from(row.hash, "hex"));
      return row !== undefined && right ? { name: row.name, role: row.role } : undefined;
    },
    async create(name, role, by, alongside) {
      if (!nameForm.test(name) || name === "local") {
        const problems = "/name must be lower-case letters, digits and . _ - (at most 63), and not local";
        throw failure("admin-request", { problems });
      }
      const { id, token, hash } = newToken();
      const parameters: TokenParameters = { id, name, role, hash, by };
      const answer = await store.submit([{ name: "admin.token-create", parameters }, alongside]);
      if (answer.kind === "refused") {
        throw failure("admin-request", { problems: `/name: there is a token ${name} already; revoke it first` });
      }
      return token;
    },
    async revoke(name, by, alongside) {
      const answer = await store.submit([{ name: "admin.token-revoke", parameters: { name, by } }, alongside]);
      if (answer.kind === "refused") throw failure("token-unknown", { token: plainName(name) });
    },
    list: () => (all.all() as unknown as Row[]).map(recordOf),
  };
}

interface Row {
  readonly name: string;
  readonly role: Role;
  readonly created_by: string;
  readonly created_at: number;
  readonly revoked_at: number | null;
  readonly revoked_by: string | null;
}

function recordOf(row: Row): TokenRecord {
  return {
    name: row.name,
    role: row.role,
    createdBy: row.created_by,
    createdAt: row.created_at,
    ...(row.revoked_at === null ? {} : { revokedAt: row.revoked_at, revokedBy: row.revoked_by ?? "" }),
  };
}

function newToken(): { readonly id: string; readonly token: string; readonly hash: string } {
  const id = randomBytes(6).toString("hex");
  const secret = randomBytes(32).toString("hex");
  return { id, token: `mta_${id}_${secret}`, hash: digest(secret).toString("hex") };
}

function digest(secret: string): Buffer {
  return createHash("sha256").update(secret).digest();
}
