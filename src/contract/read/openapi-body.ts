/** Bodies of OpenAPI requests and answers: which media type is spoken, and how a request body joins the flat input. */
import type { JsonSchema } from "../../operation.ts";
import { type BodyKind, bodyKind } from "../media.ts";
import type { RestBinding, RestParameter } from "../model.ts";
import type { Documents, Place } from "./openapi-documents.ts";
import type { Schemas } from "./openapi-schema.ts";

export interface Body {
  readonly mediaType: string;
  readonly schema: JsonSchema;
  readonly place: Place;
}

const preference: readonly BodyKind[] = ["json", "form", "text", "bytes", "multipart"];

/** The preferred entry of a `content` map; `undefined` where there is none. */
export function bodyOf(documents: Documents, schemas: Schemas, content: Place | undefined): Body | undefined {
  const entries = documents.members(content);
  for (const kind of preference) {
    // application/json itself before its relatives
    const candidates = entries.filter(([type]) => bodyKind(type) === kind);
    const found = candidates.find(([type]) => type === "application/json") ?? candidates[0];
    if (found === undefined) continue;
    const [mediaType, place] = found;
    const schema = documents.member(documents.follow(place), "schema");
    if (kind === "text") return { mediaType, place, schema: { type: "string" } };
    if (kind === "bytes") return { mediaType, place, schema: { type: "string", contentEncoding: "base64" } };
    return { mediaType, place, schema: schema === undefined ? true : schemas.convert(schema) };
  }
  return undefined;
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
  const body = request === undefined ? undefined : bodyOf(documents, schemas, documents.member(request, "content"));
  if (request === undefined || body === undefined)
    return { schema: closed(parameters.properties, parameters.required) };
  const required = documents.member(request, "required")?.value === true;
  const encoding = encodingOf(documents, body);
  const binding = { mediaType: body.mediaType, required, ...(encoding === undefined ? {} : { encoding }) };
  const kind = bodyKind(body.mediaType);
  const members = kind === "json" || kind === "form" ? plainObject(schemas, body.schema) : undefined;

  if (members !== undefined && ![...parameters.properties.keys()].some((name) => members.properties.has(name))) {
    const spread = { ...binding, from: { kind: "spread" } } as const;
    const answered = [...members.properties].filter(([, schema]) => isReadOnly(schemas, schema)).map(([name]) => name);
    if (parameters.properties.size === 0 && answered.length === 0) return { schema: body.schema, body: spread };
    const properties = new Map([...parameters.properties, ...members.properties]);
    for (const name of answered) properties.delete(name);
    const names = [...parameters.required, ...members.required.filter((name) => !answered.includes(name))];
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

/** Properties that only the other side sets stay out of a request (OpenAPI 3.0.3, "readOnly"). */
function isReadOnly(schemas: Schemas, schema: JsonSchema): boolean {
  const found = typeof schema === "object" && schema.readOnly === true ? schema : schemas.behind(schema);
  return typeof found === "object" && found.readOnly === true;
}

function encodingOf(documents: Documents, body: Body): NonNullable<RestBinding["body"]>["encoding"] {
  if (bodyKind(body.mediaType) !== "form") return undefined;
  const encoding = documents.member(documents.follow(body.place), "encoding");
  const entries: [string, { style: RestParameter["style"]; explode: boolean }][] = [];
  for (const [name, place] of documents.members(encoding)) {
    const style = documents.text(place, "style") ?? "form";
    if (!["form", "spaceDelimited", "pipeDelimited", "deepObject"].includes(style))
      throw documents.unreadable(place, `"${style}" is no style of a form property`);
    const explode = documents.member(place, "explode")?.value ?? style === "form";
    entries.push([name, { style: style as RestParameter["style"], explode: explode === true }]);
  }
  return entries.length === 0 ? undefined : Object.fromEntries(entries);
}
