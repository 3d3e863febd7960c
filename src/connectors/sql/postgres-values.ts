/** Values between JSON and PostgreSQL's text form (manual, "Data Types"), exactly. */
import type { SqlAs } from "../../contract/model.ts";
import { parseJson } from "../../formats/json.ts";
import type { Json } from "../../operation.ts";

/** A validated JSON value as the text that PostgreSQL reads. Absent is NULL. */
export function bound(value: Json | undefined, as: SqlAs, list: boolean): string | null {
  if (value === undefined || value === null) return null;
  if (list) return arrayText(value as readonly Json[], as);
  switch (as) {
    case "json":
    case "set":
      return JSON.stringify(value);
    case "bytes":
      return `\\x${Buffer.from(value as string, "base64").toString("hex")}`;
    default:
      return String(value as string);
  }
}

/** `{1,NULL,"a \"b\""}`; lists inside lists are further dimensions. */
function arrayText(values: readonly Json[], as: SqlAs): string {
  const parts = values.map((value) => {
    if (value === null) return "NULL";
    if (Array.isArray(value) && as !== "json") return arrayText(value as readonly Json[], as);
    return `"${bound(value, as, false)!.replace(/["\\]/g, "\\$&")}"`;
  });
  return `{${parts.join(",")}}`;
}

/** PostgreSQL's text as JSON. Throws a plain `Error` with the reason where it is not what the contract says. */
export function read(value: unknown, as: SqlAs, list: boolean): Json {
  if (value === null) return null;
  if (typeof value !== "string") throw new Error("is no text of PostgreSQL");
  return list ? readArray(value, as) : readOne(value, as);
}

function readOne(text: string, as: SqlAs): Json {
  switch (as) {
    case "text":
    case "set":
      return text;
    case "integer": {
      if (!/^-?\d+$/.test(text)) break;
      const number = Number(text);
      if (Number.isSafeInteger(number)) return number;
      throw new Error("is an integer beyond 2^53; state its column as bigint");
    }
    case "bigint":
      if (/^-?\d+$/.test(text)) return text;
      break;
    case "decimal":
      if (/^-?\d+(?:\.\d+)?$/.test(text)) return text;
      if (/^(?:NaN|-?Infinity)$/.test(text)) throw new Error(`is ${text}, which is no number of JSON`);
      break;
    case "real": {
      const number = Number(text);
      if (/^-?\d/.test(text) && Number.isFinite(number)) return number;
      if (/^(?:NaN|-?Infinity)$/.test(text)) throw new Error(`is ${text}, which is no number of JSON`);
      break;
    }
    case "boolean":
      if (text === "t" || text === "true") return true;
      if (text === "f" || text === "false") return false;
      break;
    case "json":
      return readJson(text);
    case "bytes":
      if (text.startsWith("\\x")) return Buffer.from(text.slice(2), "hex").toString("base64");
      break;
    case "datetime":
    case "instant": {
      const found = /^(\d{4,}-\d\d-\d\d) (\d\d:\d\d:\d\d(?:\.\d+)?)(\+00)?$/.exec(text);
      if (found !== null && (found[3] !== undefined) === (as === "instant"))
        return `${found[1]}T${found[2]}${as === "instant" ? "Z" : ""}`;
      if (/infinity|BC$/.test(text)) throw new Error("is a time that ISO 8601 can't say (infinity, or before year 1)");
      break;
    }
  }
  throw new Error(`is something else, and the contract says ${as}`);
}

/** A number that JavaScript would round is an error, as in an answer over HTTP. */
export function readJson(text: string): Json {
  try {
    return parseJson(text, { maxBytes: Number.MAX_SAFE_INTEGER });
  } catch (error) {
    throw new Error(`can't be read as JSON: ${(error as Error).message}`);
  }
}

const deepest = 6; // PostgreSQL's own limit of dimensions

/** Manual, "Array Input and Output Syntax". */
function readArray(text: string, as: SqlAs): Json {
  // A lower bound that is not 1: [0:2]={...}
  const start = text.indexOf("{");
  if (start === -1) throw new Error("is no array, and the contract says it is");
  let at = start;
  const list = (depth: number): Json[] => {
    if (depth > deepest) throw new Error("is an array of too many dimensions");
    const items: Json[] = [];
    at += 1;
    while (text[at] !== "}") {
      if (at >= text.length) throw new Error("is an array that does not end");
      if (text[at] === ",") at += 1;
      else if (text[at] === "{") items.push(list(depth + 1));
      else items.push(item());
    }
    at += 1;
    return items;
  };
  const item = (): Json => {
    if (text[at] !== '"') {
      const from = at;
      while (at < text.length && text[at] !== "," && text[at] !== "}") at += 1;
      const word = text.slice(from, at);
      return word.toUpperCase() === "NULL" ? null : readOne(word, as);
    }
    let value = "";
    at += 1;
    while (text[at] !== '"') {
      if (at >= text.length) throw new Error("is an array that does not end");
      if (text[at] === "\\") at += 1;
      value += text[at] ?? "";
      at += 1;
    }
    at += 1;
    return readOne(value, as);
  };
  return list(1);
}
