/**
 * Reads Swagger 2.0 and OpenAPI 3.0, 3.1 and 3.2 (JSON or YAML, in one file or many) into the contract model.
 * https://spec.openapis.org/oas/v2.0, v3.0.3, v3.1.0 and v3.2.0
 *
 * What breaks the rules in one place only is passed over, with a note in the model; what leaves a doubt about the rest is refused.
 * Extensions that mean something: `x-mortise-effect` and `x-mortise-key-lifetime` on an operation,
 * `x-mortise-fault` on a response (name of the fault), `x-mortise-correlation` on a webhook (JSON Pointer of the correlation key).
 */
import type { JsonSchema } from "../../operation.ts";
import { type ContractModel, frozen, type OperationModel } from "../model.ts";
import { camelCase, memberNames, type Names } from "./names.ts";
import { Directions } from "./openapi-direction.ts";
import { Documents, type Place } from "./openapi-documents.ts";
import { Events } from "./openapi-events.ts";
import { type LinkedOperation, withLinks } from "./openapi-links.ts";
import { methods, readOperation, serversOf } from "./openapi-operation.ts";
import { Schemas } from "./openapi-schema.ts";
import { Security } from "./openapi-security.ts";
import type { ContractFiles } from "./source.ts";
import { Swagger } from "./swagger.ts";

/** The contract of `source` under the system's name. Rejects with `contract-unreadable`, naming file, place and reason. */
export async function readOpenApi(source: ContractFiles, name: string): Promise<ContractModel> {
  const documents = await Documents.load(source, versionOf);
  const { root } = documents;
  const version = versionOf(documents);
  const swagger = /^2/.test(version) ? new Swagger(documents) : undefined;
  const info = documents.member(root, "info");
  const of = (field: string) => (info === undefined || info.value === null ? undefined : documents.text(info, field));
  const [title, infoVersion] = [of("title"), of("version")];
  const paths = documents.member(root, "paths");
  const webhooks = documents.member(root, "webhooks") ?? documents.member(root, "x-webhooks");
  const named = documents.member(root, swagger === undefined ? "components" : "definitions");
  if (paths === undefined && webhooks === undefined && named === undefined)
    throw documents.unreadable(root, "there are neither paths, webhooks nor components");

  const schemas = new Schemas(documents, swagger !== undefined || /^3(\.0|$)/.test(version));
  const security = new Security(documents);
  const names = memberNames();
  const found = readPaths(documents, schemas, security, swagger, paths, names);
  const events = new Events(documents, schemas, names);
  events.webhooks(webhooks);
  for (const { model, place } of found) events.callbacks(place, model.name);
  const defs = schemas.named();
  const requests = new Directions(schemas, defs, "request");
  const responses = new Directions(schemas, defs, "response");
  const operations = withLinks(documents, found).map((operation) => directed(operation, requests, responses));
  const used = security.named();
  const strange = security.strange();
  const { notes, unchecked } = documents;
  return frozen({
    format: 1,
    name,
    source: {
      language: "openapi",
      languageVersion: version,
      ...(title === undefined ? {} : { title }),
      ...(infoVersion === undefined ? {} : { version: infoVersion }),
      files: source.files().map(({ path, sha256 }) => ({ path, sha256 })),
      ...(notes.length === 0 ? {} : { notes: [...notes] }),
      ...(unchecked.length === 0 ? {} : { unchecked: [...unchecked] }),
    },
    operations: Object.fromEntries(operations.map((operation) => [operation.name, operation])),
    events: events.named(),
    schemas: Object.fromEntries([...defs, ...requests.twins, ...responses.twins]),
    servers: swagger?.servers() ?? serversOf(documents, root),
    ...(used === undefined ? {} : { security: used }),
    ...(strange === undefined ? {} : { strangeSecurity: strange }),
  });
}

function versionOf(documents: Documents): string {
  const { root } = documents;
  documents.object(root);
  const old = documents.member(root, "swagger");
  if (old !== undefined) {
    if (/^2(\.0)?$/.test(String(old.value))) return "2.0";
    throw documents.unreadable(old, `"${String(old.value)}" is no version of Swagger that is read; 2.0 is`);
  }
  const at = documents.member(root, "openapi");
  if (at === undefined)
    throw documents.unreadable(root, 'there is no "openapi" or "swagger" with a version: this is no OpenAPI document');
  // YAML without quotes makes numbers of versions
  const written = typeof at.value === "number" ? at.value.toFixed(1) : at.value;
  if (typeof written === "string" && /^3(\.[012](\.\d+(-.+)?)?)?$/.test(written)) return written;
  throw documents.unreadable(
    at,
    `"${String(written)}" is no version that is read; 3.0, 3.1 and 3.2 are, and Swagger 2.0`,
  );
}

