/** What an error of PostgreSQL means, by its SQLSTATE (manual, "PostgreSQL Error Codes"). */
import type { SqlFailure } from "./session.ts";

/** Ended while it was being committed, so that nobody knows: connection exceptions, shutdown, "statement completion unknown". */
const unsureAtCommit = /^(08|57P|58|XX|40003)/;

export function postgresFailure(error: unknown, committing: boolean): SqlFailure {
  const { code, message = String(error) } = error as { code?: unknown; message?: string };
  const state = typeof code === "string" && /^[0-9A-Z]{5}$/.test(code) ? code : undefined;
  return {
    kind: kindOf(state, committing),
    reason: reasonOf(state, message),
    message,
    ...(state === undefined ? {} : { code: `SQLSTATE ${state}` }),
  };
}

function kindOf(state: string | undefined, committing: boolean): SqlFailure["kind"] {
  if (state === undefined) return "lost";
  if (committing && unsureAtCommit.test(state)) return "lost";
  if (state === "57014") return "cancelled";
  // 57P03: it is starting; 53300: too many connections; 28: wrong user or password; 3D000: no such database.
  if (/^(57P03|53|28|3D000)/.test(state)) return "away";
  if (/^(08|57P|58)/.test(state)) return "lost";
  if (/^(40|55P03|55006)/.test(state)) return "busy";
  // A prepared statement that is gone, or whose answer has another form by now: a new connection knows the new one.
  if (state === "26000" || state === "25P03") return "lost";
  if (state === "25006") return "read-only";
  if (state === "42P01") return "no-table";
  if (state === "23505") return "duplicate";
  return "refused";
}

/** Class 22 (data exceptions) repeats the value: `invalid input syntax for type integer: "..."`. */
function reasonOf(state: string | undefined, message: string): string {
  return state?.startsWith("22") === true ? message.replace(/"(?:[^"]|"")*"/g, '"…"') : message;
}
