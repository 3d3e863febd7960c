/** Compiled schemas by their text: the forms of tasks come as fresh values each time. Those that were used last are kept. */
import { compileSchema } from "../../contract/validate.ts";
import type { JsonSchema, Validate } from "../../operation.ts";

/** Forms that are kept: each deploy may bring others, and old ones are asked for no more. */
const usual = 200;

export function formCompiler(most: number = usual): (schema: JsonSchema) => Validate {
  /** In the order of their last use. */
  const compiled = new Map<string, Validate>();
  return (json) => {
    const text = JSON.stringify(json);
    const validate = compiled.get(text) ?? compileSchema({ kind: "schema", json });
    compiled.delete(text);
    compiled.set(text, validate);
    const [oldest] = compiled.keys();
    if (compiled.size > most && oldest !== undefined) compiled.delete(oldest);
    return validate;
  };
}
