/**
 * The catalogue of a contract whose schema was read from PostgreSQL or MySQL (MariaDB): the pinned file `database.json`. It holds
 * tables and types, and what the database said of each statement when it was asked (connectors/sql/introspect.ts writes it);
 * nothing here connects to anything.
 */
import { parseJson } from "../../formats/json.ts";
import type { DatabaseModel, SqlDialect } from "../model.ts";
import type { Prepared, SqlCatalogue } from "./sql-catalogue.ts";
import { databaseType, type NamedTypes } from "./sql-database-types.ts";
import { positional, type Statement, unreadable, word } from "./sql-text.ts";
import type { ValueType } from "./sql-types.ts";

/** What the database says of a statement that it prepared. */
export interface StatementFacts {
  /** With the database's own marks: `$1`, `?`. */
  readonly sql: string;
  /** Types of the parameters by place; `null`: it does not tell. */
  readonly parameters: readonly (string | null)[];
  /** `type` is `null` where it can't be told; `table` and `column`: what stands behind it. */
  readonly columns: readonly {
    readonly name: string;
    readonly type: string | null;
    readonly table?: string;
    readonly column?: string;
  }[];
}

/** The text of `database.json`. */
export interface DatabaseSnapshot extends DatabaseModel {
  readonly format: 1;
  readonly dialect: "postgresql" | "mysql";
  readonly statements: readonly StatementFacts[];
  /** What the reading was restricted to: a later one is, too. */
  readonly only?: { readonly schemas?: readonly string[]; readonly tables?: readonly string[] };
}

/** The dialect that a pinned file states. `.sql`: SQLite's own DDL. Throws `contract-unreadable`. */
export function readSnapshot(file: string, text: string): DatabaseSnapshot {
  const odd = (reason: string) => unreadable(file, 1, `${reason}; restore it from git, or read the database again`);
  let read: unknown;
  try {
    read = parseJson(text, { maxBytes: 64 * 1024 * 1024, maxItems: 5_000_000, maxKeys: 100_000 });
  } catch (cause) {
    throw odd((cause as Error).message);
  }
  const isMap = (value: unknown): value is Readonly<Record<string, unknown>> =>
    typeof value === "object" && value !== null && !Array.isArray(value);
  if (!isMap(read) || read.format !== 1) throw odd("it is no schema of a database in a known format");
  if (read.dialect !== "postgresql" && read.dialect !== "mysql")
    throw odd("its dialect is neither postgresql nor mysql");
  if (!isMap(read.tables) || !isMap(read.types) || !Array.isArray(read.statements))
    throw odd("a part of it is missing");
  const tables = Object.values(read.tables).every((table) => isMap(table) && Array.isArray(table.columns));
  if (!tables) throw odd("a table of it has no columns");
  return read as unknown as DatabaseSnapshot;
}

const verbs: Readonly<Record<Exclude<SqlDialect, "sqlite">, RegExp>> = {
  postgresql: /^(select|with|values|insert|update|delete|merge|call)$/,
  mysql: /^(select|with|values|insert|update|delete|replace|call)$/,
};

export class DatabaseCatalogue implements SqlCatalogue {
  readonly dialect: "postgresql" | "mysql";
  readonly model: DatabaseModel;
  readonly #snapshot: DatabaseSnapshot;
  readonly #named: NamedTypes;
  readonly #statements: ReadonlyMap<string, StatementFacts>;

  constructor(snapshot: DatabaseSnapshot, named: NamedTypes) {
    const { dialect, server, tables, types } = snapshot;
    this.dialect = dialect;
    this.model = { dialect, server, tables, types };
    this.#snapshot = snapshot;
    this.#named = named;
    this.#statements = new Map(snapshot.statements.map((facts) => [facts.sql, facts]));
  }

