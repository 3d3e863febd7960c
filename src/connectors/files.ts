/**
 * Watches a folder for files that a system drops, and delivers each row as an event.
 *
 *   folder/            where files are dropped
 *   folder/.claimed/   being worked on; what lies here at a start is taken up again
 *   folder/archive/    done: every good row was accepted
 *   folder/rejected/   what could not be read: whole files, or the bad rows of a file, each with a `.reasons.json`
 *
 *  F1  A file is claimed when two looks, at least `settleMs` apart, saw the same size and time. Claiming is a rename. One that is written to
 *      all the same is let be until it rests again.
 *  F2  A file is read to its end once before anything is delivered: broken structure rejects it whole.
 *  F3  The id of a delivery is the file's SHA-256 and the row number, so a file that comes twice, or is taken up again after a
 *      crash, counts once if the receiver counts ids.
 *  F4  A file is archived only after `deliver` resolved for each of its good rows.
 *  F5  Only regular files directly in the folder are opened, never through a link.
 */
import { createHash } from "node:crypto";
import { channel } from "node:diagnostics_channel";
import { constants, watch } from "node:fs";
import { type FileHandle, lstat, mkdir, open, readdir, realpath, rename, writeFile } from "node:fs/promises";
import { extname, join } from "node:path";
import type { ContractModel, CsvBinding, EventModel } from "../contract/model.ts";
import { modelValidator } from "../contract/validate.ts";
import { asMortiseError, failure, MortiseError } from "../errors.ts";
import { csvLine } from "../formats/csv.ts";
import type { Json, Problem } from "../operation.ts";
import { MissingColumn, matches, rowsOf } from "./csv-file.ts";
import { payloadOf, placesOf } from "./csv-row.ts";
import { isSame, Resting } from "./resting.ts";

export interface WatchOptions {
  /** The folder; it must exist. */
  readonly folder: string;
  readonly model: ContractModel;
  /**
   * Accepts one row. It must resolve only when the event is on disk. A rejection of class `give-up` rejects this row; any other leaves the
   * file claimed, and it is tried again from its first row.
   */
  deliver(event: string, payload: Json, delivery: FileDelivery): Promise<void>;
  /** How often the folder is looked at, in milliseconds. 0: only when `look` is called. Default 1000. */
  readonly everyMs?: number;
  /** How long size and time must not change. Default 1000. */
  readonly settleMs?: number;
  /** Largest file in bytes. Default 256 MiB. */
  readonly maxFileBytes?: number;
  /** Rows that are being delivered at a time. Default 32. */
  readonly window?: number;
  /** Clock in milliseconds, for tests. Default the monotonic clock. */
  readonly now?: () => number;
}

export interface FileDelivery {
  /** `<sha256>:<row>`. */
  readonly id: string;
  readonly file: string;
  /** 1 for the first row after the header. */
  readonly row: number;
}

/** What became of one file, published on `mortise:connectors:file`. No content. */
export interface FileFact {
  readonly system: string;
  readonly file: string;
  readonly outcome: "archived" | "rejected" | "delayed" | "refused";
  readonly delivered: number;
  readonly rejected: number;
  readonly reason?: string;
}
const facts = channel("mortise:connectors:file");

export interface FolderWatch {
  /** Looks once, and works on whatever is ready. Resolves when that is done. Never rejects. */
  look(): Promise<void>;
  /** Stops. The file under way is finished first, if that takes no longer; else it stays claimed, and whoever watches next takes it up again. Default: it is waited for. */
  stop(withinMs?: number): Promise<void>;
}

interface BadRow {
  readonly row: number;
  readonly line: number;
  readonly cells: readonly string[];
  readonly problems: readonly Problem[];
}

type CsvEvent = EventModel & { readonly binding: CsvBinding };

/** Starts watching. Rejects with `files-settings` where the folder or the contract can't work. */
export async function watchFolder(options: WatchOptions): Promise<FolderWatch> {
  const watcher = new Watcher(options, await checkFolder(options));
  await watcher.start();
  return watcher;
}

const claimedFolder = ".claimed";

/** Makes what a folder needs to be watched, and gives its real path. Throws `files-settings`. */
export async function checkFolder({ folder, model }: Pick<WatchOptions, "folder" | "model">): Promise<string> {
  const refuse = (reason: string) => failure("files-settings", { system: model.name, reason });
  if (!Object.values(model.events).some(({ binding }) => binding.protocol === "csv"))
    throw refuse("its contract describes no CSV file");
  try {
    // The path may lead through links, which are the operator's own; from here on none is followed.
    const real = await realpath(folder);
    for (const name of [claimedFolder, "archive", "rejected"]) {
      await mkdir(join(real, name), { recursive: true });
      if (!(await lstat(join(real, name))).isDirectory()) throw refuse(`${name} in it is not a folder`);
    }
    return real;
  } catch (error) {
    if (error instanceof MortiseError) throw error;
    const { code, message } = error as NodeJS.ErrnoException;
    throw refuse(code === "ENOENT" ? `there is no folder ${folder}, and none is made` : message);
  }
}

