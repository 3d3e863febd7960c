/** Path Items of OpenAPI as operations: parameters, key place, effect, answers and faults. */
import type { Effect, JsonSchema } from "../../operation.ts";
import { type Duration, milliseconds } from "../../operation.ts";
import type { FaultModel, KeyPlace, OperationModel, RestBinding, RestParameter } from "../model.ts";
import { camelCase, Names, propertyName } from "./names.ts";
import { bodyOf, joinInput } from "./openapi-body.ts";
import type { Documents, Place } from "./openapi-documents.ts";
import type { Schemas } from "./openapi-schema.ts";

export const methods = ["get", "put", "post", "delete", "options", "head", "patch", "trace"] as const;

/** These header parameters mean nothing (OpenAPI 3.1.0, section 4.8.12.2): content negotiation and security say it. */
const ignoredHeaders = new Set(["accept", "content-type", "authorization"]);
/** RFC draft "The Idempotency-Key HTTP Header Field": where a key has its place. */
const keyHeader = "idempotency-key";

const stylesOf = {
  path: ["simple", "label", "matrix"],
  query: ["form", "spaceDelimited", "pipeDelimited", "deepObject"],
  header: ["simple"],
  cookie: ["form"],
} as const;

export function readOperation(
  documents: Documents,
  schemas: Schemas,
  item: Place,
  place: Place,
  at: { method: string; path: string; name: string },
): OperationModel {
  const operation = documents.object(place);
  const parameters = readParameters(documents, schemas, item, place, at.path);
  const requestAt = documents.member(place, "requestBody");
  const input = joinInput(
    documents,
    schemas,
    parameters,
    requestAt === undefined ? undefined : documents.follow(requestAt),
  );
  const answers = readAnswers(documents, schemas, place, at.method === "head");
  const key = parameters.key;
  const summary = documents.text(place, "summary") ?? documents.text(item, "summary");
  const description = documents.text(place, "description") ?? documents.text(item, "description");
  const binding: RestBinding = {
    protocol: "rest",
    method: at.method.toUpperCase(),
    path: at.path,
    parameters: parameters.bindings,
    ...(input.body === undefined ? {} : { body: input.body }),
    success: answers.success,
    faults: answers.faultStatuses,
  };
  return {
    name: at.name,
    ...(summary === undefined ? {} : { summary }),
    ...(description === undefined ? {} : { description }),
    ...(operation.deprecated === true ? { deprecated: true } : {}),
    effect: effectOf(documents, place, at.method, key !== undefined),
    ...(key === undefined ? {} : { key }),
    input: input.schema,
    output: answers.output,
    faults: answers.faults,
    binding,
  };
}

function effectOf(documents: Documents, place: Place, method: string, keyed: boolean): Effect {
  const stated = documents.member(place, "x-mortise-effect");
  if (stated !== undefined) {
    if (stated.value === "read" || stated.value === "idempotent" || stated.value === "unrepeatable")
      return stated.value;
    throw documents.unreadable(stated, 'an effect is "read", "idempotent" or "unrepeatable"');
  }
  // RFC 9110, section 9.2
  if (method === "get" || method === "head" || method === "options" || method === "trace") return "read";
  return method === "put" || method === "delete" || keyed ? "idempotent" : "unrepeatable";
}

interface Parameters {
  readonly bindings: readonly RestParameter[];
  readonly properties: ReadonlyMap<string, JsonSchema>;
  readonly required: readonly string[];
  readonly key: KeyPlace | undefined;
}

function readParameters(
  documents: Documents,
  schemas: Schemas,
  item: Place,
  operation: Place,
  path: string,
): Parameters {
  // An operation's parameter replaces the path's of the same name and place.
  const found = new Map<string, Place>();
  for (const owner of [item, operation]) {
    for (const element of documents.elements(documents.member(owner, "parameters"))) {
      const place = documents.follow(element);
      found.set(`${documents.text(place, "in") ?? ""} ${documents.text(place, "name") ?? ""}`, place);
    }
  }
  const names = new Names();
  const bindings: RestParameter[] = [];
  const properties = new Map<string, JsonSchema>();
  const required: string[] = [];
  let key: KeyPlace | undefined;
  for (const place of found.values()) {
    const name = documents.text(place, "name");
    const location = documents.text(place, "in");
    if (name === undefined || name === "") throw documents.unreadable(place, "a parameter needs a name");
    if (location !== "path" && location !== "query" && location !== "header" && location !== "cookie")
      throw documents.unreadable(
        place,
        `a parameter stands in path, query, header or cookie, not in "${location ?? ""}"`,
      );
    const lower = name.toLowerCase();
    if (location === "header" && ignoredHeaders.has(lower)) continue;
    if (location === "header" && lower === keyHeader) {
      key = { in: "header", name, ...keyLifetime(documents, place, operation) };
      continue;
    }
    if (location === "path" && !path.includes(`{${name}}`))
      throw documents.unreadable(place, `the path "${path}" has no place for {${name}}`);
    const property = names.take(location === "header" ? camelCase(name) : propertyName(name));
    const must = location === "path" || documents.member(place, "required")?.value === true;
    bindings.push(readBinding(documents, place, property, location, name, must));
    properties.set(property, parameterSchema(documents, schemas, place));
    if (must) required.push(property);
  }
  // A name in the path that no parameter describes has but one meaning: a text.
  for (const [, name] of path.matchAll(/\{([^{}]+)\}/g)) {
    if (found.has(`path ${name!}`)) continue;
    const property = names.take(propertyName(name!));
    bindings.push({ property, in: "path", name: name!, required: true, style: "simple", explode: false });
    properties.set(property, { type: "string" });
    required.push(property);
  }
  return { bindings, properties, required, key };
}

