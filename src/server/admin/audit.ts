/** The audit: who changed what, why, when, and how it ended. */
import type { Store } from "../../store/store.ts";
import type { AuditParameters } from "./store-part.ts";

export interface AuditEntry extends AuditParameters {
  /** Grows with each entry. */
  readonly id: number;
  /** Epoch milliseconds. */
  readonly at: number;
}

/** Entries from the newest on; `before`: the id of the last one of the page before. */
export function openAudit(
  read: Store["read"],
): (filter: { readonly before?: number; readonly limit: number }) => readonly AuditEntry[] {
  const select = read.prepare(
    `SELECT id, at, actor AS "by", role, action, target, reason, result FROM admin_audit WHERE id < ? ORDER BY id DESC LIMIT ?`,
  );
  return ({ before, limit }) =>
    select.all(before ?? Number.MAX_SAFE_INTEGER, limit).map((row) => ({ ...row }) as unknown as AuditEntry);
}
