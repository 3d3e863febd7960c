/**
 * The thread of a rehearsal: loads a version's code, and runs it on the history of one open run after the other. Nothing is bound and
 * nothing is written; the store is read on a connection that can't write. One history is in memory at a time.
 */
import { parentPort, workerData } from "node:worker_threads";
import { compileSchema } from "../../contract/validate.ts";
import type { Validate } from "../../operation.ts";
import { openRuns } from "../../process/embedded/front/open-runs.ts";
import { Vault } from "../../process/embedded/history/vault.ts";
import { readRun } from "../../process/embedded/store/stored-run.ts";
import { rehearse, unread } from "../../process/embedded/worker/rehearsal.ts";
import { openReader } from "../../store/database.ts";
import { createCipher } from "../secrets/encryption.ts";
import type { RehearsalMessage, RehearsalStart } from "./rehearsals.ts";
import { importVersion, placeText } from "./sources.ts";

/** Results that may be on their way before the front has taken them in. */
const mostAhead = 200;
const pageSize = 500;

const { version, project, file, filter, valueLimits, keys } = workerData as RehearsalStart;
const { folder } = version;
const tell = (message: RehearsalMessage) => parentPort?.postMessage(message);
let ahead = 0;
let goOn = () => {};
parentPort?.on("message", (taken: number) => {
  ahead -= taken;
  goOn();
});

const sources = await importVersion(version, project);
const processes = new Map(sources.processes.map((process) => [process.name, process]));
const validators = new Map<string, { readonly output: Validate; readonly state: Validate }>();
const db = openReader(file);
const vault = new Vault(db, keys.length === 0 ? undefined : createCipher(keys));
const page = openRuns(db);

for (let after = filter.after; ; ) {
  const runs = page({ ...filter, after, notOn: undefined, limit: pageSize });
  for (const { id, process: name, key, version: from } of runs) {
    const stored = readRun(db, vault, id);
    // It ended, or went, since the page was read.
    if (stored === undefined || stored.records.at(-1)?.t === "end") continue;
    tell({ kind: "begins", run: id, process: name, key, from });
    const process = processes.get(name);
    if (process !== undefined && !validators.has(name))
      validators.set(name, {
        output: compileSchema(process.output),
        state: process.state === undefined ? () => [] : compileSchema(process.state),
      });
    const verdict =
      stored.unreadable === undefined
        ? await rehearse({
            identity: { id, key, process: name, version: version.id },
            process,
            validateOutput: validators.get(name)?.output ?? (() => []),
            validateState: validators.get(name)?.state ?? (() => []),
            valueLimits,
            records: stored.records,
            operation: (operation) => sources.operations.get(operation),
            where: (stack) => placeText(folder, stack),
            now: Date.now,
            soon: (act) => void setImmediate(act),
          })
        : unread(stored.unreadable);
    tell({ kind: "fared", seq: stored.seq - 1, verdict });
    ahead += 1;
    if (ahead >= mostAhead)
      await new Promise<void>((resolve) => {
        goOn = resolve;
      });
  }
  const last = runs.at(-1);
  if (last === undefined || runs.length < pageSize) break;
  after = last.id;
}
db.close();
tell({ kind: "done" });
// Whatever the project's code left open ends with the thread.
setImmediate(() => process.exit(0));
