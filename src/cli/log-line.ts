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
  const facts = Object.entries(entry)
    .filter(([name]) => !standard.has(name))
    .map(([name, value]) => `${name}=${factText(value)}`);
  const shown = printable(`${String(entry.msg ?? "")}${facts.length === 0 ? "" : "  "}`);
  return `${terminal.paint("dim", at)} ${terminal.paint(styles[level] ?? "cyan", level.padEnd(5))} ${shown}${terminal.paint("dim", printable(facts.join(" ")))}`;
}

function factText(value: unknown): string {
  if (typeof value !== "string") return JSON.stringify(value);
  return contentHash.test(value) ? value.slice(0, 8) : value;
}
