/** A pinned contract as the project's code holds it: the model, and at compile time its types. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { failure } from "../errors.ts";
import type { JsonSchema, Schema } from "../operation.ts";
import { type ContractModel, frozen } from "./model.ts";

/** The shape of the types that `contract.ts` states. */
export interface ContractTypes {
  readonly operations: {
    readonly [name: string]: { readonly input: unknown; readonly output: unknown; readonly faults: unknown };
  };
  readonly events: { readonly [name: string]: unknown };
  readonly schemas: { readonly [name: string]: unknown };
}

export interface Contract<T extends ContractTypes = ContractTypes> {
  readonly kind: "contract";
  readonly model: ContractModel;
  readonly types?: T;
}

/** Reads the `contract.json` beside the generated `contract.ts` whose `import.meta.url` is given. */
export function pinnedContract<T extends ContractTypes>(moduleUrl: string): Contract<T> {
  const file = fileURLToPath(new URL("./contract.json", moduleUrl));
  let model: ContractModel;
  try {
    model = JSON.parse(readFileSync(file, "utf8")) as ContractModel;
  } catch (cause) {
    throw failure("contract-pin-unreadable", { file, reason: (cause as Error).message }, { cause });
  }
  if (model.format !== 1)
    throw failure("contract-pin-unreadable", { file, reason: `format ${String(model.format)} is not known` });
  return Object.freeze({ kind: "contract", model: frozen(model) });
}

/** A self-contained schema: `schema` plus the named schemas of the model. */
export function schemaOf(model: ContractModel, schema: JsonSchema): Schema {
  if (typeof schema === "boolean") return Object.freeze({ kind: "schema", json: schema });
  return Object.freeze({ kind: "schema", json: Object.freeze({ ...schema, $defs: model.schemas }) });
}
