/**
 * Invariant D: every history replays. The end of each run is cut off in a copy of the database, and an engine that may call nothing
 * takes the runs up: the code must come to the same end from the recorded results alone.
 */
import { DatabaseSync } from "node:sqlite";
import { setTimeout as pause } from "node:timers/promises";
import { rowSum } from "../../src/process/embedded/history/row-sum.ts";
import { places, Vault } from "../../src/process/embedded/history/vault.ts";
import type { LogLine } from "./client-log.ts";
import { cipherFor, openInstallation } from "./installation.ts";
import { linesOf } from "./ledger.ts";
import type { Report } from "./scenario.ts";

interface Ending {
  readonly id: string;
  readonly key: string;
  readonly status: string;
  readonly output: string;
}
type Row = { readonly seq: number; readonly body: string };
type Tagged = { readonly t: string; readonly out?: unknown; readonly reason?: string; readonly detail?: unknown };
interface Batch {
  /** Values that stand beside the history; the first number is that of the record. */
  readonly names: readonly (readonly [number, ...unknown[]])[];
  readonly records: readonly Tagged[];
}

/** What a row of a history holds, as its text. */
export function batchIn(text: string): Batch {
  const batch = JSON.parse(text) as Batch | readonly Tagged[];
  return "records" in batch ? batch : { names: [], records: batch };
}

const waitMs = 60_000;

export async function replayAll(options: {
  /** A copy of the database, which is changed. */
  readonly file: string;
  readonly ledger: string;
  readonly log: string;
  readonly limit: number;
  readonly encrypted: boolean;
}): Promise<Report["replay"]> {
  const endings = cutEnds(options);
  const { file, ledger, log, encrypted } = options;
  const installation = await openInstallation({ file, ledger, log, replay: true, checkpointPages: 2000, encrypted });
  const { engine } = installation;
  const deadline = Date.now() + waitMs;
  for (;;) {
    const left = engine.counts().some(({ status }) => status === "running" || status === "undoing");
    if (!left || Date.now() > deadline) break;
    await pause(5);
  }
  const differs: string[] = [];
  for (const { id, key, status, output } of endings) {
    const now = engine.run(id);
    const again = JSON.stringify(now?.output ?? now?.failure ?? null);
    if (now?.status !== status || again !== output)
      differs.push(`${key}: ${status} ${output} became ${String(now?.status)} ${again} ${now?.reason ?? ""}`);
  }
  await installation.stop();
  for (const line of linesOf<LogLine>(log)) {
    if (line.kind === "replay-called") differs.push(`${line.key}: the replay called ${line.operation}`);
  }
  return { replayed: endings.length, differs };
}

/** Cuts each history before its end, or before its undo began, and makes the run a running one. */
function cutEnds({ file, limit, encrypted }: Parameters<typeof replayAll>[0]): Ending[] {
  const db = new DatabaseSync(file);
  const vault = new Vault(db, cipherFor(encrypted));
  const endings: Ending[] = [];
  const runs = db.prepare(
    "select id, key, status from runs where status in ('completed', 'rejected', 'undone') order by id desc limit ?",
  );
  const history = db.prepare(
    "select seq, body from history where run = (select number from runs where id = ?) order by seq",
  );
  const keep = db.prepare(
    "update history set body = ?, sum = ? where run = (select number from runs where id = ?) and seq = ?",
  );
  const drop = db.prepare("delete from history where run = (select number from runs where id = ?) and seq >= ?");
  const running = db.prepare("update runs set status = 'running', reason = null where id = ?");
  db.exec("begin");
  for (const { id, key, status } of runs.all(limit) as { id: string; key: string; status: string }[]) {
    let output = "null";
    let cut = false;
    for (const { seq, body } of history.all(id) as unknown as Row[]) {
      const { names, records } = batchIn(vault.open(body, places.batch(id, seq)));
      const end = records.find(({ t }) => t === "end");
      if (end !== undefined) {
        const failure = { reason: end.reason, ...(end.detail === undefined ? {} : { detail: end.detail }) };
        output = JSON.stringify(end.out ?? (end.reason === undefined ? null : failure));
      }
      if (cut) continue;
      const first = records.findIndex(({ t }) => t === "end" || t === "undoing");
      if (first < 0) continue;
      cut = true;
      const left = records.slice(0, first);
      const named = names.filter(([record]) => record < first);
      const text = JSON.stringify(named.length === 0 ? left : { names: named, records: left });
      const kept = vault.seal(text, places.batch(id, seq));
      if (first > 0) keep.run(kept, rowSum(id, seq, kept), id, seq);
      drop.run(id, first > 0 ? seq + 1 : seq);
    }
    running.run(id);
    endings.push({ id, key, status, output });
  }
  db.exec("commit");
  db.close();
  return endings;
}
