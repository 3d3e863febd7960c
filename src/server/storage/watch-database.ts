/** Watches that the database file stays where it is. */
import { statSync } from "node:fs";

/**
 * Tells, within a second, that the database file is no longer the one that was opened. What is written into a removed file is gone at the
 * end of the process, though every write succeeds: nothing may be acknowledged then.
 */
export function watchDatabase(file: string, gone: () => void): () => void {
  // Windows refuses to remove a file that is open, and numbers its files in another way.
  if (process.platform === "win32") return () => {};
  const { ino, dev } = statSync(file);
  const timer = setInterval(() => {
    const now = statSync(file, { throwIfNoEntry: false });
    if (now?.ino === ino && now.dev === dev) return;
    clearInterval(timer);
    gone();
  }, 500).unref();
  return () => clearInterval(timer);
}
