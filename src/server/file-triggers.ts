/** Watches the folder of every system of files, and delivers what is dropped there. */
import { resolve } from "node:path";
import { watchFolder } from "../connectors/files.ts";
import type { SystemDefinition } from "../connectors/system.ts";
import type { Closers } from "./closers.ts";
import type { Deliver } from "./deliver.ts";

export interface FileTriggerOptions {
  readonly systems: Iterable<SystemDefinition>;
  /** Folder of the project, absolute. */
  readonly project: string;
  /** Folder of a system, resolved; relative to the project. */
  readonly folder: (system: string) => string;
  readonly deliver: Deliver;
  readonly closers: Closers;
}

export async function openFileTriggers({
  systems,
  project,
  folder,
  deliver,
  closers,
}: FileTriggerOptions): Promise<void> {
  for (const { name, contract, connector } of systems) {
    if (connector !== "files") continue;
    const watcher = await watchFolder({
      folder: resolve(project, folder(name)),
      model: contract,
      async deliver(event, payload, { id }) {
        await deliver({ system: name, event, payload, delivery: id, origin: `file:${name}` });
      },
    });
    closers.add(() => watcher.stop());
  }
}
