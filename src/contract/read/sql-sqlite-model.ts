/** What an SQLite database holds, by its own pragmas: https://www.sqlite.org/pragma.html */
import type { DatabaseSync } from "node:sqlite";
import type { DatabaseModel, TableColumn, TableModel } from "../model.ts";

interface ColumnRow {
  readonly name: string;
  readonly type: string;
  readonly notnull: number;
  readonly dflt_value: string | null;
  readonly pk: number;
  /** 2: virtual, 3: stored generated column. */
  readonly hidden: number;
}

export function sqliteModel(database: DatabaseSync): DatabaseModel {
  const all = <T>(sql: string, ...values: string[]): readonly T[] => database.prepare(sql).all(...values) as T[];
  const tables = all<{ name: string; type: "table" | "view" }>(
    "select name, type from sqlite_schema where type in ('table', 'view') and name not like 'sqlite\\_%' escape '\\' order by name",
  );
  const tableOf = ({ name, type }: { name: string; type: "table" | "view" }): TableModel => {
    const rows = all<ColumnRow>("select * from pragma_table_xinfo(?) where hidden <> 1 order by cid", name);
    const keys = rows.filter(({ pk }) => pk > 0).sort((a, b) => a.pk - b.pk);
    const columns = rows.map((row): TableColumn => {
      const rowId = row.pk === 1 && keys.length === 1 && row.type.toLowerCase() === "integer";
      return {
        name: row.name,
        type: row.type,
        nullable: row.notnull === 0 && !rowId,
        ...(row.dflt_value === null ? {} : { default: row.dflt_value }),
        ...(row.hidden === 2 ? { generated: "virtual" as const } : {}),
        ...(row.hidden === 3 ? { generated: "stored" as const } : {}),
        ...(rowId ? { generated: "identity" as const } : {}),
      };
    });
    const unique = all<{ name: string }>(
      "select name from pragma_index_list(?) where origin = 'u' and partial = 0 order by name",
      name,
    ).map((index) =>
      all<{ name: string }>("select name from pragma_index_info(?) order by seqno", index.name).map((one) => one.name),
    );
    const foreign = Map.groupBy(
      all<{ id: number; table: string; from: string; to: string | null }>(
        "select * from pragma_foreign_key_list(?) order by id desc, seq",
        name,
      ),
      ({ id }) => id,
    );
    const references = [...foreign.values()].map((parts) => ({
      columns: parts.map(({ from }) => from),
      table: parts[0]!.table,
      to: parts.flatMap(({ to }) => (to === null ? [] : [to])),
    }));
    return {
      kind: type,
      columns,
      ...(keys.length === 0 ? {} : { primaryKey: keys.map((key) => key.name) }),
      ...(unique.length === 0 ? {} : { unique }),
      ...(references.length === 0 ? {} : { references }),
    };
  };
  return {
    dialect: "sqlite",
    server: "SQLite 3",
    tables: Object.fromEntries(tables.map((table) => [table.name, tableOf(table)])),
    types: {},
  };
}
