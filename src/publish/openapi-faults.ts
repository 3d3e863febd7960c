/** What an API's OpenAPI document says of the faults that an operation's author gave a status: which it is, and what its detail holds. */
import { STATUS_CODES } from "node:http";
import { schemaOf } from "../contract/contract.ts";
import type { ContractModel } from "../contract/model.ts";
import { failure } from "../errors.ts";
import type { JsonSchema, Schema } from "../operation.ts";
import type { ApiOperation } from "./operations.ts";
import type { SchemaBook } from "./schema-book.ts";
import { definitionsOf } from "./schemas.ts";

/** A declared fault of a system that callers see under a status of its own. */
export interface ShownFault {
  readonly name: string;
  readonly status: number;
  readonly description: string | undefined;
  readonly detail: Schema;
}

/** Those of a straight call. A given contract has its own answers for faults; beside an object rule nobody sees a 404 of the system. */
export function shownFaults(
  operation: ApiOperation,
  contracts: ReadonlyMap<string, ContractModel>,
): readonly ShownFault[] {
  if (operation.kind !== "calls" || operation.spoken !== undefined) return [];
  const { system, name } = operation.operation;
  const model = contracts.get(system);
  const declared = model?.operations[name]?.faults ?? {};
  return Object.entries(operation.faults)
    .filter(([, status]) => operation.allow === undefined || status !== 404)
    .map(([fault, status]) => {
      const found = Object.hasOwn(declared, fault) ? declared[fault] : undefined;
      const detail: Schema =
        model === undefined || found === undefined ? { kind: "schema", json: true } : schemaOf(model, found.detail);
      return { name: fault, status, description: found?.description, detail };
    });
}

/** A problem with `fault` and `faultDetail` (RFC 9457, section 3.2), for each fault of the status; `usual`: a plain problem comes under it as well. */
export function faultSchema(faults: readonly ShownFault[], usual: boolean, book: SchemaBook): JsonSchema {
  const plain: JsonSchema = { $ref: "#/components/schemas/Problem" };
  const each = faults.map(
    ({ name, status, detail }): JsonSchema => ({
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
    }),
  );
  const all = usual ? [...each, plain] : each;
  return all.length === 1 ? (all[0] as JsonSchema) : { anyOf: all };
}

/** Such as "`fault` is UnknownSku: There is no such article." */
export function faultWords(faults: readonly ShownFault[]): string {
  const words = faults.map(({ name, description }) => (description === undefined ? name : `${name}: ${description}`));
  return `\`fault\` is ${words.join(", or ")}${words.at(-1)?.endsWith(".") === true ? "" : "."}`;
}
