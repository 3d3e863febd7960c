/** Valid inputs of operations: what a curl line and a call for trying out send. */
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
