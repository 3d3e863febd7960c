/** What a reader of statements asks: SQLite in memory (sql-schema.ts), or what was read from a database (sql-database.ts). */
import type { DatabaseModel, SqlDialect } from "../model.ts";
import type { Statement } from "./sql-text.ts";
import type { ValueType } from "./sql-types.ts";

/** One column of a statement's answer. */
export interface AnswerColumn {
  readonly name: string;
  /** Absent: it can't be told. */
  readonly type?: ValueType;
  /** As declared; an outer join or a view may make it null all the same. */
  readonly notNull: boolean;
  /** The table behind it; absent: an expression. */
  readonly table?: string;
}

export interface Prepared {
  readonly writes: boolean;
  readonly columns: readonly AnswerColumn[];
}

export interface SqlCatalogue {
  readonly dialect: SqlDialect;
  /** What was read from a database; absent where the contract states its own tables. */
  readonly model?: DatabaseModel;
  /** Prepares, and never runs, one statement of an operation. Throws `contract-unreadable`. */
  prepare(file: string, statement: Statement): Prepared;
  /** What the database itself says of `:name`; `undefined` where it says nothing. */
  parameterType(statement: Statement, name: string): ValueType | undefined;
  /** The type that every column of this name has (in `table`, or in all); `undefined` where there is none, or where they differ. */
  typeOf(column: string, table?: string): ValueType | undefined;
  /** Names of the table's columns in order: what an insert without a column list fills. */
  columnsOf(table: string): readonly string[];
  close(): void;
}
