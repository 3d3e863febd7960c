/**
 * Simulated installations, from the command line:
 *   npm run simulate -- --seeds 10000 [--from 1]     that many, one seed after the other
 *   npm run simulate -- --seed 17                    one, with all that happened in it
 * --json: the last line is one JSON object. Ends with 1 if a seed breaks an invariant.
 */
import { parseArgs } from "node:util";
import { simulateAll } from "./all.ts";
import { simulate } from "./simulate.ts";

const { values } = parseArgs({
  options: {
    seeds: { type: "string", default: "200" },
    from: { type: "string", default: "1" },
    seed: { type: "string" },
    json: { type: "boolean", default: false },
  },
});
const tell = (line: string): void => void process.stderr.write(`${line}\n`);

if (values.seed !== undefined) {
  const { broken, story, figures, histories } = await simulate(Number(values.seed));
  console.log(story);
  if (broken.length > 0) console.log(histories);
  for (const one of broken) console.log(`broken: ${one}`);
  console.log(values.json ? JSON.stringify({ seed: Number(values.seed), ...figures, broken: broken.length }) : figures);
  if (broken.length > 0) process.exitCode = 1;
} else {
  const { figures, failing } = await simulateAll(Number(values.from), Number(values.seeds), tell);
  for (const { seed, broken } of failing)
    tell(`seed ${seed}: ${broken.join("; ")}\n  npm run simulate -- --seed ${seed}`);
  const seconds = figures.seconds;
  console.log(
    values.json ? JSON.stringify(figures) : `${figures.seeds} seeds in ${seconds} s: ${JSON.stringify(figures)}`,
  );
  if (failing.length > 0) process.exitCode = 1;
}
