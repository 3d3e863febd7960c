/** A request that fits an operation: what the examples and the form begin with. */
import { bodyKind } from "../../contract/media.ts";
import type { Json, JsonSchema } from "../../operation.ts";
import type { OpenApiDocument, OpenApiOperation } from "../openapi.ts";
import { sampleOf } from "./schema-text.ts";

/** An operation where it stands in the document; `method` in upper case. */
export interface Shown {
  readonly method: string;
  readonly path: string;
  readonly operation: OpenApiOperation;
}

export interface SampleField {
  readonly name: string;
  readonly in: "path" | "query" | "header";
  readonly required: boolean;
  readonly value: string;
}

export interface Sample {
  readonly fields: readonly SampleField[];
  readonly body?: Json;
}

/** Any key will do, and this one is nobody's. */
const sampleKey = '"8e03978e-40d5-43dd-bc93-6894a57f9324"';

/** A body has one media type. */
export const bodyTypeOf = (operation: OpenApiOperation): string =>
  Object.keys(operation.requestBody?.content ?? {})[0] ?? "application/json";

/** Whether its body goes through unread: then it is a file, and there is nothing to show of it. */
export const takesFile = (operation: OpenApiOperation): boolean =>
  operation.requestBody !== undefined && isUnread(bodyTypeOf(operation));

/** Whether it answers with a file. */
export function givesFile({ responses }: OpenApiOperation): boolean {
  const content = (responses["200"] as { readonly content?: Readonly<Record<string, unknown>> } | undefined)?.content;
  const types = Object.keys(content ?? {});
  return types.length > 0 && types.every(isUnread);
}

const isUnread = (type: string): boolean => ["bytes", "text"].includes(bodyKind(type));

/** A form, whose fields are sent one by one. */
export const isForm = (operation: OpenApiOperation): boolean =>
  operation.requestBody !== undefined && ["form", "multipart"].includes(bodyKind(bodyTypeOf(operation)));

export const bodySchemaOf = (operation: OpenApiOperation): JsonSchema | undefined =>
  operation.requestBody?.content[bodyTypeOf(operation)]?.schema;

const file = { type: "string", format: "binary" };

/** The body as it is sent: what stands in the document as base64 may be a file on the wire. */
export function sentSchemaOf(operation: OpenApiOperation): JsonSchema | undefined {
  const schema = bodySchemaOf(operation);
  if (schema === undefined || typeof schema === "boolean") return schema;
  const kind = bodyKind(bodyTypeOf(operation));
  if (kind === "bytes") return file;
  if (kind !== "multipart" || schema.properties === undefined) return schema;
  const properties = Object.entries(schema.properties as Readonly<Record<string, JsonSchema>>).map(
    ([name, property]) => {
      if (typeof property === "boolean") return [name, property];
      if (isFile(property)) return [name, { ...property, ...file }];
      return [name, isFile(property.items) ? { ...property, items: file } : property];
    },
  );
  return { ...schema, properties: Object.fromEntries(properties) };
}

const isFile = (schema: unknown): boolean =>
  (schema as { readonly contentEncoding?: string } | undefined)?.contentEncoding === "base64";

export function sampleOfRequest(document: OpenApiDocument, { operation }: Pick<Shown, "operation">): Sample {
  const { schemas } = document.components;
  const body = takesFile(operation) ? undefined : bodySchemaOf(operation);
  const fields = (operation.parameters ?? []).flatMap(({ name, in: place, required, schema }): SampleField[] => {
    if (place === "cookie") return [];
    const value = name === "Idempotency-Key" ? sampleKey : required ? textOf(sampleOf(schema, schemas, name)) : "";
    return [{ name, in: place, required, value }];
  });
  return { fields, ...(body === undefined ? {} : { body: sampleOf(body, schemas) }) };
}

/**
 * The path with its parameters, and the query of those that are required: an address as it is sent. Paths and names of a given contract may hold
 * anything.
 */
export function pathOf(path: string, { fields }: Sample): string {
  const at = (name: string) => fields.find((field) => field.in === "path" && field.name === name)?.value ?? "";
  const query = fields.filter((field) => field.in === "query" && field.required);
  const pairs = query.map(({ name, value }) => `${encoded(name)}=${encoded(value)}`).join("&");
  const filled = path
    .split(/\{([^{}]+)\}/)
    .map((part, odd) => (odd % 2 === 1 ? encoded(at(part)) : plainPath(part)))
    .join("");
  return `${filled}${pairs === "" ? "" : `?${pairs}`}`;
}

const encoded = (text: string): string => encodeURIComponent(text.toWellFormed());
/** What is encoded already stays. */
const plainPath = (text: string): string => encodeURI(text.toWellFormed()).replace(/%25(?=[0-9A-Fa-f]{2})/g, "%");

/** Whether it answers with events as they come. */
export const isStream = ({ operation }: Pick<Shown, "operation">): boolean =>
  operation.parameters?.some(({ name }) => name === "Last-Event-ID") === true;

const textOf = (value: Json): string => (typeof value === "string" ? value : JSON.stringify(value));
