/** Values between JSON and what `mysql2` takes and gives, exactly. */
import type { createConnection, TypedParameter } from "mysql2";
import type { SqlAs } from "../../contract/model.ts";
import type { Json } from "../../operation.ts";
import { readJson } from "./postgres-values.ts";

export interface Mysql {
  readonly createConnection: typeof createConnection;
  readonly TypedParameter: typeof TypedParameter;
}

const largestSigned = 2n ** 63n - 1n;

/** A validated JSON value as it is bound. Absent is NULL. */
export function bound({ TypedParameter: typed }: Mysql, value: Json | undefined, as: SqlAs, list: boolean): unknown {
  if (value === undefined || value === null) return null;
  if (list) return JSON.stringify(value);
  switch (as) {
    case "integer":
    case "bigint": {
      const number = BigInt(value as number | string);
      return number > largestSigned ? typed.LONGLONG.unsigned(number) : typed.LONGLONG(number);
    }
    case "boolean":
      return typed.TINY(value === true ? 1 : 0);
    case "decimal":
      return typed.NEWDECIMAL(value as string);
    case "real":
      return typed.DOUBLE(value as number);
    case "bytes":
      return Buffer.from(value as string, "base64");
    case "json":
      return JSON.stringify(value);
    case "set":
      return (value as readonly string[]).join(",");
    case "datetime":
      return (value as string).replace("T", " ");
    case "instant":
      return inUtc(value as string);
    case "text":
      return String(value as string);
  }
}

/** RFC 3339 as MySQL writes a time in UTC, with all of its fraction. */
function inUtc(text: string): string {
  const fraction = /\.\d+/.exec(text)?.[0] ?? "";
  const whole = new Date(text.replace(fraction, ""));
  if (Number.isNaN(whole.getTime())) throw new RangeError("it is no time of RFC 3339");
  return `${whole.toISOString().slice(0, 19).replace("T", " ")}${fraction}`;
}

/** What the driver gives as JSON. Throws a plain `Error` with the reason where it is not what the contract says. */
export function read(value: unknown, as: SqlAs, list: boolean): Json {
  if (value === null || value === undefined) return null;
  const bytes = value instanceof Uint8Array;
  switch (list ? "json" : as) {
    case "text":
      if (typeof value === "string") return value;
      if (typeof value === "number" || typeof value === "bigint") return String(value);
      break;
    case "integer": {
      const number = bytes ? Number(bits(value)) : Number(value);
      if (!bytes && !(typeof value === "number" || (typeof value === "string" && /^-?\d+$/.test(value)))) break;
      if (Number.isSafeInteger(number)) return number;
      if (Number.isInteger(number)) throw new Error("is an integer beyond 2^53; state its column as bigint");
      break;
    }
    case "bigint":
      if (bytes) return String(bits(value));
      if (typeof value === "string" && /^-?\d+$/.test(value)) return value;
      if (typeof value === "number" && Number.isSafeInteger(value)) return String(value);
      break;
    case "decimal":
      if (typeof value === "string" && /^-?\d+(?:\.\d+)?$/.test(value)) return value;
      if (typeof value === "number" && Number.isSafeInteger(value)) return String(value);
      break;
    case "real":
      if (typeof value === "number" && Number.isFinite(value)) return value;
      if (typeof value === "string" && /^-?\d+(?:\.\d+)?(?:e[+-]?\d+)?$/i.test(value)) return Number(value);
      break;
    case "boolean": {
      const number = bytes ? Number(bits(value)) : Number(value);
      if (number === 0 || number === 1) return number === 1;
      if (typeof value === "number") throw new Error("is a number other than 0 and 1; state its column as integer");
      break;
    }
    case "bytes":
      if (bytes) return Buffer.from(value).toString("base64");
      if (typeof value === "string") return Buffer.from(value, "utf8").toString("base64");
      break;
    case "json":
      if (typeof value === "string") return readJson(value);
      break;
    case "set":
      if (typeof value === "string") return value === "" ? [] : value.split(",");
      break;
    case "datetime":
    case "instant": {
      const found = /^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d(?:\.\d+)?)$/.exec(typeof value === "string" ? value : "");
      if (found === null) break;
      if (/-00/.test(found[1]!)) throw new Error("is a date with a zero in it, which is no date");
      return `${found[1]}T${found[2]}${as === "instant" ? "Z" : ""}`;
    }
  }
  throw new Error(`is ${bytes ? "bytes" : `a ${typeof value}`}, and the contract says ${as}`);
}

/** BIT(n): the most significant byte first. */
function bits(value: Uint8Array): bigint {
  return value.reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
}
