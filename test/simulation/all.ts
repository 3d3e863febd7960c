/** Many seeds, one after the other, with their figures added up. */
import { type Simulated, simulate } from "./simulate.ts";

export interface All {
  readonly failing: readonly Simulated[];
  readonly figures: Readonly<Record<string, number>>;
}

const failingAtMost = 10;

export async function simulateAll(from: number, seeds: number, tell: (line: string) => void): Promise<All> {
  const failing: Simulated[] = [];
  const sum: Record<string, number> = {};
  const began = Date.now();
  let done = 0;
  for (let seed = from; seed < from + seeds && failing.length < failingAtMost; seed++) {
    const simulated = await simulate(seed);
    done += 1;
    for (const [name, value] of Object.entries(simulated.figures)) sum[name] = (sum[name] ?? 0) + value;
    if (simulated.broken.length > 0) {
      failing.push(simulated);
      tell(`seed ${seed} is broken: ${simulated.broken[0] ?? ""}`);
    }
    if (done % 500 === 0) tell(`${done} of ${seeds} seeds, ${failing.length} broken`);
  }
  const seconds = Math.round((Date.now() - began) / 1000);
  return { failing, figures: { seeds: done, from, ...sum, failing: failing.length, seconds } };
}
