/** A moment as the author of a process says it. Text must name its zone: the same code must mean the same moment on every machine. */
import { failure } from "../errors.ts";

/** A `Date`, epoch milliseconds, or ISO 8601 text with a zone (`"2026-12-24T18:00:00+01:00"`); a date alone begins at midnight UTC. */
export type Instant = Date | number | string;

const isoForm = /^(\d{4})-(\d{2})-(\d{2})(?:T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(?:Z|[+-]\d{2}:\d{2}))?$/;
/** The last moment that a JavaScript date can name. */
const last = 8.64e15;

/** Epoch milliseconds, whole. Throws `instant-invalid`. */
export function epochOf(when: Instant): number {
  const at = Math.ceil(typeof when === "string" ? parsed(when) : Number(when));
  if (at >= 0 && at <= last) return at;
  throw failure("instant-invalid", { value: shown(when) });
}

function parsed(text: string): number {
  const parts = isoForm.exec(text);
  if (parts === null) return Number.NaN;
  // JavaScript takes 30 February for 1 March.
  const [, year, month, day] = parts.map(Number) as [number, number, number, number];
  const days = new Date(Date.UTC(year, month, 0)).getUTCDate();
  return day <= days ? Date.parse(text) : Number.NaN;
}

function shown(when: unknown): string {
  return typeof when === "string" ? `"${when.slice(0, 60)}"` : String(when).slice(0, 60);
}
