/**
 * The schema of a SQL contract, built in an empty SQLite database in memory. The statements are untrusted: only `CREATE`,
 * `ALTER` and `DROP` of tables, indexes, views and triggers run, and an authorizer refuses everything that reaches out of the database.
 */
import { DatabaseSync } from "node:sqlite";
import type { DatabaseModel } from "../model.ts";
import type { AnswerColumn, Prepared, SqlCatalogue } from "./sql-catalogue.ts";
import { sqliteModel } from "./sql-sqlite-model.ts";
import { type Statement, unreadable, word } from "./sql-text.ts";
import { columnType, type ValueType } from "./sql-types.ts";

interface ColumnFacts {
  readonly declared: string;
  readonly notNull: boolean;
}

/** What the type package of the oldest supported Node does not know yet. */
interface Guarded {
  setAuthorizer(decide: (action: number, first: string | null, second: string | null) => number): void;
}

/** Results and actions of an authorizer: https://www.sqlite.org/c3ref/c_alter_table.html */
const sqlite = {
  ok: 0,
  deny: 1,
  delete: 9,
  insert: 18,
  pragma: 19,
  select: 21,
  transaction: 22,
  update: 23,
  attach: 24,
  detach: 25,
  createVtable: 29,
  function: 31,
  savepoint: 32,
  recursive: 33,
} as const;

/** Answers for the schema of one contract. Close it after reading. */
export class SqlSchema implements SqlCatalogue {
  readonly dialect = "sqlite";
  readonly #database: DatabaseSync;
  readonly #whole: boolean;
  /** Table (lower case) to column (lower case) to facts. */
  readonly #tables = new Map<string, Map<string, ColumnFacts>>();
  #writes = false;
  /** What the authorizer lets through: schema statements, nothing but preparing, or our own reading of the schema. */
  #phase: "schema" | "alter" | "prepare" | "own" = "own";

