/**
 * Writes an API's OpenAPI 3.1 document (https://spec.openapis.org/oas/v3.1.1): everything a caller meets, errors and
 * header fields included. The docs page is made from it.
 */
import type { JsonSchema, Schema } from "../operation.ts";
import type { ApiDefinition } from "./define.ts";
import type { Prepared } from "./exchange.ts";
import { longestIdempotencyKey } from "./idempotency.ts";
import { declares, plainOperation } from "./implement/plain-operation.ts";
import type { Spoken } from "./implement/spoken.ts";
import { faultSchema, faultWords } from "./openapi-faults.ts";
import { headerReference, headers, meaningOf } from "./openapi-words.ts";
import { pageOf } from "./pages/page-schemas.ts";
import { problemSchema } from "./problem.ts";
import { createSchemaBook, type SchemaBook } from "./schema-book.ts";
import { definitionsOf, resolve, shapeOf } from "./schemas.ts";
import { downloads, eventsOf, lastEventId, rangeHeader, unread } from "./streams/openapi.ts";

/** What a client must know of its keys (IK-5). */
function keyRules(retentionMs: number | undefined, asksInQuery: boolean): string {
  const known = retentionMs === undefined ? "24 hours, where nothing else is agreed" : lasting(retentionMs);
  return (
    "Your own key for this request, the same with each retry of it: the request is then worked on once, and the answer repeated " +
    "(draft-ietf-httpapi-idempotency-key-header-08). One string in double quotes, of at most " +
    `${longestIdempotencyKey} characters. The same request has the same method, path${asksInQuery ? ", query" : ""} and body, whatever the order of its members; ` +
    `another one under the same key is refused with 422. A key is known for ${known}; after that it is new.`
  );
}

function lasting(ms: number): string {
  const hours = ms / 3_600_000;
  return Number.isInteger(hours) ? `${hours} ${hours === 1 ? "hour" : "hours"}` : `${Math.ceil(ms / 1000)} seconds`;
}

/** A whole document: JSON. */
export interface OpenApiDocument {
  /** Of a contract that is given: its own. */
  readonly openapi: string;
  readonly info: { readonly title: string; readonly version: string; readonly [member: string]: unknown };
  readonly servers: readonly { readonly url: string }[];
  readonly paths: { readonly [path: string]: { readonly [method: string]: OpenApiOperation } };
  readonly components: {
    readonly schemas: { readonly [name: string]: JsonSchema };
    readonly responses: { readonly [name: string]: unknown };
    readonly headers: { readonly [name: string]: unknown };
    readonly securitySchemes?: { readonly [name: string]: unknown };
  };
}
export interface OpenApiOperation {
  readonly operationId: string;
  readonly summary?: string;
  readonly description?: string;
  readonly parameters?: readonly OpenApiParameter[];
  readonly requestBody?: { readonly required: boolean; readonly content: Content };
  readonly responses: { readonly [status: string]: unknown };
  readonly security: readonly unknown[];
}
export interface OpenApiParameter {
  readonly name: string;
  readonly in: "path" | "query" | "header" | "cookie";
  readonly required: boolean;
  readonly description?: string;
  readonly schema: JsonSchema;
}
type Content = { readonly [mediaType: string]: { readonly schema: JsonSchema } };

const acceptedSchema: JsonSchema = {
  type: "object",
  description: "The request is on disk and will be worked on.",
  properties: {
    key: { type: "string", description: "Business key." },
    status: { const: "accepted" },
    links: { type: "object", properties: { status: { type: "string", description: "Path of the status." } } },
  },
  required: ["key", "status"],
};

