/**
 * Parameters and form fields back to values: the inverse of connectors/rest-parameters.ts (OpenAPI 3.1.0, section 4.8.12.4). Text has no
 * type, so of the values that it can stand for the first one that fits the schema is taken.
 */
import { parseJson } from "../formats/json.ts";
import type { Json, JsonSchema } from "../operation.ts";
import { fits, isOfType } from "./example/fits.ts";
import { type Flat, flatten } from "./example/flat.ts";
import type { RestParameter } from "./model.ts";

type Definitions = { readonly [name: string]: JsonSchema };
type Members = Readonly<Record<string, JsonSchema>>;
/** A name, decoded, and its value, still encoded. */
export type Pair = readonly [name: string, value: string];

/** As JSON writes numbers: `007` is a text. */
const numeral = /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/;

/** `a=1&b=2` in pairs. At most 1000. */
export function pairsOf(query: string): readonly Pair[] {
  const pairs: Pair[] = [];
  for (const part of query.split("&", 1000)) {
    if (part === "") continue;
    const cut = part.indexOf("=");
    pairs.push([decoded(cut < 0 ? part : part.slice(0, cut)), cut < 0 ? "" : part.slice(cut + 1)]);
  }
  return pairs;
}

export function decoded(text: string): string {
  const plain = text.replaceAll("+", " ");
  try {
    return decodeURIComponent(plain);
  } catch {
    return plain;
  }
}

