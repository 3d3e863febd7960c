/**
 * The types that the rooms share: value, schema, operation, event, call context, call result.
 * Operations are plain data, so a process can be replayed, rehearsed and tested without the systems behind it.
 */
import type { Readable } from "node:stream";
import type { MortiseError } from "./errors.ts";

/** A value as it stands in a history: JSON. Decimals and 64-bit integers are strings, dates ISO strings. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };

/** JSON Schema 2020-12 (https://json-schema.org/draft/2020-12). Named schemas are referenced as `#/$defs/Name`. */
export type JsonSchema = boolean | { readonly [keyword: string]: unknown };

/** A JSON Schema together with the TypeScript type it stands for. `T` exists at compile time only. */
export interface Schema<T = unknown> {
  readonly kind: "schema";
  /** Self-contained: whatever it references is in its own `$defs`. */
  readonly json: JsonSchema;
  readonly types?: { readonly value: T };
}
/** The TypeScript type of a schema. */
export type Infer<S> = S extends Schema<infer T> ? T : never;

/**
 * What a repeat does. `read`: safe, nothing changes. `idempotent`: a repeat with the same key is harmless.
 * `unrepeatable`: a repeat does harm.
 */
export type Effect = "read" | "idempotent" | "unrepeatable";

/** The declared faults of an operation: name to type of the detail. */
export type Faults = { readonly [name: string]: unknown };

/** One declared fault as a value. */
export type Fault<F extends Faults = Faults> = {
  [N in keyof F & string]: { readonly name: N; readonly message: string; readonly detail: F[N] };
}[keyof F & string];

/** Finds out, after `settle`, whether an unrepeatable call happened. `call` is the name of a `read` operation of the same system. */
export interface Probe {
  readonly call: string;
  readonly with: (facts: { readonly key: string; readonly input: never }) => unknown;
  /**
   * Turns the probe's output into the output of the probed operation, or `undefined` if it did not happen.
   * Default: an output that is not null, or a list that is not empty, is taken as it is (a list: its first element).
   */
  readonly found?: (output: never) => unknown;
  /** `notFound` of the operation that is called; connections set it. Any other fault tells nothing, and the probe is asked again. */
  readonly notFound?: readonly string[];
  /** Problems of what was found, as the output of the probed operation. Connections set it from the contract. */
  readonly problems?: (output: Json) => readonly Problem[];
  /** How long to wait before the probe's "not found" is believed, such as `"30s"`. Default `"5s"`. */
  readonly settle?: Duration;
}

/** A duration such as `"250ms"`, `"10s"`, `"5m"`, `"2h"`, `"5d"`, or milliseconds; 36,500 days at most. */
export type Duration = number | `${number}${"ms" | "s" | "m" | "h" | "d"}`;

/** One thing that a system can do, as data. `I`, `O`, `F` exist at compile time only. */
export interface Operation<I = unknown, O = unknown, F extends Faults = Faults> {
  readonly kind: "operation";
  readonly system: string;
  readonly name: string;
  readonly effect: Effect;
  /** How long the system honours a key, in milliseconds; absent: as long as the run lives. */
  readonly keyLifetimeMs?: number;
  /** Its contract has no place for a key: the system never sees one, and nobody finds it there. */
  readonly keyless?: true;
  /**
   * Its declared faults that mean: what was asked about is not there. As a probe it then says that the probed call did not happen, as an undo of
   * what may have happened that there is nothing to take back. Any other fault says neither.
   */
  readonly notFound?: readonly string[];
  readonly probe?: Probe;
  readonly types?: { readonly input: (value: I) => void; readonly output: O; readonly faults: F };
}
// An operation of any type. `never` input: parameters are contravariant.
// biome-ignore lint/suspicious/noExplicitAny: the only way to say "whatever its types"
export type AnyOperation = Operation<any, any, any>;
export type InputOf<T> = T extends Operation<infer I, infer _O, infer _F> ? I : never;
export type OutputOf<T> = T extends Operation<infer _I, infer O, infer _F> ? O : never;
export type FaultsOf<T> = T extends Operation<infer _I, infer _O, infer F> ? F : never;

/** Characters of a business key or a correlation key, at most. */
export const longestKey = 200;

/** Something that a system tells us. `key` gives the correlation key: whom it concerns. */
export interface EventType<T = unknown> {
  readonly kind: "event";
  readonly system: string;
  readonly name: string;
  readonly types?: { readonly payload: T };
}
export type PayloadOf<E> = E extends EventType<infer T> ? T : never;

