/**
 * Reads the description of CSV files: metadata of "CSV on the Web" (W3C, "Metadata Vocabulary for Tabular Data", 2015), a
 * useful part of it: one table or a group, its dialect, its columns with names, titles, datatypes, `required` and `null`.
 * Each table becomes one event whose payload is a row. Two words of our own: `mortise:event` names the event (default: from the
 * file name) and `mortise:correlation` the column whose value says whom it concerns.
 */
import { failure, type MortiseError } from "../../errors.ts";
import { type JsonSchema, pointerToken } from "../../operation.ts";
import { type ContractModel, type CsvColumn, type EventModel, frozen } from "../model.ts";
import { parseFile } from "./document.ts";
import { camelCase, memberNames } from "./names.ts";
import type { ContractFiles } from "./source.ts";

type Members = Readonly<Record<string, unknown>>;

interface Datatype {
  readonly as: CsvColumn["as"];
  readonly schema: { readonly [keyword: string]: unknown };
}

/** Of one table. */
const mostColumns = 10_000;

const string: Datatype = { as: "text", schema: { type: "string" } };
const integer: Datatype = { as: "integer", schema: { type: "integer" } };
const bigint: Datatype = { as: "bigint", schema: { type: "string", format: "int64" } };
const decimal: Datatype = { as: "decimal", schema: { type: "string", format: "decimal" } };
const real: Datatype = { as: "real", schema: { type: "number" } };
const datetime: Datatype = { as: "datetime", schema: { type: "string", format: "date-time" } };

/** Section 5.11.1 of the vocabulary: the built-in datatypes, as far as they are understood. */
const datatypes: Readonly<Record<string, Datatype>> = {
  string,
  anyURI: string,
  normalizedString: string,
  token: string,
  any: string,
  integer,
  int: integer,
  short: integer,
  byte: integer,
  unsignedInt: { as: "integer", schema: { type: "integer", minimum: 0 } },
  unsignedShort: { as: "integer", schema: { type: "integer", minimum: 0 } },
  unsignedByte: { as: "integer", schema: { type: "integer", minimum: 0 } },
  nonNegativeInteger: { as: "integer", schema: { type: "integer", minimum: 0 } },
  positiveInteger: { as: "integer", schema: { type: "integer", minimum: 1 } },
  long: bigint,
  decimal,
  number: real,
  double: real,
  float: real,
  boolean: { as: "boolean", schema: { type: "boolean" } },
  date: { as: "date", schema: { type: "string", format: "date" } },
  datetime,
  dateTime: datetime,
  dateTimeStamp: datetime,
};

/** Reads the description that `source` was opened on. Rejects with `contract-unreadable`: file, place and reason. */
export function readCsv(source: ContractFiles, name: string): Promise<ContractModel> {
  return Promise.resolve(new CsvReader(source).read(name));
}

class CsvReader {
  readonly #source: ContractFiles;
  readonly #parsed: ReturnType<typeof parseFile>;

  constructor(source: ContractFiles) {
    this.#source = source;
    this.#parsed = parseFile(source.entry);
  }

  read(name: string): ContractModel {
    const top = this.#members(this.#parsed.value, "");
    const tables = top.tables === undefined ? [{ at: "", table: top }] : this.#tables(top.tables);
    const names = memberNames();
    const events: Record<string, EventModel> = Object.create(null);
    for (const { at, table } of tables) {
      const event = this.#event(table, at, top);
      if (names.take(event.name) !== event.name) throw this.#bad(at, `the event "${event.name}" stands twice`);
      events[event.name] = event;
    }
    const title = text(top["dc:title"]);
    return frozen<ContractModel>({
      format: 1,
      name,
      source: {
        language: "csv",
        languageVersion: "csvw-2015",
        ...(title === undefined ? {} : { title }),
        files: this.#source.files().map(({ path, sha256 }) => ({ path, sha256 })),
      },
      operations: {},
      events: { ...events },
      schemas: {},
      servers: [],
    });
  }

