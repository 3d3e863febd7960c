/** An event as a test hands it in: checked and keyed as the server does it with a webhook or a row of a file. */
import { definitionOf, systemOf } from "../connectors/system.ts";
import { schemaOf } from "../contract/contract.ts";
import type { ContractModel, EventModel } from "../contract/model.ts";
import { failure } from "../errors.ts";
import { type EventType, type Json, pointerNames, type Schema } from "../operation.ts";
import { checked } from "./values.ts";

const anything: Schema = Object.freeze({ kind: "schema", json: true });

interface Given {
  readonly payload: unknown;
  readonly key?: string;
  readonly delivery?: string;
}

type Own = { readonly key?: (payload: unknown) => string; readonly id?: (payload: unknown) => string };

export function deliveryOf(
  event: EventType,
  given: Given,
  starts: boolean,
): { readonly payload: Json; readonly key: string; readonly delivery: string | undefined } {
  const what = `the payload of ${event.system}.${event.name}`;
  const system = systemOf(event);
  const definition = system === undefined ? undefined : definitionOf(system);
  const model = definition?.contract.events[event.name];
  const schema = definition === undefined || model === undefined ? anything : payloadSchema(definition.contract, model);
  const payload = checked(schema, given.payload, what);
  const own = (definition?.settings.events as Readonly<Record<string, Own | undefined>> | undefined)?.[event.name];
  const key = given.key ?? own?.key?.(payload) ?? pointed(payload, model?.correlation);
  if (key === undefined && !starts)
    throw failure("test-value", { what, problems: "it has no correlation key: give `key`" });
  return { payload, key: String(key), delivery: given.delivery ?? own?.id?.(payload) };
}

const schemas = new WeakMap<EventModel, Schema>();

/** One object for each event, so that its validator is compiled once. */
function payloadSchema(contract: ContractModel, model: EventModel): Schema {
  let schema = schemas.get(model);
  if (schema === undefined) {
    schema = schemaOf(contract, model.payload);
    schemas.set(model, schema);
  }
  return schema;
}

function pointed(value: Json, pointer: string | undefined): string | undefined {
  if (pointer === undefined) return undefined;
  let at: unknown = value;
  for (const name of pointerNames(pointer)) {
    if (typeof at !== "object" || at === null || !Object.hasOwn(at, name)) return undefined;
    at = (at as Readonly<Record<string, unknown>>)[name];
  }
  return at === undefined ? undefined : String(at);
}
