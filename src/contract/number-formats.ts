/**
 * Formats of integers (OpenAPI's format registry): a number with one is whole and within its bounds. Texts keep the formats that they have: exact
 * values travel so. Numbers whose digits a double does not keep are no matter of a schema: reading JSON refuses them (formats/json.ts).
 */
import { _, type KeywordCxt } from "ajv";
import type { Ajv2020 } from "ajv/dist/2020.js";
import { integerBounds } from "./integer-bounds.ts";

/** A format is for numbers or for texts, to the validator; these are for both. */
export function addNumberFormats(ajv: Ajv2020): void {
  const usual = ajv.getKeyword("format");
  if (typeof usual !== "object" || !("code" in usual) || typeof usual.code !== "function") throw new Error("no format");
  const { code } = usual;
  ajv.removeKeyword("format");
  ajv.addKeyword({
    ...usual,
    code(context: KeywordCxt, kind?: string) {
      const range = kind === "number" ? integerBounds(context.schema) : undefined;
      if (range === undefined) {
        code(context, kind);
        return;
      }
      const { data } = context;
      context.fail(_`${data} % 1 !== 0 || ${data} < ${range[0]} || ${data} >= ${range[1]}`);
    },
  });
}
