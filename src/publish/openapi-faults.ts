/** What an API's OpenAPI document says of the faults of an operation: which there are and, where the author gave one a status, what its detail holds. */
import { schemaOf } from "../contract/contract.ts";
import type { ContractModel } from "../contract/model.ts";
import { failure } from "../errors.ts";
import { STATUS_CODES } from "../http.ts";
import type { JsonSchema, Schema } from "../operation.ts";
import type { ApiOperation } from "./operations.ts";
import type { SchemaBook } from "./schema-book.ts";
import { definitionsOf } from "./schemas.ts";

/** A declared fault of a system that callers see: under a status of its own, else as 422 with its name alone. */
export interface ShownFault {
  readonly name: string;
  readonly status: number;
  readonly description: string | undefined;
  /** Absent: it stays inside. */
  readonly detail?: Schema;
}

/** The status of a fault without one of its own. */
const unmapped = 422;
const mostNamed = 20;

/** Those of a straight call. A given contract has its own answers for faults; beside an object rule nobody sees a 404 of the system. */
export function shownFaults(
  operation: ApiOperation,
  contracts: ReadonlyMap<string, ContractModel>,
): readonly ShownFault[] {
  if (operation.kind !== "calls" || operation.spoken !== undefined) return [];
  const { system, name } = operation.operation;
  const model = contracts.get(system);
  const declared = model?.operations[name]?.faults ?? {};
  const others = Object.entries(declared)
    .filter(([fault]) => !Object.hasOwn(operation.faults, fault))
    .map(([fault, { description }]) => ({ name: fault, status: unmapped, description }));
  const own = Object.entries(operation.faults)
    .filter(([, status]) => operation.allow === undefined || status !== 404)
    .map(([fault, status]) => {
      const found = Object.hasOwn(declared, fault) ? declared[fault] : undefined;
      const detail: Schema =
        model === undefined || found === undefined ? { kind: "schema", json: true } : schemaOf(model, found.detail);
      return { name: fault, status, description: found?.description, detail };
    });
  return [...own, ...others];
}

/** A problem with `fault` and `faultDetail` (RFC 9457, section 3.2), for each fault of the status; `usual`: a plain problem comes under it as well. */
export function faultSchema(faults: readonly ShownFault[], usual: boolean, book: SchemaBook): JsonSchema {
  const plain: JsonSchema = { $ref: "#/components/schemas/Problem" };
  const each = faults.flatMap(({ name, status, detail }): JsonSchema[] => {
    if (detail === undefined) return [];
    return [
      {
        allOf: [
          plain,
          {
            type: "object",
            properties: {
              type: { const: "urn:mortise:error:fault-declared" },
              title: { const: STATUS_CODES[status] ?? "Error" },
              status: { const: status },
              detail: { type: "string", examples: [failure("fault-declared", { fault: name }).message] },
              instance: { type: "string", examples: ["urn:mortise:request:6f1c2a90-1k"] },
              fault: { const: name },
              faultDetail: book.embed(detail.json, definitionsOf(detail.json)),
            },
            required: ["fault", "faultDetail"],
          },
        ],
      },
    ];
  });
  const all = usual ? [...each, plain] : each;
  return all.length === 1 ? (all[0] as JsonSchema) : { anyOf: all };
}

/** Such as "`fault` is UnknownSku: There is no such article." */
export function faultWords(faults: readonly ShownFault[]): string {
  const named = faults.slice(0, mostNamed);
  const words = named.map(({ name, description }) => (description === undefined ? name : `${name}: ${description}`));
  if (named.length < faults.length) words.push(`one of ${faults.length - named.length} more`);
  return `\`fault\` is ${words.join(", or ")}${words.at(-1)?.endsWith(".") === true ? "" : "."}`;
}
