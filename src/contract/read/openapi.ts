/**
 * Reads OpenAPI 3.0.x and 3.1.x (JSON or YAML, in one file or many) into the contract model.
 * https://spec.openapis.org/oas/v3.0.3 and https://spec.openapis.org/oas/v3.1.0
 *
 * Not read, and said so here: callbacks, links, security schemes (credentials belong to the connection), servers of single
 * paths, `$anchor` and `$dynamicRef`. Extensions that mean something: `x-mortise-effect` and `x-mortise-key-lifetime` on an operation,
 * `x-mortise-fault` on a response (name of the fault), `x-mortise-correlation` on a webhook (JSON Pointer of the correlation key).
 */
import { bodyKind } from "../media.ts";
import { type ContractModel, type EventModel, frozen, type OperationModel } from "../model.ts";
import { camelCase, memberNames, type Names } from "./names.ts";
import { bodyOf } from "./openapi-body.ts";
import { Documents, type Place } from "./openapi-documents.ts";
import { methods, readOperation } from "./openapi-operation.ts";
import { Schemas } from "./openapi-schema.ts";
import type { ContractFiles } from "./source.ts";

/** The contract of `source` under the system's name. Rejects with `contract-unreadable`, naming file, place and reason. */
export async function readOpenApi(source: ContractFiles, name: string): Promise<ContractModel> {
  const documents = await Documents.load(source, versionOf);
  const { root } = documents;
  const version = versionOf(documents);
  const info = documents.member(root, "info");
  const title = info === undefined ? undefined : documents.text(info, "title");
  const infoVersion = info === undefined ? undefined : documents.member(info, "version")?.value;
  const paths = documents.member(root, "paths");
  const webhooks = documents.member(root, "webhooks");
  if (paths === undefined && webhooks === undefined && documents.member(root, "components") === undefined)
    throw documents.unreadable(root, "there are neither paths, webhooks nor components");

  const schemas = new Schemas(documents, version.startsWith("3.0"));
  const names = memberNames();
  const operations = readPaths(documents, schemas, paths, names);
  const events = readWebhooks(documents, schemas, webhooks, names);
  return frozen({
    format: 1,
    name,
    source: {
      language: "openapi",
      languageVersion: version,
      ...(title === undefined ? {} : { title }),
      ...(infoVersion === undefined || infoVersion === null ? {} : { version: String(infoVersion) }),
      files: source.files().map(({ path, sha256 }) => ({ path, sha256 })),
    },
    operations,
    events,
    schemas: schemas.named(),
    servers: readServers(documents),
  });
}

function versionOf(documents: Documents): string {
  const { root } = documents;
  documents.object(root);
  if (documents.member(root, "swagger") !== undefined)
    throw documents.unreadable(root, "this is Swagger 2.0, which is not yet read; convert it to OpenAPI 3.0 or 3.1");
  const at = documents.member(root, "openapi");
  if (at === undefined)
    throw documents.unreadable(root, 'there is no "openapi" with a version: this is no OpenAPI document');
  if (typeof at.value === "string" && /^3\.[01]\.\d+(-.+)?$/.test(at.value)) return at.value;
  if (typeof at.value === "string" && at.value.startsWith("3.2"))
    throw documents.unreadable(at, "OpenAPI 3.2 is not yet read; 3.0 and 3.1 are");
  throw documents.unreadable(at, `"${String(at.value)}" is no version that is read; write it in full, such as "3.1.0"`);
}

function readPaths(
  documents: Documents,
  schemas: Schemas,
  paths: Place | undefined,
  names: Names,
): { [name: string]: OperationModel } {
  const operations: [string, OperationModel][] = [];
  for (const [path, at] of documents.members(paths)) {
    if (!path.startsWith("/")) throw documents.unreadable(at, `the path "${path}" does not start with "/"`);
    const item = documents.follow(at);
    for (const method of methods) {
      const place = documents.member(item, method);
      if (place === undefined) continue;
      const id = documents.text(place, "operationId");
      const name = names.take(camelCase(id === undefined || id.trim() === "" ? `${method} ${path}` : id));
      operations.push([name, readOperation(documents, schemas, item, place, { method, path, name })]);
    }
  }
  return Object.fromEntries(operations);
}

/** Webhooks (OpenAPI 3.1.0, section 4.8.1): what the system posts to us. */
function readWebhooks(
  documents: Documents,
  schemas: Schemas,
  webhooks: Place | undefined,
  names: Names,
): { [name: string]: EventModel } {
  const events: [string, EventModel][] = [];
  for (const [written, at] of documents.members(webhooks)) {
    const item = documents.follow(at);
    const operation = documents.member(item, "post") ?? documents.member(item, "put");
    if (operation === undefined) continue;
    const request = documents.member(operation, "requestBody");
    const body =
      request === undefined
        ? undefined
        : bodyOf(documents, schemas, documents.member(documents.follow(request), "content"));
    // A notice without a readable body tells nothing that a process could wait for.
    if (body === undefined || bodyKind(body.mediaType) !== "json") continue;
    const name = names.take(camelCase(written));
    const summary = documents.text(operation, "summary");
    const description = documents.text(operation, "description");
    const correlation = correlationOf(documents, operation) ?? correlationOf(documents, item);
    events.push([
      name,
      {
        name,
        ...(summary === undefined ? {} : { summary }),
        ...(description === undefined ? {} : { description }),
        payload: body.schema,
        ...(correlation === undefined ? {} : { correlation }),
        binding: { protocol: "webhook", mediaType: body.mediaType },
      },
    ]);
  }
  return Object.fromEntries(events);
}

function correlationOf(documents: Documents, owner: Place): string | undefined {
  const at = documents.member(owner, "x-mortise-correlation");
  if (at === undefined) return undefined;
  if (typeof at.value === "string" && /^(\/([^~/]|~[01])*)+$/.test(at.value)) return at.value;
  throw documents.unreadable(at, 'a correlation is a JSON Pointer into the payload, such as "/orderId"');
}

function readServers(documents: Documents): string[] {
  const servers: string[] = [];
  for (const place of documents.elements(documents.member(documents.root, "servers"))) {
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
