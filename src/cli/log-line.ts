/** A line of the log as people read it on a terminal; programs get it as it is, JSON. */
import { printable, type Style, type Terminal } from "./terminal.ts";

const styles: Readonly<Record<string, Style>> = {
  trace: "dim",
  debug: "dim",
  warn: "yellow",
  error: "red",
  fatal: "red",
};
/** Said already, or of use to programs only. */
const standard = new Set(["time", "level", "msg", "pid", "hostname", "name", "channel"]);
/** A code version: people tell it by its beginning. */
const contentHash = /^[0-9a-f]{32}$/;

/** `08:30:00 warn  the sentence  name=value`. A line that is not JSON stays as it is. */
export function logLine(line: string, terminal: Terminal): string {
  let entry: Readonly<Record<string, unknown>>;
  try {
    entry = JSON.parse(line) as Readonly<Record<string, unknown>>;
  } catch {
    return printable(line.trimEnd());
  }
  const level = String(entry.level ?? "info");
  const clock = new Date(typeof entry.time === "number" || typeof entry.time === "string" ? entry.time : Date.now());
  const two = (value: number): string => String(value).padStart(2, "0");
  const at = `${two(clock.getHours())}:${two(clock.getMinutes())}:${two(clock.getSeconds())}`;
  const why = sentenceOf(entry.error);
  const facts = Object.entries(entry)
    .filter(([name]) => !standard.has(name) && !(name === "error" && why !== undefined))
    .map(([name, value]) => `${name}=${factText(value)}`);
  const said = `${String(entry.msg ?? "")}${why === undefined ? "" : `: ${why}`}`;
  const shown = printable(`${said}${facts.length === 0 ? "" : "  "}`);
  return `${terminal.paint("dim", at)} ${terminal.paint(styles[level] ?? "cyan", level.padEnd(5))} ${shown}${terminal.paint("dim", printable(facts.join(" ")))}`;
}

/** What an error says, with its code; whether it would be tried again is of use to programs only. */
function sentenceOf(error: unknown): string | undefined {
  if (typeof error !== "object" || error === null) return undefined;
  const { message, code } = error as { readonly message?: unknown; readonly code?: unknown };
  if (typeof message !== "string") return undefined;
  return typeof code === "string" ? `${message} (${code})` : message;
}

function factText(value: unknown): string {
  if (typeof value !== "string") return JSON.stringify(value);
  return contentHash.test(value) ? value.slice(0, 8) : value;
}
