/** An operation of a given contract as the docs page shows it: whatever its document refers to is in its place. */
import type { JsonSchema } from "../../operation.ts";
import type { Prepared } from "../exchange.ts";
import type { OpenApiOperation, OpenApiParameter } from "../openapi.ts";
import type { SchemaBook } from "../schema-book.ts";
import { definitionsOf, shapeOf } from "../schemas.ts";
import { concrete } from "./answers.ts";
import { declaredError } from "./errors.ts";
import type { Spoken } from "./spoken.ts";

export function plainOperation(
  { operation, name, accepted }: Prepared,
  { model, operation: spoken }: Spoken,
  book: SchemaBook,
): Omit<OpenApiOperation, "security"> {
  const { binding, faults } = spoken;
  const definitions = model.schemas;
  const shape = shapeOf(accepted.json, definitionsOf(accepted.json));
  const parameters = binding.parameters.map((parameter): OpenApiParameter => {
    const schema = shape?.properties.get(parameter.property) ?? true;
    const text = typeof schema === "object" ? schema.description : undefined;
    return {
      name: parameter.name,
      in: parameter.in as OpenApiParameter["in"],
      required: parameter.required,
      ...(typeof text === "string" ? { description: text } : {}),
      schema: book.embed(schema, definitions),
    };
  });
  const options =
    typeof spoken.output === "object" && Array.isArray(spoken.output.anyOf)
      ? (spoken.output.anyOf as JsonSchema[])
      : [];
  const responses: Record<string, unknown> = {};
  for (const { status, mediaType, option } of binding.success) {
    const schema = option === undefined ? spoken.output : (options[option] ?? true);
    responses[status] = answer(
      status === "202" ? "Accepted." : "The answer.",
      mediaType,
      book.embed(schema, definitions),
    );
  }
  for (const { status, fault, mediaType } of binding.faults) {
    const detail = faults[fault];
    responses[status] = answer(
      detail?.description ?? fault,
      mediaType,
      book.embed(detail?.detail ?? true, definitions),
    );
  }
  return {
    operationId: name,
    ...(operation.summary === undefined ? {} : { summary: operation.summary }),
    ...(operation.description === undefined ? {} : { description: operation.description }),
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(binding.body === undefined
      ? {}
      : {
          requestBody: {
            required: true,
            content: {
              [concrete(binding.body.mediaType)]: { schema: bodySchema(spoken, binding.body.from, book, model) },
            },
          },
        }),
    responses,
  };
}

/** Whether the contract says what an error of this status looks like. */
export const declares = (spoken: Spoken, status: number): boolean => declaredError(spoken, status) !== undefined;

function answer(description: string, mediaType: string | null, schema: JsonSchema): unknown {
  return { description, ...(mediaType === null ? {} : { content: { [concrete(mediaType)]: { schema } } }) };
}

/** The input without the parameters, or the one property that is the body. */
function bodySchema(
  { input, binding }: Spoken["operation"],
  from: NonNullable<Spoken["operation"]["binding"]["body"]>["from"],
  book: SchemaBook,
  { schemas }: Spoken["model"],
): JsonSchema {
  const shape = shapeOf(input, schemas);
  if (from.kind === "property") return book.embed(shape?.properties.get(from.name) ?? true, schemas);
  if (binding.parameters.length === 0 || shape === undefined) return book.embed(input, schemas);
  const taken = new Set(binding.parameters.map(({ property }) => property));
  const rest: JsonSchema = {
    type: "object",
    properties: Object.fromEntries([...shape.properties].filter(([name]) => !taken.has(name))),
    required: [...shape.required].filter((name) => !taken.has(name)),
  };
  return book.embed(rest, schemas);
}
