/**
 * What a fake remembers: things that were created, changed and deleted over REST, in bounded memory. A thing that nobody created is made
 * up when it is asked for and stays from then on, unless the fake is told to know only what was created.
 */
import { exampleOf } from "../contract/example/example.ts";
import { fits } from "../contract/example/fits.ts";
import type { ContractModel, OperationModel } from "../contract/model.ts";
import { operationValidators } from "../contract/validate.ts";
import type { Json, JsonSchema } from "../operation.ts";
import { type Plan, planOf } from "./resource-plan.ts";
import { idIn, isObject, listAt, type Members, propertiesOf, thingAt } from "./shapes.ts";

/** `made`: what is not known is made up. `missing`: it is not there. */
export type Unknown = "made" | "missing";

interface Collection {
  readonly things: Map<string, Members>;
  readonly removed: Set<string>;
  /** Whether the things that were there from the beginning are in. */
  filled: boolean;
}

const mostThings = 10_000;
const mostCharacters = 64 * 1024 * 1024;
const mostRemoved = 10_000;

export class Resources {
  readonly #model: ContractModel;
  readonly #seed: number;
  readonly #unknown: Unknown;
  readonly #plans: ReadonlyMap<OperationModel, Plan>;
  readonly #collections = new Map<string, Collection>();
  #things = 0;
  #characters = 0;
  #made = 0;

  constructor(model: ContractModel, seed: number, unknown: Unknown) {
    this.#model = model;
    this.#seed = seed;
    this.#unknown = unknown;
    this.#plans = planOf(model);
  }

  reset(): void {
    this.#collections.clear();
    this.#things = 0;
    this.#characters = 0;
    this.#made = 0;
  }