function readBinding(
  documents: Documents,
  place: Place,
  property: string,
  location: RestParameter["in"],
  name: string,
  required: boolean,
): RestParameter {
  const written = documents.text(place, "style");
  // The first style is the default; one that has no meaning in this place is taken as not written.
  const styles: readonly string[] = stylesOf[location];
  const style = written !== undefined && styles.includes(written) ? written : styles[0]!;
  const explode = documents.member(place, "explode")?.value ?? style === "form";
  return {
    property,
    in: location,
    name,
    required,
    style: style as RestParameter["style"],
    explode: explode === true,
    ...(location === "query" && documents.member(place, "allowReserved")?.value === true
      ? { allowReserved: true }
      : {}),
    ...(documents.member(place, "content") === undefined ? {} : { json: true }),
  };
}

function parameterSchema(documents: Documents, schemas: Schemas, place: Place): JsonSchema {
  const at = documents.member(place, "schema");
  const schema =
    at === undefined
      ? (bodyOf(documents, schemas, documents.member(place, "content"))?.schema ?? true)
      : schemas.convert(at);
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

/** Names of faults by status (RFC 9110, section 15.5). */
const faultNames: Readonly<Record<string, string>> = {
  "400": "badRequest",
  "401": "unauthorized",
  "402": "paymentRequired",
  "403": "forbidden",
  "404": "notFound",
  "405": "methodNotAllowed",
  "406": "notAcceptable",
  "409": "conflict",
  "410": "gone",
  "412": "preconditionFailed",
  "413": "contentTooLarge",
  "415": "unsupportedMediaType",
  "422": "unprocessable",
  "423": "locked",
  "428": "preconditionRequired",
  "3XX": "redirection",
  "4XX": "clientError",
  default: "otherFault",
};
/** Answers that say nothing about the request itself: failures, whatever the contract calls them. */
const neverFaults = new Set(["408", "425", "429"]);

interface Answers {
  readonly output: JsonSchema;
  readonly success: RestBinding["success"];
  readonly faults: { readonly [name: string]: FaultModel };
  readonly faultStatuses: RestBinding["faults"];
}

/** `bodiless`: the answer to HEAD never has a body (RFC 9110, section 9.3.2). */
function readAnswers(documents: Documents, schemas: Schemas, operation: Place, bodiless: boolean): Answers {
  const responses = documents.members(documents.member(operation, "responses"));
  const succeeds = responses.some(([status]) => /^2/.test(status));
  const outputs: JsonSchema[] = [];
  const success: { status: string; mediaType: string | null }[] = [];
  const faults: [string, FaultModel][] = [];
  const faultStatuses: { status: string; fault: string; mediaType: string | null }[] = [];
  const names = new Names();
  for (const [written, at] of responses) {
    const status = written.toUpperCase() === "DEFAULT" ? "default" : written.toUpperCase();
    if (status !== "default" && !/^[1-5](\d\d|XX)$/.test(status))
      throw documents.unreadable(at, `"${written}" is no status`);
    const place = documents.follow(at);
    const good = status.startsWith("2") || (status === "default" && !succeeds);
    if (!good && (/^[15]/.test(status) || neverFaults.has(status))) continue;
    const body = bodiless ? undefined : bodyOf(documents, schemas, documents.member(place, "content"));
    const mediaType = body?.mediaType ?? null;
    const schema = body?.schema ?? { type: "null" };
    if (good) {
      success.push({ status: status === "default" ? "2XX" : status, mediaType });
      outputs.push(schema);
    } else {
      const stated = documents.text(place, "x-mortise-fault");
      const fault = names.take(stated === undefined ? (faultNames[status] ?? `status${status}`) : camelCase(stated));
      const description = documents.text(place, "description")?.trim();
      faults.push([fault, { ...(description ? { description } : {}), detail: schema }]);
      faultStatuses.push({ status, fault, mediaType });
    }
  }
  if (success.length === 0) {
    success.push({ status: "2XX", mediaType: null });
    outputs.push({ type: "null" });
  }
  return { output: anyOf(outputs), success, faults: Object.fromEntries(faults), faultStatuses };
}

function anyOf(all: readonly JsonSchema[]): JsonSchema {
  const distinct = [...new Map(all.map((schema) => [JSON.stringify(schema), schema])).values()];
  return distinct.length === 1 ? distinct[0]! : { anyOf: distinct };
}
