/**
 * A fake system, whatever protocol it is reached by: from an operation and its input to a result that its contract allows, with memory
 * for what was created, and for effect keys.
 */
import { exampleOf } from "../contract/example/example.ts";
import type { ContractModel, OperationModel } from "../contract/model.ts";
import { operationValidators } from "../contract/validate.ts";
import type { CallResult, Json, Validate } from "../operation.ts";
import { Resources, type Unknown } from "./resources.ts";
import { faultDetail } from "./rest.ts";
import { isObject, type Members } from "./shapes.ts";

export interface FakeSystemOptions {
  /** Other seeds give other examples. Default 1. */
  readonly seed?: number;
  /** What is asked for and was never created: `made` up and kept (default), or `missing`. */
  readonly unknown?: Unknown;
}

/** `missing`: it is not there, and no fault says so. `none`: the contract lets no valid answer be made. */
export type Answered = CallResult | "missing" | "none";

const mostKeys = 2000;

export class FakeSystem {
  readonly model: ContractModel;
  readonly seed: number;
  readonly #resources: Resources;
  readonly #examples = new Map<OperationModel, Json | undefined>();
  /** First answers by effect key, oldest first. */
  readonly #keys = new Map<string, CallResult>();

  constructor(model: ContractModel, { seed = 1, unknown = "made" }: FakeSystemOptions = {}) {
    this.model = model;
    this.seed = seed;
    this.#resources = new Resources(model, seed, unknown);
  }

  /** Forgets what was created, and the keys. */
  reset(): void {
    this.#resources.reset();
    this.#keys.clear();
  }

  /** What the system does. An idempotent operation gives its first answer again under the same key. */
  answer(operation: OperationModel, input: Json, key?: string): Answered {
    const known = key === undefined ? undefined : this.#keys.get(`${operation.name} ${key}`);
    if (known !== undefined) return known;
    const answered = this.#act(operation, input);
    if (key !== undefined && typeof answered !== "string") this.remember(operation, key, answered);
    return answered;
  }

  remember(operation: OperationModel, key: string, result: CallResult): void {
    if (this.#keys.size >= mostKeys)
      for (const oldest of this.#keys.keys()) {
        this.#keys.delete(oldest);
        break;
      }
    this.#keys.set(`${operation.name} ${key}`, result);
  }

  #act(operation: OperationModel, input: Json): Answered {
    const example = this.example(operation);
    const output = example === undefined ? undefined : this.#resources.act(operation, input, example);
    if (output === "missing") return this.#missing(operation);
    if (output !== undefined) return { ok: true, output };
    if (example === undefined) return "none";
    const told = echoed(example, input, operationValidators(this.model, operation).output);
    return { ok: true, output: told };
  }

  /** An example of the output; `undefined` where none is valid. */
  example(operation: OperationModel): Json | undefined {
    if (!this.#examples.has(operation)) {
      const { schemas } = this.model;
      const { output: validate } = operationValidators(this.model, operation);
      const fitting = (value: Json | undefined): boolean => value !== undefined && validate(value).length === 0;
      const stated = operation.example;
      const made = (): Json | undefined =>
        exampleOf(operation.output, schemas, { seed: this.seed, side: "output", name: operation.name });
      const value = fitting(stated) ? stated : made();
      this.#examples.set(operation, fitting(value) ? value : undefined);
    }
    return this.#examples.get(operation);
  }

  #missing(operation: OperationModel): Answered {
    const { binding } = operation;
    if (binding.protocol !== "rest") return "missing";
    for (const wanted of ["404", "410", "4XX", "default"]) {
      const declared = binding.faults.find(({ status }) => status === wanted);
      const result =
        declared === undefined ? undefined : this.fault(operation, declared.fault, "There is no such thing.");
      if (result !== undefined) return result;
    }
    return "missing";
  }

  /** A declared fault with an example of its detail; `undefined` where the contract lets none be made. */
  fault(operation: OperationModel, name: string, words?: string, detail?: Json): CallResult | undefined {
    if (!Object.hasOwn(operation.faults, name)) return undefined;
    const own = detail ?? faultDetail(this.model, operation, name, words);
    return own === undefined ? undefined : { ok: false, fault: { name, message: words ?? name, detail: own } };
  }
}

/** The example with the input's own values where both have a property of that name: an order that is asked for by number has it. */
function echoed(example: Json, input: Json, validate: Validate): Json {
  if (!isObject(input) || !isObject(example)) return example;
  const told = withValues(example, input, 0);
  return told !== example && validate(told).length === 0 ? told : example;
}

function withValues(value: Members, input: Members, depth: number): Members {
  let changed: Record<string, Json> | undefined;
  for (const [name, own] of Object.entries(value)) {
    const given = Object.hasOwn(input, name) ? input[name] : undefined;
    const next = isObject(own) && depth < 2 ? withValues(own, input, depth + 1) : sameKind(own, given) ? given! : own;
    if (next === own) continue;
    changed ??= { ...value };
    changed[name] = next;
  }
  return changed ?? value;
}

function sameKind(own: Json, given: Json | undefined): boolean {
  return (typeof own === "string" || typeof own === "number") && typeof own === typeof given;
}
