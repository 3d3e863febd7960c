/**
 * Benchmarks: `npm run bench -- w1 [--json] [--rounds 3] [--orders 4000] [--in-flight 48]`. Each compares Mortise with a baseline that runs in
 * turn with it, so that the ratio holds where the machine's speed drifts. The last line has the result.
 */
import { parseArgs } from "node:util";
import { runW1 } from "./w1/run.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    json: { type: "boolean", default: false },
    rounds: { type: "string", default: "3" },
    orders: { type: "string", default: "6000" },
    "in-flight": { type: "string", default: "48" },
  },
});

const benches = { w1: runW1 } as const;
const [name = ""] = positionals;
if (!Object.hasOwn(benches, name)) {
  process.stderr.write(
    `usage: npm run bench -- ${Object.keys(benches).join("|")} [--json] [--rounds N] [--orders N] [--in-flight N]\n`,
  );
  process.exit(2);
}
await benches[name as keyof typeof benches]({
  json: values.json,
  rounds: Number(values.rounds),
  orders: Number(values.orders),
  inFlight: Number(values["in-flight"]),
});