/** The document of `api`; the same operations give the same document. */
export function openApiOf(
  api: ApiDefinition,
  operations: readonly Prepared[],
  schemes: Readonly<Record<string, unknown>>,
): OpenApiDocument {
  const book = createSchemaBook();
  book.name("Problem", problemSchema);
  const paths: Record<string, Record<string, OpenApiOperation>> = {};
  const statuses = new Set<number>();
  for (const prepared of operations) {
    const { path, method } = prepared.operation;
    const item = paths[path] ?? {};
    paths[path] = item;
    item[method.toLowerCase()] = operationOf(api, prepared, book, statuses, Object.keys(schemes));
  }
  return {
    openapi: "3.1.1",
    info: {
      title: api.title ?? api.name,
      version: api.version,
      ...(api.description === undefined ? {} : { description: api.description }),
      "x-lifecycle": api.lifecycle.state,
    },
    servers: [{ url: `${api.server ?? ""}${api.base}` }],
    paths,
    components: {
      schemas: book.schemas(),
      responses: Object.fromEntries(
        [...statuses].sort((a, b) => a - b).map((status) => [`Problem${status}`, problem(status)]),
      ),
      headers,
      ...(Object.keys(schemes).length > 0 ? { securitySchemes: schemes } : {}),
    },
  };
}

function operationOf(
  api: ApiDefinition,
  prepared: Prepared,
  book: SchemaBook,
  statuses: Set<number>,
  schemes: readonly string[],
): OpenApiOperation {
  const { operation, plan, name } = prepared;
  if (operation.spoken !== undefined) return spokenOperation(api, prepared, operation.spoken, book, statuses, schemes);
  const definitions = definitionsOf(prepared.accepted.json);
  const parameters: OpenApiParameter[] = [...plan.path, ...plan.query].map((parameter) => ({
    name: parameter.name,
    in: plan.path.includes(parameter) ? "path" : "query",
    required: parameter.required,
    ...described(parameter.schema),
    schema: book.embed(parameter.schema, definitions),
  }));
  const { upload, download } = prepared.passes ?? {};
  const keyed = isKeyed(prepared);
  if (operation.etag === true) {
    parameters.push({
      name: "If-None-Match",
      in: "header",
      required: false,
      description: "The ETag of the answer that the caller has (RFC 9110, section 13.1.2).",
      schema: { type: "string" },
    });
  }
  if (prepared.events !== undefined) parameters.push(lastEventId);
  if (download?.ranges === true) parameters.push(rangeHeader);
  if (keyed && (operation.kind === "starts" || operation.kind === "calls")) {
    parameters.push({
      name: "Idempotency-Key",
      in: "header",
      required: operation.idempotency.required,
      description: keyRules(operation.idempotency.retentionMs, plan.query.length > 0),
      schema: { type: "string", minLength: 1, maxLength: longestIdempotencyKey + 2 },
    });
  }
  return {
    operationId: name,
    ...(operation.summary === undefined ? {} : { summary: operation.summary }),
    ...(operation.description === undefined ? {} : { description: operation.description }),
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(plan.body
      ? { requestBody: { required: true, content: { "application/json": { schema: bodySchema(prepared, book) } } } }
      : {}),
    ...(upload === undefined
      ? {}
      : { requestBody: { required: upload.required, content: unread(upload.types, upload.maxBytes) } }),
    responses: {
      ...successes(prepared, book, keyed, api),
      ...failuresOf(prepared, api, book, statuses),
    },
    security: securityOf(operation, schemes),
  };
}

/** What can go wrong; a status that the author gave a fault of the system says which it is. */
function failuresOf(
  prepared: Prepared,
  api: ApiDefinition,
  book: SchemaBook,
  statuses: Set<number>,
): Readonly<Record<string, unknown>> {
  const usual = usualStatuses(prepared, api);
  return Object.fromEntries(
    failureStatuses(prepared, api).map((status): [string, unknown] => {
      const faults = prepared.faults.filter((fault) => fault.status === status);
      if (faults.length > 0) {
        const schema = faultSchema(faults, usual.has(status), book);
        const content = { "application/problem+json": { schema } };
        // Beside faults that only have a name, it still means what it always does.
        const means = faults.some(({ detail }) => detail !== undefined) ? "" : `${meaningOf(status)} `;
        return [String(status), { ...problem(status), description: `${means}${faultWords(faults)}`, content }];
      }
      statuses.add(status);
      return [String(status), { $ref: `#/components/responses/Problem${status}` }];
    }),
  );
}

/** Any of them; the scope is what each must hold. */
function securityOf(operation: Prepared["operation"], schemes: readonly string[]): OpenApiOperation["security"] {
  return operation.access === "public" ? [] : schemes.map((name) => ({ [name]: scopesOf(operation) }));
}

