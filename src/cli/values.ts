/** Values that options are given as text. */
import { failure } from "../errors.ts";
import { type Duration, type Json, milliseconds } from "../operation.ts";

/** The JSON after `option`. Throws `option-invalid`. */
export function jsonOption(option: string, text: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch (error) {
    throw failure("option-invalid", { option, reason: `it is not JSON (${(error as Error).message})` });
  }
}

/** Milliseconds of the duration after `option`. Throws `option-invalid`. */
export function durationOption(option: string, text: string): number {
  try {
    return milliseconds(text as Duration);
  } catch (error) {
    throw failure("option-invalid", { option, reason: (error as Error).message });
  }
}

/** The whole number after `option`. Throws `option-invalid`. */
export function numberOption(option: string, text: string, most: number): number {
  if (/^\d+$/.test(text) && Number(text) >= 1 && Number(text) <= most) return Number(text);
  throw failure("option-invalid", { option, reason: `it must be a whole number from 1 to ${most}` });
}

/** A part of an address, from text that a user typed. */
export function segment(text: string): string {
  return encodeURIComponent(text);
}
