/**
 * CSV as rows, streaming, and back (RFC 4180, with any one-character delimiter; UTF-8, with or without a byte order mark).
 *
 * Reading: structure that is lost (an open quote, a row over the limit, text that is no UTF-8) ends the reading with
 * `csv-unreadable`. What concerns one row only (too many cells, a cell over the limit) is reported on that row.
 * Writing: cells that a spreadsheet would take for a formula are defused, unless that is switched off by name.
 */
import { pipeline, Readable } from "node:stream";
import { parse } from "csv-parse";
import { failure } from "../errors.ts";

export interface CsvLimits {
  /** Characters of one row, quotes included. Default 65,536. */
  readonly row?: number;
  /** Characters of one cell. Default 32,768. */
  readonly cell?: number;
  /** Cells of one row. Default 1,000. */
  readonly columns?: number;
}

export interface CsvReading {
  /** Default `","`. */
  readonly delimiter?: string;
  /** Default `"\""`. */
  readonly quote?: string;
  /** Whether the first row names the columns. Default true. */
  readonly header?: boolean;
  /** Called once with the names of the columns, before the first row; what it throws ends the reading. */
  readonly onHeader?: (names: readonly string[]) => void;
  readonly limits?: CsvLimits;
}

export interface CsvRow {
  /** 1 for the first row after the header. */
  readonly row: number;
  /** Line of the file on which the row ends, from 1. */
  readonly line: number;
  readonly cells: readonly string[];
  /** Cells by column name; without a prototype, so that a column may have any name. Empty without a header. */
  readonly record: Readonly<Record<string, string>>;
  /** What is wrong with this row alone. */
  readonly problem?: string;
}

/** Reads rows one by one. Throws `csv-unreadable` (give-up) where reading can't go on. */
export async function* csvRows(
  source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  options: CsvReading = {},
): AsyncGenerator<CsvRow, void, undefined> {
  const limits = { row: 65_536, cell: 32_768, columns: 1_000, ...options.limits };
  const parser = parse({
    delimiter: options.delimiter ?? ",",
    quote: options.quote ?? '"',
    max_record_size: limits.row,
    relax_column_count: true,
    skip_empty_lines: true,
    info: true,
    bom: false,
  });
  pipeline(Readable.from(text(source)), parser, () => {});
  let header: readonly string[] | undefined;
  let row = 0;
  try {
    for await (const entry of parser) {
      const { record: cells, info } = entry as { record: string[]; info: { lines: number } };
      if (header === undefined && options.header !== false) {
        header = headerOf(cells, limits.columns);
        options.onHeader?.(header);
        continue;
      }
      row += 1;
      const problem = problemOf(cells, header, limits);
      yield {
        row,
        line: info.lines,
        cells,
        record: header === undefined || problem !== undefined ? nothing : recordOf(header, cells),
        ...(problem === undefined ? {} : { problem }),
      };
    }
  } catch (error) {
    throw unreadable(error);
  } finally {
    parser.destroy();
  }
  if (header === undefined && options.header !== false)
    throw failure("csv-unreadable", { line: 1, reason: "there is no header row" });
}

const nothing: Readonly<Record<string, string>> = Object.freeze(Object.create(null));

async function* text(source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  for await (const chunk of source) {
    const part = decoder.decode(chunk, { stream: true });
    if (part !== "") yield part;
  }
  const rest = decoder.decode();
  if (rest !== "") yield rest;
}

function headerOf(cells: readonly string[], maxColumns: number): readonly string[] {
  const names = cells.map((cell) => cell.trim());
  const refuse = (reason: string) => failure("csv-unreadable", { line: 1, reason });
  if (names.length > maxColumns) throw refuse(`the header has more than ${maxColumns} columns`);
  const seen = new Set<string>();
  for (const name of names) {
    if (name === "") throw refuse("a column of the header has no name");
    if (seen.has(name)) throw refuse(`the header names the column "${name.slice(0, 80)}" twice`);
    seen.add(name);
  }
  return names;
}

function problemOf(
  cells: readonly string[],
  header: readonly string[] | undefined,
  limits: Required<CsvLimits>,
): string | undefined {
  if (header !== undefined && cells.length !== header.length)
    return `it has ${cells.length} cells, and the header has ${header.length} columns`;
  if (cells.length > limits.columns) return `it has more than ${limits.columns} cells`;
  const long = cells.findIndex((cell) => cell.length > limits.cell);
  return long === -1 ? undefined : `cell ${long + 1} has more than ${limits.cell} characters`;
}

function recordOf(header: readonly string[], cells: readonly string[]): Readonly<Record<string, string>> {
  const record: Record<string, string> = Object.create(null);
  for (let i = 0; i < header.length; i += 1) record[header[i] as string] = cells[i] as string;
  return record;
}

/** Errors of csv-parse and of the decoder; those of the source itself (a broken disk) pass as they are. */
function unreadable(error: unknown): unknown {
  const { code, lines } = error as { code?: string; lines?: number };
  if (code === "ERR_ENCODING_INVALID_ENCODED_DATA")
    return failure("csv-unreadable", { line: "unknown", reason: "the text is not UTF-8" }, { cause: error });
  if (typeof code !== "string" || !(code.startsWith("CSV_") || code === "INVALID_OPENING_QUOTE")) return error;
  const reasons: Readonly<Record<string, string>> = {
    CSV_MAX_RECORD_SIZE: "a row is longer than the limit",
    CSV_QUOTE_NOT_CLOSED: "a quote is opened and never closed",
    INVALID_OPENING_QUOTE: "a quote stands in the middle of a cell",
    CSV_INVALID_CLOSING_QUOTE: "text follows a closing quote",
    CSV_NON_TRIMABLE_CHAR_AFTER_CLOSING_QUOTE: "text follows a closing quote",
  };
  const reason = (Object.hasOwn(reasons, code) ? reasons[code] : undefined) ?? "its structure is broken";
  // The cause would quote the text of the row, which may be sensitive.
  return failure("csv-unreadable", { line: lines ?? "unknown", reason });
}

export interface CsvWriting {
  /** Default `","`. */
  readonly delimiter?: string;
  /**
   * `escape` (default): a text cell that begins with = + - @, a tab or a line break gets a leading `'`, unless it is a plain
   * number. `keep`: written as it is; for readers that are no spreadsheet.
   */
  readonly formulas?: "escape" | "keep";
}

/** One row as a line of text, with CR LF at its end. `null` is an empty cell. */
export function csvLine(cells: readonly (string | number | boolean | null)[], options: CsvWriting = {}): string {
  const delimiter = options.delimiter ?? ",";
  const written = cells.map((cell) => {
    if (cell === null) return "";
    let value = String(cell);
    if (
      typeof cell === "string" &&
      options.formulas !== "keep" &&
      /^[=+\-@\t\r\n\uFF1D\uFF0B\uFF0D\uFF20]/.test(value) &&
      !/^[+-]?\d+(?:\.\d+)?$/.test(value)
    )
      value = `'${value}`;
    const quoted = value.includes(delimiter) || /["\r\n]/.test(value) || value.trim() !== value;
    return quoted ? `"${value.replaceAll('"', '""')}"` : value;
  });
  return `${written.join(delimiter)}\r\n`;
}
