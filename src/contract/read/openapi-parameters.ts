/** Parameters of OpenAPI operations: their place and form on the wire, and the properties of the flat input that they become. */
import { type Duration, type JsonSchema, milliseconds } from "../../operation.ts";
import { bodyKind } from "../media.ts";
import type { KeyPlace, RestParameter } from "../model.ts";
import { camelCase, Names, propertyName } from "./names.ts";
import { type Body, bodyOf, encodingOf } from "./openapi-body.ts";
import type { Documents, Place } from "./openapi-documents.ts";
import type { Schemas } from "./openapi-schema.ts";

/** These header parameters mean nothing (OpenAPI 3.1.0, section 4.8.12.2): content negotiation and security say it. */
const ignoredHeaders = new Set(["accept", "content-type", "authorization"]);
/** HTTP itself says these of a message (RFC 9110, section 7.6.1; RFC 9112, section 6). */
const ofTheMessage = new Set(["content-length", "host", "connection", "transfer-encoding"]);
/** RFC draft "The Idempotency-Key HTTP Header Field": where a key has its place. */
const keyHeader = "idempotency-key";

/** The first style is the default. The delimited ones of path and header are Swagger 2.0's. */
const stylesOf: Readonly<Record<RestParameter["in"], readonly RestParameter["style"][]>> = {
  path: ["simple", "label", "matrix", "pipeDelimited", "spaceDelimited", "tabDelimited"],
  query: ["form", "spaceDelimited", "pipeDelimited", "tabDelimited", "deepObject"],
  querystring: ["form"],
  header: ["simple", "pipeDelimited", "spaceDelimited", "tabDelimited"],
  cookie: ["form", "cookie"],
};

export interface Parameters {
  readonly bindings: readonly RestParameter[];
  readonly properties: ReadonlyMap<string, JsonSchema>;
  readonly required: readonly string[];
  readonly key: KeyPlace | undefined;
  /** Of the path, without a place there: by name. No call sends them. */
  readonly homeless: ReadonlyMap<string, JsonSchema>;
}

/** The parameters of an operation: its own, and those of `items`, its path items, which they replace by name and place. */
export function readParameters(
  documents: Documents,
  schemas: Schemas,
  items: readonly Place[],
  operation: Place,
  path: string,
): Parameters {
  const found = new Map<string, Place>();
  for (const owner of [...items, operation]) {
    for (const element of documents.elements(documents.member(owner, "parameters"))) {
      const place = documents.follow(element);
      found.set(`${documents.text(place, "in") ?? ""} ${documents.text(place, "name") ?? ""}`, place);
    }
  }
  const names = new Names();
  const bindings: RestParameter[] = [];
  const properties = new Map<string, JsonSchema>();
  const required: string[] = [];
  const homeless = new Map<string, JsonSchema>();
  let key: KeyPlace | undefined;
  for (const place of found.values()) {
    const name = documents.text(place, "name");
    const location = documents.text(place, "in") ?? "";
    if (name === undefined || name === "") {
      documents.note(place, "a parameter without a name is passed over");
      continue;
    }
    if (!isLocation(location)) {
      documents.note(place, `a parameter that stands in "${location}" is passed over`);
      continue;
    }
    const lower = name.toLowerCase();
    if (location === "header" && ignoredHeaders.has(lower)) continue;
    if (location === "header" && ofTheMessage.has(lower)) {
      documents.note(place, `every request says ${name} by itself: the parameter is passed over`);
      continue;
    }
    if (location === "header" && lower === keyHeader) {
      const required = documents.member(place, "required")?.value === true;
      key = { in: "header", name, ...(required ? { required } : {}), ...keyLifetime(documents, place, operation) };
      continue;
    }
    if (location === "path" && !path.includes(`{${name}}`)) {
      documents.note(place, `the path "${path}" has no place for {${name}}: the parameter is passed over`);
      homeless.set(name, schemaOf(documents, schemas, place));
      continue;
    }
    const property = names.take(location === "header" ? camelCase(name) : propertyName(name));
    const must = location === "path" || documents.member(place, "required")?.value === true;
    const content = contentOf(documents, schemas, place);
    bindings.push(readBinding(documents, place, property, location, name, must, content));
    properties.set(property, described(documents, place, content?.schema ?? schemaOf(documents, schemas, place)));
    if (must) required.push(property);
  }
  // A name in the path that no parameter describes has but one meaning: a text.
  for (const [, name] of path.matchAll(/\{([^{}]+)\}/g)) {
    if (found.has(`path ${name!}`)) continue;
    found.set(`path ${name!}`, operation);
    const property = names.take(propertyName(name!));
    bindings.push({ property, in: "path", name: name!, required: true, style: "simple", explode: false });
    properties.set(property, { type: "string" });
    required.push(property);
  }
  return { bindings, properties, required, key, homeless };
}

function isLocation(text: string): text is RestParameter["in"] {
  return Object.hasOwn(stylesOf, text);
}

function readBinding(
  documents: Documents,
  place: Place,
  property: string,
  location: RestParameter["in"],
  name: string,
  required: boolean,
  content: Body | undefined,
): RestParameter {
  const written = documents.text(place, "style");
  const styles: readonly string[] = stylesOf[location];
  // One that has no meaning in this place is taken as not written.
  const style = written !== undefined && styles.includes(written) ? written : styles[0]!;
  const explode = documents.member(place, "explode")?.value ?? (style === "form" || style === "cookie");
  const kind = content === undefined ? undefined : bodyKind(content.mediaType);
  const encoding = content !== undefined && kind === "form" ? encodingOf(documents, content) : undefined;
  return {
    property,
    in: location,
    name,
    required,
    style: style as RestParameter["style"],
    ...(written !== undefined && written !== style ? { written } : {}),
    explode: explode === true,
    ...(documents.member(place, "allowReserved")?.value === true ? { allowReserved: true } : {}),
    ...(kind === "json" ? { json: true } : {}),
    ...(encoding === undefined ? {} : { encoding }),
  };
}

function contentOf(documents: Documents, schemas: Schemas, place: Place): Body | undefined {
  return bodyOf(documents, schemas, documents.member(place, "content"));
}

function schemaOf(documents: Documents, schemas: Schemas, place: Place): JsonSchema {
  const at = documents.member(place, "schema");
  return at === undefined ? true : schemas.convert(at);
}

function described(documents: Documents, place: Place, schema: JsonSchema): JsonSchema {
  const description = documents.text(place, "description");
  const deprecated = documents.member(place, "deprecated")?.value === true;
  if (description === undefined && !deprecated) return schema;
  const given = typeof schema === "boolean" ? {} : schema;
  return { ...given, ...(description === undefined ? {} : { description }), ...(deprecated ? { deprecated } : {}) };
}

function keyLifetime(documents: Documents, ...owners: Place[]): { lifetimeMs?: number } {
  for (const owner of owners) {
    const at = documents.member(owner, "x-mortise-key-lifetime");
    if (at === undefined) continue;
    try {
      return { lifetimeMs: milliseconds(at.value as Duration) };
    } catch {
      throw documents.unreadable(at, 'a lifetime is written such as "24h"');
    }
  }
  return {};
}
