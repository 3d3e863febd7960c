/**
 * The ledger of a simulator: one JSON line per call received and per effect applied, appended and fsynced before anything
 * is answered. It is the independent judge of what Mortise did, and the simulator's memory: at the start it is replayed.
 */
import {
  closeSync,
  existsSync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readFileSync,
  readSync,
  writeSync,
} from "node:fs";
import { dirname } from "node:path";
import { StringDecoder } from "node:string_decoder";

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

/** Hands every line of a ledger that grows to `onLine`, from the first on, looking again every `everyMs`; returns what ends it. */
export function followLedger(file: string, everyMs: number, onLine: (line: Line) => void): () => void {
  let position = 0;
  let rest = "";
  const decoder = new StringDecoder("utf8");
  const look = (): void => {
    if (!existsSync(file)) return;
    const handle = openSync(file, "r");
    try {
      const buffer = Buffer.alloc(1024 * 1024);
      for (;;) {
        const size = readSync(handle, buffer, 0, buffer.length, position);
        if (size === 0) break;
        position += size;
        const lines = (rest + decoder.write(buffer.subarray(0, size))).split("\n");
        rest = lines.pop() ?? "";
        for (const line of lines) onLine(JSON.parse(line) as Line);
      }
    } finally {
      closeSync(handle);
    }
  };
  const timer = setInterval(look, everyMs);
  return () => {
    clearInterval(timer);
    look();
  };
}
