/**
 * The worker thread of one code version: imports the processes and systems of its snapshot, binds the systems to live clients, and
 * hands both to the engine's worker. Packages are those of the project; `mortise` is this Mortise.
 */
import { subscribe } from "node:diagnostics_channel";
import { registerHooks } from "node:module";
import { join, sep } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { parentPort, workerData } from "node:worker_threads";
import { bindSystems } from "../connectors/bind.ts";
import { definitionOf, type SystemDefinition } from "../connectors/system.ts";
import { compileSchema } from "../contract/validate.ts";
import { countOutbound } from "../observe/outbound-counts.ts";
import type { AnyOperation } from "../operation.ts";
import { createOutbound } from "../outbound/client.ts";
import { openPermits } from "../outbound/permits.ts";
import type { AnyProcess } from "../process/define.ts";
import { runWorker } from "../process/embedded/worker.ts";
import { useOwnMortise } from "./own-mortise.ts";
import { markRun, type WorkerMessage, type WorkerStart } from "./workers.ts";

const { link, folder, manifest, project, settings, permits, slot, aliveEveryMs, mark } = workerData as WorkerStart;
const tell = (message: WorkerMessage) => parentPort?.postMessage(message);

useOwnMortise();
registerHooks({
  // A package is looked up from where the importing file stands in the project, not from its copy in the store.
  resolve(specifier, context, next) {
    const { parentURL } = context;
    if (parentURL === undefined || /^(\.|\/|#|[a-z]+:)/.test(specifier)) return next(specifier, context);
    const parent = parentURL.startsWith("file:") ? fileURLToPath(parentURL) : "";
    if (!parent.startsWith(folder + sep)) return next(specifier, context);
    const original = join(project, parent.slice(folder.length));
    return next(specifier, { ...context, parentURL: pathToFileURL(original).href });
  },
});

const definitions: SystemDefinition[] = [];
const operations = new Map<string, AnyOperation>();
const processes: AnyProcess[] = [];
for (const { path } of manifest.files) {
  if (!/^systems\/[^/]+\/index\.ts$/.test(path)) continue;
  for (const value of await exportsOf(path)) {
    const definition = definitionOf(value);
    if (definition === undefined || definitions.includes(definition)) continue;
    definitions.push(definition);
    const members = value as Readonly<Record<string, AnyOperation>>;
    for (const name of Object.keys(definition.contract.operations)) {
      operations.set(`${definition.name}.${name}`, members[name] as AnyOperation);
    }
  }
}
for (const path of manifest.entries) {
  for (const value of await exportsOf(path)) {
    const process = value as AnyProcess | null | undefined;
    if (process?.kind === "process" && !processes.includes(process)) processes.push(process);
  }
}

async function exportsOf(path: string): Promise<readonly unknown[]> {
  return Object.values((await import(pathToFileURL(join(folder, path)).href)) as object);
}

const outbound = createOutbound();
const bound = bindSystems({
  definitions,
  settings,
  environment: { outbound, project },
  permits: openPermits(permits, slot),
});
const counted = countOutbound((counts) => tell({ kind: "outbound", counts }), subscribe);
const alive = setInterval(() => tell({ kind: "alive" }), aliveEveryMs);
tell({ kind: "alive" });

await runWorker({
  link,
  processes,
  caller: bound.caller,
  operation: (name) => operations.get(name),
  systemRetry: (name) => settings.get(name)?.retry,
  validateOutput: (process) => compileSchema(process.output),
  careful: mark && { watch: (run) => markRun(mark, run) },
});
clearInterval(alive);
counted.flush();
await bound.close();
await outbound.close();
// Whatever the project's code left open ends with the thread.
process.exit(0);
