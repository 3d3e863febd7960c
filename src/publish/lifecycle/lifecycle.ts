/** What the lifecycle of APIs is made of at run time: blocks, retirements, counts of calls, and a gate for each version. */
import type { ApiDefinition } from "../define.ts";
import { type Blocks, openBlocks } from "./blocks.ts";
import { type Gate, gateOf } from "./gate.ts";
import { openRetirements, type Retirements } from "./retirements.ts";
import { openUsage, type Usage, type UsageOptions } from "./usage.ts";

export interface LifecycleBook {
  readonly blocks: Blocks;
  readonly retirements: Retirements;
  readonly usage: Usage;
  gate(api: ApiDefinition): Gate;
  /** Writes what is held back, and removes what is past its time. */
  tick(): Promise<void>;
}

export function openLifecycle(options: UsageOptions): LifecycleBook {
  const { store, clock } = options;
  const blocks = openBlocks(store, clock);
  const retirements = openRetirements(store, clock);
  const usage = openUsage(options);
  return {
    blocks,
    retirements,
    usage,
    gate: (api) => gateOf(api, clock, blocks, retirements),
    async tick() {
      await usage.flush();
      await usage.sweep();
    },
  };
}
