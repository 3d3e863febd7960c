/** Bodies of OpenAPI requests and answers: which media type is spoken, and how a request body joins the flat input. */
import type { JsonSchema } from "../../operation.ts";
import { type BodyKind, bodyKind } from "../media.ts";
import type { BodyEncoding, RestBinding } from "../model.ts";
import type { Documents, Place } from "./openapi-documents.ts";
import type { Schemas } from "./openapi-schema.ts";

export interface Body {
  readonly mediaType: string;
  readonly schema: JsonSchema;
  readonly place: Place;
  /** A sequence: the schema is that of the list of its items. */
  readonly list?: boolean;
}

const preference: readonly BodyKind[] = ["json", "form", "multipart", "lines", "text", "bytes"];
const base64 = { type: "string", contentEncoding: "base64" };

/** The preferred entry of a `content` map; `undefined` where there is none. */
export function bodyOf(documents: Documents, schemas: Schemas, content: Place | undefined): Body | undefined {
  const entries = documents.members(content);
  for (const kind of preference) {
    // application/json itself before its relatives
    const candidates = entries.filter(([type]) => bodyKind(type) === kind);
    const found = candidates.find(([type]) => type === "application/json") ?? candidates[0];
    if (found === undefined) continue;
    const [mediaType, at] = found;
    const place = documents.follow(at);
    const items = documents.member(place, "itemSchema");
    if (items !== undefined && kind !== "json" && kind !== "multipart")
      return { mediaType, place, schema: { type: "array", items: schemas.convert(items) }, list: true };
    if (kind === "text") return { mediaType, place, schema: textSchema(documents, schemas, place) };
    if (kind === "lines") return { mediaType, place, schema: { type: "string" } };
    if (kind === "bytes") return { mediaType, place, schema: base64 };
    const schema = documents.member(place, "schema");
    return { mediaType, place, schema: schema === undefined ? true : schemas.convert(schema) };
  }
  return undefined;
}

/** Keywords about the characters of a text. */
const ofTexts = ["pattern", "minLength", "maxLength", "format", "enum", "const"] as const;

/** Whatever a body is said to mean, what comes is a text; what is said of texts holds for it. */
function textSchema(documents: Documents, schemas: Schemas, place: Place): JsonSchema {
  const written = documents.member(place, "schema");
  const found = written === undefined ? true : schemas.behind(schemas.convert(written));
  const text: Record<string, unknown> = { type: "string" };
  if (typeof found === "boolean" || found.type !== "string" || found.format === "binary") return text;
  for (const keyword of ofTexts) if (found[keyword] !== undefined) text[keyword] = found[keyword];
  return text;
}

export interface InputParts {
  readonly properties: ReadonlyMap<string, JsonSchema>;
  readonly required: readonly string[];
}
export interface Input {
  readonly schema: JsonSchema;
  readonly body?: RestBinding["body"];
}

/**
 * Joins parameters and body into one flat object. The body is spread where it is an object whose properties are known and
 * clash with no parameter; else it is one property, `body`. A spread body keeps its required properties, also where the
 * contract forgot to say that the body itself is required.
 */
