/** Calls for trying out: valid inputs of operations, and settings of a client that calls a fake. */
import type { ResolvedSettings } from "../connectors/system.ts";
import { exampleOf } from "../contract/example/example.ts";
import type { ContractModel, OperationModel } from "../contract/model.ts";
import { operationValidators } from "../contract/validate.ts";
import type { Json } from "../operation.ts";

/** Inputs to try: with what may be left out, then without; each is valid. */
export function inputsOf(model: ContractModel, operation: OperationModel, seed: number): readonly Json[] {
  const { input: validate } = operationValidators(model, operation);
  const inputs: Json[] = [];
  for (const optional of ["some", "none"] as const) {
    const value = exampleOf(operation.input, model.schemas, { seed, side: "input", optional, name: operation.name });
    if (value !== undefined && validate(value).length === 0) inputs.push(value);
  }
  return inputs;
}

/** For a client that calls a fake at `connection`. */
export function settingsOf(name: string, connection: string): ResolvedSettings {
  const maxResponseBytes = 16 * 1024 * 1024;
  return { name, connection, timeoutMs: 20_000, concurrency: 1, maxResponseBytes, internal: true, sensitive: [] };
}
