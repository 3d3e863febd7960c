/** What of a given contract can't be implemented, or is not by what stands behind it, as far as the compiler can't say it. Each with its remedy. */
import type { Contract } from "../../contract/contract.ts";
import { bodyKind, essence } from "../../contract/media.ts";
import type { ContractModel, SecurityScheme } from "../../contract/model.ts";
import { camelCase } from "../../contract/read/names.ts";
import { uncheckedProblem } from "../../contract/unchecked.ts";
import { operationValidators } from "../../contract/validate.ts";
import type { Json } from "../../operation.ts";
import type { Access } from "../access/access.ts";
import { acceptance } from "../answers/answers.ts";
import { fieldsOf } from "../fields.ts";
import type { ApiOperation } from "../operations.ts";
import { pathProblem } from "../routes.ts";
import { requiredHeaders } from "./answers.ts";
import { isObject, type Member, writtenOperation } from "./pointer.ts";
import { sourceOf } from "./source.ts";
import type { Spoken, SpokenOperation } from "./spoken.ts";

const leave = (name: string) => `name ${name} in without, and it is not part of this API`;
const taken: ReadonlySet<string> = new Set(["GET", "POST", "PUT", "PATCH", "DELETE"]);

/** Of the contract as a whole. `document`: as it is written. */
export function contractProblem(
  { source, operations, events }: ContractModel,
  document: object,
  without: ReadonlySet<string>,
): string | undefined {
  if (source.language !== "openapi") return "its contract is no OpenAPI document";
  if (!source.languageVersion.startsWith("3."))
    return `its contract is Swagger ${source.languageVersion}; convert it to OpenAPI 3, which is what is served`;
  const unchecked = uncheckedProblem(source);
  if (unchecked !== undefined) return unchecked;
  const others = requestsOf(
    document,
    Object.values(operations).filter(({ name }) => !without.has(name)) as SpokenOperation[],
  );
  const names = new Set([...Object.keys(operations), ...Object.keys(events), ...others.map(({ name }) => name)]);
  for (const name of without) if (!names.has(name)) return `without names ${name}, which its contract does not have`;
  for (const { operation, reason } of source.leftOut ?? [])
    if (!without.has(operation)) return `its contract has ${operation}, which can't be read: ${reason}`;
  for (const { name, what } of others) {
    if (without.has(name) || without.has(camelCase(name)) || without.has(pinnedName(events, name))) continue;
    return `its contract has ${what}, and an API sends no requests of its own; ${leave(name)}`;
  }
  return undefined;
}

/** The event that was pinned of a request: `reportAVAILABLE` before names in capitals became `reportAvailable`. Else the name as it is written. */
function pinnedName(events: ContractModel["events"], written: string): string {
  const folded = camelCase(written).toLowerCase();
  return Object.keys(events).find((name) => name.toLowerCase() === folded) ?? written;
}

/** What no API does of a contract, by the names that `without` takes: the requests that it has the API send. `contract`: as it is pinned. */
export function neverServed(contract: Contract): readonly string[] {
  const { operations, events } = contract.model;
  const sent = requestsOf(sourceOf(contract).document, Object.values(operations) as SpokenOperation[]).map(
    ({ name }) => (Object.hasOwn(events, camelCase(name)) ? camelCase(name) : name),
  );
  return [...new Set([...Object.keys(events), ...sent])];
}

/** The requests that a contract has the API send: callbacks and webhooks, also those that no event is made of. */
function requestsOf(document: object, operations: readonly SpokenOperation[]) {
  const { webhooks, "x-webhooks": older } = document as Member;
  const found = [...keys(webhooks), ...keys(older)].map((name) => ({ name, what: `the webhook ${name}` }));
  for (const operation of operations)
    for (const name of keys(writtenOperation(document, operation.binding).callbacks))
      found.push({ name, what: `the callback ${name} of ${operation.name}` });
  return found;
}

function keys(value: unknown): string[] {
  return isObject(value) ? Object.keys(value).filter((name) => !name.startsWith("x-")) : [];
}

