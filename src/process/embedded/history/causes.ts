/**
 * Why a run is parked, in a form that is the same for all runs that are parked for the same reason: the question's code, the step, the
 * failure's code, and the message without what differs from run to run (numbers, ids, keys). It stands in the run's row, indexed.
 */
import { hash } from "node:crypto";
import type { DatabaseSync } from "node:sqlite";
import type { Cause, ParkedQuestion } from "../../engine.ts";

const separator = "\t";
const longest = 200;
const taken = "…";

/** The cause as it stands in a run's row. `keys`: texts of the run that are taken out of the message. */
export function causeOf({ code, step = "", failure, message }: ParkedQuestion, keys: readonly string[]): string {
  const text = failure?.message ?? message;
  return [code, step.replace(/#\d+$/, ""), failure?.code ?? "", alike(text, keys)].map(plain).join(separator);
}

/** The cause without its message, which may repeat a value of the run: causes that were alike still are. */
export function withoutMessage(cause: string, digest: (text: string) => string): string {
  const [code = "", step = "", failure = "", message = ""] = cause.split(separator);
  return [code, step, failure, message === "" ? "" : `(encrypted ${digest(message).slice(-6)})`].join(separator);
}

/** One line, without the separator. */
function plain(text: string): string {
  return text.replace(/\s+/g, " ").trim();
}

/** The message without what differs from run to run. The status of an HTTP answer stays. */
export function alike(message: string, keys: readonly string[]): string {
  let text = message.slice(0, 4 * longest);
  for (const key of keys) if (key.length > 2) text = text.replaceAll(key, taken);
  text = text
    .replace(/"[^"]*\d[^"]*"|'[^']*\d[^']*'/g, taken)
    .replace(
      /(\bHTTP |\bstatus |\banswered )?[\p{L}\d_@:/.+-]*\d[\p{L}\d_@:/+-]*(?:\.[\p{L}\d_@:/+-]+)*/giu,
      (all, before) =>
        before !== undefined && /^[1-5]\d\d$/.test(all.slice(before.length)) ? all : `${before ?? ""}${taken}`,
    )
    .replace(/…(?:[\s,]*…)+/g, taken);
  return text.slice(0, longest);
}

/** Short name of a cause, for commands and filters. */
export function causeId(cause: string): string {
  return hash("sha256", cause, "hex").slice(0, 10);
}

export interface Causes {
  all(): readonly Cause[];
  /** The causes (as they stand in rows) that fit an id or a code, and a step. */
  fitting(filter: { readonly cause?: string | undefined; readonly step?: string | undefined }): readonly string[];
}

export function causes(db: DatabaseSync): Causes {
  // With `min`, SQLite gives the other columns of that very row.
  const grouped = db.prepare(
    "select cause, process, count(*) as runs, min(updated) as oldest, id from runs where cause is not null group by cause, process",
  );
  const each = db.prepare(
    `with recursive found (cause) as (
       select min(cause) from runs where cause is not null
       union all select (select min(cause) from runs where cause is not null and cause > found.cause) from found where found.cause is not null)
     select cause from found where cause is not null`,
  );
  return {
    all() {
      const rows = grouped.all() as { cause: string; process: string; runs: number; oldest: number; id: string }[];
      return rows
        .map(({ cause, process, runs, oldest, id }) => {
          const [code = "", step = "", failure = "", message = ""] = cause.split(separator);
          return {
            cause: causeId(cause),
            process,
            code,
            ...(step === "" ? {} : { step }),
            ...(failure === "" ? {} : { failure }),
            message,
            runs,
            oldestAt: oldest,
            example: id,
          };
        })
        .sort((a, b) => b.runs - a.runs || a.oldestAt - b.oldestAt);
    },
    fitting({ cause: wanted, step }) {
      return each
        .all()
        .map(({ cause }) => cause as string)
        .filter((cause) => {
          const [code, of] = cause.split(separator);
          return (
            (wanted === undefined || code === wanted || causeId(cause) === wanted) &&
            (step === undefined || of === step)
          );
        });
    },
  };
}
