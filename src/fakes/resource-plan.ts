/**
 * Which REST operations create, read, change, list and delete the same things: seen from their paths. `/orders/{id}` is a thing and
 * `/orders` the collection of it; an operation that is neither has no memory, and answers with an example.
 */
import { flatten } from "../contract/example/flat.ts";
import type { ContractModel, OperationModel, RestBinding } from "../contract/model.ts";
import type { JsonSchema } from "../operation.ts";

export type Part = "create" | "read" | "replace" | "change" | "remove" | "list";

export interface Plan {
  readonly part: Part;
  /** The collection's path with `{}` for parameters: what all operations on it share. */
  readonly collection: string;
  /** Properties of the input that name the collection's owner: of `/users/{user}/orders`, `user`. */
  readonly owners: readonly string[];
  /** Property of the input that names the thing. */
  readonly id: string | undefined;
  /** What the thing's own id may be called, likeliest first. */
  readonly idNames: readonly string[];
  /** Properties of the input that are the thing's own. `undefined`: all that are no parameters. */
  readonly body: string | undefined;
  /** Schema of the parameter that names the thing. */
  readonly idSchema: JsonSchema;
}

export function planOf(model: ContractModel): ReadonlyMap<OperationModel, Plan> {
  const plans = new Map<OperationModel, Plan>();
  const operations = Object.values(model.operations).filter(
    (each): each is OperationModel & { readonly binding: RestBinding } => each.binding.protocol === "rest",
  );
  /** By collection: the name of the parameter that ends the path of a thing, and its schema. */
  const things = new Map<string, { readonly name: string; readonly schema: JsonSchema }>();
  for (const operation of operations) {
    const path = pathOf(operation.binding);
    const last = path.at(-1);
    if (last === undefined || !isParameter(last) || path.length < 2) continue;
    const key = keyOf(path.slice(0, -1));
    const parameter = parameterAt(operation.binding, last);
    if (parameter === undefined) continue;
    const schema = flatten([operation.input], model.schemas).properties[parameter.property] ?? true;
    const known = things.get(key);
    if (known === undefined || operation.binding.method === "GET") things.set(key, { name: parameter.name, schema });
  }
  for (const operation of operations) {
    const { binding } = operation;
    const path = pathOf(binding);
    const last = path.at(-1) ?? "";
    const single = isParameter(last);
    const collection = keyOf(single ? path.slice(0, -1) : path);
    const thing = things.get(collection);
    const part = partOf(binding.method, single);
    if (thing === undefined || part === undefined) continue;
    const owners = (single ? path.slice(0, -1) : path)
      .filter(isParameter)
      .map((text) => parameterAt(binding, text)?.property)
      .filter((property) => property !== undefined);
    plans.set(operation, {
      part,
      collection,
      owners,
      id: single ? parameterAt(binding, last)?.property : undefined,
      idNames: idNames(thing.name, path.findLast((text) => !isParameter(text)) ?? ""),
      body: binding.body?.from.kind === "property" ? binding.body.from.name : undefined,
      idSchema: thing.schema,
    });
  }
  return plans;
}

function partOf(method: string, single: boolean): Part | undefined {
  if (!single) return method === "POST" ? "create" : method === "GET" ? "list" : undefined;
  switch (method) {
    case "GET":
      return "read";
    case "PUT":
      return "replace";
    case "PATCH":
    case "POST":
      return "change";
    case "DELETE":
      return "remove";
    default:
      return undefined;
  }
}

function pathOf({ path }: RestBinding): readonly string[] {
  return path
    .split(/[?#]/, 1)[0]!
    .split("/")
    .filter((segment) => segment !== "");
}

function isParameter(segment: string): boolean {
  return /^\{[^{}]+\}$/.test(segment);
}

function parameterAt({ parameters }: RestBinding, segment: string) {
  return parameters.find((each) => each.in === "path" && segment === `{${each.name}}`);
}

function keyOf(path: readonly string[]): string {
  return path.map((segment) => (isParameter(segment) ? "{}" : segment)).join("/");
}

function idNames(parameter: string, collection: string): readonly string[] {
  const one = collection.replace(/ies$/i, "y").replace(/s$/i, "");
  const made = [
    parameter,
    "id",
    "Id",
    "ID",
    "_id",
    `${one}Id`,
    `${one}_id`,
    `${one}ID`,
    "uuid",
    "guid",
    "gid",
    "key",
    "code",
    "number",
  ];
  return [...new Set([...made, parameter.replace(/[-_](.)/g, (_, letter: string) => letter.toUpperCase()), "name"])];
}
