/**
 * Power cuts: one run of the scripted scenario is recorded call by call; then the database is rebuilt as a disk may hold it after a cut at
 * a random moment, opened, checked, and asked for everything that had been acknowledged by then. SIGKILL can't show this: what a
 * process wrote without fsync survives it.
 */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { openStore } from "../../src/store/open.ts";
import type { Chance } from "./chance.ts";
import { onDatabase, startChild } from "./child.ts";
import type { LogLine } from "./client-log.ts";
import { type Disk, type Image, imageAt } from "./image.ts";
import { startLedger } from "./ledger.ts";
import { batchIn } from "./replay.ts";
import { filesOf, type ScenarioOptions } from "./scenario.ts";
import { parseTrace, type TraceEvent, tracedCalls } from "./trace.ts";

const part = new URL("../../src/process/embedded/store/store-part.ts", import.meta.url).href;

/** Runs the scenario under strace, in an empty folder. */
export async function record(folder: string): Promise<readonly TraceEvent[]> {
  const ledger = await startLedger(join(folder, "ledger.jsonl"));
  const files = filesOf(folder);
  const trace = join(folder, "trace");
  const options: ScenarioOptions = {
    folder,
    ledger: ledger.url,
    scenario: "small",
    prefix: "w",
    lineage: "w",
    runs: 24,
    presses: 3,
    claims: 4,
    // What is acknowledged is looked up in the images by its text.
    encrypted: false,
    inFlight: 6,
    finish: true,
    replays: 0,
    checkpointPages: 40,
  };
  const how = ["-y", "-xx", "-s", "200000", "-P", files.log, "-e", `trace=${tracedCalls.join(",")}`, "-o", trace];
  const child = startChild(options, onDatabase(folder, how));
  try {
    const { code, errors } = await child.exit;
    if (code !== 0) throw new Error(`the scenario did not end under strace: ${errors}`);
  } finally {
    child.kill();
    await ledger.stop();
  }
  const database = basename(files.database);
  const names = [database, `${database}-wal`, `${database}-journal`];
  return parseTrace(readFileSync(trace, "utf8"), names, basename(files.log));
}

export interface Cuts {
  readonly images: number;
  /** Acknowledgements, and calls that had left, that were asked for, over all images. */
  readonly asked: number;
  /** Images that the store can't use. */
  readonly corrupt: readonly string[];
  /** Images in which something acknowledged is not there. */
  readonly lost: readonly string[];
}

/** Cuts at `images` random moments. Every 20th image is also opened by the real store. */
export async function cutPower(
  events: readonly TraceEvent[],
  folder: string,
  images: number,
  chance: Chance,
  disk?: Disk,
): Promise<Cuts> {
  const corrupt: string[] = [];
  const lost: string[] = [];
  let asked = 0;
  for (let number = 0; number < images; number++) {
    const cut = 1 + chance.below(events.length);
    const image = imageAt(events, cut, chance, disk);
    const place = join(folder, "image");
    mkdirSync(place);
    const file = lay(image, place);
    const lines = events.slice(0, cut).flatMap((event) => (event.kind === "log" ? [event.line] : []));
    asked += lines.length;
    try {
      if (number % 20 === 19) await openByStore(file);
      const missing = missingIn(file, lines);
      if (missing.length > 0) lost.push(`cut before event ${cut}: ${missing.slice(0, 3).join("; ")}`);
    } catch (error) {
      corrupt.push(`cut before event ${cut}: ${(error as Error).message.slice(0, 300)}`);
    }
    rmSync(place, { recursive: true });
  }
  return { images, asked, corrupt, lost };
}

/** Writes an image into a folder; the database's file. */
export function lay(image: Image, folder: string): string {
  for (const [name, data] of image) writeFileSync(join(folder, name), data);
  return join(folder, basename(filesOf(folder).database));
}

async function openByStore(file: string): Promise<void> {
  const store = await openStore({ file, parts: [part] });
  await store.close();
}

interface Entry {
  readonly t: string;
  readonly n: number;
  readonly from?: number;
}

/** What a database lacks of what was acknowledged, or had left. Throws if it is not sound. */
export function missingIn(file: string, lines: readonly LogLine[]): string[] {
  const db = new DatabaseSync(file);
  try {
    // The image is thrown away: nothing that closing it moves needs to reach the disk.
    db.exec("pragma synchronous = off");
    const sound = db.prepare("pragma integrity_check").get()?.integrity_check;
    if (sound !== "ok") throw new Error(`integrity_check: ${String(sound)}`);
    if (lines.length === 0) return [];
    const run = db.prepare("select 1 from runs where id = ? and key = ?");
    const signal = db.prepare("select 1 from signals where event = 'ledger.arrived' and delivery = ?");
    const moved = db.prepare("select 1 from runs where id = ? and version = 'v2'");
    const job = db.prepare("select 1 from bulk_jobs where id = ?");
    const answered = db.prepare("select 1 from tasks where run_key = ? and status = 'answered'");
    const history = db.prepare("select body from history where run = (select number from runs where id = ?)");
    const asks = new Map<string, Set<number>>();
    const asksOf = (id: string): Set<number> => {
      const known = asks.get(id);
      if (known !== undefined) return known;
      const records = history.all(id).flatMap(({ body }) => batchIn(body as string).records as unknown as Entry[]);
      const found = new Set(records.flatMap(({ t, n }) => (t === "ask" ? [n] : [])));
      // What was asked in the parts before, of a run that went on.
      for (let n = 1; n <= (records[0]?.from ?? 0); n++) found.add(n);
      asks.set(id, found);
      return found;
    };
    const missing: string[] = [];
    for (const line of lines) {
      if (line.kind === "calling") {
        // P3: no call leaves before its intent is on disk.
        const [id, n] = line.effect.split("-") as [string, string];
        if (!asksOf(id).has(Number(n))) missing.push(`the intent of the call ${line.effect}`);
      } else if (line.kind === "accepted") {
        const { what, key } = line;
        if (what === "start" && run.get(line.run, key) === undefined) missing.push(`the start of ${key}`);
        if (what === "signal" && signal.get(`d-${key}`) === undefined) missing.push(`the signal of ${key}`);
        if (what === "move" && moved.get(line.run) === undefined) missing.push(`the move of ${key}`);
        if (what === "bulk" && job.get(line.job) === undefined) missing.push(`the job to ${line.act} ${key}`);
        if (what === "answer" && answered.get(key) === undefined) missing.push(`the answer of ${key}`);
      }
    }
    return missing;
  } finally {
    db.close();
  }
}
