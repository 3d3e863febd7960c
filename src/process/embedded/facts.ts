/** What the engine tells those who observe it, on diagnostics channels. */
import { channel } from "node:diagnostics_channel";
import type { RunStatus } from "../engine.ts";

/** Facts of a run's start, end or park, on channel `mortise:process:run`. */
export interface RunFact {
  readonly kind: "started" | "settled";
  readonly run: string;
  readonly process: string;
  readonly key: string;
  readonly version: string;
  readonly status: RunStatus;
  readonly reason?: string;
  readonly durationMs?: number;
}
export const runFacts = channel("mortise:process:run");
/** Counted attempts (`AttemptCount` of wire.ts) on channel `mortise:process:attempts`. */
export const attemptFacts = channel("mortise:process:attempts");