class Watcher implements FolderWatch {
  readonly #options: WatchOptions;
  readonly #folder: string;
  readonly #seen: Resting;
  /** Claimed, and written to since. */
  readonly #restless: Resting;
  readonly #refused = new Set<string>();
  readonly #events: readonly CsvEvent[];
  #looking: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #hint: (() => void) | undefined;
  #stopped = false;
  /** The file under way is left. */
  #cut = false;

  constructor(options: WatchOptions, folder: string) {
    this.#options = options;
    this.#folder = folder;
    const { settleMs = 1_000, now = () => performance.now() } = options;
    this.#seen = new Resting(settleMs, now);
    this.#restless = new Resting(settleMs, now);
    this.#events = Object.values(options.model.events).filter(
      (event): event is CsvEvent => event.binding.protocol === "csv",
    );
  }

  async start(): Promise<void> {
    const every = this.#options.everyMs ?? 1_000;
    if (every === 0) return;
    this.#timer = setInterval(() => void this.look(), every);
    try {
      // A hint to look sooner; where it does not work, the interval does.
      const watching = watch(this.#folder, { persistent: false }, () => void this.look());
      watching.on("error", () => watching.close());
      this.#hint = () => watching.close();
    } catch {
      this.#hint = undefined;
    }
    await this.look();
  }

  look(): Promise<void> {
    if (this.#stopped) return Promise.resolve();
    this.#looking ??= this.#round().finally(() => {
      this.#looking = undefined;
    });
    return this.#looking;
  }

  async stop(withinMs?: number): Promise<void> {
    this.#stopped = true;
    clearInterval(this.#timer);
    this.#hint?.();
    const late = withinMs === undefined ? undefined : setTimeout(() => this.#leave(), withinMs);
    await this.#looking;
    clearTimeout(late);
  }

  #leave(): void {
    this.#cut = true;
  }

  /** Throws what is told of a file that is left. */
  #checkCut(): void {
    if (this.#cut) throw new Error("its folder is watched no longer; it is taken up again by whoever watches it next");
  }

  async #round(): Promise<void> {
    try {
      for (const name of await this.#names(join(this.#folder, claimedFolder)))
        if (!this.#restless.has(name) || (await this.#restsClaimed(name))) await this.#work(name);
      for (const name of await this.#names(this.#folder)) {
        if (this.#stopped) return;
        if (await this.#settled(name)) {
          await rename(join(this.#folder, name), join(this.#folder, claimedFolder, name));
          this.#seen.delete(name);
          await this.#work(name);
        }
      }
    } catch (error) {
      this.#publish("", "delayed", 0, 0, reasonOf(error));
    }
  }

  /** Files that a description fits, oldest name first. */
  async #names(folder: string): Promise<string[]> {
    const names = (await readdir(folder)).filter((name) => !name.startsWith(".") && this.#eventOf(name) !== undefined);
    if (folder === this.#folder) {
      const present = new Set(names);
      this.#seen.keepOnly(present);
      for (const name of this.#refused) if (!present.has(name)) this.#refused.delete(name);
    }
    return names.sort();
  }

  #eventOf(name: string): CsvEvent | undefined {
    return this.#events.find(({ binding }) => matches(name, binding.files));
  }

  async #settled(name: string): Promise<boolean> {
    const file = await lstat(join(this.#folder, name)).catch(() => undefined);
    if (file === undefined) return false;
    if (!file.isFile()) {
      if (!this.#refused.has(name)) this.#publish(name, "refused", 0, 0, "it is not a regular file");
      this.#refused.add(name);
      return false;
    }
    // One of this name is still being worked on.
    if ((await lstat(join(this.#folder, claimedFolder, name)).catch(() => undefined)) !== undefined) return false;
    return this.#seen.rests(name, file);
  }

  async #restsClaimed(name: string): Promise<boolean> {
    const file = await lstat(join(this.#folder, claimedFolder, name)).catch(() => undefined);
    return file === undefined || this.#restless.rests(name, file);
  }

  async #work(name: string): Promise<void> {
    const event = this.#eventOf(name);
    if (this.#stopped || event === undefined) return;
    let file: FileHandle | undefined;
    try {
      file = await open(
        join(this.#folder, claimedFolder, name),
        constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK,
      );
      await this.#read(name, event, file);
    } catch (error) {
      this.#publish(name, "delayed", 0, 0, reasonOf(error));
    } finally {
      await file?.close();
    }
  }

  async #read(name: string, event: CsvEvent, file: FileHandle): Promise<void> {
    const before = await file.stat();
    if (!before.isFile()) throw new Error("it is not a regular file");
    const limit = this.#options.maxFileBytes ?? 256 * 1024 * 1024;
    if (before.size > limit) return this.#rejectWhole(name, "", `it is larger than ${limit} bytes`);
    /** Its sender still has it open, though it rested: its bytes, and the ids made of them, are not the last ones. */
    const untouched = async (): Promise<void> => {
      const now = await file.stat();
      if (isSame(before, now)) return;
      this.#restless.begin(name, now);
      throw new Error("it was written to meanwhile");
    };
    const hash = createHash("sha256");
    try {
      for await (const row of rowsOf(file, event.binding, (bytes) => hash.update(bytes))) {
        void row;
        this.#checkCut();
      }
    } catch (error) {
      if (!(error instanceof MortiseError || error instanceof MissingColumn)) throw error;
      await untouched();
      return this.#rejectWhole(name, "", error.message);
    }
    await untouched();
    const sha256 = hash.digest("hex");
    const { delivered, bad } = await this.#deliver(name, sha256, event, file);
    await untouched();
    this.#restless.delete(name);
    if (bad.rows.length > 0) {
      const target = await this.#freeName("rejected", name, sha256);
      const lines = [...(bad.header === undefined ? [] : [bad.header]), ...bad.rows.map(({ cells }) => cells)];
      // As they came, so that they can be mended and dropped again; not meant for a spreadsheet.
      const text = lines.map((cells) => csvLine(cells, { delimiter: event.binding.delimiter, formulas: "keep" }));
      const reasons = bad.rows.map(({ row, line, problems }) => ({ row, line, problems }));
      await this.#write(
        `${target}.reasons.json`,
        `${JSON.stringify({ file: name, sha256, rows: reasons }, null, 2)}\n`,
      );
      await this.#write(target, text.join(""));
    }
    await rename(join(this.#folder, claimedFolder, name), await this.#freeName("archive", name, sha256));
    this.#publish(name, "archived", delivered, bad.rows.length);
  }

  /** Delivers all good rows, `window` at a time, in order of their start. */
  async #deliver(
    name: string,
    sha256: string,
    event: CsvEvent,
    file: FileHandle,
  ): Promise<{ delivered: number; bad: { header: readonly string[] | undefined; rows: BadRow[] } }> {
    const validate = modelValidator(this.#options.model, event.payload);
    const rows: BadRow[] = [];
    const flying = new Set<Promise<void>>();
    let header: readonly string[] | undefined;
    let places = placesOf(event.binding, undefined);
    let delivered = 0;
    let stopping: { readonly error: unknown } | undefined;
    const source = rowsOf(file, event.binding, undefined, (names) => {
      header = names;
      places = placesOf(event.binding, names);
    });
    for await (const row of source) {
      if (stopping !== undefined || this.#cut) break;
      const made = payloadOf(event.binding, places, row);
      const problems = made.ok ? validate(made.payload) : made.problems;
      const refuse = (found: readonly Problem[]) =>
        rows.push({ row: row.row, line: row.line, cells: row.cells, problems: found });
      if (!made.ok || problems.length > 0) {
        refuse(problems);
        continue;
      }
      const delivery = Object.freeze({ id: `${sha256}:${row.row}`, file: name, row: row.row });
      const flight = this.#options
        .deliver(event.name, made.payload, delivery)
        .then(
          () => {
            delivered += 1;
          },
          (error: unknown) => {
            const known = asMortiseError(error);
            if (known.class === "give-up") refuse([{ at: "", message: `${known.code}: ${known.message}` }]);
            else stopping ??= { error };
          },
        )
        .finally(() => flying.delete(flight));
      flying.add(flight);
      if (flying.size >= (this.#options.window ?? 32)) await Promise.race(flying);
    }
    await Promise.all(flying);
    if (stopping !== undefined) throw stopping.error;
    this.#checkCut();
    rows.sort((a, b) => a.row - b.row);
    return { delivered, bad: { header, rows } };
  }

  async #rejectWhole(name: string, sha256: string, reason: string): Promise<void> {
    const target = await this.#freeName("rejected", name, sha256);
    await this.#write(`${target}.reasons.json`, `${JSON.stringify({ file: name, reason }, null, 2)}\n`);
    await rename(join(this.#folder, claimedFolder, name), target);
    this.#restless.delete(name);
    this.#publish(name, "rejected", 0, 0, reason);
  }

  /** A path in one of our folders that is free, or holds the same bytes under the same name already. */
  async #freeName(folder: "archive" | "rejected", name: string, sha256: string): Promise<string> {
    const extension = extname(name);
    const stem = name.slice(0, name.length - extension.length);
    const path = (suffix: string) => join(this.#folder, folder, `${stem}${suffix}${extension}`);
    const taken = async (at: string) => (await lstat(at).catch(() => undefined)) !== undefined;
    if (!(await taken(path("")))) return path("");
    if (sha256 !== "") return path(`-${sha256.slice(0, 16)}`);
    for (let n = 2; ; n += 1) if (!(await taken(path(`-${n}`)))) return path(`-${n}`);
  }

  /** Whole or not at all, and never through a link. */
  async #write(path: string, text: string): Promise<void> {
    const aside = join(this.#folder, claimedFolder, `.${crypto.randomUUID()}`);
    await writeFile(aside, text, { flag: "wx" });
    await rename(aside, path);
  }

  #publish(file: string, outcome: FileFact["outcome"], delivered: number, rejected: number, reason?: string): void {
    if (!facts.hasSubscribers) return;
    const system = this.#options.model.name;
    facts.publish({
      system,
      file,
      outcome,
      delivered,
      rejected,
      ...(reason === undefined ? {} : { reason }),
    } satisfies FileFact);
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