/** What travels with every attempt of a step. */
export interface CallContext {
  /** Effect key of the step (P3): the same for each attempt of one generation. Unique world-wide. */
  readonly key: string;
  /** 1 for the first attempt. */
  readonly attempt: number;
  /** When the attempt must be over, as `Date.now()` milliseconds. */
  readonly deadline: number;
  /** Fires at the deadline and at cancellation. */
  readonly signal: AbortSignal;
  /** For logs and the `traceparent` header. Never part of a key. */
  readonly run?: string;
}

/** A call that reached its end: the output, or a declared fault. Everything else is thrown as a `MortiseError`. */
export type CallResult =
  | { readonly ok: true; readonly output: Json }
  | { readonly ok: false; readonly fault: { readonly name: string; readonly message: string; readonly detail: Json } };

/** What a call gave whose output nobody looks at before it is passed on. `text`: the output as JSON, checked, with nothing in it that the contract does not name. */
export type Told = CallResult | { readonly ok: true; readonly text: string };

/**
 * Calls an operation once. Never repeats by itself (only the engine repeats). Rejects with a `MortiseError` whose class and
 * outcome are right: `none` only if the request surely did not take effect.
 */
export type Caller = (
  operation: { readonly system: string; readonly name: string },
  input: Json,
  context: CallContext,
) => Promise<CallResult>;

/** As `Caller`, for what passes the output on. */
export type Teller = (...call: Parameters<Caller>) => Promise<Told>;

/** What of a call passes unread. */
export interface Passage {
  /** The body of the request, in place of what the input says of it. Destroyed when the call fails. */
  readonly body?: {
    readonly stream: Readable;
    /** In bytes, where it is known. */
    readonly length?: number;
    /** Media type. */
    readonly type: string;
  };
  /** The body of a successful answer. Absent: it is read. */
  readonly answer?: {
    /** Media types that may pass, in lower case, without parameters. */
    readonly types: readonly string[];
    readonly maxBytes: number;
    /** Asks for a part (RFC 9110, section 14.2), if the whole is still the one that `ifRange` names. */
    readonly range?: string;
    readonly ifRange?: string;
  };
}
/** `passed`: the body comes as it is read, and fails where it is cut off. It must be read to its end or destroyed. */
export type PassResult =
  | {
      readonly kind: "passed";
      readonly status: number;
      /** Lower-case names; of the system: nothing of it is for callers as it stands. */
      readonly headers: Readonly<Record<string, string>>;
      readonly type: string;
      readonly body: Readable;
    }
  | { readonly kind: "read"; readonly result: CallResult };

/** As `Caller`; the input has everything but the body that passes. */
export type PassCaller = (
  operation: { readonly system: string; readonly name: string },
  input: Json,
  context: CallContext,
  passage: Passage,
) => Promise<PassResult>;

/** Checks a value; `[]` means valid. `at` is a JSON Pointer (RFC 6901). */
export type Validate = (value: unknown) => readonly Problem[];
export interface Problem {
  readonly at: string;
  readonly message: string;
}

/** Problems as one sentence: places and rules, never values. `whole` is what the value itself is called. */
export function inWords(problems: readonly Problem[], whole = "it"): string {
  return problems.map(({ at, message }) => `${at === "" ? whole : at} ${message}`).join("; ");
}

/** A name as a token of a JSON Pointer (RFC 6901, section 3). */
export function pointerToken(name: string): string {
  return name.replaceAll("~", "~0").replaceAll("/", "~1");
}

/** The names in a JSON Pointer (RFC 6901, section 4). */
export function pointerNames(pointer: string): string[] {
  if (pointer === "") return [];
  return pointer
    .slice(1)
    .split("/")
    .map((token) => token.replaceAll("~1", "/").replaceAll("~0", "~"));
}

/** How a failure is stored in a history and shown: never a stack, never a secret. */
export interface StoredFailure {
  readonly code: string;
  readonly message: string;
  readonly class: MortiseError["class"];
  readonly outcome: MortiseError["outcome"];
}

/** Encrypts what the store keeps. What was sealed for one place opens at no other. */
export interface Cipher {
  seal(text: string, place: string): string;
  /** Throws an `Error` that says why where the text was changed, moved, or sealed with a key that is not known. */
  open(sealed: string, place: string): string;
  /** A keyed hash, to compare texts without keeping them. */
  digest(text: string): string;
  /** Also of a key before the present one. */
  isDigestOf(digest: string, text: string): boolean;
}