/** Of an operation, whatever stands behind it. `downloads`: its answer goes through unread. */
export function operationProblem({ name, binding }: SpokenOperation, downloads: boolean): string | undefined {
  const { method, path, parameters, body, success } = binding;
  if (method === "HEAD") return `${name} is a HEAD, which is answered wherever GET is; ${leave(name)}`;
  if (!taken.has(method)) return `${name} has the method ${method}, which is not served; ${leave(name)}`;
  if (/[?#*]/.test(path)) return `${name} has the path ${path}, and a path has no query; ${leave(name)}`;
  for (const segment of path.split("/"))
    if (/[{}]/.test(segment) && !/^\{[^{}]+\}$/.test(segment))
      return `${name} has the path ${path}, and "${segment}" is neither plain text nor one {name}; ${leave(name)}`;
  const unserved = pathProblem(path);
  if (unserved !== undefined)
    return `${name} has the path ${JSON.stringify(path)}, which no request can have: ${unserved}; ${leave(name)}`;
  const whole = parameters.find((parameter) => parameter.in === "querystring");
  if (whole !== undefined) return `${name} takes its whole query as one value (${whole.name}); ${leave(name)}`;
  if (body !== undefined) {
    const kind = bodyKind(body.mediaType);
    if (method === "GET") return `${name} is a GET with a body, which has no meaning (RFC 9110); ${leave(name)}`;
    const isRead = kind !== "lines" && (kind !== "multipart" || essence(body.mediaType) === "multipart/form-data");
    if (body.list === true || !isRead) return `${name} takes ${body.mediaType}, which is not read here; ${leave(name)}`;
  }
  for (const { status, mediaType, list } of success) {
    if (mediaType !== null && essence(mediaType) === "text/event-stream")
      return `${name} answers ${status} as text/event-stream, and only its contract knows what those events say; publish what happens in an API of its own (follows, or calls with every), and ${leave(name)}`;
    const kind = mediaType === null ? "json" : bodyKind(mediaType);
    // What is kept for an Idempotency-Key is text.
    if (kind === "bytes" && method !== "GET" && !downloads)
      return `${name} answers ${status} as ${mediaType}, bytes, and only a GET or a download does that here; ${leave(name)}`;
    if (list === true || (kind !== "json" && kind !== "text" && kind !== "bytes"))
      return `${name} answers ${status} as ${mediaType}, which is not written here; ${leave(name)}`;
  }
  return undefined;
}

/** Of an operation and what stands behind it. `linked`: the API shows the run that it starts. */
export function behindProblem(
  name: string,
  operation: ApiOperation,
  spoken: Spoken,
  linked: boolean,
): string | undefined {
  const { binding } = spoken.operation;
  if (spoken.headers === undefined) {
    for (const { status } of binding.success) {
      const missing = requiredHeaders(spoken, status).find((header) => header !== "location" || !linked);
      if (missing !== undefined)
        return `${name} has to answer ${status} with the field ${missing}; say it with headers: (answer) => ({ "${missing}": ... })`;
    }
  }
  if (operation.kind !== "starts" || spoken.accepted !== undefined) return undefined;
  const usual = binding.success.find(({ status }) => status === "202");
  const sample = acceptance("key", linked ? "/status" : undefined);
  if (usual !== undefined && (usual.mediaType === null || fits(spoken, usual.option, sample))) return undefined;
  const why =
    usual === undefined
      ? "its contract has no 202 for a run that is not over"
      : "the body of its 202 is not { key, status, links }";
  return `${name} starts a process, and ${why}; say what is answered then, with accepted: ({ key, input, link }) => ...`;
}

function fits({ model, operation }: Spoken, option: number | undefined, sample: Json): boolean {
  const validators = operationValidators(model, operation);
  if ((option === undefined ? validators.output : validators.option(option))(sample).length > 0) return false;
  const { output } = operation;
  const json = typeof output === "boolean" ? output : { ...output, $defs: model.schemas };
  return fieldsOf({ kind: "schema", json }).drop(sample) === sample;
}

/**
 * Whether callers who do what the contract says are let in, and nobody else. `written`: the alternatives as they stand in the document, also those
 * that nobody understands.
 */
export function securityProblem(
  name: string,
  { operation, model }: Spoken,
  isPublic: boolean,
  access: readonly Access[],
  written: number,
): string | undefined {
  const own = "or set ownAccess: true, and openapi.json says what access takes";
  const { security } = operation;
  if (security === undefined) return undefined;
  if (written > security.length)
    return `${name} asks for a security scheme that its contract does not declare or that nobody knows; mend it, ${own}`;
  const open = security.length === 0 || security.some((one) => Object.keys(one).length === 0);
  if (open) return isPublic ? undefined : `its contract lets anybody call ${name}; say access: "public" there, ${own}`;
  if (isPublic) return `${name} is public, and its contract asks for ${Object.keys(security[0] ?? {}).join(" and ")}`;
  for (const alternative of security) {
    const names = Object.keys(alternative);
    if (names.length > 1)
      return `${name} asks for ${names.join(" and ")} together, and one credential counts; ${own.slice(3)}`;
    const scheme = model.security?.[names[0] as string];
    if (scheme !== undefined && !isTaken(scheme, access))
      return `${name} asks for ${words(scheme)}, which nothing in access takes; add ${wayFor(scheme)}, ${own}`;
  }
  return undefined;
}

function isTaken(scheme: SecurityScheme, access: readonly Access[]): boolean {
  const has = (kind: Access["kind"]) => access.some((one) => one.kind === kind);
  switch (scheme.kind) {
    case "header": {
      const name = scheme.name.toLowerCase();
      return (name === "x-api-key" && has("api-key")) || (name === "authorization" && (has("api-key") || has("oauth")));
    }
    case "bearer":
      return has("api-key") || has("oauth");
    case "oauth2":
    case "openIdConnect":
      return has("oauth");
    case "basic":
      return has("basic");
    case "mutualTLS":
      return has("mtls");
    default:
      return false;
  }
}

function words(scheme: SecurityScheme): string {
  switch (scheme.kind) {
    case "header":
      return `a key in the header ${scheme.name}`;
    case "query":
    case "cookie":
      return `a key in the ${scheme.kind}`;
    case "http":
      return `the scheme ${scheme.scheme} of Authorization`;
    case "bearer":
      return "a bearer token";
    case "basic":
      return "a password";
    case "oauth2":
      return "an OAuth token";
    case "openIdConnect":
      return "an OpenID Connect token";
    case "mutualTLS":
      return "a client certificate";
  }
}

function wayFor(scheme: SecurityScheme): string {
  switch (scheme.kind) {
    case "bearer":
      return "apiKey() or oauth()";
    case "oauth2":
    case "openIdConnect":
      return "oauth()";
    case "basic":
      return "basic()";
    case "mutualTLS":
      return "mtls()";
    case "header":
      return /^(x-api-key|authorization)$/i.test(scheme.name) ? "apiKey()" : "a way of its own to the contract";
    default:
      return "a way that is taken here to the contract";
  }
}

/** The one scope that the contract asks for; `undefined` where there is none, or several. */
export function scopeOf({ security = [] }: SpokenOperation): string | undefined {
  const scopes = new Set(security.flatMap((alternative) => Object.values(alternative).flat()));
  return scopes.size === 1 ? [...scopes][0] : undefined;
}
