/** A pinned contract as the project's code holds it: the model, and at compile time its types. */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { dirname } from "node:path";
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

/** As `contract.ts` gives it. */
export interface PinnedContract<T extends ContractTypes> extends Contract<T> {
  /** The contract's named schemas, for processes and tasks of your own. */
  readonly schemas: { readonly [N in keyof T["schemas"]]: Schema<T["schemas"][N]> };
  /** What each operation takes, its parameters and its body together. */
  readonly inputs: { readonly [N in keyof T["operations"]]: Schema<T["operations"][N]["input"]> };
}

export interface Contract<T extends ContractTypes = ContractTypes> {
  readonly kind: "contract";
  readonly model: ContractModel;
  /** Where it is pinned. */
  readonly folder?: string;
  readonly types?: T;
}

/**
 * Reads the `contract.json` beside the generated `contract.ts` whose `import.meta.url` is given: the only file of a contract that is read
 * at run time. `hash`: its SHA-256 in hex, as it was when contract.ts was written. Throws `contract-pin-unreadable`,
 * `contract-pin-changed`.
 */
export function pinnedContract<T extends ContractTypes>(moduleUrl: string, hash?: string): PinnedContract<T> {
  const file = fileURLToPath(new URL("./contract.json", moduleUrl));
  let read: unknown;
  let found: string;
  try {
    const text = readFileSync(file, "utf8");
    // A checkout may end its lines in the manner of Windows; no string of JSON holds a bare line break.
    found = createHash("sha256").update(text.replaceAll("\r\n", "\n")).digest("hex");
    read = JSON.parse(text);
  } catch (cause) {
    throw failure("contract-pin-unreadable", { file, reason: (cause as Error).message }, { cause });
  }
  if (hash !== undefined && found !== hash) throw failure("contract-pin-changed", { file });
  const reason = oddity(read);
  if (reason !== undefined) throw failure("contract-pin-unreadable", { file, reason });
  const model = frozen(read as ContractModel);
  const schemas = schemasOf(model) as PinnedContract<T>["schemas"];
  const inputs = inputsOf(model) as PinnedContract<T>["inputs"];
  return Object.freeze({ kind: "contract", model, folder: dirname(file), schemas, inputs });
}

/** Each named schema of a model, self-contained. */
export function schemasOf(model: ContractModel): { readonly [name: string]: Schema } {
  const schemas: Record<string, Schema> = Object.create(null);
  for (const name of Object.keys(model.schemas)) schemas[name] = schemaOf(model, { $ref: `#/$defs/${name}` });
  return Object.freeze(schemas);
}

function inputsOf(model: ContractModel): { readonly [name: string]: Schema } {
  const inputs: Record<string, Schema> = Object.create(null);
  for (const [name, { input }] of Object.entries(model.operations)) inputs[name] = schemaOf(model, input);
  return Object.freeze(inputs);
}

/** Why this can't be a model, as far as a look at its top says; the rest is checked by `mortise check`. */
function oddity(read: unknown): string | undefined {
  const isMap = (value: unknown) => typeof value === "object" && value !== null && !Array.isArray(value);
  if (!isMap(read)) return "it is no object";
  const model = read as Readonly<Record<string, unknown>>;
  if (model.format !== 1) return `format ${String(model.format)} is not known`;
  if (typeof model.name !== "string") return "it has no name";
  const missing = ["operations", "events", "schemas"].find((part) => !isMap(model[part]));
  return missing === undefined ? undefined : `it has no ${missing}`;
}

/** A self-contained schema: `schema` plus the named schemas of the model. */
export function schemaOf(model: ContractModel, schema: JsonSchema): Schema {
  if (typeof schema === "boolean") return Object.freeze({ kind: "schema", json: schema });
  return Object.freeze({ kind: "schema", json: Object.freeze({ ...schema, $defs: model.schemas }) });
}
