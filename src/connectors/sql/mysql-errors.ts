/** What an error of MySQL or MariaDB means, by its number (manuals, "Server Error Message Reference"). */
import type { SqlFailure } from "./session.ts";

interface ServerError {
  readonly errno?: number;
  readonly sqlState?: string;
  readonly sqlMessage?: string;
  readonly message?: string;
  readonly fatal?: boolean;
}

const byNumber: Readonly<Record<number, SqlFailure["kind"]>> = {
  // Shut down, killed
  1053: "lost",
  1927: "lost",
  3169: "lost",
  // Too many connections, access denied, no such database, host not allowed
  1040: "away",
  1044: "away",
  1045: "away",
  1049: "away",
  1129: "away",
  1130: "away",
  1203: "away",
  1226: "away",
  1698: "away",
  // Lock wait timeout, deadlock, changed since it was read (MariaDB's snapshots), lock not available
  1020: "busy",
  1205: "busy",
  1213: "busy",
  3572: "busy",
  // Interrupted, out of time (MariaDB, MySQL)
  1317: "cancelled",
  1969: "cancelled",
  3024: "cancelled",
  // Read-only: the server, the transaction
  1290: "read-only",
  1792: "read-only",
  1836: "read-only",
  1062: "duplicate",
  1146: "no-table",
};

/** Only these say that a COMMIT did nothing (a cluster that could not agree). */
const sureAtCommit: ReadonlySet<number> = new Set([1205, 1213, 1020]);

export function mysqlFailure(error: unknown, committing: boolean): SqlFailure {
  const { errno, sqlMessage, sqlState, message = String(error), fatal } = error as ServerError;
  const fromServer = sqlMessage !== undefined && sqlState !== undefined && errno !== undefined;
  if (!fromServer) return { kind: "lost", reason: message, message };
  const kind =
    committing && !sureAtCommit.has(errno) ? "lost" : (byNumber[errno] ?? (fatal === true ? "lost" : "refused"));
  return {
    kind,
    reason: withoutQuoted(errno, sqlMessage),
    message: sqlMessage,
    code: `error ${errno}, SQLSTATE ${sqlState}`,
  };
}

/** Duplicate entry, incorrect value, truncated value: the message begins with the value in quotes. */
function withoutQuoted(errno: number, message: string): string {
  const repeats = [1062, 1292, 1366, 1411, 1525, 1586, 3140, 3141].includes(errno);
  return repeats ? message.replace(/'(?:[^']|'')*'/, "'…'") : message;
}
