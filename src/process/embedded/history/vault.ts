/**
 * The stored form of what a run holds. Three things are done to text before it is stored, each only where there is cause:
 *
 *  - A value of more than 128 kB is stored beside the history (table `values`), and the batch of records that has it names it. Such a batch is
 *    an object with the names and the records; any other is the list of its records. So no value of a user can look like a name.
 *  - With a cipher, what may hold a value is sealed as a whole: batches, values, reasons, what lies in the inbox. Sealed text begins with a
 *    sign that no JSON text begins with.
 *  - What is bound to its place can't be put into another one, nor to another run.
 *
 * Read back, a value that stands beside the history is loaded when somebody looks at it, and is not kept.
 */
import { hash } from "node:crypto";
import type { DatabaseSync, StatementSync } from "node:sqlite";
import { failure } from "../../../errors.ts";
import type { Cipher, Json } from "../../../operation.ts";
import type { ValueReference } from "../../engine.ts";
import type { AppendParameters, Rewind, StoredValue } from "../wire.ts";
import { withoutMessage } from "./causes.ts";
import { largestInline, nameIn } from "./named.ts";
import type { HistoryRecord } from "./records.ts";
import { putBack } from "./repeats.ts";
import { rowSum } from "./row-sum.ts";

/** Characters of one part of such a value. */
const partLength = 256 * 1024;
/** No JSON text begins with it. */
const sealedMark = "~";
/** Begins the text that names a value, where a row of its own would hold it. */
const namedMark = "@";

/** A batch with values that stand beside it: record, field, hash and bytes of each. */
interface NamingBatch {
  readonly names: readonly (readonly [number, string, string, number])[];
  readonly records: readonly HistoryRecord[];
}

/** A row of a history. */
export interface StoredRow {
  readonly seq: number;
  readonly body: string;
  /** `undefined` where it did not come from the disk. */
  readonly sum: number | undefined;
}

type Writable<T> = { -readonly [Name in keyof T]: T[Name] };

/** Where a text stands; a sealed one opens nowhere else. */
export const places = {
  batch: (run: string, seq: number) => `history ${run} ${seq}`,
  part: (run: string, value: string, part: number) => `value ${run} ${value} ${part}`,
  reason: (run: string) => `reason ${run}`,
  state: (run: string) => `state ${run}`,
  /** Of a task, or of the step that asked it: its effect key. */
  task: (id: string) => `task ${id}`,
  answer: (id: string) => `answer ${id}`,
  signal: (event: string, key: string) => `signal ${event} ${key}`,
  act: (run: string) => `act ${run}`,
  job: (id: string) => `job ${id}`,
  halt: (run: string) => `halt ${run}`,
};

export class Vault {
  readonly #cipher: Cipher | undefined;
  readonly #db: DatabaseSync | undefined;
  #parts: StatementSync | undefined;

  constructor(db: DatabaseSync | undefined, cipher: Cipher | undefined) {
    this.#db = db;
    this.#cipher = cipher;
  }

  // --- text -----------------------------------------------------------------------------------------------------------

  seal(text: string, place: string): string {
    return this.#cipher === undefined ? text : sealedMark + this.#cipher.seal(text, place);
  }

