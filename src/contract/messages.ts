/** What is wrong with a value, in words: the place and the rule, never the value (P8). */
import type { ErrorObject } from "ajv/dist/2020.js";
import { integerBounds, shownBounds } from "./integer-bounds.ts";

export function messageOf(error: ErrorObject): string {
  const params = error.params as Readonly<Record<string, unknown>>;
  switch (error.keyword) {
    case "additionalProperties":
      return `has the property ${JSON.stringify(params.additionalProperty)}, which the schema does not know`;
    case "unevaluatedProperties":
      return `has the property ${JSON.stringify(params.unevaluatedProperty)}, which the schema does not know`;
    case "required":
      return `lacks the property ${JSON.stringify(params.missingProperty)}`;
    case "enum":
      return `must be one of ${shortened((params.allowedValues as unknown[]).map((value) => JSON.stringify(value)).join(", "))}`;
    case "const":
      return `must be ${shortened(JSON.stringify(params.allowedValue))}`;
    case "minLength":
    case "minItems":
      return params.limit === 1 ? "must not be empty" : `must have at least ${String(params.limit)} ${counted(error)}`;
    case "maxLength":
    case "maxItems":
      return `must have at most ${String(params.limit)} ${counted(error)}`;
    case "false schema":
      return "is not allowed";
    case "oneOf":
    case "anyOf":
      return Array.isArray(params.passingSchemas)
        ? "fits more than one of several options"
        : "fits none of several options";
    case "format": {
      const range = integerBounds(params.format);
      return range === undefined ? (error.message as string) : `must be a whole number ${shownBounds(range)}`;
    }
    default:
      return error.message ?? `breaks the rule ${error.keyword}`;
  }
}

function counted({ keyword }: ErrorObject): string {
  return keyword.endsWith("Length") ? "characters" : "items";
}

/** As much of a contract's own words as a sentence can bear. */
export function shortened(text: string): string {
  return text.length <= 200 ? text : `${text.slice(0, 200)}…`;
}
