/** What the lifecycle of APIs is made of at run time: blocks, retirements, counts of calls, strays, and a gate for each version. */
import type { ApiDefinition } from "../define.ts";
import { type Blocks, openBlocks } from "./blocks.ts";
import { type Gate, gateOf } from "./gate.ts";
import { openRetirements, type Retirements } from "./retirements.ts";
import { openStrays, type Strays } from "./strays.ts";
import { openUsage, type Usage, type UsageOptions } from "./usage.ts";

export interface LifecycleBook {
  readonly blocks: Blocks;
  readonly retirements: Retirements;
  readonly usage: Usage;
  readonly strays: Strays;
  gate(api: ApiDefinition): Gate;
  /** Writes what is held back. */
  flush(): Promise<void>;
  /** Writes what is held back, and removes what is past its time. */
  tick(): Promise<void>;
}

export function openLifecycle(options: UsageOptions): LifecycleBook {
  const { store, clock } = options;
  const blocks = openBlocks(store, clock);
  const retirements = openRetirements(store, clock);
  const usage = openUsage(options);
  const strays = openStrays(options, retirements);
  const flush = async (): Promise<void> => {
    await Promise.all([usage.flush(), strays.flush()]);
  };
  return {
    blocks,
    retirements,
    usage,
    strays,
    flush,
    gate: (api) => gateOf(api, clock, blocks, retirements),
    async tick() {
      await flush();
      await Promise.all([usage.sweep(), strays.sweep()]);
    },
  };
}
