/**
 * What the rooms publish on `node:diagnostics_channel`, as this room reads it. Channels belong to a thread: what happens in a code
 * version's worker is counted there and told to the front once a second (`mortise:process:attempts`, `mortise:server:outbound`).
 * Not among them is `mortise:connectors:undeclared` (an answer has grown): it waits for the room's drift.
 */

/** Every channel that is observed. */
export const channels = [
  "mortise:process:run",
  "mortise:process:attempts",
  "mortise:outbound:request",
  "mortise:connectors:file",
  "mortise:publish:request",
  "mortise:publish:failure",
  "mortise:publish:exposed",
  "mortise:server:worker",
  "mortise:server:circuit",
  "mortise:server:outbound",
  "mortise:server:trigger",
  "mortise:server:admin",
  "mortise:server:schedule",
] as const;
export type ChannelName = (typeof channels)[number];

/** A fact: a flat object of plain values. What else stands in a message is not read. */
export type Fact = Readonly<Record<string, string | number | boolean>>;

/** The plain values of a message. Anything else is left out: it may hold a payload (P8). */
export function factOf(message: unknown): Fact {
  const fact: Record<string, string | number | boolean> = Object.create(null);
  if (typeof message !== "object" || message === null) return fact;
  for (const [name, value] of Object.entries(message)) {
    if (typeof value === "string" || typeof value === "boolean" || Number.isFinite(value)) fact[name] = value;
  }
  return fact;
}

/** The worker of a code version started, stopped, or died. */
export interface WorkerFact {
  readonly version: string;
  /** `quarantined`: the code of `run` ended its worker again and again; it is parked. */
  readonly event: "started" | "stopped" | "died" | "quarantined";
  readonly reason?: string;
  readonly run?: string;
  readonly restarts?: number;
}

/** Something from outside was taken, or refused. */
export interface TriggerFact {
  readonly system: string;
  readonly event: string;
  readonly result: "started" | "exists" | "matched" | "kept" | "dropped" | "duplicate" | "refused";
  readonly code?: string;
}

/** A tick of a schedule. */
export interface ScheduleFact {
  readonly schedule: string;
  /**
   * `held`: it can't be started at the moment, and is tried again. `failed`: it can start nothing. `skipped`: ticks were missed and are
   * not made up for. `clock`: the clock went back.
   */
  readonly event: "started" | "held" | "failed" | "skipped" | "clock";
  /** The tick, epoch milliseconds. */
  readonly at: number;
  readonly run?: string;
  readonly late?: boolean;
  readonly code?: string;
}

/** A request to the admin API. */
export interface AdminFact {
  readonly method: string;
  readonly route: string;
  readonly status: number;
  readonly by: string;
  /** Of a problem; else empty. */
  readonly code: string;
  readonly durationMs: number;
}

/** Requests of a worker to systems, counted. */
export interface OutboundCounts {
  /** `2xx`; `failed` where there was no answer. */
  readonly class: string;
  readonly times: number;
  /** Together. */
  readonly ms: number;
}