  #tables(value: unknown): { at: string; table: Members }[] {
    if (!Array.isArray(value) || value.length === 0) throw this.#bad("/tables", "it is not a list of tables");
    return value.map((table, i) => ({ at: `/tables/${i}`, table: this.#members(table, `/tables/${i}`) }));
  }

  #event(table: Members, at: string, top: Members): EventModel {
    const { url } = table;
    if (typeof url !== "string" || url === "" || /[/\\\0]/.test(url))
      throw this.#bad(`${at}/url`, "it must be a file name without a folder, such as shipments-*.csv");
    const dialect = this.#dialect(this.#members(table.dialect ?? top.dialect ?? {}, `${at}/dialect`), `${at}/dialect`);
    const schemaAt = `${at}/tableSchema`;
    const tableSchema = this.#members(table.tableSchema ?? top.tableSchema, schemaAt);
    const listed = tableSchema.columns;
    if (!Array.isArray(listed) || listed.length === 0) throw this.#bad(`${schemaAt}/columns`, "there are no columns");
    if (listed.length > mostColumns)
      throw this.#bad(`${schemaAt}/columns`, `there are more than ${mostColumns} columns`);
    const read = listed.map((column, i) => this.#column(column, `${schemaAt}/columns/${i}`));
    const properties = read.map(({ column }) => column.property);
    const seen = new Set<string>();
    const doubled = properties.findIndex((property) => seen.size === seen.add(property).size);
    if (doubled !== -1)
      throw this.#bad(`${schemaAt}/columns/${doubled}`, `the column "${properties[doubled]!}" stands twice`);
    const own = text(table["mortise:event"]);
    if (own !== undefined && !/^[A-Za-z_$][\w$]*$/.test(own))
      throw this.#bad(`${at}/mortise:event`, "it is no name, such as shipped");
    const correlation = text(table["mortise:correlation"]);
    if (correlation !== undefined && !properties.includes(correlation))
      throw this.#bad(`${at}/mortise:correlation`, `there is no column "${correlation}"`);
    const summary = text(table["dc:title"]);
    const description = text(table["dc:description"]);
    return {
      name: own ?? camelCase(url.replace(/\.[A-Za-z0-9]+$/, "").replaceAll("*", " ")),
      ...(summary === undefined ? {} : { summary }),
      ...(description === undefined ? {} : { description }),
      payload: {
        type: "object",
        properties: Object.fromEntries(read.map(({ column, schema }) => [column.property, schema])),
        required: read.filter(({ column }) => column.required).map(({ column }) => column.property),
        additionalProperties: false,
      },
      ...(correlation === undefined ? {} : { correlation: `/${pointerToken(correlation)}` }),
      binding: { protocol: "csv", files: url, ...dialect, columns: read.map(({ column }) => column) },
    };
  }

  #dialect(dialect: Members, at: string): { delimiter: string; quote: string; header: boolean } {
    const { delimiter = ",", quoteChar = '"', header = true, encoding = "utf-8" } = dialect;
    if (typeof delimiter !== "string" || delimiter.length !== 1)
      throw this.#bad(`${at}/delimiter`, "it must be one character");
    if (typeof quoteChar !== "string" || quoteChar.length !== 1)
      throw this.#bad(`${at}/quoteChar`, "it must be one character");
    if (typeof encoding !== "string" || !/^utf-?8$/i.test(encoding))
      throw this.#bad(`${at}/encoding`, "only utf-8 is read");
    for (const name of ["skipRows", "skipColumns", "commentPrefix", "doubleQuote"] as const) {
      const value = dialect[name];
      if (value !== undefined && value !== 0 && value !== null && value !== true)
        throw this.#bad(`${at}/${name}`, "it is not understood; leave it out");
    }
    const { headerRowCount = header === false ? 0 : 1 } = dialect;
    if (headerRowCount !== 0 && headerRowCount !== 1)
      throw this.#bad(`${at}/headerRowCount`, "a file has one header row, or none");
    return { delimiter, quote: quoteChar, header: headerRowCount === 1 };
  }

  #column(value: unknown, at: string): { column: CsvColumn; schema: JsonSchema } {
    const column = this.#members(value, at);
    for (const name of ["separator", "virtual"] as const)
      if (column[name] !== undefined && column[name] !== false)
        throw this.#bad(`${at}/${name}`, "it is not understood");
    const titles = titlesOf(column.titles);
    const name = text(column.name) ?? titles[0];
    if (name === undefined) throw this.#bad(`${at}/name`, "the column has no name");
    if (name.startsWith("_"))
      throw this.#bad(`${at}/name`, `"${name.slice(0, 100)}" begins with "_", which CSVW keeps for itself`);
    const stated = column.datatype ?? "string";
    const datatype = typeof stated === "string" ? { base: stated } : this.#members(stated, `${at}/datatype`);
    const base = text(datatype.base) ?? "string";
    const known = Object.hasOwn(datatypes, base) ? datatypes[base] : undefined;
    if (known === undefined)
      throw this.#bad(`${at}/datatype`, `"${base}" is not understood: ${Object.keys(datatypes).join(", ")}`);
    const description = text(column["dc:description"]);
    return {
      column: {
        titles: titles.includes(name) ? titles : [...titles, name],
        property: name,
        as: known.as,
        required: column.required === true,
        empty: column.null === undefined ? [""] : titlesOf(column.null),
        ...this.#format(datatype.format, known.as, `${at}/datatype/format`),
      },
      schema: {
        ...known.schema,
        ...limits(datatype, known.schema.type),
        ...(description === undefined ? {} : { description }),
      },
    };
  }

