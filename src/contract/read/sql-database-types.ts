/**
 * What the types of PostgreSQL and MySQL (MariaDB) are in JSON. Names are as the databases write them: `numeric(10,2)`,
 * `bigint(20) unsigned`, `timestamp(3) with time zone`, `text[]`.
 *
 * PostgreSQL manual, "Data Types"; MySQL manual, "Data Types"; MariaDB manual, "Data Types".
 */
import type { JsonSchema } from "../../operation.ts";
import type { DatabaseType, SqlDialect } from "../model.ts";
import { orNull, scalars, type ValueType } from "./sql-types.ts";

/** Enumerations and domains by name, with the schema that stands for each: `{"$ref": "#/$defs/OrderStatus"}`. */
export interface NamedTypes {
  readonly types: { readonly [name: string]: DatabaseType };
  schemaOf(name: string): JsonSchema;
}

const text = (schema: Readonly<Record<string, unknown>> = {}): ValueType => ({
  as: "text",
  schema: { type: "string", ...schema },
});
const whole = (minimum: number, maximum: number): ValueType => ({
  as: "integer",
  schema: { type: "integer", minimum, maximum },
});
/** What no signed integer of 64 bits holds. */
const unsignedBig: ValueType = { as: "bigint", schema: { type: "string", pattern: "^[0-9]{1,20}$" } };

/** The type of that name, or `undefined` where no value of it can be had as JSON. */
export function databaseType(dialect: SqlDialect, name: string, named: NamedTypes): ValueType | undefined {
  return dialect === "postgresql" ? postgresType(name, named) : mysqlType(name);
}

/** Domains of domains end somewhere; a broken file may say otherwise. */
const deepest = 16;

function postgresType(name: string, named: NamedTypes, depth = 0): ValueType {
  if (name.endsWith("[]")) {
    const element = postgresType(name.replace(/(\[\])+$/, ""), named, depth);
    return { as: element.as, list: true, schema: { type: "array", items: orNull(element.schema) } };
  }
  const own = Object.hasOwn(named.types, name) ? named.types[name] : undefined;
  if (own?.kind === "enum") return { as: "text", schema: named.schemaOf(name) };
  if (own?.kind === "domain" && depth < deepest) {
    const base = postgresType(own.type, named, depth + 1);
    return { ...base, schema: named.schemaOf(name) };
  }
  const length = /\((\d+)/.exec(name)?.[1];
  const sized = length === undefined ? {} : { maxLength: Number(length) };
  switch (name.replace(/\([^)]*\)/g, "").trim()) {
    case "smallint":
      return whole(-32_768, 32_767);
    case "integer":
      return whole(-2_147_483_648, 2_147_483_647);
    case "oid":
      return whole(0, 4_294_967_295);
    case "bigint":
      return scalars.bigint;
    case "numeric":
      return scalars.decimal;
    case "real":
    case "double precision":
      return scalars.real;
    case "boolean":
      return scalars.boolean;
    case "json":
    case "jsonb":
      return scalars.json;
    case "bytea":
      return scalars.bytes;
    case "uuid":
      return scalars.uuid;
    case "date":
      return scalars.date;
    case "time without time zone":
      return scalars.time;
    case "timestamp without time zone":
      return scalars.localdatetime;
    case "timestamp with time zone":
      return scalars.datetime;
    case "character varying":
    case "character":
      return text(sized);
    default:
      // Everything of PostgreSQL has a text form: intervals (ISO 8601), ranges, networks, composites, money.
      return text();
  }
}

const mysqlIntegers: Readonly<Record<string, number>> = { tinyint: 8, smallint: 16, mediumint: 24, int: 32 };

function mysqlType(name: string): ValueType | undefined {
  const [, word = "", inner = "", after = ""] = /^([a-z0-9]+)(?:\((.*)\))?(.*)$/is.exec(name.trim()) ?? [];
  const base = word.toLowerCase();
  const unsigned = /unsigned|zerofill/i.test(after);
  if (base === "tinyint" && inner === "1" && !unsigned) return scalars.boolean;
  const bits = mysqlIntegers[base];
  if (bits !== undefined) return unsigned ? whole(0, 2 ** bits - 1) : whole(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1);
  const sized = /^\d+$/.test(inner) ? { maxLength: Number(inner) } : {};
  switch (base) {
    case "bigint":
      return unsigned ? unsignedBig : scalars.bigint;
    case "decimal":
      return scalars.decimal;
    case "float":
    case "double":
      return scalars.real;
    case "bit":
      if (inner === "" || inner === "1") return scalars.boolean;
      return Number(inner) <= 53 ? { as: "integer", schema: { type: "integer", minimum: 0 } } : unsignedBig;
    case "enum":
      return text({ enum: quotedList(inner) });
    case "set":
      return { as: "set", schema: { type: "array", items: { type: "string", enum: quotedList(inner) } } };
    case "json":
      return scalars.json;
    case "date":
      return scalars.date;
    case "time":
      return scalars.time;
    case "datetime":
      return scalars.localdatetime;
    case "timestamp":
      return scalars.datetime;
    case "year":
      return { as: "integer", schema: { type: "integer" } };
    case "uuid":
      return scalars.uuid;
    case "char":
    case "varchar":
      return text(sized);
    case "tinytext":
    case "text":
    case "mediumtext":
    case "longtext":
    case "inet4":
    case "inet6":
      return text();
    case "binary":
    case "varbinary":
    case "tinyblob":
    case "blob":
    case "mediumblob":
    case "longblob":
      return scalars.bytes;
    default:
      return undefined;
  }
}

/** `'a','it''s'` as a list. */
function quotedList(list: string): string[] {
  return [...list.matchAll(/'((?:[^']|'')*)'/g)].map(([, value]) => value!.replaceAll("''", "'"));
}
