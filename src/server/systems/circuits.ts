/** Which systems are away: the table that the workers share, what they tell of changes, and how each system is now. */
import { channel } from "node:diagnostics_channel";
import type { ResolvedSettings } from "../../connectors/system.ts";
import { milliseconds } from "../../operation.ts";
import { type CircuitTable, circuitTable, type GateSettings } from "../../outbound/circuit.ts";
import { type CircuitChange, viewCircuits } from "../../outbound/gates.ts";

/** `open`: it counts as away; nothing is sent but one call now and then. `looking`: that call is under way. */
export interface CircuitHealth {
  readonly state: "closed" | "open" | "looking";
  /** Since when, epoch milliseconds; absent where closed, as is what follows. */
  readonly since?: number;
  /** When it is looked for. */
  readonly until?: number;
  /** The last failure that spoke of it. */
  readonly reason?: string;
}

export interface Circuits {
  /** As it is now. */
  table(): CircuitTable;
  /** Other settings; what is known of the systems whose settings stay is kept. */
  update(settings: ReadonlyMap<string, ResolvedSettings>): void;
  /** A worker tells of a change. */
  changed(change: CircuitChange): void;
  /** `undefined` for a system that is none. */
  view(system: string): CircuitHealth | undefined;
  /** Names of the systems that count as away. */
  away(): readonly string[];
}

const facts = channel("mortise:server:circuit");

export function createCircuits(settings: ReadonlyMap<string, ResolvedSettings>): Circuits {
  let table = circuitTable(gatesOf(settings));
  let viewOf = viewCircuits(table);
  const reasons = new Map<string, string>();
  const view = (system: string): CircuitHealth | undefined => {
    const seen = viewOf(system);
    if (seen === undefined || seen.state === "closed") return seen && { state: "closed" };
    const now = Date.now();
    const times = { since: Math.floor(now + seen.sinceMs), until: Math.round(now + Math.max(seen.untilMs, 0)) };
    const reason = reasons.get(system);
    return { state: seen.state, ...times, ...(reason === undefined ? {} : { reason }) };
  };
  return {
    table: () => table,
    update(next) {
      table = circuitTable(gatesOf(next), table);
      viewOf = viewCircuits(table);
    },
    changed(change) {
      const { system, reason } = change;
      if (reason !== undefined) reasons.set(system, reason);
      facts.publish(change);
    },
    view,
    away: () => table.systems.map(({ name }) => name).filter((name) => view(name)?.state !== "closed"),
  };
}

function gatesOf(settings: ReadonlyMap<string, ResolvedSettings>): ReadonlyMap<string, GateSettings> {
  return new Map([...settings].map(([name, own]) => [name, gateSettings(own)]));
}

function gateSettings({ circuit, retryBudget }: ResolvedSettings): GateSettings {
  const { failures = 5, pause = "2s", maxPause = "30s" } = circuit === false ? { failures: 0 } : (circuit ?? {});
  const { share = 0.2, floor = 5 } = retryBudget ?? {};
  return { failures, pauseMs: milliseconds(pause), maxPauseMs: milliseconds(maxPause), share, floor };
}
