/**
 * Where the log's lines go: standard output, in their order, written without keeping anybody waiting. What can't be written is never a reason to
 * stop: a disk may be full, whoever reads a pipe may rest. So much of it waits; lines beyond that are lost, and it is said how many once there is
 * room again.
 */
import { write, writeSync } from "node:fs";

export interface Lines {
  /** Takes whole lines. */
  write(lines: string): void;
  /** Writes what waits, as far as that is possible within a moment. */
  flush(): void;
  close(): void;
}

export interface LinesOptions {
  /** Bytes that may wait. Default 8 MiB. */
  readonly mostWaiting?: number;
  /** Milliseconds after which a write that failed is tried again. Default 250. A pipe that is full is looked at much sooner. */
  readonly retryMs?: number;
  /** Milliseconds that `flush` waits for whoever reads. Default 1000. */
  readonly patienceMs?: number;
  /** The line that tells how many were lost, with its line feed. */
  readonly lost: (count: number) => string;
}

/** Whoever read has gone for good. */
const gone: ReadonlySet<string | undefined> = new Set(["EPIPE", "EBADF"]);
/** A pipe holds 64 kB: whoever reads it has emptied it soon. */
const pauseMs = 5;

export function openLines(
  fd: number,
  { mostWaiting = 8 * 1_048_576, retryMs = 250, patienceMs = 1000, lost }: LinesOptions,
): Lines {
  let waiting: Buffer[] = [];
  let bytes = 0;
  let left = 0;
  let writing = false;
  let closed = false;
  let retry: NodeJS.Timeout | undefined;

  function take(lines: string): void {
    const text = Buffer.from(lines);
    waiting.push(text);
    bytes += text.length;
  }
  function written(length: number): void {
    const [first] = waiting;
    if (first === undefined) return;
    bytes -= length;
    if (length < first.length) waiting[0] = first.subarray(length);
    else waiting.shift();
    if (left === 0 || bytes > mostWaiting / 2) return;
    const count = left;
    left = 0;
    take(lost(count));
  }
  function failed(code: string | undefined): void {
    if (!gone.has(code)) return;
    closed = true;
    waiting = [];
    bytes = 0;
  }
  function next(): void {
    const [first] = waiting;
    if (writing || closed || first === undefined || retry !== undefined) return;
    writing = true;
    write(fd, first, (error, length) => {
      writing = false;
      if (error === null) written(length);
      else {
        failed(error.code);
        if (!closed)
          retry = setTimeout(
            () => {
              retry = undefined;
              next();
            },
            error.code === "EAGAIN" ? pauseMs : retryMs,
          ).unref();
      }
      next();
    });
  }
  function flush(): void {
    const until = performance.now() + patienceMs;
    // What is on its way is left to the thread that writes it.
    while (!closed && !writing && waiting[0] !== undefined) {
      try {
        written(writeSync(fd, waiting[0]));
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        failed(code);
        if (code !== "EAGAIN" || performance.now() >= until) return;
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, pauseMs);
      }
    }
  }
  /** Nothing comes back any more of what is on its way. */
  function exit(): void {
    if (writing) waiting.shift();
    writing = false;
    flush();
  }
  process.on("exit", exit);

  return {
    write(lines) {
      if (closed) return;
      if (bytes + lines.length > mostWaiting) left += lines.split("\n").length - 1;
      else take(lines);
      next();
    },
    flush,
    close() {
      flush();
      clearTimeout(retry);
      if (waiting.length === 0) process.off("exit", exit);
    },
  };
}
