/** The embedded engine as a server has it: store with its writer thread, front, and a real worker thread per code version. */
import { Worker } from "node:worker_threads";
import type { Cipher } from "../../src/operation.ts";
import { createEngine, type EmbeddedEngine, frontInbox } from "../../src/process/embedded/engine.ts";
import { limitsOf } from "../../src/process/limits.ts";
import { createCipher } from "../../src/server/secrets/encryption.ts";
import { checkStoreKeys } from "../../src/server/secrets/store-keys.ts";
import { type OpenedStore, openStore } from "../../src/store/open.ts";
import { versions } from "./journey.ts";
import type { ScenarioWorkerData } from "./scenario-worker.ts";
import { works } from "./works.ts";

export interface Installation {
  readonly engine: EmbeddedEngine;
  readonly store: OpenedStore;
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
  readonly encrypted: boolean;
}

/** Of encrypted databases. */
export const encryptionKey = Buffer.alloc(32, "the key of the crash tests ");
export const cipherFor = (encrypted: boolean): Cipher | undefined =>
  encrypted ? createCipher([encryptionKey]) : undefined;

export async function openInstallation(options: InstallationOptions): Promise<Installation> {
  const { file, ledger, log, replay, checkpointPages, encrypted } = options;
  const failed = (reason: string): never => {
    process.stderr.write(`failed: ${reason}\n`);
    process.exit(3);
  };
  const inbox = frontInbox();
  const store = await openStore({
    file,
    parts: [new URL("../../src/process/embedded/store/store-part.ts", import.meta.url).href],
    checkpointPages,
    onPost: inbox.take,
    onFailed: failed,
  });
  const cipher = cipherFor(encrypted);
  await checkStoreKeys(store, cipher, encrypted ? [encryptionKey] : []);
  const working = Promise.withResolvers<void>();
  const gone: Promise<void>[] = [];
  const engine = createEngine(
    {
      store,
      version: versions[0],
      onFailed: failed,
      cipher,
      limits: limitsOf(works),
      startWorker(version, link, transfer) {
        const thread = new Worker(new URL("./scenario-worker.ts", import.meta.url), {
          workerData: { version, link, ledger, log, replay, encrypted } satisfies ScenarioWorkerData,
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
    store,
    working: working.promise,
    async stop() {
      await engine.stop(10_000);
      await Promise.all(gone);
      await store.close();
    },
  };
}
