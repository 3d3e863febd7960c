/** The worker thread of the scenario: the engine's worker with the journey and a caller that speaks to the ledger. */
import { parentPort, workerData } from "node:worker_threads";
import type { Caller, CallResult, Json } from "../../src/operation.ts";
import { runWorker } from "../../src/process/embedded/worker/worker.ts";
import type { WorkerLink } from "../../src/process/embedded/worker/worker-options.ts";
import { openLog } from "./client-log.ts";
import { cipherFor } from "./installation.ts";
import { abridged, errand, journeyOf, type Outside, operationNamed, undoNames } from "./journey.ts";
import { postTo } from "./ledger.ts";
import { works } from "./works.ts";

export interface ScenarioWorkerData {
  readonly version: string;
  readonly encrypted: boolean;
  readonly link: WorkerLink;
  readonly ledger: string;
  readonly log: string;
  /** Replay: nothing but an undo may be called, and nothing is really called. */
  readonly replay: boolean;
}

const { version, link, ledger, log: file, replay, encrypted } = workerData as ScenarioWorkerData;
const log = openLog(file);
const reads = new Set(["look", "find"]);

function send(operation: string, key: string, id: string, attempt: number, body: Json): Promise<Json> {
  if (replay) {
    if (!undoNames.has(operation)) log({ kind: "replay-called", key: id, operation });
    return Promise.resolve({ ok: true, output: null });
  }
  if (!reads.has(operation)) log({ kind: "calling", key: id, effect: key });
  return postTo(ledger, { operation, key, id, attempt, body: abridged(body) });
}

const caller: Caller = async ({ name }, input, { key, attempt }) =>
  (await send(name, key, String((input as { id?: Json }).id ?? ""), attempt, input)) as unknown as CallResult;

const outside: Outside = {
  stamp: async (id, key) => ((await send("stamp", key, id, 1, { id })) as { output: Json }).output,
  asking: (id) => {
    if (!replay) log({ kind: "asking", key: id });
  },
};

const stopped = runWorker({
  link,
  cipher: cipherFor(encrypted),
  processes: [journeyOf(outside, version), errand, ...works],
  caller,
  operation: operationNamed,
  validateInput: () => () => [],
  validateOutput: () => () => [],
});
// It has taken up the open runs.
parentPort?.postMessage("working");
await stopped;
process.exit(0);
