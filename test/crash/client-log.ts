/**
 * The client's log: what was tried, and what was acknowledged, as JSON lines. One `write` per line and no fsync: what a process
 * handed to the kernel survives its SIGKILL, and the power-cut images take a line's place in the trace as its time.
 */
import { openSync, writeSync } from "node:fs";
import type { Json } from "../../src/operation.ts";

export type LogLine =
  /** A promise of the engine resolved: from here on it may not be lost. */
  | { readonly kind: "accepted"; readonly what: "start"; readonly key: string; readonly run: string }
  | { readonly kind: "accepted"; readonly what: "signal"; readonly key: string; readonly payload: Json }
  | { readonly kind: "accepted"; readonly what: "answer"; readonly key: string; readonly answer: Json }
  /** A person answered the question of a run that had parked for the `parks`-th time; 0: an operator cancelled the run. */
  | { readonly kind: "accepted"; readonly what: "operate"; readonly key: string; readonly parks: number }
  /** An operator moved a run to the second version of the code. */
  | { readonly kind: "accepted"; readonly what: "move"; readonly key: string; readonly run: string }
  /** A bulk job on the claims whose keys begin with `key`. */
  | {
      readonly kind: "accepted";
      readonly what: "bulk";
      readonly key: string;
      readonly act: "cancel" | "restart";
      readonly job: string;
    }
  /** The first start of presses is about to be sent. Epoch milliseconds. */
  | { readonly kind: "pressing"; readonly at: number }
  /** A call with an effect is about to leave. `effect` is its effect key. */
  | { readonly kind: "calling"; readonly key: string; readonly effect: string }
  /** The code, or a person, is about to ask for an unrepeatable call that has no probe. */
  | { readonly kind: "asking"; readonly key: string }
  /** A replay called a system. */
  | { readonly kind: "replay-called"; readonly key: string; readonly operation: string };

/** Appends to the log; several threads may, each with a handle of its own. */
export function openLog(file: string): (line: LogLine) => void {
  const handle = openSync(file, "a");
  return (line) => void writeSync(handle, `${JSON.stringify(line)}\n`);
}
