/**
 * The ledger of a simulator: one JSON line per call received and per effect applied, appended and fsynced before anything
 * is answered. It is the independent judge of what Mortise did, and the simulator's memory: at the start it is replayed.
 */
import { closeSync, existsSync, fsyncSync, ftruncateSync, mkdirSync, openSync, readFileSync, writeSync } from "node:fs";
import { dirname } from "node:path";

/** What a line says; `kind` is `received`, `applied`, `answered` or one of the simulator's own. */
export interface Entry {
  readonly kind: string;
  readonly [name: string]: unknown;
}

/** A line as it stands in the file: `n` counts from 1, `at` is ISO 8601 with milliseconds. */
export interface Line extends Entry {
  readonly n: number;
  readonly at: string;
}

export interface Ledger {
  readonly file: string;
  /** Appends and fsyncs; when it returns, the line survives a kill and a power cut. */
  append(entry: Entry): Line;
  close(): void;
}

/** Opens (or makes) the ledger `file` and hands every line already in it to `replay`, oldest first. */
export function openLedger(file: string, replay: (line: Line) => void = () => {}): Ledger {
  mkdirSync(dirname(file), { recursive: true });
  const handle = openSync(file, "a+");
  cutTornLine(file, handle);
  let n = 0;
  for (const line of readLedger(file)) {
    n = line.n;
    replay(line);
  }
  return {
    file,
    append(entry) {
      n += 1;
      const line: Line = { n, at: new Date().toISOString(), ...entry };
      writeSync(handle, `${JSON.stringify(line)}\n`);
      fsyncSync(handle);
      return line;
    },
    close: () => closeSync(handle),
  };
}

/** Every whole line of a ledger; `[]` if there is no such file. */
export function readLedger(file: string): Line[] {
  if (!existsSync(file)) return [];
  const text = readFileSync(file, "utf8");
  const whole = text.slice(0, text.lastIndexOf("\n") + 1);
  return whole
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Line);
}

// A kill in the middle of a write leaves half a line: it was never answered, so it never was.
function cutTornLine(file: string, handle: number): void {
  const bytes = readFileSync(file);
  const whole = bytes.lastIndexOf(10) + 1;
  if (whole < bytes.length) ftruncateSync(handle, whole);
}
