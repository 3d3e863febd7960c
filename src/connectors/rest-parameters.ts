/**
 * Writes parameters and form bodies (OpenAPI 3.1.0, section 4.8.12.4 "Style Values"; RFC 6570 for the expansions). One writer per
 * parameter is made when a client is opened; writing allocates nothing but the text.
 */
import { bodyKind } from "../contract/media.ts";
import type { RestBinding, RestParameter } from "../contract/model.ts";
import { canonicalJson } from "../formats/json.ts";

/** Writes one value; the text has its name, separators and escapes. Empty for a value that says nothing. */
export type Write = (value: unknown) => string;
type Members = Readonly<Record<string, unknown>>;
type Encode = (text: string) => string;

/** Percent-encodes all but the unreserved characters (RFC 3986, section 2.3). */
function percentEncode(text: string): string {
  const encoded = encodeURIComponent(text.isWellFormed() ? text : text.toWellFormed());
  return /[!'()*]/.test(encoded) ? encoded.replace(/[!'()*]/g, percent) : encoded;
}

function percent(character: string): string {
  return `%${character.charCodeAt(0).toString(16).toUpperCase()}`;
}

/** Keeps reserved characters, but those that would end the value or the query, and what is percent-encoded already (RFC 6570, section 3.2.3). */
function reservedEncode(text: string): string {
  return percentEncode(text)
    .replace(/%(3A|2F|3F|40|21|24|27|28|29|2A|2C|3B)/g, (code) => decodeURIComponent(code))
    .replace(/%25([0-9A-Fa-f]{2})/g, "%$1");
}
/** In a path "/" and "?" would name another resource. */
function reservedInPath(text: string): string {
  return reservedEncode(text).replace(/[/?]/g, percent);
}

const asIs: Encode = (text) => text;

/** The writer of a path, header or cookie parameter. A header's value has no name; a cookie's is `name=value`, or several. */
export function plainWriter(parameter: RestParameter): Write {
  const { explode } = parameter;
  const encode =
    parameter.in === "header" || parameter.style === "cookie"
      ? asIs
      : parameter.in === "path" && parameter.allowReserved === true
        ? reservedInPath
        : percentEncode;
  const name = parameter.style === "cookie" ? parameter.name : percentEncode(parameter.name);
  if (parameter.in === "cookie") {
    if (parameter.json === true) return (value) => `${name}=${encode(JSON.stringify(value))}`;
    return pairWriter(name, "form", explode, encode, "; ");
  }
  if (parameter.json === true) return (value) => encode(JSON.stringify(value));
  switch (parameter.style) {
    case "label":
      return (value) => `.${list(value, encode, explode ? "." : ",", explode)}`;
    case "matrix":
      return (value) => matrix(name, value, explode, encode);
    case "pipeDelimited":
      return (value) => list(value, encode, encode("|"), explode);
    case "spaceDelimited":
      return (value) => list(value, encode, encode(" "), explode);
    case "tabDelimited":
      return (value) => list(value, encode, encode("\t"), explode);
    default:
      return (value) => list(value, encode, ",", explode);
  }
}

/** The writer of a query parameter: `name=value` pairs joined by `&`. */
export function queryWriter(parameter: RestParameter): Write {
  const encode = parameter.allowReserved === true ? reservedEncode : percentEncode;
  if (parameter.in === "querystring") {
    if (parameter.json === true) return (value) => encode(JSON.stringify(value));
    const write = formWriter(parameter.encoding);
    return (value) => (isObject(value) ? write(value) : scalar(value, encode));
  }
  const name = percentEncode(parameter.name);
  if (parameter.json === true) return (value) => `${name}=${encode(JSON.stringify(value))}`;
  return pairWriter(name, parameter.style, parameter.explode, encode);
}