  /** `whole`: these are the tables of a database that is there, not only what the contract's author wrote down. */
  constructor(whole = false) {
    this.#whole = whole;
    this.#database = new DatabaseSync(":memory:", { enableDoubleQuotedStringLiterals: false, allowExtension: false });
    (this.#database as unknown as Guarded).setAuthorizer((action, first, second) => this.#allow(action, first, second));
  }

  /** Runs one statement of the schema. */
  define(file: string, statement: Statement): void {
    const { tokens, line } = statement;
    const verb = word(tokens, 0);
    const words = tokens.slice(1, 4).map((_, i) => word(tokens, i + 1));
    const kind = words.find((name) => /^(table|index|view|trigger|virtual)$/.test(name));
    if (!/^(create|alter|drop)$/.test(verb) || kind === undefined || kind === "virtual")
      throw unreadable(
        file,
        line,
        `"${tokens[0]!.text.slice(0, 40)} ..." is neither a table, index, view or trigger of the schema nor part of an operation (-- @operation name)`,
      );
    this.#phase = verb === "alter" ? "alter" : "schema";
    try {
      this.#database.exec(statement.sql);
    } catch (cause) {
      throw unreadable(file, line, `SQLite refuses it: ${(cause as Error).message}`);
    } finally {
      this.#phase = "own";
      this.#tables.clear();
    }
  }

  /** Prepares, and never runs, one statement of an operation. */
  prepare(file: string, statement: Statement): Prepared {
    const verb = word(statement.tokens, 0);
    if (!/^(select|with|insert|update|delete|replace|values)$/.test(verb))
      throw unreadable(file, statement.line, `an operation may not run "${statement.tokens[0]!.text.slice(0, 40)}"`);
    this.#writes = false;
    this.#phase = "prepare";
    try {
      const prepared = this.#database.prepare(statement.sql);
      const columns = prepared.columns().map(({ name, table, column }): AnswerColumn => {
        const facts = table === null || column === null ? undefined : this.#column(table, column);
        if (facts === undefined || table === null) return { name, notNull: false };
        const type = columnType(facts.declared);
        return { name, table, notNull: facts.notNull, ...(type === undefined ? {} : { type }) };
      });
      return { writes: this.#writes, columns };
    } catch (cause) {
      throw unreadable(file, statement.line, `SQLite refuses it: ${(cause as Error).message}`);
    } finally {
      this.#phase = "own";
    }
  }

  get model(): DatabaseModel | undefined {
    this.#phase = "own";
    return this.#whole ? sqliteModel(this.#database) : undefined;
  }

  /** SQLite's parameters have no types. */
  parameterType(): undefined {}

  /**
   * The type that every column of this name has (in `table`, or in the whole schema); `undefined` where there is none, or
   * where they differ.
   */
  typeOf(column: string, table?: string): ValueType | undefined {
    const tables = this.#load();
    const own = table === undefined ? undefined : tables.get(table.toLowerCase());
    const found = (own === undefined ? [...tables.values()] : [own])
      .map((columns) => columns.get(column.toLowerCase()))
      .filter((facts) => facts !== undefined)
      .map((facts) => columnType(facts.declared));
    const first = found[0];
    if (first === undefined || found.some((type) => type?.as !== first.as)) return undefined;
    return first;
  }

  /** Names of the table's columns in order: what an insert without a column list fills. */
  columnsOf(table: string): readonly string[] {
    return [...(this.#load().get(table.toLowerCase())?.keys() ?? [])];
  }

  close(): void {
    this.#database.close();
  }

  #column(table: string, column: string): ColumnFacts | undefined {
    const phase = this.#phase;
    const facts = this.#load().get(table.toLowerCase())?.get(column.toLowerCase());
    this.#phase = phase;
    return facts;
  }

  #load(): ReadonlyMap<string, ReadonlyMap<string, ColumnFacts>> {
    if (this.#tables.size > 0) return this.#tables;
    this.#phase = "own";
    const rows = this.#database
      .prepare(
        `select t.name as "table", c.name as name, c.type as "declared", c."notnull" as "notNull", c.pk as pk
         from sqlite_schema as t join pragma_table_xinfo(t.name) as c where t.type in ('table', 'view') order by t.name, c.cid`,
      )
      .all() as { table: string; name: string; declared: string; notNull: number; pk: number }[];
    for (const row of rows) {
      const table = row.table.toLowerCase();
      const columns = this.#tables.get(table) ?? new Map<string, ColumnFacts>();
      // An INTEGER PRIMARY KEY is the row's number and never null, whatever is declared.
      const rowId = row.pk === 1 && row.declared.toLowerCase() === "integer";
      columns.set(row.name.toLowerCase(), { declared: row.declared, notNull: row.notNull === 1 || rowId });
      this.#tables.set(table, columns);
    }
    return this.#tables;
  }

  #allow(action: number, first: string | null, second: string | null): number {
    if (this.#phase === "own") return sqlite.ok;
    switch (action) {
      case sqlite.attach:
      case sqlite.detach:
      case sqlite.pragma:
      case sqlite.transaction:
      case sqlite.savepoint:
      case sqlite.createVtable:
        return sqlite.deny;
      case sqlite.function:
        return /^(load_extension|readfile|writefile|edit|fts\w*_tokenizer)$/i.test(second ?? "")
          ? sqlite.deny
          : sqlite.ok;
      case sqlite.select:
      case sqlite.recursive:
        // CREATE TABLE ... AS SELECT would run a query of any length.
        return this.#phase === "schema" ? sqlite.deny : sqlite.ok;
      case sqlite.insert:
      case sqlite.update:
      case sqlite.delete:
        if (this.#phase === "prepare") {
          if (/^sqlite_/i.test(first ?? "")) return sqlite.deny;
          this.#writes = true;
        }
        return sqlite.ok;
      default:
        return sqlite.ok;
    }
  }
}
