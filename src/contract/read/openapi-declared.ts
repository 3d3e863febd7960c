/**
 * What an operation of OpenAPI declares and a call makes no use of: bodies in other media types, headers of answers, answers
 * that are failures. The comparison of two versions needs it, since other callers may use it.
 */
import { MortiseError } from "../../errors.ts";
import type { JsonSchema } from "../../operation.ts";
import type { DeclaredAnswer, DeclaredHeader, RestDeclared } from "../declared.ts";
import { bodyKind } from "../media.ts";
import type { RestBinding } from "../model.ts";
import type { Documents, Place } from "./openapi-documents.ts";
import type { Schemas } from "./openapi-schema.ts";

type Content = { [mediaType: string]: JsonSchema };

/** `undefined` where there is nothing to say. */
export function declaredOf(
  documents: Documents,
  schemas: Schemas,
  operation: Place,
  binding: RestBinding,
  homeless: ReadonlyMap<string, JsonSchema>,
): RestDeclared | undefined {
  const requestAt = documents.member(operation, "requestBody");
  const request =
    requestAt === undefined
      ? {}
      : contentOf(documents, schemas, documents.follow(requestAt), binding.body?.mediaType ?? null);
  const answers: { [status: string]: DeclaredAnswer } = {};
  for (const [written, at] of documents.members(documents.member(operation, "responses"))) {
    const status = written.toUpperCase() === "DEFAULT" ? "default" : written.toUpperCase();
    const place = documents.follow(at);
    const spoken = [...binding.success, ...binding.faults].find((each) => each.status === status);
    const content = contentOf(documents, schemas, place, spoken?.mediaType ?? null);
    const headers = headersOf(documents, schemas, place);
    if (spoken !== undefined && empty(content) && empty(headers)) continue;
    answers[status] = { ...(empty(content) ? {} : { content }), ...(empty(headers) ? {} : { headers }) };
  }
  if (empty(request) && empty(answers) && homeless.size === 0) return undefined;
  return {
    ...(homeless.size === 0 ? {} : { parameters: Object.fromEntries(homeless) }),
    ...(empty(request) ? {} : { request }),
    ...(empty(answers) ? {} : { answers }),
  };
}

/** Without what the model has anyway: the schema of the media type that is spoken. */
function contentOf(documents: Documents, schemas: Schemas, owner: Place, spoken: string | null): Content {
  const content: Content = {};
  for (const [mediaType, place] of documents.members(documents.member(owner, "content"))) {
    const kind = bodyKind(mediaType);
    if (mediaType === spoken && kind !== "text" && kind !== "bytes") continue;
    const schema = documents.member(documents.follow(place), "schema");
    if (mediaType === spoken && schema === undefined) continue;
    content[mediaType] = schema === undefined ? true : lenient(schemas, schema);
  }
  return content;
}

function headersOf(documents: Documents, schemas: Schemas, owner: Place): { [name: string]: DeclaredHeader } {
  const headers: { [name: string]: DeclaredHeader } = {};
  for (const [name, at] of documents.members(documents.member(owner, "headers"))) {
    // says nothing (OpenAPI 3.1.0, section 4.8.17): the media type is stated by the content
    if (name.toLowerCase() === "content-type") continue;
    const place = documents.follow(at);
    const schema = documents.member(place, "schema");
    headers[name] = {
      required: documents.member(place, "required")?.value === true,
      schema: schema === undefined ? true : lenient(schemas, schema),
    };
  }
  return headers;
}

/** What no call uses is no reason to refuse a contract. */
function lenient(schemas: Schemas, place: Place): JsonSchema {
  try {
    return schemas.convert(place);
  } catch (error) {
    if (error instanceof MortiseError) return true;
    throw error;
  }
}

function empty(map: object): boolean {
  return Object.keys(map).length === 0;
}
