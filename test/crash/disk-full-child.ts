/** In a mount namespace of its own, on a file system of a few megabytes: fills it with runs, makes space, and says what became of them. */
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { defineProcess } from "../../src/process/define.ts";
import { anything, FakeSystem, rig } from "../../src/process/embedded/engine-harness.ts";

const folder = process.argv[2] as string;
const system = new FakeSystem();
const act = system.operation("act", "idempotent", () => ({ text: "y".repeat(50_000) }));
const definition = defineProcess({
  name: "p",
  input: anything,
  key: (input) => (input as { id: string }).id,
  async run(flow) {
    for (let number = 0; number < 5; number += 1) await flow.call(act, { number });
    return null;
  },
});
const filler = join(folder, "filler");
writeFileSync(filler, Buffer.alloc(24 * 1024 * 1024));
const one = await rig({ processes: [definition], system, folder });
const start = (id: string) =>
  one.engine.start({ process: "p", key: id, input: { id, text: "z".repeat(20_000) }, origin: "test" });
const accepted: string[] = [];
const refusals = new Set<string>();
for (let number = 0; refusals.size === 0 || number < 300; number += 1) {
  try {
    accepted.push(((await start(`k${number}`)) as { run: string }).run);
  } catch (error) {
    refusals.add((error as { code: string }).code);
  }
}
const readable = one.engine.runs({ limit: 500 }).length;
rmSync(filler);
for (const run of accepted) await one.until(run, "completed");
await start("after");
const keys = system.received.map(({ key }) => key);
await one.stop();
console.log(
  JSON.stringify({
    accepted: accepted.length,
    readable,
    refusals: [...refusals],
    calls: keys.length,
    keys: new Set(keys).size,
  }),
);
