/** The schema of an SQLite file as DDL. The file is opened for reading, and nothing of it is run. */
import { statSync } from "node:fs";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { failure } from "../../errors.ts";
import type { Wanted } from "./introspect.ts";

/** One statement after another, tables first; the same schema gives the same text. Throws `connection-invalid`. */
export function readSqlite(file: string, system: string, wanted: Wanted): string {
  const invalid = (reason: string) => failure("connection-invalid", { system, reason });
  if (!statSync(file, { throwIfNoEntry: false })?.isFile()) throw invalid("its file is not there");
  const sqlite = createRequire(import.meta.url)("node:sqlite") as typeof import("node:sqlite");
  const url = pathToFileURL(file);
  url.search = "?mode=ro";
  let rows: readonly { readonly sql: string; readonly name: string; readonly table: string }[];
  try {
    const database = new sqlite.DatabaseSync(url, { readOnly: true, allowExtension: false });
    try {
      rows = database
        .prepare(
          `select s.sql, s.name, s.tbl_name as "table" from sqlite_schema s left join pragma_table_list l on l.name = s.tbl_name and l.schema = 'main'
           where s.sql is not null and s.name not like 'sqlite\\_%' escape '\\' and s.tbl_name <> 'mortise_effects'
             and coalesce(l.type, 'table') not in ('virtual', 'shadow')
           order by case s.type when 'table' then 1 when 'index' then 2 when 'view' then 3 else 4 end, s.name`,
        )
        .all() as unknown as typeof rows;
    } finally {
      database.close();
    }
  } catch (error) {
    throw invalid((error as Error).message);
  }
  return rows
    .filter(({ table }) => wanted.takes(table))
    .map(({ sql }) => `${sql};\n`)
    .join("\n");
}