const units = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** A century: what is longer is a slip, and its end would be no date any more. */
const longestDays = 36_500;

/** Milliseconds of a duration. Throws a `RangeError` on text of another form, and on what is longer than 36,500 days. */
export function milliseconds(duration: Duration): number {
  const ms = typeof duration === "number" ? duration : millisecondsOf(duration);
  if (!(Number.isFinite(ms) && ms >= 0)) throw new RangeError(`not a duration: ${duration}`);
  if (ms > longestDays * units.d) throw new RangeError(`not a duration: ${duration} (36,500 days at most)`);
  return ms;
}

function millisecondsOf(duration: string): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(duration);
  if (match === null)
    throw new RangeError(`not a duration: "${duration}" (write for example "250ms", "10s", "5m", "2h", "5d")`);
  return Number(match[1]) * units[match[2] as keyof typeof units];
}

/** Whether `milliseconds` takes it. */
export function isDuration(value: unknown): value is Duration {
  try {
    milliseconds(value as Duration);
    return true;
  } catch {
    return false;
  }
}

/** A value that only the server resolves, so that `check`, tests and rehearsal run without it. */
export type Reference =
  | { readonly kind: "env"; readonly name: string; readonly fallback?: string }
  | { readonly kind: "secret"; readonly name: string };

/** The environment variable `name`; `fallback` where it is not set. */
export function env(name: string, fallback?: string): Reference {
  return Object.freeze(fallback === undefined ? { kind: "env", name } : { kind: "env", name, fallback });
}

/**
 * A secret: the file `name` in the project's secrets folder, else the environment variable `name`. Its value is never
 * logged, shown or stored (P8).
 */
export function secret(name: string): Reference {
  return Object.freeze({ kind: "secret", name });
}

declare const exact: unique symbol;

/** A decimal number of any length as text, such as `"12.50"`: never rounded. In a schema: `{"type": "string", "format": "decimal"}`. */
export type Decimal = string & { readonly [exact]: "decimal" };
/** A whole number of 64 bits as text, such as `"9007199254740993"`. In a schema: `{"type": "string", "format": "int64"}`. */
export type Int64 = string & { readonly [exact]: "int64" };

/** A decimal from text or a number that is written without exponent. Throws a `RangeError` on anything else. */
export function decimal(value: string | number | bigint): Decimal {
  const text = String(value);
  if (!/^[+-]?(\d+(\.\d*)?|\.\d+)$/.test(text)) throw new RangeError(`not a decimal number: ${JSON.stringify(text)}`);
  return text as Decimal;
}

/** A 64-bit integer from text, a safe integer or a bigint. Throws a `RangeError` on anything else. */
export function int64(value: string | number | bigint): Int64 {
  const whole = typeof value === "number" ? Number.isSafeInteger(value) : /^[+-]?\d+$/.test(String(value));
  const number = whole ? BigInt(value) : undefined;
  if (number === undefined || BigInt.asIntN(64, number) !== number)
    throw new RangeError(`not an integer of 64 bits: ${JSON.stringify(String(value))}`);
  return String(number) as Int64;
}

/** The exact sum, with as many decimals as the longest: `"1.10"` and `"2"` give `"3.10"`. */
export function addDecimals(...values: readonly Decimal[]): Decimal {
  const scale = Math.max(0, ...values.map(decimals));
  let sum = 0n;
  for (const value of values) sum += scaled(value, scale);
  const digits = (sum < 0n ? -sum : sum).toString().padStart(scale + 1, "0");
  const whole = digits.slice(0, digits.length - scale);
  return `${sum < 0n ? "-" : ""}${whole}${scale === 0 ? "" : `.${digits.slice(-scale)}`}` as Decimal;
}

/** Less than 0, 0 or more than 0, by value: `"1.0"` equals `"1"`. */
export function compareDecimals(a: Decimal, b: Decimal): number {
  const scale = Math.max(decimals(a), decimals(b));
  const difference = scaled(a, scale) - scaled(b, scale);
  return difference < 0n ? -1 : difference > 0n ? 1 : 0;
}

function decimals(value: Decimal): number {
  const point = value.indexOf(".");
  return point < 0 ? 0 : value.length - point - 1;
}

/** The value times 10 to the power of `scale`, which is at least its number of decimals. */
function scaled(value: Decimal, scale: number): bigint {
  const [whole = "", fraction = ""] = value.replace(/^[+-]/, "").split(".");
  const number = BigInt(whole + fraction.padEnd(scale, "0"));
  return value.startsWith("-") ? -number : number;
}
