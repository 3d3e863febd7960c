/** Parameters of a REST operation, by their place and their name on the wire; those of the path by their position. */
import type { JsonSchema } from "../../../operation.ts";
import type { OperationModel, RestBinding, RestParameter } from "../../model.ts";

export interface ParameterPair {
  readonly shown: string;
  readonly old: RestParameter | undefined;
  readonly now: RestParameter | undefined;
}

export function parameterPairs(old: RestBinding, now: RestBinding): readonly ParameterPair[] {
  const before = byWire(old);
  const after = byWire(now);
  return [...new Set([...before.keys(), ...after.keys()])].map((key) => {
    const [was, is] = [before.get(key), after.get(key)];
    const { in: place, name } = (was ?? is)!;
    return { shown: `${place} ${name}`, old: was, now: is };
  });
}

function byWire(binding: RestBinding): Map<string, RestParameter> {
  const positions = [...binding.path.matchAll(/\{([^{}]+)\}/g)].map(([, name]) => name!);
  return new Map(
    binding.parameters.map((parameter) => {
      const { in: place, name } = parameter;
      if (place === "path") return [`path ${positions.indexOf(name)}`, parameter];
      return [`${place} ${place === "header" ? name.toLowerCase() : name}`, parameter];
    }),
  );
}

/** What a parameter may be. */
export function parameterSchema(operation: OperationModel, { property }: RestParameter): JsonSchema {
  const { input } = operation;
  const properties = (typeof input === "object" ? input.properties : undefined) as
    | { readonly [name: string]: JsonSchema }
    | undefined;
  return properties !== undefined && Object.hasOwn(properties, property) ? properties[property]! : true;
}
