/** Path Items of OpenAPI as operations: what is read of it where is said by the modules that it puts together. */
import type { Effect } from "../../operation.ts";
import type { OperationModel, RestBinding } from "../model.ts";
import { readAnswers } from "./openapi-answers.ts";
import { joinInput } from "./openapi-body.ts";
import { declaredOf } from "./openapi-declared.ts";
import type { Documents, Place } from "./openapi-documents.ts";
import { readParameters } from "./openapi-parameters.ts";
import type { Schemas } from "./openapi-schema.ts";
import type { Security } from "./openapi-security.ts";

/** The fixed fields of a Path Item that are operations; `query` is OpenAPI 3.2's (RFC 10008). */
export const methods = ["get", "put", "post", "delete", "options", "head", "patch", "trace", "query"] as const;

export interface OperationPlace {
  /** The Path Items that hold it, the more general first: a reference may have members beside it. */
  readonly items: readonly Place[];
  readonly place: Place;
  /** As it is sent. */
  readonly method: string;
  readonly path: string;
  readonly name: string;
}

export interface ReadOperation {
  readonly model: OperationModel;
  /** Its responses, which may have links. */
  readonly answers: readonly (readonly [status: string, place: Place])[];
}

export function readOperation(
  documents: Documents,
  schemas: Schemas,
  security: Security,
  { items, place, method, path, name }: OperationPlace,
): ReadOperation {
  const operation = documents.object(place);
  const parameters = readParameters(documents, schemas, items, place, path);
  const requestAt = documents.member(place, "requestBody");
  const request = requestAt === undefined ? undefined : documents.follow(requestAt);
  const input = joinInput(documents, schemas, parameters, request);
  const answers = readAnswers(documents, schemas, place, method === "HEAD");
  const { key } = parameters;
  const text = (field: string) =>
    [place, ...items].map((at) => documents.text(at, field)).find((found) => found !== undefined);
  const summary = text("summary");
  const description = text("description");
  const server = ownServer(documents, [...items, place]);
  const wanted = security.of(place);
  const spoken: RestBinding = {
    protocol: "rest",
    method,
    path,
    ...(server === undefined ? {} : { server }),
    parameters: parameters.bindings,
    ...(input.body === undefined ? {} : { body: input.body }),
    success: answers.success,
    faults: answers.faultStatuses,
  };
  const declared = declaredOf(documents, schemas, place, spoken, parameters.homeless);
  const binding: RestBinding = declared === undefined ? spoken : { ...spoken, declared };
  const model: OperationModel = {
    name,
    ...(summary === undefined ? {} : { summary }),
    ...(description === undefined ? {} : { description }),
    ...(operation.deprecated === true ? { deprecated: true } : {}),
    effect: effectOf(documents, place, method, key !== undefined),
    ...(key === undefined ? {} : { key }),
    input: input.schema,
    output: answers.output,
    ...(answers.example === undefined ? {} : { example: answers.example }),
    faults: answers.faults,
    binding,
    ...(wanted === undefined ? {} : { security: wanted }),
  };
  return { model, answers: answers.places };
}

const reading = new Set(["GET", "HEAD", "OPTIONS", "TRACE", "QUERY"]);

function effectOf(documents: Documents, place: Place, method: string, keyed: boolean): Effect {
  const stated = documents.member(place, "x-mortise-effect");
  if (stated !== undefined) {
    if (stated.value === "read" || stated.value === "idempotent" || stated.value === "unrepeatable")
      return stated.value;
    throw documents.unreadable(stated, 'an effect is "read", "idempotent" or "unrepeatable"');
  }
  // RFC 9110, section 9.2
  if (reading.has(method)) return "read";
  return method === "PUT" || method === "DELETE" || keyed ? "idempotent" : "unrepeatable";
}

/** The first server of the operation, else of its path item; `undefined`: the contract's. */
function ownServer(documents: Documents, owners: readonly Place[]): string | undefined {
  let server: string | undefined;
  for (const owner of owners) server = serversOf(documents, owner)[0] ?? server;
  return server;
}

/** The addresses of a `servers` list, with the defaults of their variables. */
export function serversOf(documents: Documents, owner: Place): string[] {
  const servers: string[] = [];
  for (const place of documents.elements(documents.member(owner, "servers"))) {
    const url = documents.text(place, "url");
    if (url === undefined) continue;
    const variables = documents.member(place, "variables");
    const filled = url.replace(/\{([^{}]+)\}/g, (whole, name: string) => {
      const variable = variables === undefined ? undefined : documents.member(variables, name);
      const value = variable === undefined ? undefined : documents.member(variable, "default")?.value;
      return value === undefined ? whole : String(value);
    });
    servers.push(filled);
  }
  return servers;
}