/** Of a given contract, for the docs page: its document is another (implement/document.ts). */
function spokenOperation(
  api: ApiDefinition,
  prepared: Prepared,
  spoken: Spoken,
  book: SchemaBook,
  statuses: Set<number>,
  schemes: readonly string[],
): OpenApiOperation {
  const plain = plainOperation(prepared, spoken, book);
  const failures = failureStatuses(prepared, api).filter((status) => !declares(spoken, status));
  for (const status of failures) statuses.add(status);
  const problems = failures.map((status) => [String(status), { $ref: `#/components/responses/Problem${status}` }]);
  return {
    ...plain,
    responses: { ...plain.responses, ...Object.fromEntries(problems) },
    security: securityOf(prepared.operation, schemes),
  };
}

function scopesOf({ scope }: Prepared["operation"]): readonly string[] {
  return scope === undefined ? [] : [scope];
}

/** The input without what the path already says. */
function bodySchema({ accepted, plan }: Prepared, book: SchemaBook): JsonSchema {
  const definitions = definitionsOf(accepted.json);
  const shape = shapeOf(accepted.json, definitions);
  if (plan.path.length === 0 || shape === undefined) return book.embed(accepted.json, definitions);
  const inPath = new Set(plan.path.map((parameter) => parameter.name));
  const whole = resolve(accepted.json, definitions);
  const rest: JsonSchema = {
    type: "object",
    properties: Object.fromEntries([...shape.properties].filter(([name]) => !inPath.has(name))),
    required: [...shape.required].filter((name) => !inPath.has(name)),
    ...(typeof whole !== "boolean" && whole.additionalProperties !== undefined
      ? { additionalProperties: whole.additionalProperties }
      : {}),
  };
  return book.embed(rest, definitions);
}

function successes(prepared: Prepared, book: SchemaBook, keyed: boolean, api: ApiDefinition): Record<string, unknown> {
  const { operation, answered } = prepared;
  const json = (description: string, schema: JsonSchema, ...more: (keyof typeof headers)[]) => {
    const names: (keyof typeof headers)[] = ["X-Request-Id", ...more];
    if (isLimited(api, operation)) names.push("RateLimit-Policy", "RateLimit");
    if (keyed) names.push("Idempotency-Replayed");
    return {
      description,
      headers: {
        ...Object.fromEntries(names.map((name) => [name, headerReference(name)])),
        ...(operation.etag === true ? { ETag: etagHeader } : {}),
      },
      content: { "application/json": { schema } },
    };
  };
  const output = embedded(answered, book);
  const unchanged =
    operation.etag === true
      ? {
          304: { description: "Not changed since the answer that If-None-Match names.", headers: { ETag: etagHeader } },
        }
      : {};
  const download = prepared.passes?.download;
  if (download !== undefined) return downloads(json("", true), download);
  if (operation.kind === "runs") {
    const { state } = operation.process;
    const shown = state === undefined ? undefined : embedded(state, book);
    const item = operation.responds === undefined ? runSchema(output, shown) : output;
    return { 200: json("A page of them, the newest first.", pageOf(item), "Link"), ...unchanged };
  }
  if (operation.kind === "calls" && operation.pages !== undefined)
    return { 200: json("A page of the list.", output, "Link"), ...unchanged };
  if (operation.kind === "calls")
    return operation.everyMs === undefined
      ? { 200: json("The answer.", output), ...unchanged }
      : { 200: eventsOf(json("Each change of the answer, as an event.", output)) };
  if (operation.kind === "run" || operation.kind === "follows") {
    const { state } = operation.process;
    const shown = state === undefined ? undefined : embedded(state, book);
    const view = operation.responds === undefined ? runSchema(output, shown) : output;
    if (operation.kind === "run") return { 200: json("How far it is.", view), ...unchanged };
    return {
      200: eventsOf(json("How far it is, as an event for each change, until its end.", view)),
      204: { description: "It has ended, and Last-Event-ID names its last state: nothing more will come." },
    };
  }
  const accepted = json(
    "Accepted; the status link tells how it goes.",
    book.name("Accepted", acceptedSchema),
    "Location",
  );
  if (operation.waitMs === 0) return { 202: accepted };
  return {
    200: json("There was such a request before, and it has completed.", output, "Location"),
    201: json("Completed within the time that this operation waits.", output, "Location"),
    202: accepted,
  };
}

