/** Keywords of Schema Objects whose value is no schema: what is wrong with them is mended where the meaning is beyond doubt, else passed over. */
import { isOfType, fits as valueFits } from "../example/fits.ts";
import { isCheckable } from "../pattern.ts";
import { type Documents, type Place, shortened } from "./openapi-documents.ts";

export type Schema = { [keyword: string]: unknown };
type Kind = "string" | "number" | "positive" | "boolean" | "count" | "any";

/** Keywords whose value is copied as it is, with the type it must have. */
const plain: Readonly<Record<string, Kind>> = {
  enum: "any",
  const: "any",
  default: "any",
  examples: "any",
  title: "string",
  description: "string",
  format: "string",
  pattern: "string",
  contentEncoding: "string",
  contentMediaType: "string",
  multipleOf: "positive",
  maximum: "number",
  minimum: "number",
  maxLength: "count",
  minLength: "count",
  maxItems: "count",
  minItems: "count",
  maxContains: "count",
  minContains: "count",
  maxProperties: "count",
  minProperties: "count",
  uniqueItems: "boolean",
  deprecated: "boolean",
  readOnly: "boolean",
  writeOnly: "boolean",
};

/** Those that refuse no value. */
const describing: ReadonlySet<string> = new Set(["title", "description", "deprecated"]);

/** What authors write as types, in lower case; the meaning is beyond doubt. */
const slips: Readonly<Record<string, string>> = {
  ...{ float: "number", double: "number", decimal: "number", numeric: "number", currency: "number" },
  ...{ int: "integer", long: "integer", int32: "integer", int64: "integer", bigint: "integer" },
  ...{ bool: "boolean", map: "object", dict: "object", hash: "object", json: "object", list: "array" },
  ...{ text: "string", str: "string", date: "string", datetime: "string", "date-time": "string", uuid: "string" },
  ...{ uri: "string", url: "string", email: "string", byte: "string", binary: "string", file: "string" },
};
const types = new Set(["null", "boolean", "object", "array", "number", "string", "integer"]);

export function isPlain(keyword: string): boolean {
  return Object.hasOwn(plain, keyword);
}

/** The value of such a keyword; `undefined`: it has none that means anything. */
export function plainValue(documents: Documents, keyword: string, member: Place): unknown {
  const { value } = member;
  const kind = plain[keyword]!;
  if (keyword === "pattern" && typeof value === "string") return withoutSlashes(documents, member, value);
  if (fits(value, kind)) return value;
  if (value === null) return undefined;
  const mended = mend(value, kind);
  if (mended !== undefined && fits(mended, kind)) return mended;
  const what = `"${keyword}" has a value of the wrong type and is passed over`;
  if (describing.has(keyword)) documents.note(member, what);
  else documents.weaken(member, what);
  return undefined;
}

/** `/^a+$/`: in slashes, as a program has it. Nothing can stand before the start of a text, so no slash is meant. */
function withoutSlashes(documents: Documents, member: Place, pattern: string): string | undefined {
  const found = /^\/(\^.*|.*\$)\/([a-z]*)$/s.exec(pattern);
  if (found === null) return pattern;
  const [, inner = "", flags = ""] = found;
  if (!flags.includes("i")) {
    documents.note(member, `the pattern ${JSON.stringify(shortened(pattern))} is read without its slashes`);
    return inner;
  }
  documents.weaken(member, `the pattern ${JSON.stringify(shortened(pattern))} ignores case, which no contract can say`);
  return undefined;
}

/** Names that must be there. A boolean was the form of draft 3; where it stands now, nothing is required by it. */
export function requiredOf(documents: Documents, member: Place): string[] | undefined {
  const { value } = member;
  if (value === null) return undefined;
  if (!Array.isArray(value)) {
    documents.weaken(member, '"required" is no list of names and is passed over: nothing is required by it');
    return undefined;
  }
  const names = value.filter((name): name is string => typeof name === "string");
  if (names.length < value.length)
    documents.weaken(member, '"required" has members that are no names, and these are passed over');
  return [...new Set(names)];
}

/** A pattern that can't be checked stays where it is, and lets everything pass. */
export function tellPattern(documents: Documents, member: Place, pattern: string): void {
  if (isCheckable(pattern)) return;
  const shown = pattern.length <= 100 ? pattern : `${pattern.slice(0, 100)}…`;
  documents.weaken(
    member,
    `the pattern ${JSON.stringify(shown)} is no regular expression, or has look-around or back references: whatever comes fits it (what looks ahead right behind the first ^, or back right before the last $, is checked; several patterns in an allOf may say the rest)`,
  );
}

