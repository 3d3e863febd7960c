/**
 * One server per store folder. The lock is SQLite's own on a small file: the operating system lets go of it when the process
 * ends, however it ends, so there is no stale lock to clean up.
 */
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { failure } from "../../errors.ts";

/** SQLITE_BUSY and SQLITE_LOCKED: somebody else holds it. */
const held: ReadonlySet<unknown> = new Set([5, 6]);

/**
 * Holds the folder until the returned function is called, or the process ends. A folder that is made here is its owner's only: histories
 * lie in it in clear. Throws `store-in-use`, or `store-open` where the folder can't be used.
 */
export function lockStore(folder: string): () => void {
  const file = join(folder, "lock");
  let db: DatabaseSync | undefined;
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    db = new DatabaseSync(file, { timeout: 0 });
    db.exec("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE");
  } catch (cause) {
    db?.close();
    const { errcode, message } = cause as { readonly errcode?: number; readonly message: string };
    // The low byte is the primary code (SQLite, "Result and Error Codes", section 2).
    if (errcode !== undefined && held.has(errcode & 0xff))
      throw failure("store-in-use", { folder, pid: holder(folder) }, { cause });
    throw failure("store-open", { file, reason: message }, { cause });
  }
  const locked = db;
  return () => locked.close();
}

/** Who holds it, as far as admin.json says. */
function holder(folder: string): string {
  try {
    const { pid } = JSON.parse(readFileSync(join(folder, "admin.json"), "utf8")) as { pid?: unknown };
    return String(pid ?? "unknown");
  } catch {
    return "unknown";
  }
}
