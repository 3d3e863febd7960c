/**
 * The process that is killed: the embedded engine, and a client that starts runs, sends their signals, answers their tasks and, as a
 * person would, their parked questions, all by what its log says was acknowledged before.
 *   node scenario.ts OPTIONS     (JSON of ScenarioOptions)
 * Prints `ready` when the engine takes work and `idle` when every run it knows has come to rest. With `finish` it then writes a
 * report, replays the histories, and ends; else it waits to be killed. It also ends when its standard input does.
 */
import { copyFileSync, existsSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { realClock } from "../../src/clock.ts";
import type { RunStatus } from "../../src/process/engine.ts";
import { openScheduleBook } from "../../src/server/schedules/book.ts";
import { openScheduler } from "../../src/server/schedules/scheduler.ts";
import { Client } from "./client.ts";
import { type LogLine, openLog } from "./client-log.ts";
import { openInstallation } from "./installation.ts";
import type { ScenarioName } from "./journey.ts";
import { linesOf } from "./ledger.ts";
import { replayAll } from "./replay.ts";
import { everySecond, processNamed } from "./works.ts";

/** Between two looks whether the first tick has come. */
const tickLookMs = 10;

export interface ScenarioOptions {
  readonly folder: string;
  readonly ledger: string;
  readonly scenario: ScenarioName;
  /** New runs are named after it: `k3` gives `k3-0` to `k3-9`. */
  readonly prefix: string;
  /** Names what lives on one database: its schedule, and the groups of its claims. Lower case and digits. */
  readonly lineage: string;
  /** New journeys in all. */
  readonly runs: number;
  /** New presses, and new claims (works.ts). */
  readonly presses: number;
  readonly claims: number;
  /** What is stored is encrypted. */
  readonly encrypted: boolean;
  /** At a time. */
  readonly inFlight: number;
  readonly finish: boolean;
  /** Histories that are replayed at the end, newest first. */
  readonly replays: number;
  readonly checkpointPages: number;
}

/** What the engine says at the end. The ledger is asked whether it is true. */
export interface Report {
  readonly runs: readonly ReportedRun[];
  readonly replay: { readonly replayed: number; readonly differs: readonly string[] };
}
export interface ReportedRun {
  readonly id: string;
  readonly process: string;
  readonly key: string;
  readonly version: string;
  readonly status: RunStatus;
  readonly reason?: string;
  /** Times that it asked a person. */
  readonly parks: number;
}

/** What is committed may still stand in the WAL: the last to close it was a reader. */
function copyDatabase(from: string, to: string): void {
  for (const ending of ["", "-wal", "-shm"]) rmSync(`${to}${ending}`, { force: true });
  for (const ending of ["", "-wal"])
    if (existsSync(`${from}${ending}`)) copyFileSync(`${from}${ending}`, `${to}${ending}`);
}

export const filesOf = (folder: string) => ({
  database: join(folder, "mortise.db"),
  log: join(folder, "client.jsonl"),
  report: join(folder, "report.json"),
  replay: join(folder, "replay.db"),
});

if (import.meta.main) {
  process.stdin.on("end", () => process.exit(4)).resume();
  const options = JSON.parse(process.argv[2] as string) as ScenarioOptions;
  const files = filesOf(options.folder);
  const before = linesOf<LogLine>(files.log);
  const { ledger, checkpointPages, encrypted } = options;
  const installation = await openInstallation({
    file: files.database,
    ledger,
    log: files.log,
    replay: false,
    checkpointPages,
    encrypted,
  });
  await installation.working;
  const { engine, store } = installation;
  const scheduler = await openScheduler({
    schedules: [everySecond(options.lineage)],
    process: processNamed,
    engine,
    book: openScheduleBook(store),
    clock: realClock,
  });
  await scheduler.look();
  process.stdout.write("ready\n");
  const client = new Client(engine, options, before, openLog(files.log));
  await client.untilIdle(async () => {
    // All else can be over within the second before the first tick: then no life would show what happens to one.
    while (scheduler.get(options.lineage).started === undefined) await pause(tickLookMs);
    await scheduler.close();
  });
  process.stdout.write("idle\n");
  if (options.finish) {
    const runs = client.report();
    await installation.stop();
    copyDatabase(files.database, files.replay);
    const replay = await replayAll({ file: files.replay, ledger, log: files.log, limit: options.replays, encrypted });
    writeFileSync(files.report, JSON.stringify({ runs, replay } satisfies Report));
    process.exit(0);
  }
}
