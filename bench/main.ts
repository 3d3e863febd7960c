/**
 * Benchmarks: `npm run bench -- NAME [--json] [--rounds N] [--orders N] [--in-flight N]`. Each compares Mortise with a baseline that runs in
 * turn with it, so that the ratio holds where the machine's speed drifts. The last line has the result.
 */
import { parseArgs } from "node:util";
import { runContracts } from "./contracts/run.ts";
import { runListing } from "./listing/run.ts";
import { runParked } from "./parked/run.ts";
import { runRate } from "./rate/run.ts";
import type { BenchOptions } from "./report.ts";
import { runW1 } from "./w1/run.ts";
import { runW2 } from "./w2/run.ts";
import { runW3 } from "./w3/run.ts";

/** What is run by a name, and how many orders or runs it takes if nobody says. */
const benches: Readonly<Record<string, readonly [(options: BenchOptions) => Promise<void>, number]>> = {
  w1: [runW1, 8000],
  w2: [runW2, 40_000],
  w3: [runW3, 4000],
  rate: [runRate, 0],
  parked: [runParked, 100_000],
  listing: [runListing, 1_000_000],
  contracts: [runContracts, 0],
};

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    json: { type: "boolean", default: false },
    rounds: { type: "string", default: "3" },
    orders: { type: "string" },
    "in-flight": { type: "string", default: "48" },
  },
});

const [name = ""] = positionals;
if (!Object.hasOwn(benches, name)) {
  process.stderr.write(
    `usage: npm run bench -- ${Object.keys(benches).join("|")} [--json] [--rounds N] [--orders N] [--in-flight N]\n`,
  );
  process.exit(2);
}
const [run, usual] = benches[name] as (typeof benches)[string];
await run({
  json: values.json,
  rounds: Number(values.rounds),
  orders: values.orders === undefined ? usual : Number(values.orders),
  inFlight: Number(values["in-flight"]),
});
