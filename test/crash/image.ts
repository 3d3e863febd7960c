/**
 * What a disk may hold after a power cut: everything that an fsync covered; of the other writes, each is kept, torn at a 512-byte
 * border, or dropped.
 *
 * Limits of the model: a file that was made or removed is so at once, and a write is one of those three, never garbage.
 */
import type { Chance } from "./chance.ts";
import type { TraceEvent } from "./trace.ts";

export type Image = ReadonlyMap<string, Buffer>;

const sector = 512;
const keptShare = 0.5;
const tornShare = 0.2;

export interface Disk {
  /** An fsync is believed only of what was written at least so many events before the cut: a disk with a cache that it does not flush. */
  readonly forgets: number;
}
export const honestDisk: Disk = { forgets: 0 };

/** The files as they may be if the power goes before event `cut`. */
export function imageAt(events: readonly TraceEvent[], cut: number, chance: Chance, disk: Disk = honestDisk): Image {
  const covered = new Map<string, number>();
  for (const event of events.slice(0, cut)) if (event.kind === "sync") covered.set(event.file, event.from);
  const files = new Map<string, Buffer>();
  for (const [at, event] of events.slice(0, cut).entries()) {
    if (event.kind === "log" || event.kind === "sync") continue;
    const { file } = event;
    if (event.kind === "remove") {
      files.delete(file);
      continue;
    }
    const before = files.get(file) ?? Buffer.alloc(0);
    const safe = at < (covered.get(file) ?? 0) && at < cut - disk.forgets;
    const fate = safe ? 0 : chance.next();
    if (event.kind === "truncate") {
      files.set(file, fate < keptShare ? resized(before, event.size) : before);
      continue;
    }
    const { offset, data } = event;
    const kept = fate < keptShare ? data : fate < keptShare + tornShare ? torn(data, offset, chance) : undefined;
    files.set(file, kept === undefined || kept.length === 0 ? before : written(before, kept, offset));
  }
  return files;
}

/** The part of a write before one of the sector borders inside it; nothing if there is none. */
function torn(data: Buffer, offset: number, chance: Chance): Buffer {
  const first = sector - (offset % sector);
  if (first >= data.length) return data.subarray(0, 0);
  const borders = Math.ceil((data.length - first) / sector);
  return data.subarray(0, first + sector * chance.below(borders));
}

function resized(before: Buffer, size: number): Buffer {
  if (size <= before.length) return Buffer.from(before.subarray(0, size));
  return Buffer.concat([before, Buffer.alloc(size - before.length)]);
}

/** In place where it fits: the buffers of an image are its own. */
function written(before: Buffer, data: Buffer, offset: number): Buffer {
  const file = before.length >= offset + data.length ? before : resized(before, offset + data.length);
  data.copy(file, offset);
  return file;
}
