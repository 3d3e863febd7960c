/** Values between JSON and SQLite, exactly: 64-bit integers and decimals are strings in JSON, never rounded. */
import type { SqlAs } from "../../contract/model.ts";
import type { Json } from "../../operation.ts";

/** What node:sqlite takes. */
export type SqlValue = null | number | bigint | string | Uint8Array;

/** A validated JSON value as it is bound. Absent is NULL. */
export function bound(value: Json | undefined, as: SqlAs): SqlValue {
  if (value === undefined || value === null) return null;
  switch (as) {
    case "json":
    case "set":
      return JSON.stringify(value);
    case "bytes":
      return Buffer.from(value as string, "base64");
    case "boolean":
      return value === true ? 1 : 0;
    case "integer":
      // As an integer, not as a double: SQLite would store 3 as 3.0 in a column without a type.
      return typeof value === "number" ? BigInt(value) : String(value as string);
    case "bigint":
      return BigInt(value as string);
    case "real":
      return value as number;
    case "text":
    case "decimal":
    case "instant":
    case "datetime":
      return String(value as string);
  }
}

/** A column's value as JSON. Throws a plain `Error` with the reason where it is not what the contract says. */
export function read(value: unknown, as: SqlAs): Json {
  if (value === null) return null;
  switch (as) {
    case "text":
    case "instant":
    case "datetime":
      if (typeof value === "string") return value;
      if (typeof value === "bigint") return String(value);
      break;
    case "integer":
      if (typeof value === "bigint") {
        if (value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER) return Number(value);
        throw new Error("is an integer beyond 2^53; state its column as bigint");
      }
      break;
    case "bigint":
      if (typeof value === "bigint") return String(value);
      break;
    case "real":
      if (typeof value === "number" && Number.isFinite(value)) return value;
      if (typeof value === "bigint") return Number(value);
      break;
    case "decimal":
      if (typeof value === "bigint") return String(value);
      if (typeof value === "number" && Number.isFinite(value)) return plain(value);
      if (typeof value === "string" && /^-?\d+(?:\.\d+)?$/.test(value)) return value;
      break;
    case "boolean":
      if (value === 0n || value === 1n) return value === 1n;
      break;
    case "bytes":
      if (value instanceof Uint8Array) return Buffer.from(value).toString("base64");
      break;
    case "json":
    case "set":
      if (typeof value === "string") {
        try {
          return JSON.parse(value) as Json;
        } catch {
          throw new Error("is not JSON");
        }
      }
      if (typeof value === "bigint") return Number(value);
      if (typeof value === "number") return value;
      break;
  }
  const kind = value instanceof Uint8Array ? "bytes" : typeof value === "bigint" ? "an integer" : `a ${typeof value}`;
  throw new Error(`is ${kind}, and the contract says ${as}`);
}

/** The shortest decimal that reads back as this double, without an exponent. */
export function plain(value: number): string {
  const text = String(value);
  const found = /^(-?)(\d)(?:\.(\d+))?e([+-]\d+)$/.exec(text);
  if (found === null) return text;
  const [, sign, first, rest = "", exponent] = found as unknown as [string, string, string, string | undefined, string];
  const digits = first + rest;
  const point = 1 + Number(exponent);
  if (point <= 0) return `${sign}0.${"0".repeat(-point)}${digits}`;
  return point >= digits.length
    ? sign + digits + "0".repeat(point - digits.length)
    : `${sign}${digits.slice(0, point)}.${digits.slice(point)}`;
}
