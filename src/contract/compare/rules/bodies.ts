/** Bodies of a REST operation by media type: the one that is spoken, and the others that the contract declares. */
import type { JsonSchema } from "../../../operation.ts";
import type { OperationModel, RestBinding } from "../../model.ts";

export type Bodies = ReadonlyMap<string, JsonSchema>;

/** Without parameters, lower case: `application/json` is what `Application/JSON; charset=utf-8` is. */
export function essenceOf(mediaType: string): string {
  return mediaType
    .replace(/\s*;\s*charset=[^;]*/i, "")
    .trim()
    .toLowerCase();
}

export function requestBodies(operation: OperationModel, binding: RestBinding): Bodies {
  const bodies = new Map<string, JsonSchema>();
  const { body, declared } = binding;
  if (body !== undefined) bodies.set(essenceOf(body.mediaType), spokenBody(operation, binding));
  for (const [mediaType, schema] of Object.entries(declared?.request ?? {})) bodies.set(essenceOf(mediaType), schema);
  return bodies;
}

/** The body as one schema, out of the flat input. */
function spokenBody(operation: OperationModel, { body, parameters, declared }: RestBinding): JsonSchema {
  const input = declared?.whole?.input ?? operation.input;
  const properties = (typeof input === "object" ? (input.properties ?? {}) : {}) as {
    readonly [name: string]: JsonSchema;
  };
  if (body!.from.kind === "property") return properties[body!.from.name] ?? true;
  if (parameters.length === 0 || typeof input !== "object") return input;
  const others = new Set(parameters.map(({ property }) => property));
  const own = Object.entries(properties).filter(([name]) => !others.has(name));
  const required = ((input.required ?? []) as string[]).filter((name) => !others.has(name));
  const { required: _, ...rest } = input;
  return { ...rest, properties: Object.fromEntries(own), ...(required.length === 0 ? {} : { required }) };
}

/** Status to bodies by media type; `null` stands for an answer without a body. */
export function answerBodies(operation: OperationModel, binding: RestBinding): ReadonlyMap<string, Bodies> {
  const answers = new Map<string, Map<string, JsonSchema>>();
  const output = binding.declared?.whole?.output ?? operation.output;
  const options = typeof output === "object" ? (output.anyOf as readonly JsonSchema[] | undefined) : undefined;
  for (const { status, mediaType, option } of binding.success) {
    const schema = option === undefined ? output : (options?.[option] ?? output);
    answers.set(status, new Map(mediaType === null ? [] : [[essenceOf(mediaType), schema]]));
  }
  for (const { status, fault, mediaType } of binding.faults)
    answers.set(
      status,
      new Map(mediaType === null ? [] : [[essenceOf(mediaType), operation.faults[fault]?.detail ?? true]]),
    );
  for (const [status, { content }] of Object.entries(binding.declared?.answers ?? {})) {
    const bodies = answers.get(status) ?? new Map<string, JsonSchema>();
    for (const [mediaType, schema] of Object.entries(content ?? {})) bodies.set(essenceOf(mediaType), schema);
    answers.set(status, bodies);
  }
  return answers;
}
