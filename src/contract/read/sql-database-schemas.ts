/**
 * `-- @database file`: opens what was read from a database, and makes a named schema of every table, enumeration and domain,
 * so that the project's code can use them: `warehouse.schemas.Stock`.
 */
import type { JsonSchema } from "../../operation.ts";
import type { DatabaseModel, TableModel } from "../model.ts";
import { Names, typeName } from "./names.ts";
import type { ContractFiles } from "./source.ts";
import type { SqlCatalogue } from "./sql-catalogue.ts";
import { DatabaseCatalogue, readSnapshot } from "./sql-database.ts";
import { databaseType, type NamedTypes } from "./sql-database-types.ts";
import { SqlSchema } from "./sql-schema.ts";
import { sqlParts, unreadable } from "./sql-text.ts";
import { columnType, orNull, type ValueType } from "./sql-types.ts";

const directive = /^[ \t]*--[ \t]*@database[ \t]+(\S+)[ \t]*$/m;

/** The catalogue that the contract names, its schemas added to `schemas`; `undefined` where it names none. */
export async function openCatalogue(
  source: ContractFiles,
  schemas: Map<string, JsonSchema>,
): Promise<SqlCatalogue | undefined> {
  const { path, text } = source.entry;
  const found = directive.exec(text);
  if (found === null) return undefined;
  const line = text.slice(0, found.index).split("\n").length;
  const pinned = await source.read(found[1]!, path, `line ${line}`);
  if (/\.sql$/i.test(pinned.path)) {
    const catalogue = sqliteCatalogue(pinned.path, pinned.text);
    addTables(catalogue.model!, schemas, new Names(), columnType);
    return catalogue;
  }
  const snapshot = readSnapshot(pinned.path, pinned.text);
  try {
    const names = new Names();
    const named = namedTypes(snapshot, names);
    const typeOf = (type: string) => databaseType(snapshot.dialect, type, named);
    for (const [name, type] of Object.entries(snapshot.types)) {
      const own: JsonSchema =
        type.kind === "enum" ? { type: "string", enum: type.values } : (typeOf(type.type)?.schema ?? true);
      schemas.set(named.names.get(name)!, commented(own, type.comment));
    }
    addTables(snapshot, schemas, names, typeOf);
    return new DatabaseCatalogue(snapshot, named);
  } catch (cause) {
    throw unreadable(pinned.path, 1, `it is no schema of a database: ${(cause as Error).message}`);
  }
}

/** What a database holds, from the text of its pinned file. Throws `contract-unreadable`. */
export function databaseModel(file: string, text: string): DatabaseModel {
  if (!/\.sql$/i.test(file)) return readSnapshot(file, text);
  const catalogue = sqliteCatalogue(file, text);
  try {
    return catalogue.model!;
  } finally {
    catalogue.close();
  }
}

function sqliteCatalogue(file: string, text: string): SqlSchema {
  const catalogue = new SqlSchema(true);
  for (const part of sqlParts(file, text)) if (part.kind === "statement") catalogue.define(file, part.statement);
  return catalogue;
}

function namedTypes(
  { types }: DatabaseModel,
  taken: Names,
): NamedTypes & { readonly names: ReadonlyMap<string, string> } {
  const names = new Map(Object.keys(types).map((name) => [name, taken.take(typeName(pascal(name)))]));
  return { types, names, schemaOf: (name) => ({ $ref: `#/$defs/${names.get(name)!}` }) };
}

function addTables(
  { tables }: DatabaseModel,
  schemas: Map<string, JsonSchema>,
  names: Names,
  typeOf: (type: string) => ValueType | undefined,
): void {
  for (const [name, table] of Object.entries(tables))
    schemas.set(names.take(typeName(pascal(name))), rowSchema(table, typeOf));
}

/** A row of the table. A column whose type has no JSON form may be anything. */
function rowSchema(table: TableModel, typeOf: (type: string) => ValueType | undefined): JsonSchema {
  const properties = table.columns.map((column): [string, JsonSchema] => {
    const type = typeOf(column.type)?.schema ?? true;
    const shape = commented(column.nullable ? orNull(type) : type, column.comment);
    const computed = column.generated === "stored" || column.generated === "virtual" || column.generated === "always";
    return [column.name, computed && typeof shape === "object" ? { ...shape, readOnly: true } : shape];
  });
  const row: JsonSchema = {
    type: "object",
    properties: Object.fromEntries(properties),
    required: properties.map(([name]) => name),
    additionalProperties: false,
  };
  return commented(row, table.comment);
}

function commented(schema: JsonSchema, comment: string | undefined): JsonSchema {
  return comment === undefined || typeof schema === "boolean" ? schema : { ...schema, description: comment };
}

/** `order_lines` as `OrderLines`, `sales.orders` as `SalesOrders`. */
function pascal(name: string): string {
  return name.replace(/(?:^|[^A-Za-z0-9]+)([A-Za-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}