function readPaths(
  documents: Documents,
  schemas: Schemas,
  security: Security,
  swagger: Swagger | undefined,
  paths: Place | undefined,
  names: Names,
): LinkedOperation[] {
  const operations: LinkedOperation[] = [];
  const ids = new Set<string>();
  for (const [path, at] of documents.members(paths)) {
    if (!path.startsWith("/")) {
      documents.note(at, `the path "${path}" does not start with "/" and is passed over`);
      continue;
    }
    if (at.value === null) continue;
    // Members beside a reference count as well (OpenAPI 3.1.0, "Path Item Object").
    const target = documents.follow(at);
    const items = target === at ? [at] : [target, at];
    if (!items.every(({ value }) => typeof value === "object" && value !== null && !Array.isArray(value))) {
      documents.note(at, `the path "${path}" has no operations and is passed over`);
      continue;
    }
    for (const [method, written] of operationsIn(documents, items)) {
      const id = documents.text(written, "operationId");
      const name = names.take(camelCase(id === undefined || id.trim() === "" ? `${method} ${path}` : id));
      // OpenAPI 3.1.1, "Operation Object": it must be unique among all operations.
      if (id !== undefined && ids.has(id))
        documents.note(written, `the operationId "${id}" is another operation's too: here this one is ${name}`);
      if (id !== undefined) ids.add(id);
      const place = swagger?.operation(items, written) ?? written;
      const from = { items: swagger === undefined ? items : [], place, method, path, name };
      const { model, answers } = readOperation(documents, schemas, security, from);
      operations.push({ model, place, answers });
    }
  }
  return operations;
}

/** The operations of a path item, by the method as it is sent. */
function operationsIn(documents: Documents, items: readonly Place[]): [method: string, place: Place][] {
  const found: [string, Place][] = [];
  for (const item of items) {
    documents.object(item);
    for (const method of methods) {
      const place = documents.member(item, method);
      if (place !== undefined && place.value !== null) found.push([method.toUpperCase(), place]);
    }
    // OpenAPI 3.2.0: any other method, in its own spelling
    for (const [method, place] of documents.members(documents.member(item, "additionalOperations"))) {
      if (/^[!#$%&'*+.^_`|~\w-]{1,100}$/.test(method)) found.push([method, place]);
      else documents.note(place, `"${method}" is no method and is passed over`);
    }
  }
  return found;
}

function directed(operation: OperationModel, requests: Directions, responses: Directions): OperationModel {
  const faults = Object.entries(operation.faults).map(([name, fault]) => [
    name,
    { ...fault, detail: responses.of(fault.detail) },
  ]);
  const input = withParameters(operation, requests.of(operation.input), requests);
  const output = responses.of(operation.output);
  return withWhole(operation, { ...operation, input, output, faults: Object.fromEntries(faults) });
}

/** Parameters and the body are always sent: `readOnly` says something of properties only (OpenAPI 3.0.3, "Schema Object"). */
function withParameters({ binding, input }: OperationModel, cut: JsonSchema, requests: Directions): JsonSchema {
  if (binding.protocol !== "rest" || typeof input === "boolean" || typeof cut === "boolean" || input === cut)
    return cut;
  const written = input.properties as Readonly<Record<string, JsonSchema>> | undefined;
  if (written === undefined || cut.properties === undefined) return cut;
  const sent = new Set(binding.parameters.map(({ property }) => property));
  const body = binding.body?.from.kind === "property" ? binding.body.from.name : undefined;
  const kept = cut.properties as Readonly<Record<string, JsonSchema>>;
  const properties = Object.entries(written).flatMap(([name, schema]) => {
    if (sent.has(name)) return [[name, schema]];
    if (name === body) return [[name, requests.of(schema)]];
    return Object.hasOwn(kept, name) ? [[name, kept[name]]] : [];
  });
  const { required: _, ...rest } = cut;
  const still = new Set([
    ...sent,
    ...((cut.required ?? []) as readonly string[]),
    ...(body === undefined ? [] : [body]),
  ]);
  const must = ((input.required ?? []) as readonly string[]).filter((name) => still.has(name));
  return {
    ...rest,
    properties: Object.fromEntries(properties) as JsonSchema,
    ...(must.length === 0 ? {} : { required: must }),
  };
}

/** Keeps what a direction has cut, for the comparison of versions. */
function withWhole(written: OperationModel, cut: OperationModel): OperationModel {
  const differ = (one: unknown, other: unknown) => one !== other && JSON.stringify(one) !== JSON.stringify(other);
  const whole = {
    ...(differ(written.input, cut.input) ? { input: written.input } : {}),
    ...(differ(written.output, cut.output) ? { output: written.output } : {}),
  };
  if (cut.binding.protocol !== "rest" || Object.keys(whole).length === 0) return cut;
  return { ...cut, binding: { ...cut.binding, declared: { whole, ...cut.binding.declared } } };
}