/** Texts that stand for the value, and numbers where a text is asked for. */
function mend(value: unknown, kind: Kind): unknown {
  if (kind === "string") return typeof value === "object" ? undefined : String(value);
  if (kind === "boolean") return value === "true" ? true : value === "false" ? false : undefined;
  return typeof value === "string" && /^-?\d+(\.\d+)?$/.test(value.trim()) ? Number(value) : undefined;
}

/** The value of `type`; `undefined`: any. */
export function typeOf(documents: Documents, place: Place): unknown {
  const { value } = place;
  const written: unknown[] = Array.isArray(value) ? value : [value];
  const found = new Set<string>();
  for (const type of written) {
    const lower = type === null ? "null" : typeof type === "string" ? type.trim().toLowerCase() : "";
    const read = types.has(lower) ? lower : Object.hasOwn(slips, lower) ? slips[lower]! : undefined;
    if (read !== undefined) found.add(read);
    else {
      if (lower !== "any") documents.weaken(place, `"${shortened(String(type))}" is no type: any value is taken`);
      return undefined;
    }
  }
  const all = [...found];
  return all.length === 0 ? undefined : all.length === 1 ? all[0] : all;
}

/** The schema without what makes sense only together with something that is not there; strict validators refuse the lonely half. */
export function consistent(schema: Schema, documents: Documents, place: Place): Schema {
  if (schema.examples !== undefined && !Array.isArray(schema.examples)) delete schema.examples;
  if (schema.enum !== undefined) {
    const member = documents.member(place, "enum")!;
    const items = ofItems(schema, member.value);
    const values = enumOf(documents, member, items === undefined ? schema.type : items.type);
    if (items !== undefined) {
      documents.note(member, "the enum of an array holds no list: it is taken as that of its items");
      schema.items = { ...items, enum: values };
    }
    if (items !== undefined || values.length === 0) delete schema.enum;
    else schema.enum = values;
  }
  const { format, enum: values } = schema;
  if (format !== undefined && Array.isArray(values) && !values.some((value) => valueFits(value, { format }, {}))) {
    documents.weaken(
      documents.member(place, "format")!,
      `no value of the enum is a ${String(format)}: the enum counts`,
    );
    delete schema.format;
  }
  if (schema.required !== undefined && (schema.required as unknown[]).length === 0) delete schema.required;
  if (schema.if === undefined) {
    delete schema.then;
    delete schema.else;
  }
  if (schema.contains === undefined) {
    delete schema.maxContains;
    delete schema.minContains;
  }
  return schema;
}

/** The items of an array whose enum lists what they may be; `undefined`: it is an enum of arrays. */
function ofItems({ type, items }: Schema, values: unknown): Schema | undefined {
  if (type !== "array" || !Array.isArray(values) || values.length === 0 || values.some(Array.isArray)) return undefined;
  const plain = typeof items === "object" && items !== null && !("$ref" in items) && !("enum" in items);
  return plain ? (items as Schema) : undefined;
}

/** Distinct values, of the type that the schema says: what YAML read as a number is a text again, and a number in quotes a number. */
function enumOf(documents: Documents, member: Place, type: unknown): unknown[] {
  if (!Array.isArray(member.value)) {
    documents.weaken(member, "an enum that is no list is passed over");
    return [];
  }
  const types = type === undefined ? [] : ((Array.isArray(type) ? type : [type]) as string[]);
  const values = member.value.map((value: unknown) => (types.length === 0 ? value : asType(value, types)));
  const possible = (value: unknown) => value === null || types.some((each) => isOfType(value, each));
  if (values.length > 0 && types.length > 0 && !values.some(possible)) {
    documents.weaken(member, `no value of the enum is of the type ${types.join(" or ")}: any of that type is taken`);
    return [];
  }
  return [...new Map(values.map((value) => [JSON.stringify(value), value as unknown])).values()];
}

/** The value as one of the types, where it stands for just that. */
function asType(value: unknown, types: readonly string[]): unknown {
  if (types.some((type) => isOfType(value, type))) return value;
  if (types.includes("string") && (typeof value === "number" || typeof value === "boolean")) return String(value);
  const number = mend(value, "number");
  const exact = number !== undefined && String(number) === String(value).trim();
  if (exact && types.some((type) => isOfType(number, type))) return number;
  const truth = mend(value, "boolean");
  return types.includes("boolean") && truth !== undefined ? truth : value;
}

function fits(value: unknown, kind: Kind): boolean {
  switch (kind) {
    case "any":
      return true;
    case "count":
      return Number.isInteger(value) && (value as number) >= 0;
    case "positive":
      return typeof value === "number" && value > 0;
    default:
      return typeof value === kind;
  }
}
