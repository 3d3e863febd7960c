/** Calls for trying out: valid inputs of operations, and settings of a client that calls a fake. */
import type { ResolvedSettings } from "../connectors/system.ts";
import { exampleOf } from "../contract/example/example.ts";
import type { ContractModel, OperationModel } from "../contract/model.ts";
import { operationValidators } from "../contract/validate.ts";
import type { Json, JsonSchema } from "../operation.ts";

/** Inputs to try: with what may be left out, then without; each is valid. */
export function inputsOf(model: ContractModel, operation: OperationModel, seed: number): readonly Json[] {
  const { input: validate } = operationValidators(model, operation);
  const inputs: Json[] = [];
  const schema = sendable(operation);
  for (const optional of ["some", "none"] as const) {
    const value = exampleOf(schema, model.schemas, { seed, side: "input", optional, name: operation.name });
    if (value !== undefined && validate(value).length === 0) inputs.push(value);
  }
  return inputs;
}

/** The input's schema, without what no request can carry: a parameter of a path that is empty. */
function sendable({ binding, input }: OperationModel): JsonSchema {
  if (binding.protocol !== "rest") return input;
  const names = binding.parameters.filter((each) => each.in === "path").map(({ property }) => property);
  const filled = { minLength: 1, minItems: 1, minProperties: 1 };
  const properties = Object.fromEntries(names.map((name) => [name, filled]));
  return { allOf: [input, { type: "object", properties }] };
}

/** For a client that calls a fake at `connection`, also for operations that have a server of their own. */
export function settingsOf(model: ContractModel, connection: string): ResolvedSettings {
  const servers: Record<string, string> = {};
  for (const { binding } of Object.values(model.operations))
    if (binding.protocol === "rest" && binding.server !== undefined) servers[binding.server] = connection;
  return {
    name: model.name,
    connection,
    servers,
    timeoutMs: 20_000,
    concurrency: 1,
    maxResponseBytes: 16 * 1024 * 1024,
    internal: true,
    sensitive: [],
  };
}
