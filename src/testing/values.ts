/** Values that a test hands in: checked as the server checks what comes from outside. */
import { compileSchema } from "../contract/validate.ts";
import { failure } from "../errors.ts";
import { inWords, type Json, type Schema } from "../operation.ts";

/** The value as JSON. Throws `test-value`. */
export function checked(schema: Schema, value: unknown, what: string): Json {
  const text = JSON.stringify(value);
  const json = (text === undefined ? null : JSON.parse(text)) as Json;
  const problems = compileSchema(schema)(json);
  if (problems.length > 0) throw failure("test-value", { what, problems: inWords(problems) }, { details: problems });
  return json;
}
