/**
 * The worker thread of one code version: imports the processes and systems of its snapshot, binds the systems to live clients, and
 * hands both to the engine's worker. Packages are those of the project; `mortise` is this Mortise.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import { subscribe } from "node:diagnostics_channel";
import { parentPort, workerData } from "node:worker_threads";
import { bindSystems } from "../../connectors/bind.ts";
import type { Deprecation } from "../../connectors/deprecation.ts";
import { compileSchema } from "../../contract/validate.ts";
import { countOutbound } from "../../observe/outbound-counts.ts";
import { createOutbound } from "../../outbound/client.ts";
import { type CircuitChange, openGates } from "../../outbound/gates.ts";
import { openPermits } from "../../outbound/permits.ts";
import { runWorker } from "../../process/embedded/worker/worker.ts";
import { createCipher } from "../secrets/encryption.ts";
import { importVersion, placeText } from "../versions/sources.ts";
import { markRun, type SharedMessage, type WorkerMessage, type WorkerStart } from "./workers.ts";

const { link, folder, manifest, project, keys, slot, aliveEveryMs, mark } = workerData as WorkerStart;
let { shared } = workerData as WorkerStart;
/** The run whose code it is that runs, or that left a timer or a promise behind. Where nothing has died it costs nothing: it is not entered. */
const codeOf = new AsyncLocalStorage<string>();
// An error that nobody caught, or an exit, may come from code whose run is not the one at work by now. That of no run is nobody's fault but the version's.
if (mark !== undefined) process.on("exit", () => markRun(mark, codeOf.getStore()));
const tell = (message: WorkerMessage) => parentPort?.postMessage(message);

const version = await importVersion({ folder, manifest }, project);

const outbound = createOutbound();
const changed = (change: CircuitChange) => tell({ kind: "circuit", change });
let permits = openPermits(shared.permits, slot);
let gates = openGates(shared.circuits, changed);
const definitions = version.systems;
const bound = bindSystems({ definitions, settings: shared.settings, environment: { outbound, project }, permits });
// Settings and secrets of systems change while runs go on: calls under way end as they began.
parentPort?.on("message", (message: SharedMessage) => {
  shared = message.shared;
  permits = openPermits(shared.permits, slot, permits);
  gates = openGates(shared.circuits, changed, undefined, gates);
  bound.rebind({ definitions, settings: shared.settings, permits });
  tell({ kind: "shared", round: message.round });
});
parentPort?.unref();
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
  systemRetry: (name) => shared.settings.get(name)?.retry,
  systemTimeoutMs: (name) => shared.settings.get(name)?.timeoutMs,
  validateInput: (process) => compileSchema(process.input),
  validateOutput: (process) => compileSchema(process.output),
  validateState: ({ state }) => (state === undefined ? () => [] : compileSchema(state)),
  where: (stack) => placeText(folder, stack),
  careful: mark && {
    watch: (run) => markRun(mark, run),
    within: (run, act) => codeOf.run(run, act),
  },
});
clearInterval(alive);
counted.flush();
await bound.close();
await outbound.close();
// Whatever the project's code left open ends with the thread.
process.exit(0);
