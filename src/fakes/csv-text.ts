/** Payloads as the rows of a described CSV file: the inverse of connectors/csv-row.ts. */
import type { CsvBinding, CsvColumn } from "../contract/model.ts";
import type { Json } from "../operation.ts";

/** The whole text of a file (RFC 4180, with the delimiter, quote and header that the contract says). */
export function csvText(binding: CsvBinding, payloads: readonly Json[]): string {
  const { delimiter, quote, columns } = binding;
  const cell = (text: string): string =>
    text.includes(delimiter) || text.includes(quote) || /[\r\n]/.test(text) || text !== text.trim()
      ? quote + text.replaceAll(quote, quote + quote) + quote
      : text;
  const rows = payloads.map((payload) => {
    const values = (typeof payload === "object" && payload !== null ? payload : {}) as {
      readonly [name: string]: Json;
    };
    return columns.map((column) =>
      cellText(Object.hasOwn(values, column.property) ? values[column.property] : undefined, column),
    );
  });
  const all = binding.header ? [columns.map(({ titles, property }) => titles[0] ?? property), ...rows] : rows;
  return all.map((row) => `${row.map(cell).join(delimiter)}\r\n`).join("");
}

function cellText(value: Json | undefined, { as, empty, truth, pattern, decimalMark }: CsvColumn): string {
  if (value === undefined || value === null) return empty[0] ?? "";
  if (as === "boolean" && truth !== undefined) return value === true ? truth[0] : truth[1];
  if (as === "date" && pattern !== undefined) {
    const [year = "", month = "", day = ""] = String(value as string).split("-");
    const parts: Readonly<Record<string, string>> = {
      yyyy: year,
      MM: month,
      dd: day,
      M: String(Number(month)),
      d: String(Number(day)),
    };
    return pattern.replace(/yyyy|MM?|dd?/g, (token) => parts[token]!);
  }
  const text = typeof value === "string" ? value : JSON.stringify(value);
  const numeric = as === "integer" || as === "bigint" || as === "decimal" || as === "real";
  return numeric && decimalMark !== undefined ? text.replace(".", decimalMark) : text;
}
