/**
 * References that are followed when a value gets there, not when the schema is compiled. For contracts whose named schemas lead to each
 * other in a line too long for the compiler's stack (a thousand and more): it compiles what a schema refers to inside of it.
 */
import type { SchemaValidateFunction } from "ajv";
import type { Ajv2020, ValidateFunction } from "ajv/dist/2020.js";
import type { JsonSchema } from "../operation.ts";
import { mapReferences } from "./references.ts";

const keyword = "mortise:named";

export function addLateReferences(ajv: Ajv2020): void {
  ajv.addKeyword({
    keyword,
    schemaType: "string",
    errors: "full",
    compile(reference: string) {
      let check: ValidateFunction | undefined;
      const validate: SchemaValidateFunction = (value, context) => {
        check ??= ajv.compile({ $ref: reference });
        const fits = check(value, context) as boolean;
        validate.errors = check.errors ?? [];
        return fits;
      };
      return validate;
    },
  });
}

/**
 * The schema with late references, each to what `target` gives; `undefined` where that would be another schema: `unevaluated...` looks
 * at what the schemas referred to have seen.
 */
export function withLateReferences(schema: JsonSchema, target: (name: string) => string): JsonSchema | undefined {
  const text = JSON.stringify(mapReferences(schema, target));
  if (/"unevaluated(Items|Properties)":/.test(text)) return undefined;
  return turned(JSON.parse(text)) as JsonSchema;
}

function turned(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(turned);
  if (typeof value !== "object" || value === null) return value;
  const { $ref, ...rest } = value as Readonly<Record<string, unknown>>;
  const inner = Object.fromEntries(
    Object.entries(rest).map(([name, each]) => [name, Array.isArray(each) && name === "enum" ? each : turned(each)]),
  );
  if ($ref === undefined) return inner;
  return typeof $ref === "string" ? { ...inner, [keyword]: $ref } : { ...inner, $ref: turned($ref) };
}