/** The writer of a form body (application/x-www-form-urlencoded). */
export function formWriter(encoding: NonNullable<RestBinding["body"]>["encoding"]): (body: Members) => string {
  const writers = new Map<string, Write>();
  for (const [name, { style, explode = false, allowReserved, contentType }] of Object.entries(encoding ?? {})) {
    if (style === undefined) {
      const key = percentEncode(name);
      if (contentType !== undefined && bodyKind(contentType) === "json")
        writers.set(name, (value) => `${key}=${percentEncode(canonicalJson(value))}`);
      continue;
    }
    writers.set(name, pairWriter(percentEncode(name), style, explode, allowReserved ? reservedEncode : percentEncode));
  }
  return (body) => {
    let text = "";
    for (const name of Object.keys(body)) {
      const value = body[name];
      if (value === undefined || value === null) continue;
      const write = writers.get(name) ?? plainField(percentEncode(name));
      const written = write(value);
      if (written !== "") text += (text === "" ? "" : "&") + written;
    }
    return text;
  };
}

/** Without an encoding a list is repeated, and an object is JSON ("Encoding Object", contentType). */
function plainField(name: string): Write {
  const write = pairWriter(name, "form", true, percentEncode);
  return (value) => (isObject(value) ? `${name}=${percentEncode(canonicalJson(value))}` : write(value));
}

const separators: Readonly<Partial<Record<RestParameter["style"], string>>> = {
  spaceDelimited: "%20",
  pipeDelimited: "%7C",
  tabDelimited: "%09",
};

function pairWriter(
  name: string,
  style: RestParameter["style"],
  explode: boolean,
  encode: Encode,
  between = "&",
): Write {
  if (style === "deepObject") return (value) => deep(name, value, encode);
  const separator = separators[style] ?? ",";
  return (value) => {
    if (explode && Array.isArray(value)) return value.map((item) => `${name}=${scalar(item, encode)}`).join(between);
    if (explode && isObject(value)) return members(value, encode, between);
    const text = list(value, encode, separator, false);
    return text === "" && typeof value === "object" ? "" : `${name}=${text}`;
  };
}

function deep(name: string, value: unknown, encode: Encode): string {
  if (typeof value !== "object" || value === null)
    return value === undefined || value === null ? "" : `${name}=${scalar(value, encode)}`;
  const parts: string[] = [];
  for (const [key, inner] of Object.entries(value)) {
    const part = deep(`${name}%5B${percentEncode(key)}%5D`, inner, encode);
    if (part !== "") parts.push(part);
  }
  return parts.join("&");
}

/** Nothing after the name, and no "=" either, where the value is empty (RFC 6570, section 3.2.7). */
function matrix(name: string, value: unknown, explode: boolean, encode: Encode): string {
  const pair = (text: string) => (text === "" ? `;${name}` : `;${name}=${text}`);
  if (explode && Array.isArray(value)) return value.map((item) => pair(scalar(item, encode))).join("");
  if (explode && isObject(value)) return `;${members(value, encode, ";")}`;
  return pair(list(value, encode, ",", false));
}

/** A scalar; a list joined; an object as `k,v` pairs, or as `k=v` where `pairs`. */
function list(value: unknown, encode: Encode, separator: string, pairs: boolean): string {
  if (Array.isArray(value)) return value.map((item) => scalar(item, encode)).join(separator);
  if (!isObject(value)) return scalar(value, encode);
  if (pairs) return members(value, encode, separator);
  const parts = Object.entries(value).filter(([, inner]) => inner !== undefined && inner !== null);
  return parts.map(([name, inner]) => `${encode(name)}${separator}${scalar(inner, encode)}`).join(separator);
}

function members(value: Members, encode: Encode, separator: string): string {
  const parts = Object.entries(value).filter(([, inner]) => inner !== undefined && inner !== null);
  return parts.map(([name, inner]) => `${encode(name)}=${scalar(inner, encode)}`).join(separator);
}

function scalar(value: unknown, encode: Encode): string {
  if (typeof value === "string") return encode(value);
  if (value === null || value === undefined) return "";
  return encode(typeof value === "object" ? JSON.stringify(value) : String(value));
}

function isObject(value: unknown): value is Members {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