export function joinInput(
  documents: Documents,
  schemas: Schemas,
  parameters: InputParts,
  request: Place | undefined,
): Input {
  const found = request === undefined ? undefined : bodyOf(documents, schemas, documents.member(request, "content"));
  if (request === undefined || found === undefined)
    return { schema: closed(parameters.properties, parameters.required) };
  const kind = bodyKind(found.mediaType);
  const { body, encoding } =
    kind === "multipart" ? partsOf(documents, schemas, found) : { body: found, encoding: encodingOf(documents, found) };
  const required = documents.member(request, "required")?.value === true;
  const binding = {
    mediaType: body.mediaType,
    required,
    ...(body.list === true ? { list: true } : {}),
    ...(encoding === undefined ? {} : { encoding }),
  };
  const spreads = body.list !== true && (kind === "json" || kind === "form" || kind === "multipart");
  const members = spreads ? plainObject(schemas, body.schema) : undefined;

  if (members !== undefined && ![...parameters.properties.keys()].some((name) => members.properties.has(name))) {
    const spread = { ...binding, from: { kind: "spread" } } as const;
    if (parameters.properties.size === 0) return { schema: body.schema, body: spread };
    const properties = new Map([...parameters.properties, ...members.properties]);
    const names = [...parameters.required, ...members.required];
    const additional = members.additional === undefined ? {} : { additionalProperties: members.additional };
    const { additionalProperties: _, ...open } = closed(properties, names);
    const description = typeof body.schema === "object" ? schemas.behind(body.schema) : true;
    const text = typeof description === "object" ? description.description : undefined;
    return {
      schema: { ...open, ...additional, ...(typeof text === "string" ? { description: text } : {}) },
      body: spread,
    };
  }
  let name = "body";
  while (parameters.properties.has(name)) name = `${name}Body`;
  const properties = new Map([...parameters.properties, [name, body.schema]]);
  const names = required ? [...parameters.required, name] : parameters.required;
  return { schema: closed(properties, names), body: { ...binding, from: { kind: "property", name } } };
}

function closed(properties: ReadonlyMap<string, JsonSchema>, required: readonly string[]) {
  return {
    type: "object",
    properties: Object.fromEntries(properties),
    ...(required.length === 0 ? {} : { required: [...required] }),
    additionalProperties: false,
  };
}

interface PlainObject {
  readonly properties: ReadonlyMap<string, JsonSchema>;
  readonly required: readonly string[];
  readonly additional: unknown;
}

/** Keywords that say nothing about which members an object has. */
const harmless = new Set([
  "type",
  "title",
  "description",
  "properties",
  "required",
  "additionalProperties",
  "examples",
  "default",
  "deprecated",
  "readOnly",
  "writeOnly",
]);

/** The members of an object schema that can be put beside others; `undefined` where it is anything else. */
function plainObject(schemas: Schemas, schema: JsonSchema, depth = 0): PlainObject | undefined {
  const found = schemas.behind(schema);
  if (typeof found === "boolean" || depth > 20) return undefined;
  const keywords = Object.keys(found).filter((keyword) => !harmless.has(keyword));
  if (found.type !== undefined && found.type !== "object") return undefined;
  if (keywords.length === 0) {
    if (found.type === undefined && found.properties === undefined) return undefined;
    // A map with no named member is one value, not members to spread.
    if (found.properties === undefined && found.additionalProperties !== false) return undefined;
    const properties = new Map(Object.entries((found.properties ?? {}) as Record<string, JsonSchema>));
    const required = ((found.required ?? []) as string[]).filter((name) => properties.has(name));
    if (required.length !== ((found.required ?? []) as string[]).length) return undefined;
    return { properties, required, additional: found.additionalProperties };
  }
  if (keywords.length !== 1 || keywords[0] !== "allOf") return undefined;
  const own = { ...found };
  delete own.allOf;
  const parts = [...(found.allOf as JsonSchema[])];
  if (own.properties !== undefined || own.required !== undefined) parts.push({ ...own, type: "object" });
  return merged(parts.map((part) => plainObject(schemas, part, depth + 1)));
}

function merged(parts: readonly (PlainObject | undefined)[]): PlainObject | undefined {
  const properties = new Map<string, JsonSchema>();
  const required = new Set<string>();
  for (const part of parts) {
    if (part === undefined || part.additional === false || typeof part.additional === "object") return undefined;
    for (const [name, schema] of part.properties) {
      if (properties.has(name)) return undefined;
      properties.set(name, schema);
    }
    for (const name of part.required) required.add(name);
  }
  return { properties, required: [...required], additional: undefined };
}

/**
 * The parts of a multipart body: a property that holds raw bytes (`format: binary`, or a media type and no encoding; OpenAPI
 * 3.0.3 and 3.1.0, "Special Considerations for multipart Content") is base64 text in the input.
 */
