/** The embedded engine as a server has it: store with its writer thread, front, and a real worker thread per code version. */
import { Worker } from "node:worker_threads";
import { createEngine, type EmbeddedEngine, frontInbox } from "../../src/process/embedded/engine.ts";
import { openStore } from "../../src/store/open.ts";
import type { ScenarioWorkerData } from "./scenario-worker.ts";

export interface Installation {
  readonly engine: EmbeddedEngine;
  /** Resolves when the worker runs. */
  readonly working: Promise<void>;
  stop(): Promise<void>;
}

export interface InstallationOptions {
  /** The database file. */
  readonly file: string;
  readonly ledger: string;
  /** The client's log. */
  readonly log: string;
  readonly replay: boolean;
  readonly checkpointPages: number;
}

export async function openInstallation(options: InstallationOptions): Promise<Installation> {
  const { file, ledger, log, replay, checkpointPages } = options;
  const failed = (reason: string): never => {
    process.stderr.write(`failed: ${reason}\n`);
    process.exit(3);
  };
  const inbox = frontInbox();
  const store = await openStore({
    file,
    parts: [new URL("../../src/process/embedded/store-part.ts", import.meta.url).href],
    checkpointPages,
    onPost: inbox.take,
    onFailed: failed,
  });
  const working = Promise.withResolvers<void>();
  const gone: Promise<void>[] = [];
  const engine = createEngine(
    {
      store,
      version: "v1",
      onFailed: failed,
      startWorker(_version, link, transfer) {
        const thread = new Worker(new URL("./scenario-worker.ts", import.meta.url), {
          workerData: { link, ledger, log, replay } satisfies ScenarioWorkerData,
          transferList: [...transfer],
        });
        thread.once("message", () => working.resolve());
        thread.on("error", (error) => failed(`the worker: ${String(error)}`));
        gone.push(new Promise((resolve) => thread.on("exit", () => resolve())));
      },
    },
    inbox,
  );
  return {
    engine,
    working: working.promise,
    async stop() {
      await engine.stop(10_000);
      await Promise.all(gone);
      await store.close();
    },
  };
}
