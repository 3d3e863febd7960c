/**
 * The log: JSON lines on standard output. One line for each request, end of a run, parked run and worker event.
 *
 *  G1  Registered secrets and API keys are scrubbed from the finished line, wherever they stand (P8).
 *  G2  A field whose name says that it holds a credential is written as `[secret]`.
 *  G3  One event is one line: control characters, line separators and bidirectional marks are escaped.
 *  G4  A text is cut at 2,000 characters, a list at 50 entries, an object at a depth of 6; a line that is longer than 16 KiB loses fields.
 */
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { pino } from "pino";
import { MortiseError } from "../errors.ts";
import { type ChannelName, channels, type Fact, factOf } from "./facts.ts";
import { openLines } from "./lines.ts";
import { bounded } from "./long-line.ts";
import { type Redactor, redacted } from "./redact.ts";
import { requestLine } from "./request-line.ts";

export type Level = "trace" | "debug" | "info" | "warn" | "error" | "silent";

export interface Log {
  trace(fields: object, message: string): void;
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
  /** Writes what is buffered. */
  flush(): void;
  /** Stops subscriptions and writes what is buffered. */
  close(): void;
}

export interface LogOptions {
  readonly level: Level;
  readonly redactor: Redactor;
  /** Takes whole lines, each with its line feed. Default: standard output, buffered for at most a quarter of a second. */
  readonly write?: (line: string) => void;
}

