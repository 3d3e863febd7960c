/** What all threads share of the systems: their resolved settings, how many calls may be under way, and which of them are away. */
import type { ResolvedSettings } from "../../connectors/system.ts";
import { permitTable } from "../../outbound/permits.ts";
import type { Shared } from "../workers/workers.ts";
import { type Circuits, createCircuits } from "./circuits.ts";

export interface SharedSystems {
  readonly circuits: Circuits;
  now(): Shared;
  /** Other settings from now on. A system whose limit stays keeps its permits; one whose circuit stays keeps what is known of it. */
  update(settings: ReadonlyMap<string, ResolvedSettings>): void;
}

export function shareSystems(first: ReadonlyMap<string, ResolvedSettings>): SharedSystems {
  const limits = (settings: ReadonlyMap<string, ResolvedSettings>) =>
    new Map([...settings].map(([name, { concurrency }]) => [name, concurrency]));
  const circuits = createCircuits(first);
  let shared: Shared = { settings: first, permits: permitTable(limits(first)), circuits: circuits.table() };
  return {
    circuits,
    now: () => shared,
    update(settings) {
      circuits.update(settings);
      shared = { settings, permits: permitTable(limits(settings), shared.permits), circuits: circuits.table() };
    },
  };
}