  /** The output; `"missing"`: there is no such thing; `undefined`: the operation has nothing to do with things. */
  act(operation: OperationModel, input: Json, example: Json): Json | "missing" | undefined {
    const plan = this.#plans.get(operation);
    if (plan === undefined || !isObject(input)) return undefined;
    const collection = this.#collection(plan, input);
    const { id } = plan;
    if (plan.part === "list") return this.#list(operation, plan, collection, input, example);
    if (plan.part === "create") return this.#create(operation, plan, collection, input, example);
    const name = id === undefined ? undefined : input[id];
    if (name === undefined) return undefined;
    const key = String(name);
    if (collection.removed.has(key) && plan.part !== "replace") return "missing";
    const known = collection.things.get(key);
    if (known === undefined && plan.part !== "replace" && this.#unknown === "missing") return "missing";
    if (plan.part === "remove") {
      const output = this.#output(operation, plan, example, known ?? {}, name);
      this.#remove(collection, key);
      return output;
    }
    const given = plan.part === "read" ? {} : bodyOf(plan, operation, input);
    const before = plan.part === "replace" ? {} : (known ?? {});
    const output = this.#output(operation, plan, example, merged(before, given), name);
    const own = { ...this.#thingIn(operation, plan, output), ...merged(before, given) };
    this.#put(collection, key, own);
    return output;
  }

  #collection(plan: Plan, input: Members): Collection {
    const owner = JSON.stringify([plan.collection, ...plan.owners.map((property) => String(input[property]))]);
    let collection = this.#collections.get(owner);
    if (collection === undefined) {
      collection = { things: new Map(), removed: new Set(), filled: this.#unknown === "missing" };
      if (this.#collections.size < mostThings) this.#collections.set(owner, collection);
    }
    return collection;
  }

  #create(operation: OperationModel, plan: Plan, collection: Collection, input: Members, example: Json): Json {
    const body = bodyOf(plan, operation, input);
    const { schemas } = this.#model;
    const at = thingAt(operation.output, plan.idNames, schemas);
    const schema =
      at === undefined ? undefined : at === "" ? operation.output : propertiesOf(operation.output, schemas)[at];
    const idName = schema === undefined ? undefined : idIn(schema, plan.idNames, schemas);
    const given = plan.idNames
      .map((name) => body[name])
      .find((value) => isId(value) && fits(value, plan.idSchema, schemas));
    const own = idName === undefined ? true : propertiesOf(schema!, schemas)[idName]!;
    const id = given ?? this.#newId(plan, own, idName ?? plan.idNames[0]!, collection);
    if (id === undefined) return example;
    const output = this.#output(operation, plan, example, body, id);
    const name = idName === undefined ? {} : { [idName]: id };
    this.#put(collection, String(id), { ...this.#thingIn(operation, plan, output), ...body, ...name });
    return output;
  }

  #newId(plan: Plan, schema: JsonSchema, name: string, { things, removed }: Collection): Json | undefined {
    const { schemas } = this.#model;
    const both: JsonSchema = { allOf: [plan.idSchema, schema] };
    for (let tries = 0; tries < 40; tries++) {
      this.#made += 1;
      const number = 1000 + this.#made;
      const made = fits(number, both, schemas)
        ? number
        : exampleOf(both, schemas, { seed: this.#seed * 100_003 + this.#made, name, stated: false });
      if (isId(made) && !things.has(String(made)) && !removed.has(String(made))) return made;
    }
    return undefined;
  }

  #list(
    operation: OperationModel,
    plan: Plan,
    collection: Collection,
    input: Members,
    example: Json,
  ): Json | undefined {
    const { schemas } = this.#model;
    const list = listAt(operation.output, plan.idNames, schemas);
    if (list === undefined) return undefined;
    const idName = idIn(list.items, plan.idNames, schemas);
    if (!collection.filled) {
      collection.filled = true;
      const shown = list.property === "" ? example : isObject(example) ? example[list.property] : undefined;
      for (const one of Array.isArray(shown) ? (shown as readonly Json[]) : [])
        if (isObject(one) && idName !== undefined && isId(one[idName])) {
          const key = String(one[idName]);
          if (!collection.things.has(key) && !collection.removed.has(key)) this.#put(collection, key, one);
        }
    }
    const base = exampleOf(list.items, schemas, { seed: this.#seed, side: "output", name: operation.name }) ?? {};
    const limit = ["limit", "pageSize", "page_size", "per_page", "maxResults", "$top"]
      .map((name) => input[name])
      .find((value): value is number => typeof value === "number" && value >= 0);
    const things = [...collection.things].slice(0, limit ?? mostThings);
    const items = things.map(([key, thing]) =>
      overlaid(
        base,
        idName === undefined || thing[idName] !== undefined
          ? thing
          : { ...thing, [idName]: idOf(key, list.items, idName, schemas) },
        list.items,
        schemas,
      ),
    );
    const whole = list.property === "" ? items : isObject(example) ? { ...example, [list.property]: items } : example;
    const counted = isObject(whole) ? withCount(whole, collection.things.size) : whole;
    const { output: validate } = operationValidators(this.#model, operation);
    return [counted, whole].find((value) => validate(value).length === 0) ?? example;
  }

  /** An example of the answer, with what is known of the thing laid over it. */
  #output(operation: OperationModel, plan: Plan, example: Json, thing: Members, id: Json): Json {
    const { schemas } = this.#model;
    const at = thingAt(operation.output, plan.idNames, schemas);
    if (at === undefined || !isObject(example)) return example;
    const schema = at === "" ? operation.output : propertiesOf(operation.output, schemas)[at]!;
    const idName = idIn(schema, plan.idNames, schemas)!;
    const inner = at === "" ? example : example[at];
    if (!isObject(inner)) return example;
    const { output: validate } = operationValidators(this.#model, operation);
    const put = (value: Json): Json => (at === "" ? value : { ...example, [at]: value });
    const whole = put(overlaid(inner, { ...thing, [idName]: id }, schema, schemas));
    if (validate(whole).length === 0) return whole;
    const little = put(overlaid(inner, { [idName]: id }, schema, schemas));
    return validate(little).length === 0 ? little : example;
  }

  #thingIn(operation: OperationModel, plan: Plan, output: Json): Members {
    const at = thingAt(operation.output, plan.idNames, this.#model.schemas);
    const inner = at === undefined || at === "" ? output : isObject(output) ? output[at] : undefined;
    return at !== undefined && isObject(inner) ? inner : {};
  }

  #put(collection: Collection, key: string, thing: Members): void {
    this.#forget(collection, key);
    collection.things.set(key, thing);
    collection.removed.delete(key);
    this.#things += 1;
    this.#characters += JSON.stringify(thing).length;
    // The oldest go first: of this collection, then of the others.
    for (const each of [collection, ...this.#collections.values()]) {
      for (const oldest of each.things.keys()) {
        if (this.#things <= mostThings && this.#characters <= mostCharacters) return;
        if (each !== collection || oldest !== key) this.#forget(each, oldest);
      }
    }
  }

  #remove(collection: Collection, key: string): void {
    this.#forget(collection, key);
    if (collection.removed.size < mostRemoved) collection.removed.add(key);
  }

  #forget(collection: Collection, key: string): void {
    const thing = collection.things.get(key);
    if (thing === undefined) return;
    collection.things.delete(key);
    this.#things -= 1;
    this.#characters -= JSON.stringify(thing).length;
  }
}

function isId(value: unknown): value is string | number {
  return (typeof value === "string" && value !== "") || typeof value === "number";
}

/** The input's own properties of the thing. */
function bodyOf(plan: Plan, operation: OperationModel, input: Members): Members {
  if (plan.body !== undefined) {
    const body = input[plan.body];
    return isObject(body) ? body : {};
  }
  if (operation.binding.protocol !== "rest") return {};
  const parameters = new Set(operation.binding.parameters.map(({ property }) => property));
  return Object.fromEntries(Object.entries(input).filter(([name]) => !parameters.has(name)));
}

/** JSON Merge Patch (RFC 7396), one level deep: null takes away. */
function merged(before: Members, change: Members): Members {
  const after: Record<string, Json> = { ...before };
  for (const [name, value] of Object.entries(change))
    Object.defineProperty(after, name, { value, enumerable: true, writable: true, configurable: true });
  return after;
}

/** `example` with those values of `thing` that its schema has a place for. */
function overlaid(example: Json, thing: Members, schema: JsonSchema, definitions: ContractModel["schemas"]): Json {
  if (!isObject(example)) return example;
  const properties = propertiesOf(schema, definitions);
  const value: Record<string, Json> = { ...example };
  for (const [name, own] of Object.entries(thing)) {
    const known = Object.hasOwn(properties, name) ? properties[name]! : undefined;
    if (known === undefined ? Object.hasOwn(example, name) : fits(own, known, definitions)) value[name] = own;
  }
  return value;
}

function idOf(key: string, items: JsonSchema, idName: string, definitions: ContractModel["schemas"]): Json {
  const schema = propertiesOf(items, definitions)[idName] ?? true;
  return /^\d+$/.test(key) && fits(Number(key), schema, definitions) ? Number(key) : key;
}

function withCount(whole: Members, count: number): Members {
  const name = Object.keys(whole).find(
    (each) =>
      /^(total|count|size|total_?(count|items|results|elements|size))$/i.test(each) && typeof whole[each] === "number",
  );
  return name === undefined ? whole : { ...whole, [name]: count };
}
