/**
 * Writes parameters and form bodies (OpenAPI 3.1.0, section 4.8.12.4 "Style Values"; RFC 6570 for the expansions). One writer per
 * parameter is made when a client is opened; writing allocates nothing but the text.
 */

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

/** Keeps reserved characters, but those that would end the value or the query. */
function reservedEncode(text: string): string {
  return percentEncode(text).replace(/%(3A|2F|3F|40|21|24|27|28|29|2A|2C|3B)/g, (code) => decodeURIComponent(code));
}

const asIs: Encode = (text) => text;

/** The writer of a path, header or cookie parameter. A header's value has no name; a cookie's is `name=value`. */
export function plainWriter(parameter: RestParameter): Write {
  const encode = parameter.in === "header" ? asIs : percentEncode;
  if (parameter.json === true) return (value) => encode(JSON.stringify(value));
  const name = percentEncode(parameter.name);
  switch (parameter.style) {
    case "label":
      return (value) => `.${list(value, encode, parameter.explode ? "." : ",", parameter.explode)}`;
    case "matrix":
      return (value) => matrix(name, value, parameter.explode);
    case "form":
      return (value) => `${name}=${list(value, encode, ",", false)}`;
    default:
      return (value) => list(value, encode, ",", parameter.explode);
  }
}

/** The writer of a query parameter: `name=value` pairs joined by `&`. */
export function queryWriter(parameter: RestParameter): Write {
  const encode = parameter.allowReserved === true ? reservedEncode : percentEncode;
  const name = percentEncode(parameter.name);
  if (parameter.json === true) return (value) => `${name}=${encode(JSON.stringify(value))}`;
  return pairWriter(name, parameter.style, parameter.explode, encode);
}

/** The writer of a form body (application/x-www-form-urlencoded). */
export function formWriter(encoding: NonNullable<RestBinding["body"]>["encoding"]): (body: Members) => string {
  const writers = new Map<string, Write>();
  for (const [name, { style, explode }] of Object.entries(encoding ?? {}))
    writers.set(name, pairWriter(percentEncode(name), style, explode, percentEncode));
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

function pairWriter(name: string, style: RestParameter["style"], explode: boolean, encode: Encode): Write {
  if (style === "deepObject") return (value) => deep(name, value, encode);
  const separator = style === "spaceDelimited" ? "%20" : style === "pipeDelimited" ? "%7C" : ",";
  return (value) => {
    if (explode && Array.isArray(value)) return value.map((item) => `${name}=${scalar(item, encode)}`).join("&");
    if (explode && isObject(value)) return members(value, encode, "&");
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

function matrix(name: string, value: unknown, explode: boolean): string {
  if (explode && Array.isArray(value)) return value.map((item) => `;${name}=${scalar(item, percentEncode)}`).join("");
  if (explode && isObject(value)) return `;${members(value, percentEncode, ";")}`;
  return `;${name}=${list(value, percentEncode, ",", false)}`;
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
