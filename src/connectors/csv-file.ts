/** A described CSV file on disk: whether its name is meant, and its rows, from an open handle. */
import type { FileHandle } from "node:fs/promises";
import type { CsvBinding } from "../contract/model.ts";
import { csvRows } from "../formats/csv.ts";
import { placesOf } from "./csv-row.ts";

/** A column that the description requires is not in the header. */
export class MissingColumn extends Error {}

/** The rows of an open file from its start. A required column that is missing throws `MissingColumn`. */
export function rowsOf(
  file: FileHandle,
  binding: CsvBinding,
  onBytes?: (bytes: Uint8Array) => void,
  onHeader?: (names: readonly string[]) => void,
): ReturnType<typeof csvRows> {
  return csvRows(bytesOf(file, onBytes), {
    delimiter: binding.delimiter,
    quote: binding.quote,
    header: binding.header,
    onHeader(names) {
      try {
        placesOf(binding, names);
      } catch (error) {
        throw new MissingColumn((error as Error).message);
      }
      onHeader?.(names);
    },
  });
}

async function* bytesOf(file: FileHandle, onBytes?: (bytes: Uint8Array) => void): AsyncGenerator<Uint8Array> {
  for (let position = 0; ; ) {
    const buffer = Buffer.allocUnsafe(64 * 1024);
    const { bytesRead } = await file.read(buffer, 0, buffer.length, position);
    if (bytesRead === 0) return;
    position += bytesRead;
    const bytes = buffer.subarray(0, bytesRead);
    onBytes?.(bytes);
    yield bytes;
  }
}

/** Whether a file name fits a pattern in which `*` stands for any text. Linear. */
export function matches(name: string, pattern: string): boolean {
  const [first = "", ...others] = pattern.split("*");
  if (others.length === 0) return name === pattern;
  const last = others.pop()!;
  if (!name.startsWith(first) || !name.endsWith(last) || name.length < first.length + last.length) return false;
  let at = first.length;
  for (const part of others) {
    const found = name.indexOf(part, at);
    if (found === -1 || found + part.length > name.length - last.length) return false;
    at = found + part.length;
  }
  return true;
}
