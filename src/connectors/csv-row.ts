/** One row of a described CSV file as a payload: cells become exact values, or the row gets a reason. */
import type { CsvBinding, CsvColumn } from "../contract/model.ts";
import type { CsvRow } from "../formats/csv.ts";
import type { Json, Problem } from "../operation.ts";

/**
 * Which cell belongs to which column, from the file's header. Throws a plain `Error` where a required column is missing. Columns
 * that nobody described are passed over.
 */
export function placesOf(
  binding: CsvBinding,
  header: readonly string[] | undefined,
): readonly (string | number | undefined)[] {
  if (header === undefined) return binding.columns.map((_, i) => i);
  return binding.columns.map(({ titles, required }) => {
    const title = titles.find((name) => header.includes(name));
    if (title === undefined && required) throw new Error(`the column "${titles[0]!}" is missing`);
    return title;
  });
}

export type RowPayload =
  | { readonly ok: true; readonly payload: Json }
  | { readonly ok: false; readonly problems: readonly Problem[] };

export function payloadOf(
  binding: CsvBinding,
  places: readonly (string | number | undefined)[],
  row: CsvRow,
): RowPayload {
  if (row.problem !== undefined) return { ok: false, problems: [{ at: "", message: row.problem }] };
  const problems: Problem[] = [];
  const entries: [string, Json][] = [];
  binding.columns.forEach((column, i) => {
    const place = places[i];
    const cell = place === undefined ? undefined : typeof place === "number" ? row.cells[place] : row.record[place];
    if (cell === undefined || column.empty.includes(cell)) {
      if (column.required) problems.push({ at: `/${column.property}`, message: "is missing" });
      return;
    }
    const value = cellValue(cell, column);
    if (value === undefined) problems.push({ at: `/${column.property}`, message: `is not ${kinds[column.as]}` });
    else entries.push([column.property, value]);
  });
  // `fromEntries` defines own properties, whatever their names.
  return problems.length === 0 ? { ok: true, payload: Object.fromEntries(entries) } : { ok: false, problems };
}

const kinds: Readonly<Record<CsvColumn["as"], string>> = {
  text: "text",
  integer: "an integer",
  bigint: "a 64-bit integer",
  decimal: "a decimal",
  real: "a number",
  boolean: "a truth value",
  date: "a date",
  datetime: "a date and time with its zone",
};

function cellValue(cell: string, column: CsvColumn): Json | undefined {
  switch (column.as) {
    case "text":
      return cell;
    case "boolean": {
      const [yes, no] = column.truth ?? [undefined, undefined];
      if (yes !== undefined) return cell === yes ? true : cell === no ? false : undefined;
      return cell === "true" || cell === "1" ? true : cell === "false" || cell === "0" ? false : undefined;
    }
    case "date":
      return dateOf(cell, column.pattern ?? "yyyy-MM-dd");
    case "datetime":
      return /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)$/.test(cell) &&
        validDate(cell.slice(0, 10))
        ? cell.replace(" ", "T")
        : undefined;
    default:
      return numberOf(cell.trim(), column);
  }
}

function numberOf(cell: string, { as, decimalMark, groupMark }: CsvColumn): Json | undefined {
  let text = groupMark === undefined ? cell : cell.replaceAll(groupMark, "");
  if (decimalMark !== undefined && decimalMark !== ".") {
    if (text.includes(".")) return undefined;
    text = text.replace(decimalMark, ".");
  }
  if (as === "real") return /^[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?$/.test(text) ? finite(Number(text)) : undefined;
  if (as === "decimal") return /^[+-]?\d+(?:\.\d+)?$/.test(text) ? text.replace("+", "") : undefined;
  if (!/^[+-]?\d{1,19}$/.test(text)) return undefined;
  const exact = BigInt(text.replace("+", ""));
  if (as === "bigint") return BigInt.asIntN(64, exact) === exact ? String(exact) : undefined;
  const number = Number(exact);
  return Number.isSafeInteger(number) ? number : undefined;
}

function finite(value: number): number | undefined {
  return Number.isFinite(value) ? value : undefined;
}

/** ISO date of a text in a pattern of `yyyy`, `MM`/`M`, `dd`/`d` and separators. */
function dateOf(cell: string, pattern: string): string | undefined {
  const parts: Record<string, string> = {};
  let at = 0;
  for (const [token] of pattern.matchAll(/yyyy|MM?|dd?|[^yMd]/g)) {
    const kind = token[0]!;
    if (!/[yMd]/.test(kind)) {
      if (cell[at] !== kind) return undefined;
      at += 1;
      continue;
    }
    const least = token.length;
    const most = kind === "y" ? 4 : 2;
    let digits = "";
    while (digits.length < most && /\d/.test(cell[at] ?? "")) digits += cell[at++];
    if (digits.length < least) return undefined;
    parts[kind] = digits.padStart(most, "0");
  }
  const date = `${parts.y ?? ""}-${parts.M ?? ""}-${parts.d ?? ""}`;
  return at === cell.length && validDate(date) ? date : undefined;
}

function validDate(date: string): boolean {
  const time = Date.parse(`${date}T00:00:00Z`);
  return /^\d{4}-\d\d-\d\d$/.test(date) && !Number.isNaN(time) && new Date(time).toISOString().startsWith(date);
}
