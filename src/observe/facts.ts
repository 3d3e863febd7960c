/**
 * What the rooms publish on `node:diagnostics_channel`, as this room reads it. Channels belong to a thread: what a code version's
 * worker publishes is forwarded by the server, and published again in the front under the same name.
 */

/** Every channel that is observed. */
export const channels = [
  "mortise:process:run",
  "mortise:process:attempt",
  "mortise:outbound:request",
  "mortise:publish:request",
  "mortise:server:worker",
  "mortise:server:trigger",
  "mortise:server:admin",
] as const;
export type ChannelName = (typeof channels)[number];

/** Channels on which workers publish. */
export const workerChannels: readonly ChannelName[] = [
  "mortise:process:run",
  "mortise:process:attempt",
  "mortise:outbound:request",
];

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

/** A worker's code version started, stopped, died or was given up for a while. */
export interface WorkerFact {
  readonly version: string;
  readonly event: "started" | "stopped" | "died" | "failed";
  readonly reason?: string;
  readonly restarts?: number;
}

/** Something from outside was taken, or refused. */
export interface TriggerFact {
  readonly system: string;
  readonly event: string;
  readonly result: "started" | "exists" | "matched" | "kept" | "duplicate" | "refused";
  readonly code?: string;
}

/** A request to the admin API. */
export interface AdminFact {
  readonly method: string;
  readonly route: string;
  readonly status: number;
  readonly by: string;
  readonly durationMs: number;
}
