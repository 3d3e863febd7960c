/**
 * Reads a trace of strace (`-f -qq -y -xx -s 200000`): the writes, truncations, removals and fsyncs of some files, in order, and between
 * them the lines of the client's log, whose place in the trace is the time of an acknowledgement.
 */
import { basename } from "node:path";
import type { LogLine } from "./client-log.ts";

export type TraceEvent =
  | { readonly kind: "write"; readonly file: string; readonly offset: number; readonly data: Buffer }
  | { readonly kind: "truncate"; readonly file: string; readonly size: number }
  | { readonly kind: "remove"; readonly file: string }
  /** Has returned. What was written to the file before event `from` is on disk. */
  | { readonly kind: "sync"; readonly file: string; readonly from: number }
  | { readonly kind: "log"; readonly line: LogLine };

export const tracedCalls = ["pwrite64", "write", "fsync", "fdatasync", "ftruncate", "unlink"] as const;

const whole = /^(\d+) +(\w+)\((.*?)(?:\) += (-?\d+).*| <unfinished \.\.\.>)$/;
const resumed = /^(\d+) +<\.\.\. (\w+) resumed>.*= (-?\d+)/;
const onFile = /^\d+<((?:\\x[0-9a-f]{2})*)>(?:, )?/;

/** Files are named as in `names` (file name in the trace to name in the events); `log` is the client's log. Others are left out. */
export function parseTrace(text: string, names: readonly string[], log: string): TraceEvent[] {
  const events: TraceEvent[] = [];
  /** Where the unfinished fsync of a thread began. */
  const syncs = new Map<string, { readonly file: string; readonly from: number }>();
  for (const line of text.split("\n")) {
    const over = resumed.exec(line);
    if (over !== null) {
      const [, thread, call, result] = over;
      const began = call?.endsWith("sync") === true ? syncs.get(thread as string) : undefined;
      if (began !== undefined && result === "0") events.push({ kind: "sync", ...began });
      continue;
    }
    const found = whole.exec(line);
    if (found === null) continue;
    const [, thread, call, given, result] = found as unknown as [string, string, string, string, string | undefined];
    if (result?.startsWith("-") === true) continue;
    const isUnlink = call === "unlink";
    const path = onFile.exec(given);
    const file = basename(isUnlink ? unescapeText(given.slice(1, -1)) : unescapeText(path?.[1] ?? ""));
    const rest = isUnlink ? "" : given.slice(path?.[0].length ?? 0);
    if (file === log) {
      if (call === "write") events.push({ kind: "log", line: JSON.parse(unescapeText(quoted(rest))) as LogLine });
      continue;
    }
    if (!names.includes(file)) continue;
    if (call === "pwrite64") {
      const offset = Number(rest.slice(rest.lastIndexOf(",") + 1));
      events.push({ kind: "write", file, offset, data: unescapeBytes(quoted(rest)) });
    } else if (call === "ftruncate") events.push({ kind: "truncate", file, size: Number(rest) });
    else if (isUnlink) events.push({ kind: "remove", file });
    else if (call === "fsync" || call === "fdatasync") {
      if (result === undefined) syncs.set(thread, { file, from: events.length });
      else events.push({ kind: "sync", file, from: events.length });
    }
  }
  return events;
}

function quoted(text: string): string {
  return text.slice(text.indexOf('"') + 1, text.lastIndexOf('"'));
}

/** Every byte stands as `\x61`. */
function unescapeBytes(text: string): Buffer {
  return Buffer.from(text.replaceAll("\\x", ""), "hex");
}
function unescapeText(text: string): string {
  return unescapeBytes(text).toString("utf8");
}
