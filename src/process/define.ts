/** What a user writes to make a process. Data and plain functions; nothing is registered anywhere. */
import { type Duration, type EventType, isDuration, type Schema } from "../operation.ts";
import { checkRetry, type RetryPolicy } from "../retry.ts";
import type { Flow } from "./flow.ts";
import { limitProblems, type ProcessLimits } from "./limits.ts";

export interface ProcessOptions<I, O, S = unknown> {
  /** Unique in the project; lower case with dashes. */
  readonly name: string;
  readonly input: Schema<I>;
  /** Default: anything. */
  readonly output?: Schema<O>;
  /** Of what `flow.state` shows. Default: anything. */
  readonly state?: Schema<S>;
  /** The business key: at most one run per key, whatever is delivered twice. Pure; at most 200 characters. */
  readonly key: (input: I) => string;
  readonly description?: string;
  /**
   * The process. It may await nothing but verbs of `flow` (and promises made of them). It is run again from the start after a
   * crash, with recorded results, and must then ask for the same verbs.
   */
  readonly run: (flow: Flow<S>, input: I) => Promise<O>;
  /** How failed attempts of its steps are repeated; a system or a step may say otherwise. */
  readonly retry?: RetryPolicy;
  /** How many of its runs are under way at a time, and how fast they begin; what is above waits as `queued`. Default: no limit. */
  readonly limits?: ProcessLimits<I>;
  /** What is kept of its runs that have ended. Default: as the configuration says under `history`. */
  readonly history?: HistoryPolicy;
  /**
   * Fields of the input, the output, the state and the log that are masked wherever people see a run: `"input.cardToken"`,
   * `"output.iban"`, `"state.iban"`, `"log.iban"`; `*` stands for any element or property. Default none. What a system's `sensitive` names is masked in any case.
   */
  readonly sensitive?: readonly string[];
  /** An event whose payload is the input: each delivery starts a run, once per business key. */
  readonly on?: EventType<I>;
}

export interface ProcessDefinition<I = unknown, O = unknown, S = unknown> extends ProcessOptions<I, O, S> {
  readonly kind: "process";
  readonly output: Schema<O>;
}
// biome-ignore lint/suspicious/noExplicitAny: a process of whatever types
export type AnyProcess = ProcessDefinition<any, any, any>;

const anything: Schema = Object.freeze({ kind: "schema", json: true });
const nameForm = /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/;

/** What is kept of runs that have ended. */
export interface HistoryPolicy {
  /** How long a history is kept. */
  readonly retention?: Duration;
  /** How long the business key is kept: until then a start with the same key is answered with that run. */
  readonly keys?: Duration;
  /** Histories; beyond so many the oldest go. */
  readonly atMost?: number;
}

function checkHistory({ retention, keys, atMost }: HistoryPolicy = {}, what: string): void {
  for (const [name, value] of Object.entries({ retention, keys })) {
    if (value !== undefined && !isDuration(value)) throw new TypeError(`${what}.${name} is a duration such as "30d"`);
  }
  if (atMost !== undefined && (!Number.isSafeInteger(atMost) || atMost < 0))
    throw new TypeError(`${what}.atMost is a whole number from 0`);
}

/** All that a process may say. A slip of the pen would say nothing: no limit, and nothing masked. */
const members: ReadonlySet<string> = new Set([
  "kind",
  "name",
  "input",
  "output",
  "state",
  "key",
  "description",
  "run",
  "retry",
  "limits",
  "history",
  "sensitive",
  "on",
]);
const sensitiveForm = /^(input|output|state|log|\*)(\.|$)/;

function checkParts(given: Readonly<Record<string, unknown>>, what: string): void {
  const must = (fits: boolean, message: string) => {
    if (!fits) throw new TypeError(`${what}: ${message}`);
  };
  for (const name of Object.keys(given)) must(members.has(name), `there is no option ${name}`);
  const sensitive = given.sensitive ?? [];
  must(Array.isArray(sensitive), 'sensitive is a list, such as ["input.cardToken"]');
  for (const path of sensitive as readonly unknown[])
    must(
      typeof path === "string" && sensitiveForm.test(path),
      `sensitive holds "${String(path)}", which begins with none of input, output, state and log`,
    );
}

/** Defines a process. Throws a `TypeError` that names what does not fit: a start does not look at types. */
export function defineProcess<I, O, S = unknown>(options: ProcessOptions<I, O, S>): ProcessDefinition<I, O, S> {
  if (typeof options.name !== "string" || !nameForm.test(options.name)) {
    throw new TypeError(`a process is named in lower case with dashes, such as "order-to-cash"; not "${options.name}"`);
  }
  checkParts(options as unknown as Readonly<Record<string, unknown>>, options.name);
  checkRetry(options.retry, `${options.name}: retry`);
  checkHistory(options.history, `${options.name}: history`);
  const [problem] = limitProblems(options.limits ?? {});
  if (problem !== undefined) throw new TypeError(`${options.name}: ${problem}`);
  return Object.freeze({ ...options, kind: "process", output: options.output ?? (anything as Schema<O>) });
}
