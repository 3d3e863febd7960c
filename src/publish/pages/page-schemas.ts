/** What a page of a list is asked for with, and what it holds. */
import { failure } from "../../errors.ts";
import type { JsonSchema, Schema } from "../../operation.ts";
import type { PageSettings } from "../operations.ts";
import { definitionsOf, resolve, shapeOf } from "../schemas.ts";
import { longestCursor } from "./cursor.ts";

function asked({ size, most }: Pick<PageSettings, "size" | "most">): Readonly<Record<string, JsonSchema>> {
  return {
    limit: { type: "integer", minimum: 1, maximum: most, default: size, description: "Items of a page, at most." },
    cursor: {
      type: "string",
      minLength: 1,
      maxLength: longestCursor,
      description: "Of a page before: where this one begins. The other parameters must be the same.",
    },
  };
}

/** Of a list of runs: nothing but where. */
export function runsInput(pages: Pick<PageSettings, "size" | "most">): Schema {
  return Object.freeze({
    kind: "schema",
    json: { type: "object", properties: asked(pages), additionalProperties: false },
  });
}

/** Of a list that a system gives: the operation's input, without what says the place and the number. Throws `api-definition`. */
export function listInput(input: Schema, pages: PageSettings, api: string, name: string): Schema {
  const refuse = (reason: string) => failure("api-definition", { api, reason: `${name} gives pages, and ${reason}` });
  const definitions = definitionsOf(input.json);
  const shape = shapeOf(input.json, definitions);
  if (shape === undefined) throw refuse("what it calls takes no object");
  const own = new Set([...Object.keys(pages.start), pages.limit]);
  for (const property of own)
    if (!shape.properties.has(property)) throw refuse(`"${property}" is no property of what it calls`);
  const filters = [...shape.properties].filter(([property]) => !own.has(property));
  for (const [property] of filters)
    if (property === "limit" || property === "cursor")
      throw refuse(`what it calls has a property "${property}", which pages need; call it otherwise in the contract`);
  return Object.freeze({
    kind: "schema",
    json: {
      type: "object",
      properties: { ...Object.fromEntries(filters), ...asked(pages) },
      required: [...shape.required].filter((property) => !own.has(property)),
      additionalProperties: false,
      $defs: definitions,
    },
  });
}

/** The list inside of an output: the output itself, or its property `items`. Throws `api-definition`. */
export function listOutput(output: Schema, { items }: PageSettings, api: string, name: string): Schema {
  const definitions = definitionsOf(output.json);
  const list = items === undefined ? output.json : shapeOf(output.json, definitions)?.properties.get(items);
  const found = list === undefined ? undefined : resolve(list, definitions);
  if (found === undefined || typeof found === "boolean" || found.type !== "array") {
    const what = items === undefined ? "its answer" : `"${items}" of its answer`;
    throw failure("api-definition", { api, reason: `${name} gives pages, and ${what} is no list` });
  }
  return Object.freeze({
    kind: "schema",
    json: { ...pageOf((found.items ?? true) as JsonSchema), $defs: definitions },
  });
}

export function pageOf(item: JsonSchema): { readonly [keyword: string]: unknown } {
  return {
    type: "object",
    properties: {
      items: { type: "array", items: item },
      next: { type: "string", description: "The cursor of the next page; absent: this is the last one." },
    },
    required: ["items"],
    additionalProperties: false,
  };
}
