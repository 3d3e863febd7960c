/**
 * The checksum of a row of a history: CRC-32 of its text, begun with the place that it stands at. A disk that gives back other bits than it
 * was given is noticed by it, and so is a row that comes back at another place. It is no protection from people; that is what encryption is for.
 */
import { crc32 } from "node:zlib";

/** As a signed number of 32 bits: SQLite keeps it in four bytes. */
export function rowSum(run: string, seq: number, body: string): number {
  return crc32(body, crc32(run, seq)) | 0;
}