function decodedPath(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** What a schema says of itself and in its choices: types and properties, as far as they can be seen. */
export interface Seen {
  readonly list: boolean;
  readonly object: boolean;
  readonly properties: Members;
  readonly items: JsonSchema;
  /** Schema of properties that are not named; `false`: there are none. */
  readonly others: JsonSchema;
  /** Types of plain values that are stated. */
  readonly scalars: readonly string[];
}

const anything: Seen = Object.freeze({
  list: true,
  object: true,
  properties: {},
  items: true,
  others: true,
  scalars: [],
});
const seenOf = new WeakMap<object, Seen>();

export function seen(schema: JsonSchema, definitions: Definitions): Seen {
  if (typeof schema === "boolean") return anything;
  let known = seenOf.get(schema);
  if (known === undefined) {
    known = look(schema, definitions, 0);
    seenOf.set(schema, known);
  }
  return known;
}

function look(schema: JsonSchema, definitions: Definitions, depth: number): Seen {
  const flat: Flat = flatten([schema], definitions);
  const properties: Record<string, JsonSchema> = { ...flat.properties };
  const free = flat.types === undefined && flat.values === undefined;
  let list = flat.types?.includes("array") ?? flat.rest.items !== undefined;
  let object = flat.types?.includes("object") ?? Object.keys(properties).length > 0;
  let items = (flat.rest.items ?? true) as JsonSchema;
  const maps = flat.maps.map(({ others }) => others);
  let others: JsonSchema = maps.includes(false) ? false : (maps[0] ?? true);
  const scalars = [...(flat.types ?? [])];
  if (depth < 6) {
    for (const option of flat.choices.flat()) {
      const inner = look(option, definitions, depth + 1);
      scalars.push(...inner.scalars);
      list ||= inner.list;
      object ||= inner.object;
      for (const [name, of] of Object.entries(inner.properties)) properties[name] ??= of;
      if (items === true) items = inner.items;
      if (others === true) others = inner.others;
    }
  }
  if (free && flat.choices.length === 0 && !list && !object) [list, object] = [true, true];
  return { list, object, properties, items, others, scalars };
}

/** A parameter that is JSON by its contract, and is none. */
export class NotJson extends Error {
  readonly parameter: string;
  constructor(parameter: string) {
    super("must be JSON, with each member once and no number that would be rounded; a text stands in quotes");
    this.parameter = parameter;
  }
}

/** A parameter whose contract says `content: application/json` has one reading, whatever its schema allows: half an object is no text. */
function ofJson(name: string, text: string): Json {
  const value = jsonOf(text);
  if (value === undefined) throw new NotJson(name);
  return value;
}

/** A path or header parameter. `text` is as it stands there. Throws `NotJson`. */
export function plainValue(parameter: RestParameter, text: string, schema: JsonSchema, definitions: Definitions): Json {
  const decode = parameter.in === "header" ? (raw: string) => raw : decodedPath;
  if (parameter.json === true) return ofJson(parameter.name, decode(text));
  switch (parameter.style) {
    case "label":
      return valueIn(text.replace(/^\./, ""), parameter.explode ? "." : ",", parameter.explode);
    case "matrix": {
      const parts = text.replace(/^;/, "").split(";");
      const own = `${parameter.name}=`;
      if (!parameter.explode) return valueIn(parts[0]!.slice(own.length), ",", false);
      if (parts.every((part) => decode(part).startsWith(own)) && parts.length > 0)
        return best(
          [parts.map((part) => part.slice(own.length)), parts[0]!.slice(own.length)].map((raw) =>
            typeof raw === "string" ? raw : listOf(raw, schema, definitions, decode),
          ),
          parts[0]!.slice(own.length),
        );
      return objectOf(parts.map(pair), schema, definitions, decode);
    }
    case "pipeDelimited":
      return valueIn(text, /%7C|\|/i, parameter.explode);
    case "spaceDelimited":
      return valueIn(text, /%20| /, parameter.explode);
    case "tabDelimited":
      return valueIn(text, /%09|\t/, parameter.explode);
    default:
      return valueIn(text, ",", parameter.explode);
  }

  function pair(part: string): Pair {
    const cut = part.indexOf("=");
    return [decode(cut < 0 ? part : part.slice(0, cut)), cut < 0 ? "" : part.slice(cut + 1)];
  }
  function valueIn(raw: string, separator: string | RegExp, pairs: boolean): Json {
    return separated(raw, separator, pairs ? pair : undefined, schema, definitions, decode);
  }
  function best(candidates: readonly (Json | string)[], raw: string): Json {
    const fitting = candidates.find((each) => typeof each !== "string" && fits(each, schema, definitions));
    return fitting ?? scalarOf(decode(raw), schema, definitions);
  }
}

/** A query parameter or form field; `undefined` where it is not there. `others`: names that belong to other parameters. Throws `NotJson`. */
export function pairValue(
  { name, style, explode, json }: Pick<RestParameter, "name" | "style" | "explode" | "json">,
  pairs: readonly Pair[],
  schema: JsonSchema,
  definitions: Definitions,
  others: ReadonlySet<string>,
): Json | undefined {
  const own = pairs.filter(([each]) => each === name).map(([, value]) => value);
  if (json === true) return own[0] === undefined ? undefined : ofJson(name, decoded(own[0]));
  const shape = seen(schema, definitions);
  if (style === "deepObject") {
    const deep = pairs.filter(([each]) => each.startsWith(`${name}[`));
    if (deep.length > 0)
      return deepValue(
        deep.map(([each, value]) => [each.slice(name.length), value]),
        schema,
        definitions,
      );
  }
  if (explode && shape.list && own.length > 0) {
    const list = listOf(own, schema, definitions, decoded);
    if (own.length > 1 || fits(list, schema, definitions)) return list;
  }
  if (explode && shape.object && own.length === 0) {
    const named = pairs.filter(([each]) => Object.hasOwn(shape.properties, each) && !others.has(each));
    const free = shape.others === false ? [] : pairs.filter(([each]) => !others.has(each));
    const members = Object.keys(shape.properties).length > 0 ? named : free;
    return members.length === 0 ? undefined : objectOf(members, schema, definitions, decoded);
  }
  const raw = own[0];
  if (raw === undefined) return undefined;
  const separator =
    style === "spaceDelimited"
      ? /%20|\+| /
      : style === "pipeDelimited"
        ? /%7C|\|/i
        : style === "tabDelimited"
          ? /%09|\t/
          : ",";
  return separated(raw, separator, undefined, schema, definitions, decoded);
}

/** A list, an object (`k,v,k,v`, or `k=v` by `pair`) or a scalar in one text. */
function separated(
  raw: string,
  separator: string | RegExp,
  pair: ((part: string) => Pair) | undefined,
  schema: JsonSchema,
  definitions: Definitions,
  decode: (text: string) => string,
): Json {
  const shape = seen(schema, definitions);
  const scalar = scalarOf(decode(raw), schema, definitions);
  if (!shape.list && !shape.object) return scalar;
  // JSON in a text: what is inside a list or a form.
  if (typeof scalar === "object" && scalar !== null) return scalar;
  const parts = raw === "" ? [] : raw.split(separator);
  if (shape.list) {
    const list = listOf(parts, schema, definitions, decode);
    if (fits(list, schema, definitions)) return list;
  }
  if (shape.object) {
    const pairs: Pair[] = [];
    if (pair !== undefined) pairs.push(...parts.map(pair));
    else for (let i = 0; i + 1 < parts.length; i += 2) pairs.push([decode(parts[i]!), parts[i + 1]!]);
    // A name without a value, or one that comes twice, would be lost.
    const whole =
      (pair !== undefined || parts.length % 2 === 0) && new Set(pairs.map(([name]) => name)).size === pairs.length;
    const object = objectOf(pairs, schema, definitions, decode);
    if (whole && fits(object, schema, definitions)) return object;
  }
  if (fits(scalar, schema, definitions) || !shape.list) return scalar;
  return listOf(parts, schema, definitions, decode);
}

function listOf(
  parts: readonly string[],
  schema: JsonSchema,
  definitions: Definitions,
  decode: (text: string) => string,
): Json {
  const { items } = seen(schema, definitions);
  return parts.map((part) => scalarOf(decode(part), items, definitions));
}

function objectOf(
  pairs: readonly Pair[],
  schema: JsonSchema,
  definitions: Definitions,
  decode: (text: string) => string,
): Json {
  const { properties, others } = seen(schema, definitions);
  const object: Record<string, Json> = {};
  for (const [name, value] of pairs) {
    const of = Object.hasOwn(properties, name) ? properties[name]! : others;
    put(object, name, scalarOf(decode(value), of, definitions));
  }
  return object;
}

/** `[a][b]=1` in pairs, with the parameter's name taken off. */
function deepValue(pairs: readonly Pair[], schema: JsonSchema, definitions: Definitions, depth = 0): Json {
  const groups = new Map<string, Pair[]>();
  for (const [path, value] of pairs) {
    // What is no `[name]` is a name that nobody has, so that validation refuses it.
    const end = path.startsWith("[") && depth <= 20 ? path.indexOf("]") : -1;
    const key = end < 0 ? path : path.slice(1, end);
    const group = groups.get(key) ?? [];
    group.push([end < 0 ? "" : path.slice(end + 1), value]);
    groups.set(key, group);
  }
  const shape = seen(schema, definitions);
  const numbered = [...groups.keys()].every((key) => key === "" || /^\d{1,6}$/.test(key));
  if (shape.list && numbered && groups.size > 0) {
    const list = [...groups.values()].flatMap((group) =>
      group.some(([path]) => path !== "") ? [group] : group.map((each) => [each]),
    );
    const value = list.map((group) => inner(group, shape.items));
    if (!shape.object || fits(value, schema, definitions)) return value;
  }
  const object: Record<string, Json> = {};
  for (const [key, group] of groups)
    put(object, key, inner(group, Object.hasOwn(shape.properties, key) ? shape.properties[key]! : shape.others));
  return object;

  function inner(group: readonly Pair[], of: JsonSchema): Json {
    if (group.some(([path]) => path !== "")) return deepValue(group, of, definitions, depth + 1);
    const texts = group.map(([, value]) => value);
    return texts.length > 1 ? listOf(texts, of, definitions, decoded) : scalarOf(decoded(texts[0]!), of, definitions);
  }
}

/** The first value that a text can stand for and that fits; else the text, and validation says what is wrong. `json`: it is JSON. */
export function scalarOf(text: string, schema: JsonSchema, definitions: Definitions, json = false): Json {
  const candidates: Json[] = [];
  const number = numeral.test(text);
  if (json || number) {
    const value = jsonOf(text);
    if (value !== undefined) candidates.push(value);
  }
  if (text === "true" || text === "false") candidates.push(text === "true");
  candidates.push(text);
  if (text === "") candidates.push(null);
  if (/^[[{]/.test(text)) {
    const value = jsonOf(text);
    if (value !== undefined) candidates.push(value);
  }
  const fitting = candidates.find((value) => fits(value, schema, definitions));
  if (fitting !== undefined) return fitting;
  // Of the right type, and wrong otherwise: what is said of it then is what is wrong (`must be >= 1`, and not `must be integer`).
  const { scalars } = seen(schema, definitions);
  return candidates.find((value) => scalars.some((type) => isOfType(value, type))) ?? text;
}

/** As a body of JSON is read: within limits, no member twice, no number that would become another one. */
export function jsonOf(text: string): Json | undefined {
  try {
    return parseJson(text, { maxBytes: Number.MAX_SAFE_INTEGER, duplicates: "refuse" });
  } catch {
    return undefined;
  }
}

function put(object: Record<string, Json>, name: string, value: Json): void {
  Object.defineProperty(object, name, { value, enumerable: true, writable: true, configurable: true });
}
