/** What whoever drives a world (explore, the simulation) may decide and hear; a plain test leaves all of it alone. */
import type { CallContext } from "../operation.ts";
import type { WireBatch } from "../store/protocol.ts";
import type { Call, Interference } from "./fakes.ts";

export interface Hooks {
  /** Picks the lane whose turn is next. Default: what came first. */
  choose?(lanes: readonly string[]): number;
  /** Default 0.5, always. */
  chance?(): number;
  /** Whether the machine stops at this point of a commit. */
  crashes?(point: "before" | "after", group: readonly WireBatch[]): boolean;
  interfere?(call: Call): Interference | undefined;
  /** An attempt or a probe of a local step. */
  interfereStep?(step: string, context: CallContext): StepInterference | undefined;
  called?(call: Call): void;
  /** The server was started again after a crash. */
  restarted?(): void;
}

/** `fails`: it throws before its code runs. `loses`: its code ran, and its result is lost. `crash`: the server dies before or after it. */
export type StepInterference = "fails" | "loses" | "crash before" | "crash after";