function partsOf(
  documents: Documents,
  schemas: Schemas,
  body: Body,
): { readonly body: Body; readonly encoding: NonNullable<RestBinding["body"]>["encoding"] } {
  const members = plainObject(schemas, body.schema);
  const stated = encodingOf(documents, body) ?? {};
  if (members === undefined) return { body, encoding: Object.keys(stated).length === 0 ? undefined : stated };
  const encoding: [string, BodyEncoding][] = [];
  const properties = [...members.properties].map(([name, schema]): [string, JsonSchema] => {
    const { contentType, ...more } = Object.hasOwn(stated, name) ? stated[name]! : {};
    const raw = rawBytes(schemas, schema, contentType);
    if (raw !== undefined) {
      encoding.push([name, { contentType: contentType ?? "application/octet-stream", bytes: true, ...more }]);
      return [name, raw];
    }
    if (contentType !== undefined) encoding.push([name, { contentType, ...more }]);
    return [name, schema];
  });
  const whole = schemas.behind(body.schema);
  const description =
    typeof whole === "object" && typeof whole.description === "string" ? whole.description : undefined;
  const { additionalProperties: _, ...open } = closed(new Map(properties), members.required);
  const schema = {
    ...open,
    ...(members.additional === undefined ? {} : { additionalProperties: members.additional }),
    ...(description === undefined ? {} : { description }),
  };
  return {
    body: encoding.some(([, { bytes }]) => bytes === true) ? { ...body, schema } : body,
    encoding: encoding.length === 0 ? undefined : Object.fromEntries(encoding),
  };
}

/** The schema of a property that holds bytes, as base64 text; `undefined`: it holds none. */
function rawBytes(schemas: Schemas, schema: JsonSchema, contentType: string | undefined): JsonSchema | undefined {
  const found = schemas.behind(schema);
  const binary = contentType !== undefined && bodyKind(contentType) === "bytes";
  if (typeof found === "boolean") return binary && found ? base64 : undefined;
  const { type, format, contentEncoding, contentMediaType, items, description } = found;
  if (type === "array") {
    const inner = rawBytes(schemas, (items ?? true) as JsonSchema, contentType);
    return inner === undefined ? undefined : { ...found, items: inner };
  }
  if (type !== "string" && !(type === undefined && (binary || contentMediaType !== undefined))) return undefined;
  const raw = format === "binary" || (contentEncoding === undefined && (contentMediaType !== undefined || binary));
  if (!raw) return undefined;
  const own = typeof schema === "object" && typeof schema.description === "string" ? schema.description : description;
  return { ...base64, ...(typeof own === "string" ? { description: own } : {}) };
}

/** The `encoding` of a form or multipart body, as far as it says something that is not so anyway. */
export function encodingOf(
  documents: Documents,
  body: Body,
): { readonly [property: string]: BodyEncoding } | undefined {
  const kind = bodyKind(body.mediaType);
  if (kind !== "form" && kind !== "multipart") return undefined;
  const entries: [string, BodyEncoding][] = [];
  for (const [name, place] of documents.members(documents.member(body.place, "encoding"))) {
    const [contentType, ...otherTypes] = (documents.text(place, "contentType") ?? "")
      .split(",")
      .map((type) => type.trim())
      .filter((type) => type !== "");
    const style = documents.text(place, "style");
    if (kind === "multipart") {
      const more = otherTypes.length === 0 ? {} : { otherTypes };
      if (contentType !== undefined) entries.push([name, { contentType, ...more }]);
      continue;
    }
    const explode = documents.member(place, "explode")?.value;
    const allowReserved = documents.member(place, "allowReserved")?.value === true ? { allowReserved: true } : {};
    if (style === undefined && explode === undefined) {
      if (contentType !== undefined && bodyKind(contentType) === "json") entries.push([name, { contentType }]);
      continue;
    }
    const known = ["form", "spaceDelimited", "pipeDelimited", "tabDelimited", "deepObject"].includes(style ?? "form");
    if (!known) documents.note(place, `"${style}" is no style of a form property: it is written as usual`);
    const used = known ? ((style ?? "form") as BodyEncoding["style"]) : "form";
    entries.push([name, { style: used, explode: (explode ?? used === "form") === true, ...allowReserved }]);
  }
  return entries.length === 0 ? undefined : Object.fromEntries(entries);
}
