/**
 * One server per store folder. The lock is SQLite's own on a small file: the operating system lets go of it when the process
 * ends, however it ends, so there is no stale lock to clean up.
 */
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { failure } from "../errors.ts";

/** Holds the folder until the returned function is called, or the process ends. Throws `store-in-use`. */
export function lockStore(folder: string): () => void {
  mkdirSync(folder, { recursive: true });
  const db = new DatabaseSync(join(folder, "lock"), { timeout: 0 });
  try {
    db.exec("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE");
  } catch (cause) {
    db.close();
    throw failure("store-in-use", { folder, pid: holder(folder) }, { cause });
  }
  return () => db.close();
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