  /** Throws `value-unreadable`. */
  open(stored: string, place: string): string {
    if (!stored.startsWith(sealedMark)) return stored;
    if (this.#cipher === undefined) throw unreadable(place, "it is encrypted, and there is no key");
    try {
      return this.#cipher.open(stored.slice(1), place);
    } catch (cause) {
      throw unreadable(place, (cause as Error).message, cause);
    }
  }

  isSealed(stored: string | undefined): stored is string {
    return stored?.startsWith(sealedMark) === true;
  }

  /** As `open`, of text that people wrote: what only looks sealed is that text. */
  openReason(reason: string | null, run: string): string | undefined {
    if (reason === null) return undefined;
    try {
      return this.open(reason, places.reason(run));
    } catch {
      return this.#cipher === undefined ? "(encrypted)" : reason;
    }
  }

  /** For comparing values without keeping them. */
  digest(text: string): string {
    return this.#cipher === undefined ? hash("sha256", text, "base64url") : this.#cipher.digest(text);
  }

  isDigestOf(digest: string, text: string): boolean {
    const plain = hash("sha256", text, "base64url");
    return digest === plain || this.#cipher?.isDigestOf(digest, text) === true;
  }

  // --- writing --------------------------------------------------------------------------------------------------------

  /** Row 0 of a run. */
  start(run: string, body: string): { readonly body: string; readonly values?: readonly StoredValue[] } {
    return this.row(run, 0, body);
  }

  /** A row of a history. */
  row(run: string, seq: number, body: string): { readonly body: string; readonly values?: readonly StoredValue[] } {
    const append: Writable<AppendParameters> = { run, seq, body };
    this.append(append);
    return append.values === undefined ? { body: append.body } : { body: append.body, values: append.values };
  }

  /** Puts an append into its stored form. Without a cipher, one that is small is only measured. */
  append(append: Writable<AppendParameters>): void {
    const { run, seq } = append;
    // A character has at most three bytes.
    if (append.body.length > largestInline / 3 && Buffer.byteLength(append.body) > largestInline)
      this.#setApart(append);
    if (this.#cipher === undefined) return;
    append.body = this.seal(append.body, places.batch(run, seq));
    if (typeof append.reason === "string") append.reason = this.seal(append.reason, places.reason(run));
    if (append.shown !== undefined) append.shown = this.seal(append.shown, places.state(run));
    // The message may repeat a value; what is alike still looks alike.
    if (typeof append.cause === "string") append.cause = withoutMessage(append.cause, (text) => this.digest(text));
    if (append.tasks !== undefined)
      append.tasks = append.tasks.map((task) => ({ ...task, input: this.seal(task.input, places.task(task.id)) }));
    if (append.rewind !== undefined)
      append.rewind = { ...append.rewind, events: append.rewind.events.map((one) => this.#sealEvent(one)) };
  }

  /** An event that is kept again. */
  #sealEvent(event: Rewind["events"][number]): Rewind["events"][number] {
    if (event.payload === undefined) return event;
    return { ...event, payload: this.seal(event.payload, places.signal(event.event, event.key)) };
  }

  #setApart(append: Writable<AppendParameters>): void {
    const { run, body } = append;
    const values: StoredValue[] = [];
    const put = (text: string): string => {
      const digest = this.digest(text);
      const parts: string[] = [];
      for (const part of partsOf(text)) parts.push(this.seal(part, places.part(run, digest, parts.length)));
      values.push({ hash: digest, parts });
      return digest;
    };
    const names: [number, string, string, number][] = [];
    const records = (JSON.parse(body) as Readonly<Record<string, Json>>[]).map((record, index) => {
      const kept: [string, Json][] = [];
      for (const [field, value] of Object.entries(record)) {
        const text = typeof value === "object" || typeof value === "string" ? JSON.stringify(value) : "";
        const bytes = text.length > largestInline / 3 ? Buffer.byteLength(text) : 0;
        if (bytes > largestInline) names.push([index, field, put(text), bytes]);
        else kept.push([field, value]);
      }
      return Object.fromEntries(kept);
    });
    if (names.length === 0) return;
    append.body = JSON.stringify({ names, records });
    append.values = values;
    if (append.tasks !== undefined) append.tasks = append.tasks.map((task) => this.#nameInput(task, names));
  }

  /** The input of a task stands in the history too. */
  #nameInput<T extends { readonly input: string }>(task: T, names: NamingBatch["names"]): T {
    const bytes = Buffer.byteLength(task.input);
    const name = names.find(([, , digest, size]) => size === bytes && this.isDigestOf(digest, task.input));
    return name === undefined ? task : { ...task, input: `${namedMark}${JSON.stringify({ hash: name[2], bytes })}` };
  }

  // --- reading --------------------------------------------------------------------------------------------------------

  /**
   * What a history holds, and of how many characters it is, values that stand beside it and what is repeated counted. `unreadable`: why some of it
   * can't be read; the rest is given all the same.
   */
  records(
    run: string,
    rows: readonly StoredRow[],
  ): { readonly records: HistoryRecord[]; readonly unreadable?: string; readonly bytes: number } {
    const records: HistoryRecord[] = [];
    let bytes = 0;
    let why: string | undefined;
    let next = rows[0]?.seq;
    for (const { seq, body, sum } of rows) {
      if (seq !== next) why ??= unreadable(places.batch(run, seq), "what stood before it is missing").message;
      next = seq + 1;
      try {
        if (sum !== undefined && sum !== rowSum(run, seq, body))
          throw unreadable(places.batch(run, seq), "its checksum does not fit, so it is not what was written");
        const batch = JSON.parse(this.open(body, places.batch(run, seq))) as readonly HistoryRecord[] | NamingBatch;
        bytes += body.length;
        if ("names" in batch) for (const [, , , beside] of batch.names) bytes += beside;
        records.push(...("names" in batch ? this.#named(run, batch) : batch));
      } catch (error) {
        why ??= (error as Error).message;
      }
    }
    const { characters, whole } = putBack(records);
    bytes += characters;
    if (!whole) why ??= unreadable(places.batch(run, 0), "something that it repeats of its input is missing").message;
    return { records, bytes, ...(why === undefined ? {} : { unreadable: why }) };
  }

  /** The value of a run that stands beside its history, as JSON text. Throws `value-unreadable`. */
  value(run: string, digest: string): string {
    this.#parts ??= this.#db?.prepare("select body from stored_values where run = ? and hash = ? order by part");
    const parts = (this.#parts?.all(run, digest) ?? []) as { body: string }[];
    const place = `value ${run} ${digest}`;
    if (parts.length === 0) throw unreadable(place, "it is not in the store");
    const text = parts.map(({ body }, part) => this.open(body, places.part(run, digest, part))).join("");
    if (!this.isDigestOf(digest, text)) throw unreadable(place, "it is not what was stored");
    return text;
  }

  /** The input of a task, its name, or why it can't be read: a list of tasks is shown without it. */
  task(
    id: string,
    input: string,
  ): { readonly input: Json; readonly inputReference?: ValueReference; readonly unreadable?: string } {
    try {
      const text = this.open(input, places.task(id));
      if (!text.startsWith(namedMark)) return { input: JSON.parse(text) as Json };
      return { input: null, inputReference: JSON.parse(text.slice(1)) as ValueReference };
    } catch (error) {
      return { input: null, unreadable: (error as Error).message };
    }
  }

  /** What a run shows of itself, or why that can't be read. */
  state(run: string, value: string): { readonly state?: Json; readonly unreadable?: string } {
    try {
      return { state: JSON.parse(this.open(value, places.state(run))) as Json };
    } catch (error) {
      return { unreadable: (error as Error).message };
    }
  }

  #named(run: string, { names, records }: NamingBatch): readonly HistoryRecord[] {
    for (const [index, field, digest, bytes] of names) {
      const same = (text: string) => Buffer.byteLength(text) === bytes && this.isDigestOf(digest, text);
      nameIn(records[index] as HistoryRecord, field, { hash: digest, bytes, same }, () =>
        JSON.parse(this.value(run, digest)),
      );
    }
    return records;
  }
}

/** Never parts a pair of surrogates: half a pair can't be stored. */
function* partsOf(text: string): Generator<string> {
  for (let at = 0, end: number; at < text.length; at = end) {
    end = at + partLength;
    if ((text.charCodeAt(end - 1) & 0xfc00) === 0xd800) end += 1;
    yield text.slice(at, end);
  }
}

function unreadable(place: string, reason: string, cause?: unknown): Error {
  return failure("value-unreadable", { place, reason }, { cause });
}