/** Characters of lines that are held back at most, and for how long. */
const batchSize = 64_000;
const longestWaitMs = 250;
const longestText = 2000;
const longestList = 50;
const deepest = 6;
const secretField = /^(authorization|cookie|set-cookie|x-api-key|password|secret|token|api[-_]?key|credentials?)$/i;
/** C1 controls, DEL, line and paragraph separators, bidirectional and other invisible marks; JSON escapes the rest itself. */
const unprintable = /[\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;
/** API keys and admin tokens, by their form. */
const keys = /mtz_[a-z0-9]{1,12}_[0-9A-Za-z]{12}_[0-9A-Za-z]{43}_[0-9A-Za-z]{6}|mta_[0-9a-f]{12}_[0-9a-f]{64}/g;

export function createLog({ level, redactor, write }: LogOptions): Log {
  const lost = (lines: number): string =>
    `${JSON.stringify({ level: "warn", time: now(), lines, msg: "lines of the log were lost: they could not be written" })}\n`;
  const buffer = write === undefined ? openLines(1, { lost }) : undefined;
  let closed = false;
  /** Lines that were not looked through yet. Scrubbing many at once costs little more than scrubbing one. */
  let batch = "";
  let timer: NodeJS.Timeout | undefined;
  const out = write ?? ((lines: string) => void buffer?.write(lines));
  const pass = (): void => {
    clearTimeout(timer);
    timer = undefined;
    const lines = batch;
    batch = "";
    if (lines === "") return;
    const hidden = lines.includes("mtz_") || lines.includes("mta_") ? lines.replace(keys, redacted) : lines;
    out(redactor.scrub(hidden).replace(unprintable, escaped));
  };
  const flush = (): void => {
    pass();
    buffer?.flush();
  };
  const take = (line: string): void => {
    // A thread may still fail while everything ends; what it says then has nowhere to go, and must not break the end.
    if (closed && write === undefined) return;
    batch += bounded(line, printable);
    if (write !== undefined || batch.length >= batchSize) pass();
    else timer ??= setTimeout(pass, longestWaitMs).unref();
  };
  let second = Number.NaN;
  let stamp = "";
  /** ISO 8601. All but the milliseconds is made once a second. */
  const now = (): string => {
    const at = Date.now();
    const ms = at % 1000;
    if (at - ms !== second) stamp = new Date(at).toISOString().slice(0, -4);
    second = at - ms;
    return `${stamp}${ms < 10 ? "00" : ms < 100 ? "0" : ""}${ms}Z`;
  };
  const logger = pino(
    {
      level,
      base: undefined,
      timestamp: () => `,"time":"${now()}"`,
      formatters: { level: (label) => ({ level: label }) },
    },
    { write: take },
  );
  const listeners = new Map<ChannelName, (message: unknown) => void>();
  for (const name of channels) {
    const listener = (message: unknown) => {
      // Looked at as it is first: most lines are below the level, and are never built.
      const look = lineOf(name, (message ?? {}) as Fact, message);
      if (look === undefined || !logger.isLevelEnabled(look.level)) return;
      const quick = name === "mortise:publish:request" ? requestLine(look.level, now(), message as Fact) : undefined;
      if (quick !== undefined) return take(quick);
      const line = lineOf(name, factOf(message), message);
      if (line !== undefined)
        logger[line.level](clean({ channel: name.slice(8), ...line.fields }) as object, line.message);
    };
    listeners.set(name, listener);
    subscribe(name, listener);
  }
  const at = (severity: "trace" | "debug" | "info" | "warn" | "error") => (fields: object, message: string) => {
    if (logger.isLevelEnabled(severity)) logger[severity](clean(fields) as object, cut(message));
  };
  return {
    trace: at("trace"),
    debug: at("debug"),
    info: at("info"),
    warn: at("warn"),
    error: at("error"),
    flush() {
      if (!closed) flush();
    },
    close() {
      if (closed) return;
      flush();
      closed = true;
      for (const [name, listener] of listeners) unsubscribe(name, listener);
      buffer?.close();
    },
  };
}

interface Line {
  readonly level: "debug" | "info" | "warn" | "error";
  readonly message: string;
  readonly fields: object;
}

/** What the caller was not told: the error itself, without the values in it. */
function errorOf(message: unknown): object {
  const { error } = message as { readonly error?: unknown };
  return error instanceof Error ? { error } : {};
}

function lineOf(name: ChannelName, fields: Fact, message: unknown): Line | undefined {
  switch (name) {
    case "mortise:process:run": {
      const { kind, status } = fields;
      if (kind === "started") return { level: "debug", message: "run started", fields };
      const parked = status === "parked";
      return { level: parked ? "warn" : "info", message: parked ? "run parked" : "run ended", fields };
    }
    case "mortise:process:attempts":
      return fields.outcome === "ok" ? undefined : { level: "info", message: "failed attempts", fields };
    case "mortise:outbound:request":
      return { level: "debug", message: "outbound request", fields };
    case "mortise:connectors:file":
      return {
        level: fields.outcome === "archived" && fields.rejected === 0 ? "info" : "warn",
        message: "file",
        fields,
      };
    case "mortise:server:outbound":
      return undefined;
    case "mortise:publish:failure":
      // Three hundred requests that waited for one call are one failure.
      if (fields.sharedWith !== undefined) return { level: "debug", message: "request failed with another", fields };
      return { level: "error", message: "request failed", fields: { ...fields, ...errorOf(message) } };
    case "mortise:publish:exposed":
      return { level: "warn", message: "a credential came in clear: have it replaced", fields };
    case "mortise:publish:request":
      return { level: Number(fields.status) >= 500 ? "error" : "info", message: "request", fields };
    case "mortise:server:worker":
      return {
        level: fields.event === "died" || fields.event === "quarantined" ? "error" : "info",
        message: fields.event === "quarantined" ? "run quarantined" : `worker ${String(fields.event)}`,
        fields,
      };
    case "mortise:server:circuit": {
      if (fields.state === "closed") return { level: "info", message: "system is back", fields };
      const still = fields.still === true;
      return { level: still ? "info" : "warn", message: still ? "system is still away" : "system is away", fields };
    }
    case "mortise:server:trigger":
      return { level: fields.result === "refused" ? "warn" : "info", message: "trigger", fields };
    case "mortise:server:schedule":
      return {
        level: fields.event === "started" ? "info" : fields.event === "failed" ? "error" : "warn",
        message: `schedule ${String(fields.event)}`,
        fields,
      };
    case "mortise:server:admin":
      return { level: Number(fields.status) >= 500 ? "error" : "debug", message: "admin request", fields };
  }
}

const printable = (line: string): string => line.replace(unprintable, escaped);

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

function cut(text: string): string {
  return text.length <= longestText ? text : `${text.slice(0, longestText)}... (${text.length} characters)`;
}

/** A value fit for a line: bounded, without credentials, errors without their stack. */
function clean(value: unknown, depth = 0): unknown {
  if (typeof value === "string") return cut(value);
  if (typeof value === "bigint") return value.toString();
  // Times are measured to the nanosecond; nobody reads them so.
  if (typeof value === "number" && !Number.isInteger(value)) return Math.round(value * 1000) / 1000;
  if (typeof value !== "object" || value === null) return value;
  if (depth >= deepest) return "[deep]";
  if (value instanceof MortiseError) {
    return { code: value.code, message: cut(value.message), class: value.class, outcome: value.outcome };
  }
  if (value instanceof Error) return { message: cut(value.message), stack: cut(value.stack ?? "") };
  if (Array.isArray(value)) return value.slice(0, longestList).map((entry) => clean(entry, depth + 1));
  const result: Record<string, unknown> = Object.create(null);
  for (const [name, entry] of Object.entries(value).slice(0, longestList)) {
    result[name] = secretField.test(name) ? redacted : clean(entry, depth + 1);
  }
  return result;
}
