/**
 * The space on the store's disk. Below the reserve new work is refused, so that runs under way have room to end; a write that finds no
 * space at all is told by the store itself.
 */
import { statfs } from "node:fs/promises";
import type { Log } from "../../observe/log.ts";
import type { DiskState } from "../../process/embedded/front/admission.ts";

export interface DiskOptions {
  readonly folder: string;
  readonly reserveBytes: number;
  /** Told of each change. */
  readonly changed: (state: DiskState, freeBytes: number | undefined) => void;
  /** Free bytes for those without privileges. Default: of the folder's file system. */
  readonly free?: () => Promise<number>;
  /** Default 1000. */
  readonly everyMs?: number;
}

export interface Disk {
  state(): DiskState;
  /** The store met a full disk, or has space again. */
  full(full: boolean): void;
  /** Looks now. */
  look(): Promise<void>;
  close(): void;
}

export function watchDisk(options: DiskOptions): Disk {
  const { folder, reserveBytes, changed, free = () => freeOf(folder), everyMs = 1000 } = options;
  let state: DiskState = "ok";
  let full = false;
  let low = false;
  let freeBytes: number | undefined;

  function settle(): void {
    const next: DiskState = full ? "full" : low ? "low" : "ok";
    if (next === state) return;
    state = next;
    changed(state, freeBytes);
  }
  async function look(): Promise<void> {
    try {
      freeBytes = await free();
    } catch {
      // Nothing is known: the store itself will say when it can't write.
      freeBytes = undefined;
    }
    // A little more than the reserve ends it, so that it does not change with every write.
    if (freeBytes === undefined) low = false;
    else if (low) low = freeBytes < reserveBytes + reserveBytes / 10;
    else low = freeBytes < reserveBytes;
    settle();
  }

  let looking = false;
  const timer = setInterval(() => {
    if (looking) return;
    looking = true;
    void look().then(() => {
      looking = false;
    });
  }, everyMs).unref();

  return {
    state: () => state,
    full(now) {
      full = now;
      settle();
    },
    look,
    close: () => clearInterval(timer),
  };
}

async function freeOf(folder: string): Promise<number> {
  const { bavail, bsize } = await statfs(folder);
  return bavail * bsize;
}

export function tellDisk(log: Log, state: DiskState, freeBytes: number | undefined): void {
  const facts = freeBytes === undefined ? {} : { freeMiB: Math.floor(freeBytes / 1_048_576) };
  if (state === "ok") log.info(facts, "the store's disk has space again; starts are taken");
  else if (state === "low") log.warn(facts, "the store's disk has less space than its reserve; starts are refused");
  else log.error(facts, "the store's disk is full; nothing is taken until there is space");
}