  #format(
    format: unknown,
    as: CsvColumn["as"],
    at: string,
  ): Pick<CsvColumn, "truth" | "pattern" | "decimalMark" | "groupMark"> {
    if (format === undefined) return {};
    if (as === "boolean") {
      const parts = typeof format === "string" ? format.split("|") : [];
      if (parts.length !== 2 || parts[0] === parts[1]) throw this.#bad(at, 'it is written "Y|N"');
      return { truth: [parts[0]!, parts[1]!] };
    }
    if (as === "date") {
      if (typeof format !== "string" || !/^(?:yyyy|MM?|dd?)(?:[-/. ]?(?:yyyy|MM?|dd?)){2}$/.test(format))
        throw this.#bad(at, "it is not understood; write for example dd.MM.yyyy");
      return { pattern: format };
    }
    if (as === "decimal" || as === "real" || as === "integer" || as === "bigint") {
      const { decimalChar, groupChar } = this.#members(format, at);
      for (const mark of [decimalChar, groupChar])
        if (mark !== undefined && (typeof mark !== "string" || mark.length !== 1))
          throw this.#bad(at, "decimalChar and groupChar are one character");
      return {
        ...(decimalChar === undefined ? {} : { decimalMark: decimalChar as string }),
        ...(groupChar === undefined ? {} : { groupMark: groupChar as string }),
      };
    }
    throw this.#bad(at, "a format is understood for booleans, dates and numbers only");
  }

  #members(value: unknown, at: string): Members {
    if (typeof value !== "object" || value === null || Array.isArray(value)) throw this.#bad(at, "it is not an object");
    return value as Members;
  }

  #bad(at: string, reason: string): MortiseError {
    const place = `${at === "" ? "the top" : at}${this.#parsed.position(at)}`;
    return failure("contract-unreadable", { file: this.#source.entry.path, place, reason });
  }
}

function text(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

/** A natural-language property (section 5.1.6): a text, a list, or texts by language. */
function titlesOf(value: unknown): readonly string[] {
  if (typeof value === "string") return [value];
  if (Array.isArray(value)) return value.filter((item) => typeof item === "string");
  if (typeof value === "object" && value !== null) return Object.values(value).flatMap(titlesOf);
  return [];
}

/** Section 5.11.2: constraints of a datatype that mean the same in JSON Schema. */
function limits(datatype: Members, type: unknown): Record<string, number> {
  const result: Record<string, number> = {};
  const wanted =
    type === "string"
      ? { minLength: "minLength", maxLength: "maxLength" }
      : { minimum: "minimum", maximum: "maximum", minInclusive: "minimum", maxInclusive: "maximum" };
  for (const [from, to] of Object.entries(wanted)) {
    const value = Number(datatype[from] ?? Number.NaN);
    if (Number.isFinite(value)) result[to] = value;
  }
  return result;
}
