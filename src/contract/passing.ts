/** What of a REST operation may pass without being read: bodies that are bytes, or text of which the contract says nothing but that it is text. */
import type { JsonSchema } from "../operation.ts";
import { bodyKind, essence } from "./media.ts";
import type { OperationModel } from "./model.ts";

export interface PassingBody {
  /** Of the input without the body: its parameters. */
  readonly schema: JsonSchema;
  /** As declared; may be a range. */
  readonly mediaType: string;
  readonly required: boolean;
}

/** The body of an operation's requests; `undefined` where there is none, or where it has to be read. */
export function passingBody({ binding, input }: OperationModel): PassingBody | undefined {
  if (binding.protocol !== "rest" || binding.body === undefined || typeof input === "boolean") return undefined;
  const { mediaType, required, from, list } = binding.body;
  if (list === true || from.kind !== "property" || !isUnread(mediaType)) return undefined;
  const { [from.name]: body = true, ...properties } = (input.properties ?? {}) as Record<string, JsonSchema>;
  if (!isPlainText(body)) return undefined;
  const names = ((input.required ?? []) as readonly string[]).filter((name) => name !== from.name);
  const { required: _, ...rest } = input;
  return { schema: { ...rest, properties, ...(names.length === 0 ? {} : { required: names }) }, mediaType, required };
}

/** The media types of an operation's successful answers, as declared; `undefined` where one of them has to be read. */
export function passingTypes({ binding, output }: OperationModel): readonly string[] | undefined {
  if (binding.protocol !== "rest") return undefined;
  const types = binding.success.flatMap(({ mediaType }) => (mediaType === null ? [] : [mediaType]));
  const read = binding.success.some(
    ({ mediaType, list }) => list === true || (mediaType !== null && !isUnread(mediaType)),
  );
  return types.length === 0 || read || !isPlainText(output) ? undefined : [...new Set(types.map(essence))];
}

/** Whether the contract declares parts of the answer (RFC 9110, section 15.3.7). */
export function givesRanges({ binding }: OperationModel): boolean {
  return binding.protocol === "rest" && binding.success.some(({ status }) => status === "206");
}

function isUnread(mediaType: string): boolean {
  const kind = bodyKind(mediaType);
  return kind === "bytes" || kind === "text" || essence(mediaType) === "*/*";
}

/** Keywords that leave a text as it is. */
const silent = new Set([
  "type",
  "format",
  "contentEncoding",
  "contentMediaType",
  "title",
  "description",
  "example",
  "examples",
  "deprecated",
]);

function isPlainText(schema: JsonSchema): boolean {
  if (typeof schema === "boolean") return schema;
  if (Array.isArray(schema.anyOf)) return (schema.anyOf as JsonSchema[]).every(isPlainText);
  if (schema.type !== undefined && schema.type !== "string" && schema.type !== "null") return false;
  return Object.keys(schema).every((keyword) => silent.has(keyword) || keyword.startsWith("x-"));
}
