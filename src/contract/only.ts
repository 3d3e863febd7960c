/** A part of a contract: the operations and events that a project uses, and the schemas that those need. */
import type { JsonSchema } from "../operation.ts";
import { type ContractModel, frozen, type LinkModel, type OperationModel } from "./model.ts";
import { referencedName, referencesOf } from "./references.ts";

/** The names in `names` that are neither an operation nor an event of the model. */
export function unknownNames(model: ContractModel, names: readonly string[]): readonly string[] {
  return names.filter((name) => !Object.hasOwn(model.operations, name) && !Object.hasOwn(model.events, name));
}

/**
 * The model with these operations and events alone; names that it does not have are left out. It remembers what was asked for. A name that differs
 * in its capitals alone is meant: `reportAVAILABLE` was asked for before names in capitals became `reportAvailable`.
 */
export function onlyOf(model: ContractModel, names: readonly string[]): ContractModel {
  const unknown = new Set(unknownNames(model, names));
  const all = unknown.size === 0 ? [] : [...Object.keys(model.operations), ...Object.keys(model.events)];
  const meant = (name: string) =>
    unknown.has(name) ? (all.find((one) => one.toLowerCase() === name.toLowerCase()) ?? name) : name;
  const wanted = new Set(names.map(meant));
  const operations = Object.values(model.operations)
    .filter(({ name }) => wanted.has(name))
    .map((operation) => withLinksInside(operation, wanted));
  const events = Object.values(model.events).filter(({ name }) => wanted.has(name));
  const schemas = needed(model, [
    ...operations.flatMap(({ input, output, faults, binding }) => [
      input,
      output,
      // what other callers use (RestDeclared): its schemas are referred to like all others
      ...(binding.protocol === "rest" ? [(binding.declared ?? {}) as JsonSchema] : []),
      ...Object.values(faults).map(({ detail }) => detail),
    ]),
    ...events.map(({ payload }) => payload),
  ]);
  const asked = new Set(operations.flatMap(({ security = [] }) => security.flatMap((way) => Object.keys(way))));
  const security = Object.entries(model.security ?? {}).filter(([name]) => asked.has(name));
  const { security: _, ...rest } = model;
  return frozen({
    ...rest,
    source: { ...model.source, only: [...wanted].sort() },
    operations: Object.fromEntries(operations.map((operation) => [operation.name, operation])),
    events: Object.fromEntries(events.map((event) => [event.name, event])),
    schemas: Object.fromEntries(Object.entries(model.schemas).filter(([name]) => schemas.has(name))),
    ...(security.length === 0 ? {} : { security: Object.fromEntries(security) }),
  });
}

function withLinksInside(operation: OperationModel, wanted: ReadonlySet<string>): OperationModel {
  if (operation.links === undefined) return operation;
  const inside = Object.entries(operation.links).filter(([, link]: [string, LinkModel]) => wanted.has(link.operation));
  const { links: _, ...rest } = operation;
  return inside.length === 0 ? rest : { ...rest, links: Object.fromEntries(inside) };
}

/** Names of the schemas that these refer to, through any number of others. */
function needed(model: ContractModel, schemas: readonly JsonSchema[]): ReadonlySet<string> {
  const found = new Set<string>();
  const open: unknown[] = [...schemas];
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    for (const reference of referencesOf(at)) {
      const name = referencedName(`#/$defs/${reference}`);
      if (name === undefined || found.has(name) || !Object.hasOwn(model.schemas, name)) continue;
      found.add(name);
      open.push(model.schemas[name]);
    }
  }
  return found;
}
