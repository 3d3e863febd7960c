/** The engine's side of W3: the engine in this process, its worker and its writer in their threads, nothing around them. */
import { Worker } from "node:worker_threads";
import { moduleUrl } from "../../src/module-url.ts";
import { createEngine, frontInbox } from "../../src/process/embedded/engine.ts";
import { tuneThreads } from "../../src/server/runtime.ts";
import { openStore } from "../../src/store/open.ts";

/** Runs `runs` runs, so many at a time, and gives the seconds. */
export async function openMortise(file: string): Promise<{
  run(runs: number, inFlight: number, prefix: string): Promise<number>;
  close(): Promise<void>;
}> {
  tuneThreads();
  const inbox = frontInbox();
  const store = await openStore({
    file,
    parts: [moduleUrl("../../src/process/embedded/store/store-part", import.meta.url).href],
    onPost: inbox.take,
  });
  const engine = createEngine(
    {
      store,
      version: "v1",
      startWorker: (_, link, transfer) =>
        void new Worker(moduleUrl("./worker", import.meta.url), {
          workerData: link,
          transferList: [...transfer],
          resourceLimits: { maxYoungGenerationSizeMb: 64 },
        }),
    },
    inbox,
  );
  return {
    async run(runs, inFlight, prefix) {
      let next = 0;
      const begun = performance.now();
      await Promise.all(
        Array.from({ length: inFlight }, async () => {
          while (next < runs) {
            const id = `${prefix}-${next++}`;
            const answer = await engine.start({ process: "ten-steps", key: id, input: { id }, origin: "bench" });
            const { output } = await engine.settled((answer as { run: string }).run, 60_000);
            if (JSON.stringify(output) !== JSON.stringify({ id, sum: 45 })) throw new Error(JSON.stringify(output));
          }
        }),
      );
      return (performance.now() - begun) / 1000;
    },
    async close() {
      await engine.stop(5000);
      await store.close();
    },
  };
}
