/** The worker thread of the engine in W3. */
import { workerData } from "node:worker_threads";
import { runWorker } from "../../src/process/embedded/worker/worker.ts";
import type { WorkerLink } from "../../src/process/embedded/worker/worker-options.ts";
import { tenSteps } from "./processes.ts";

await runWorker({
  link: workerData as WorkerLink,
  processes: [tenSteps],
  caller: () => Promise.reject(new Error("no calls here")),
  operation: () => undefined,
  validateInput: () => () => [],
  validateOutput: () => () => [],
});
process.exit(0);
