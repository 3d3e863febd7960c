/** What the operating system says about a process and a disk. Linux only; elsewhere the figure is null. */
import { closeSync, fdatasyncSync, openSync, readFileSync, statSync, writeSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { median } from "./report.ts";

/** User and system time of a process, in seconds. */
export function cpuSeconds(pid: number): number | null {
  const stat = read(`/proc/${pid}/stat`);
  if (stat === undefined) return null;
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

/** What the process has had written to storage, in KiB. */
export function writtenKib(pid: number): number | null {
  const match = /^write_bytes: (\d+)$/m.exec(read(`/proc/${pid}/io`) ?? "");
  return match === null ? null : Number(match[1]) / 1024;
}

/** Flushes that the disk under `folder` has completed; whoever else uses the disk counts in. */
export function diskFlushes(folder: string): number | null {
  const { dev } = statSync(folder);
  const major = (dev >> 8) & 0xfff;
  const minor = (dev & 0xff) | ((dev >> 12) & 0xfff00);
  for (const line of (read("/proc/diskstats") ?? "").split("\n")) {
    const fields = line.trim().split(/\s+/);
    if (Number(fields[0]) === major && Number(fields[1]) === minor)
      return fields[18] === undefined ? null : Number(fields[18]);
  }
  return null;
}

/** Median time of a small append with fdatasync on this disk, in milliseconds. */
export function fsyncMs(folder: string): number {
  const file = openSync(join(folder, "fsync-probe"), "w");
  const block = Buffer.alloc(4096, 1);
  const times: number[] = [];
  for (let index = 0; index < 200; index++) {
    writeSync(file, block);
    const begun = performance.now();
    fdatasyncSync(file);
    times.push(performance.now() - begun);
  }
  closeSync(file);
  times.sort((a, b) => a - b);
  return times[100] as number;
}

/**
 * Median times of bare commits of one row of a kilobyte, in milliseconds: SQLite in WAL mode with synchronous=FULL, nothing around it. `hot`: of one of many, one
 * after the other. `paced`: of `commits` of them together, so often a second: a processor and a disk that rest in between take longer, for them as for
 * whatever is measured at that pace beside them.
 */
export async function commitTimes(
  folder: string,
  { commits, perSecond }: { readonly commits: number; readonly perSecond: number },
): Promise<{ readonly hot: number; readonly paced: number }> {
  const db = new DatabaseSync(join(folder, "commit-probe.db"));
  db.exec("pragma journal_mode = wal; pragma synchronous = full; create table rows (body text not null) strict");
  const insert = db.prepare("insert into rows (body) values (?)");
  const body = "x".repeat(1000);
  const timed = (many: number): number => {
    const begun = performance.now();
    for (let index = 0; index < many; index++) insert.run(body);
    return performance.now() - begun;
  };
  const hot = Array.from({ length: 200 }, () => timed(1));
  const paced: number[] = [];
  for (let round = 0; round < 100; round++) {
    await new Promise((resolve) => setTimeout(resolve, 1000 / perSecond));
    paced.push(timed(commits));
  }
  db.close();
  return { hot: median(hot) as number, paced: median(paced) as number };
}

/** Memory of a process that is its own (proportional share of what is shared), in MB; its resident size where that is not told. */
export function memoryMb(pid: number): number | null {
  const match = /^Pss: +(\d+) kB$/m.exec(read(`/proc/${pid}/smaps_rollup`) ?? "");
  return match === null ? null : (Number(match[1]) * 1024) / 1e6;
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
}
