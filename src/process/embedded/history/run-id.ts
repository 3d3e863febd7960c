/**
 * Run ids: 20 characters of base 32 (Crockford's alphabet, lower case): 50 bits of time in milliseconds, then 50 random bits.
 * Ordered by time, so that runs under way lie side by side in the database; unique world-wide, also after a backup was
 * restored, since effect keys are made of them.
 */
import { randomFillSync } from "node:crypto";

const alphabet = "0123456789abcdefghjkmnpqrstvwxyz";
const pool = new Uint8Array(4000);
let used = pool.length;

/** The least id of a run that is created at this time or later. */
export function firstRunId(time: number): string {
  return digits(Math.max(0, Math.ceil(time)));
}

export function newRunId(now: number): string {
  if (used === pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  let random = "";
  for (let index = 0; index < 10; index++) random += alphabet[(pool[used + index] as number) & 31];
  used += 10;
  return digits(now) + random;
}

/** The id of run `number` of a simulation: no chance in it, so that it is the same every time. */
export function countedRunId(now: number, number: number): string {
  return digits(now) + digits(number);
}

/** A whole number of at most 50 bits in 10 digits. */
function digits(value: number): string {
  let text = "";
  for (let rest = value, index = 0; index < 10; index++) {
    text = alphabet[rest % 32] + text;
    rest = Math.floor(rest / 32);
  }
  return text;
}
