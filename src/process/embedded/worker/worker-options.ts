/** What a worker is given: by the engine its link, and by whoever starts its thread all else. */
import type { DatabaseSync } from "node:sqlite";
import type { MessagePort } from "node:worker_threads";
import type { Clock } from "../../../clock.ts";
import type { AnyOperation, Caller, Cipher, Validate } from "../../../operation.ts";
import type { RetryPolicy } from "../../../retry.ts";
import type { AnyProcess } from "../../define.ts";
import type { Gate } from "../attempts/gate.ts";
import type { ValueLimits } from "../history/json-text.ts";
import type { Host } from "../run/host.ts";
import type { Within } from "./reading.ts";

/** What the engine hands to a worker thread (transfer both ports). */
export interface WorkerLink {
  /** The store's database file. */
  readonly file: string;
  readonly version: string;
  readonly valueLimits: ValueLimits;
  readonly writer: MessagePort;
  readonly control: MessagePort;
}

export interface WorkerOptions {
  readonly link: WorkerLink;
  readonly processes: readonly AnyProcess[];
  readonly caller: Caller;
  /** Of what the store keeps. Default: it keeps all in clear. */
  readonly cipher?: Cipher | undefined;
  /** An operation by `system.name`: undo needs it after a crash. */
  operation(name: string): AnyOperation | undefined;
  validateInput(process: AnyProcess): Validate;
  validateOutput(process: AnyProcess): Validate;
  /** Default: whatever it shows fits. */
  validateState?(process: AnyProcess): Validate;
  /** What the settings of a system say of repeats, by its name. Default: nothing. */
  systemRetry?(system: string): RetryPolicy | undefined;
  /** Time that the settings of a system give one attempt, by its name. Default: not known. */
  systemTimeoutMs?(system: string): number | undefined;
  /** What stands before a system. Default: nothing. */
  gate?(system: string): Gate | undefined;
  /** Makes the ids of child runs. */
  readonly runId?: (now: number) => string;
  /** How long a run that only waits stays in memory. Default 10 s. */
  readonly restMs?: number;
  /** Runs in memory, at most. Default 5000. */
  readonly residentRuns?: number;
  /** Default: the real one. */
  readonly clock?: Clock;
  /** How many of the writer's answers are taken in one turn. Default: what is fastest on this machine. */
  readonly portion?: number | undefined;
  /** A connection to read with instead of one of the worker's own to the file of the link; it stays open. */
  readonly database?: DatabaseSync;
  /** Place of a stack in the version's sources: shown where code does not follow its history. */
  readonly where?: Host["where"];
  /** Stands around every attempt and probe of a local step. */
  readonly around?: Host["around"];
  /**
   * The workers before this one died, and it is to be found out of which run: one run at a time for a while. `watch` is told which it
   * is, before its code runs. `within` stands around all that may run code of a run.
   */
  readonly careful?: { readonly watch: (run: string | undefined) => void; readonly within?: Within } | undefined;
}

const anything: Validate = () => [];

/** A process of the code version, with what checks its values. */
export interface KnownProcess {
  readonly definition: AnyProcess;
  readonly validateInput: Validate;
  readonly validateOutput: Validate;
  readonly validateState: Validate;
}

export function knownProcesses(options: WorkerOptions): ReadonlyMap<string, KnownProcess> {
  const known = new Map<string, KnownProcess>();
  for (const definition of options.processes) {
    let validateInput: Validate | undefined;
    known.set(definition.name, {
      definition,
      // Compiled when it is first needed: most inputs are checked before they come here.
      validateInput: (value) => {
        validateInput ??= options.validateInput(definition);
        return validateInput(value);
      },
      validateOutput: options.validateOutput(definition),
      validateState: options.validateState?.(definition) ?? anything,
    });
  }
  return known;
}
