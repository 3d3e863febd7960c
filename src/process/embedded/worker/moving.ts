/**
 * Moving a run to the code of another version, in two halves. Its worker lets it go: attempts under way end, what they brought is
 * written, and the run is not taken up there again. Then the worker of the other version reads it, rehearses its own code on
 * the history as it is now, and only if that continues writes the record of the move, which is one commit with the new version and
 * takes the history's next row: a late append of the first worker is refused.
 */
import type { Validate } from "../../../operation.ts";
import type { BatchAnswer, Command } from "../../../store/store.ts";
import type { AnyProcess } from "../../define.ts";
import type { Actor } from "../../engine.ts";
import type { HistoryRecord } from "../history/records.ts";
import { openQuestion } from "../history/script.ts";
import { places } from "../history/vault.ts";
import type { Execution } from "../run/execution.ts";
import type { Host } from "../run/host.ts";
import type { StoredRun } from "../store/stored-run.ts";
import type { Verdict } from "../verdict.ts";
import type { FromWorker, MoveParameters, ToWorkerControl } from "../wire.ts";
import { rehearse, unread } from "./rehearsal.ts";
import type { Residents } from "./residents.ts";

export interface MovingParts {
  /** The worker's own version. */
  readonly version: string;
  readonly host: Pick<Host, "now" | "operation" | "where" | "valueLimits" | "vault">;
  readonly soon: (act: () => void) => void;
  readonly residents: () => Pick<Residents, "get" | "remove" | "want">;
  /** Whether something of it is still to be written. */
  readonly dirty: (execution: Execution) => boolean;
  readonly read: (run: string) => StoredRun | undefined;
  readonly known: (
    process: string,
  ) =>
    | { readonly definition: AnyProcess; readonly validateOutput: Validate; readonly validateState: Validate }
    | undefined;
  /** To the writer, after what was sent before. */
  readonly send: (commands: readonly Command[], done: (answer: BatchAnswer | undefined) => void) => void;
  readonly tell: (message: FromWorker) => void;
}

export class Moving {
  readonly #parts: MovingParts;
  /** Runs that are being let go, or were. */
  readonly #away = new Set<string>();

  constructor(parts: MovingParts) {
    this.#parts = parts;
  }

  /** Whether the run is being let go: nothing is begun for it, and it is not loaded. */
  away(run: string): boolean {
    return this.#away.size > 0 && this.#away.has(run);
  }

  take(message: ToWorkerControl & { readonly kind: "release" | "keep" | "adopt" }): void {
    if (message.kind === "release") this.#release(message.run);
    else if (message.kind === "keep") this.#keep(message.run);
    else void this.#adopt(message.run, message.from, message.actor);
  }

  #release(run: string): void {
    this.#away.add(run);
    const execution = this.#parts.residents().get(run);
    if (execution === undefined) this.#parts.tell({ kind: "released", run });
    else execution.settleForStop(() => this.#empty(run, execution));
  }

  /** What it had to write is on its way; once that is on disk, the run is gone from here. */
  #empty(run: string, execution: Execution): void {
    const { dirty, soon, send, tell } = this.#parts;
    if (execution.awake || dirty(execution)) {
      soon(() => this.#empty(run, execution));
      return;
    }
    // Answers come in order: after this one nothing of the run is on its way any more, but what those before it brought on: that a call was not begun.
    send([], () => {
      if (execution.awake || dirty(execution) || execution.journal.underWay > 0) {
        this.#empty(run, execution);
        return;
      }
      const residents = this.#parts.residents();
      if (residents.get(run) === execution) residents.remove(run);
      // It was kept after all: its attempts were stopped, so it begins anew from the store.
      if (this.#away.has(run)) tell({ kind: "released", run });
      else residents.want(run);
    });
  }

  #keep(run: string): void {
    if (!this.#away.delete(run)) return;
    const residents = this.#parts.residents();
    // One that is still in memory is settling, and is loaded anew after that.
    if (residents.get(run) === undefined) residents.want(run);
  }

  async #adopt(run: string, from: string, actor: Actor): Promise<void> {
    const { read, send, tell, version, host } = this.#parts;
    const stored = read(run);
    if (stored === undefined || stored.records.at(-1)?.t === "end" || stored.row.version !== from) {
      tell({ kind: "adopted", run, answer: { kind: "changed" } });
      return;
    }
    const verdict = await this.#rehearse(run, stored);
    if (verdict.kind !== "continues") {
      tell({ kind: "adopted", run, answer: { kind: "refused", verdict } });
      return;
    }
    const record: HistoryRecord = { t: "moved", at: host.now(), from, to: version, actor };
    const { seq, row } = stored;
    // A question about the code is answered by other code. One about a step stays.
    const goesOn = row.status === "parked" && openQuestion([...stored.records, record]) === undefined;
    const body = host.vault.seal(JSON.stringify([record]), places.batch(run, seq));
    const parameters: MoveParameters = { run, from, to: version, seq, body, goesOn };
    send([{ name: "process.move", parameters }], (answer) => {
      if (answer?.kind !== "done") {
        tell({ kind: "adopted", run, answer: { kind: "changed" } });
        return;
      }
      this.#away.delete(run);
      tell({ kind: "adopted", run, answer: { kind: "moved", goesOn } });
      // One that waits, for people or for an event, is loaded when something comes. What came before the move was told to nobody who has the run.
      const acts = goesOn || row.status === "running" || row.status === "undoing";
      if (acts || (read(run)?.inbox.length ?? 0) > 0) this.#parts.residents().want(run);
    });
  }

  #rehearse(id: string, { row, records, unreadable }: StoredRun): Verdict | Promise<Verdict> {
    if (unreadable !== undefined) return unread(unreadable);
    const { known, version, host, soon } = this.#parts;
    const process = known(row.process);
    return rehearse({
      identity: { id, key: row.key, process: row.process, version },
      process: process?.definition,
      validateOutput: process?.validateOutput ?? (() => []),
      validateState: process?.validateState ?? (() => []),
      valueLimits: host.valueLimits,
      records,
      operation: (name) => host.operation(name),
      where: host.where,
      now: host.now,
      soon,
    });
  }
}
