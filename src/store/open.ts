/** Opens the store: starts the writer thread, attaches the front, opens a reader. */
import { mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { MessageChannel, type MessagePort, Worker } from "node:worker_threads";
import { type ErrorCode, failure, MortiseError } from "../errors.ts";
import { moduleUrl } from "../module-url.ts";
import { openReader } from "./database.ts";
import { portClient } from "./port-client.ts";
import type { FromWriter, WriterData } from "./protocol.ts";
import type { Store } from "./store.ts";

export interface OpenOptions {
  /** The database file; its folder is made. */
  readonly file: string;
  /** Modules that export `storePart`, as file URLs. */
  readonly parts: readonly string[];
  /** Pages in the WAL before a checkpoint. Default 4000 (8 MiB): fewer pages are then written twice. */
  readonly checkpointPages?: number;
  /** Messages that command handlers post to `front`. */
  readonly onPost?: (messages: readonly unknown[]) => void;
  /** Called once after a write error; the server must stop (nothing more is accepted). */
  readonly onFailed?: (reason: string) => void;
  /** The disk is full: what is submitted is refused with `store-full`; or there is space again. */
  readonly onFull?: (full: boolean) => void;
}

export interface OpenedStore extends Store {
  /** A new port to the writer under this name, to be handed to a thread. A port of the same name is replaced. */
  attach(name: string): MessagePort;
  detach(name: string): void;
  /** Sends what was submitted in this tick now instead of at its end. */
  flush(): void;
  readonly file: string;
}

/** Rejects with `store-open` (reason inside) or `store-newer`. */
export async function openStore(options: OpenOptions): Promise<OpenedStore> {
  mkdirSync(dirname(options.file), { recursive: true });
  const thread = new Worker(moduleUrl("./writer-thread", import.meta.url), {
    // Wide enough for a group: what it allocates is garbage before it would be moved.
    resourceLimits: { maxYoungGenerationSizeMb: 32 },
    name: "mortise-writer",
    workerData: {
      file: options.file,
      parts: options.parts,
      checkpointPages: options.checkpointPages ?? 4000,
    } satisfies WriterData,
  });
  const { port1, port2 } = new MessageChannel();
  const client = portClient(port1, options.onPost ?? (() => {}), options.onFailed);
  thread.postMessage({ attach: "front", port: port2 }, [port2]);

  const closed = Promise.withResolvers<void>();
  let failed: string | undefined;
  const installation = await new Promise<string>((resolve, reject) => {
    thread.on("message", (message: FromWriter) => {
      if (message.kind === "open") resolve(message.installation);
      else if (message.kind === "closed") closed.resolve();
      else if (message.kind === "full") options.onFull?.(message.full);
      else {
        failed = message.reason;
        reject(openFailure(options.file, message.reason, message.code));
      }
    });
    thread.on("error", (error) => reject(openFailure(options.file, (error as Error).message)));
    thread.on("exit", () => closed.resolve());
  }).catch(async (error: unknown) => {
    port1.close();
    await thread.terminate();
    throw error;
  });

  let ended = false;
  const read = openReader(options.file);
  read.exec("pragma query_only = on");
  return {
    file: options.file,
    installation,
    read,
    submit: client.submit,
    flush: client.flush,
    attach(name) {
      const channel = new MessageChannel();
      thread.postMessage({ attach: name, port: channel.port2 }, [channel.port2]);
      return channel.port1;
    },
    detach: (name) => thread.postMessage({ detach: name }),
    async close() {
      if (ended) return;
      ended = true;
      const before = failed;
      client.expectEnd();
      client.flush();
      // Answers and the thread's goodbye travel on two ports: what was answered is heard before the end.
      await client.idle();
      // The writer closes last: then SQLite moves the journal into the database, and one file is left.
      read.close();
      thread.postMessage({ close: true });
      await closed.promise;
      client.close();
      await thread.terminate();
      if (failed !== before) throw failure("store-failed", { reason: failed ?? "" });
    },
  };
}

function openFailure(file: string, reason: string, code?: string): MortiseError {
  if (code === ("store-newer" satisfies ErrorCode) || code === ("store-changed" satisfies ErrorCode))
    return new MortiseError(code, reason);
  return failure("store-open", { file, reason });
}
