/** Files that only their owner may read. */
import { renameSync, rmSync, writeFileSync } from "node:fs";

/** Whole or not at all, and readable by its owner only from the first byte on. */
export function writePrivate(file: string, text: string): void {
  const temporary = `${file}.new`;
  rmSync(temporary, { force: true });
  writeFileSync(temporary, text, { mode: 0o600, flag: "wx" });
  renameSync(temporary, file);
}