  prepare(file: string, statement: Statement): Prepared {
    const { tokens, line } = statement;
    checkStatement(file, statement, this.dialect);
    const facts = this.#facts(statement);
    if (facts === undefined)
      throw unreadable(
        file,
        line,
        "the database was not asked about this statement yet; ask it with: mortise add <system> <database> --replace",
      );
    const verb = word(tokens, 0);
    const writes =
      !/^(select|with|values)$/.test(verb) ||
      // What a WITH may hold, and SELECT ... FOR UPDATE. MySQL has a function INSERT().
      tokens.some(
        ({ kind, text }, i) =>
          kind === "word" && /^(insert|update|delete|merge)$/i.test(text) && tokens[i + 1]?.text !== "(",
      );
    if (writes) this.#mustRollBack(file, statement);
    return {
      writes,
      columns: facts.columns.map(({ name, type, table, column }) => {
        const behind = table === undefined ? undefined : this.#table(table);
        const own = behind?.columns.find((one) => one.name === column);
        // The protocols tell less than the table knows: domains, members of an enumeration, MariaDB's JSON.
        const known = own?.type ?? type;
        const found = known === null ? undefined : databaseType(this.dialect, known, this.#named);
        const notNull = own?.nullable === false;
        return {
          name,
          notNull: notNull && behind?.kind === "table",
          ...(found === undefined ? {} : { type: found }),
          ...(table === undefined ? {} : { table: table.split(".").at(-1)! }),
        };
      }),
    };
  }

  parameterType(statement: Statement, name: string): ValueType | undefined {
    const place = positional(statement, this.dialect).names.indexOf(name);
    const type = place === -1 ? null : (this.#facts(statement)?.parameters[place] ?? null);
    return type === null ? undefined : databaseType(this.dialect, type, this.#named);
  }

  typeOf(column: string, table?: string): ValueType | undefined {
    const own = table === undefined ? undefined : this.#table(table);
    const found = (own === undefined ? Object.values(this.#snapshot.tables) : [own])
      .flatMap(({ columns }) => columns.filter(({ name }) => name.toLowerCase() === column.toLowerCase()))
      .map(({ type }) => databaseType(this.dialect, type, this.#named));
    const first = found[0];
    if (first === undefined) return undefined;
    return found.every((type) => type?.as === first.as && type.list === first.list) ? first : undefined;
  }

  columnsOf(table: string): readonly string[] {
    return (this.#table(table)?.columns ?? []).map(({ name }) => name);
  }

  close(): void {}

  #facts(statement: Statement): StatementFacts | undefined {
    return this.#statements.get(positional(statement, this.dialect).sql);
  }

  #table(name: string) {
    const { tables } = this.#snapshot;
    if (Object.hasOwn(tables, name)) return tables[name];
    const wanted = name.toLowerCase();
    const found = Object.keys(tables).find(
      (one) => one.toLowerCase() === wanted || one.toLowerCase().endsWith(`.${wanted}`),
    );
    return found === undefined ? undefined : tables[found];
  }

  /** A table without transactions keeps what was written to it when the rest is taken back. */
  #mustRollBack(file: string, { tokens, line }: Statement): void {
    for (const { kind, text } of tokens) {
      if (kind !== "word" && kind !== "quoted") continue;
      const table = Object.hasOwn(this.#snapshot.tables, text) ? this.#snapshot.tables[text] : undefined;
      if (table?.transactional === false)
        throw unreadable(file, line, `the table ${text} takes no part in transactions; have it changed to InnoDB`);
    }
  }
}

/** Throws `contract-unreadable` where a statement is of a kind that no operation may run. */
export function checkStatement(file: string, { tokens, line }: Statement, dialect: "postgresql" | "mysql"): void {
  if (!verbs[dialect].test(word(tokens, 0)))
    throw unreadable(file, line, `an operation may not run "${tokens[0]!.text.slice(0, 40)}"`);
  const reaching = tokens.find(
    ({ kind, text }) => kind === "word" && dialect === "mysql" && /^(outfile|dumpfile|load_file)$/i.test(text),
  );
  if (reaching !== undefined) throw unreadable(file, line, `an operation may not reach out with "${reaching.text}"`);
}
