/** What a user writes to make a process. Data and plain functions; nothing is registered anywhere. */
import { type Duration, type EventType, isDuration, type Schema } from "../operation.ts";
import type { Flow } from "./flow.ts";

export interface ProcessOptions<I, O> {
  /** Unique in the project; lower case with dashes. */
  readonly name: string;
  readonly input: Schema<I>;
  /** Default: anything. */
  readonly output?: Schema<O>;
  /** The business key: at most one run per key, whatever is delivered twice. Pure; at most 200 characters. */
  readonly key: (input: I) => string;
  readonly description?: string;
  /**
   * The process. It may await nothing but verbs of `flow` (and promises made of them). It is run again from the start after a
   * crash, with recorded results, and must then ask for the same verbs.
   */
  readonly run: (flow: Flow, input: I) => Promise<O>;
  readonly retry?: RetryPolicy;
  /**
   * Fields of the input and the output that are masked wherever people see a run: `"input.cardToken"`, `"output.iban"`; `*` stands
   * for any element or property. Default none. What a system's `sensitive` names is masked in any case.
   */
  readonly sensitive?: readonly string[];
  /** An event whose payload is the input: each delivery starts a run, once per business key. */
  readonly on?: EventType<I>;
}

/** How the engine repeats a failed attempt. */
export interface RetryPolicy {
  /** Attempts before the run parks. Default 10. */
  readonly attempts?: number;
  /** Pause after the first failure; it doubles, with full jitter. Default `"200ms"`. */
  readonly backoff?: Duration;
  /** Longest pause. Default `"30s"`. */
  readonly maxBackoff?: Duration;
}

export interface ProcessDefinition<I = unknown, O = unknown> extends ProcessOptions<I, O> {
  readonly kind: "process";
  readonly output: Schema<O>;
}
// biome-ignore lint/suspicious/noExplicitAny: a process of whatever types
export type AnyProcess = ProcessDefinition<any, any>;

const anything: Schema = Object.freeze({ kind: "schema", json: true });
const nameForm = /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/;

/** Defines a process. Throws a `TypeError` on a name of another form. */
export function defineProcess<I, O>(options: ProcessOptions<I, O>): ProcessDefinition<I, O> {
  if (!nameForm.test(options.name)) {
    throw new TypeError(`a process is named in lower case with dashes, such as "order-to-cash"; not "${options.name}"`);
  }
  const { attempts = 1, backoff = 0, maxBackoff = 0 } = options.retry ?? {};
  if (!Number.isSafeInteger(attempts) || attempts < 1) {
    throw new TypeError(`${options.name}: retry.attempts is a whole number from 1`);
  }
  for (const [name, value] of Object.entries({ backoff, maxBackoff })) {
    if (!isDuration(value))
      throw new TypeError(`${options.name}: retry.${name} is a duration such as "200ms" or "30s"`);
  }
  return Object.freeze({ ...options, kind: "process", output: options.output ?? (anything as Schema<O>) });
}
