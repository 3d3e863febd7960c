/**
 * The worker thread of one code version: imports the processes and systems of its snapshot, binds the systems to live clients, and
 * hands both to the engine's worker. Packages are those of the project; `mortise` is this Mortise.
 */
import { subscribe } from "node:diagnostics_channel";
import { parentPort, workerData } from "node:worker_threads";
import { bindSystems } from "../connectors/bind.ts";
import type { Deprecation } from "../connectors/deprecation.ts";
import { compileSchema } from "../contract/validate.ts";
import { countOutbound } from "../observe/outbound-counts.ts";
import { createOutbound } from "../outbound/client.ts";
import { openGates } from "../outbound/gates.ts";
import { openPermits } from "../outbound/permits.ts";
import { runWorker } from "../process/embedded/worker.ts";
import { createCipher } from "./encryption.ts";
import { importVersion, placeText } from "./version-sources.ts";
import { markRun, type WorkerMessage, type WorkerStart } from "./workers.ts";

const { link, folder, manifest, project, settings, keys, permits, circuits, slot, aliveEveryMs, mark } =
  workerData as WorkerStart;
const tell = (message: WorkerMessage) => parentPort?.postMessage(message);

const version = await importVersion({ folder, manifest }, project);

const outbound = createOutbound();
const bound = bindSystems({
  definitions: version.systems,
  settings,
  environment: { outbound, project },
  permits: openPermits(permits, slot),
});
const gates = openGates(circuits, (change) => tell({ kind: "circuit", change }));
const counted = countOutbound((counts) => tell({ kind: "outbound", counts }), subscribe);
subscribe("mortise:connectors:deprecated", (fact) => tell({ kind: "deprecated", fact: fact as Deprecation }));
const alive = setInterval(() => tell({ kind: "alive" }), aliveEveryMs);
tell({ kind: "alive" });

await runWorker({
  link,
  processes: version.processes,
  caller: bound.caller,
  cipher: keys.length === 0 ? undefined : createCipher(keys),
  operation: (name) => version.operations.get(name),
  gate: (name) => gates.get(name),
  systemRetry: (name) => settings.get(name)?.retry,
  validateInput: (process) => compileSchema(process.input),
  validateOutput: (process) => compileSchema(process.output),
  validateState: ({ state }) => (state === undefined ? () => [] : compileSchema(state)),
  where: (stack) => placeText(folder, stack),
  careful: mark && { watch: (run) => markRun(mark, run) },
});
clearInterval(alive);
counted.flush();
await bound.close();
await outbound.close();
// Whatever the project's code left open ends with the thread.
process.exit(0);