const etagHeader = {
  description:
    "Names this state of the answer; sent back in If-None-Match it saves the body while nothing has changed (RFC 9110).",
  schema: { type: "string" },
};

function isLimited(api: ApiDefinition, { limits = [] }: Prepared["operation"]): boolean {
  return api.limits.length + limits.length > 0 || Object.values(api.plans).some((plan) => plan.limits.length > 0);
}

function runSchema(output: JsonSchema, state: JsonSchema | undefined): JsonSchema {
  return {
    type: "object",
    properties: {
      key: { type: "string", description: "Business key." },
      status: { enum: ["running", "waiting", "completed", "rejected", "undone", "cancelled", "terminated"] },
      ...(state === undefined ? {} : { state }),
      output: output === true ? { description: "Of a completed run." } : output,
      reason: { type: "string", description: "Why it did not complete." },
      createdAt: { type: "string", format: "date-time" },
      updatedAt: { type: "string", format: "date-time" },
    },
    required: ["key", "status", "createdAt", "updatedAt"],
  };
}

/** Whether its requests may carry an Idempotency-Key. */
function isKeyed({ operation, passes }: Prepared): boolean {
  if (operation.kind === "calls") return passes === undefined && operation.operation.effect !== "read";
  return operation.kind === "starts";
}

/** What can go wrong, by status. */
export function failureStatuses(prepared: Prepared, api: ApiDefinition): readonly number[] {
  const { operation } = prepared;
  const faults = operation.kind === "calls" ? Object.values(operation.faults) : [];
  return [...usualStatuses(prepared, api), ...faults]
    .filter((status, at, all) => all.indexOf(status) === at)
    .sort((a, b) => a - b);
}

/** Without those of faults. */
function usualStatuses(prepared: Prepared, api: ApiDefinition): ReadonlySet<number> {
  const { operation, plan } = prepared;
  const keyed = isKeyed(prepared);
  const statuses = new Set([400, 406, 500, 503]);
  if (operation.access !== "public") for (const status of [401, 403, 429]) statuses.add(status);
  if (isLimited(api, operation)) statuses.add(429);
  const { upload, download } = prepared.passes ?? {};
  if (plan.body || upload !== undefined) for (const status of [413, 415]) statuses.add(status);
  if (upload !== undefined) statuses.add(408);
  if (download?.ranges === true) statuses.add(416);
  if (keyed) for (const status of [409, 422]) statuses.add(status);
  if (operation.kind === "run" || operation.kind === "follows") statuses.add(404);
  if (prepared.events !== undefined) statuses.add(429);
  if (operation.kind === "calls") {
    statuses.add(422).add(502);
    if (operation.operation.effect !== "read") statuses.add(504);
  }
  return statuses;
}

/** The answer of a problem, in a document of which we name nothing but the schema. */
export function problemAnswer(status: number, schema: string): unknown {
  return {
    description: meaningOf(status),
    headers: { "X-Request-Id": headers["X-Request-Id"] },
    content: { "application/problem+json": { schema: { $ref: `#/components/schemas/${schema}` } } },
  };
}

function problem(status: number): object {
  const names: (keyof typeof headers)[] = ["X-Request-Id"];
  if (status === 429 || status === 503) names.push("Retry-After");
  if (status === 429) names.push("RateLimit-Policy", "RateLimit");
  return {
    description: meaningOf(status),
    headers: Object.fromEntries(names.map((name) => [name, headerReference(name)])),
    content: { "application/problem+json": { schema: { $ref: "#/components/schemas/Problem" } } },
  };
}

function embedded(schema: Schema, book: SchemaBook): JsonSchema {
  return book.embed(schema.json, definitionsOf(schema.json));
}

function described(schema: JsonSchema): { readonly description?: string } {
  return typeof schema !== "boolean" && typeof schema.description === "string"
    ? { description: schema.description }
    : {};
}
