/**
 * A schema as one set of keywords: references followed and `allOf` folded in, so that a value can be made from it. What can't be folded
 * (a choice) is kept aside; what folding loses (`not`, `if`, properties that one of the parts forbids) is found by checking the value.
 */
import type { JsonSchema } from "../../operation.ts";
import { referencedName } from "../references.ts";
import { type Definitions, isOfType, type Keywords, same } from "./fits.ts";

export interface Flat {
  /** `undefined`: any. */
  readonly types: readonly string[] | undefined;
  /** `undefined`: any; empty: no value is possible. */
  readonly values: readonly unknown[] | undefined;
  /** Each a list of schemas one of which must hold. */
  readonly choices: readonly (readonly JsonSchema[])[];
  readonly properties: Readonly<Record<string, JsonSchema>>;
  readonly required: readonly string[];
  /** Of all parts; what is not allowed by one of them stays out. */
  readonly maps: readonly MapPart[];
  readonly patterns: readonly string[];
  readonly steps: readonly number[];
  /** Examples and defaults, the ones nearest first. */
  readonly stated: readonly unknown[];
  /** Something was left out: the value must be checked. */
  readonly unsure: boolean;
  readonly never: boolean;
  /** The other keywords, merged. */
  readonly rest: Keywords;
  /** Names of the schemas that were followed. */
  readonly names: readonly string[];
}

/** What one part says about properties that it does not name. */
export interface MapPart {
  readonly named: Keywords;
  readonly patterns: Readonly<Record<string, JsonSchema>>;
  readonly others: JsonSchema;
}

interface Building {
  types: readonly string[] | undefined;
  values: readonly unknown[] | undefined;
  choices: (readonly JsonSchema[])[];
  properties: Record<string, JsonSchema>;
  required: Set<string>;
  maps: MapPart[];
  patterns: string[];
  steps: number[];
  stated: unknown[];
  unsure: boolean;
  never: boolean;
  rest: Record<string, unknown>;
  names: string[];
}

const deepest = 64;
const greatest = new Set(["minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties", "minContains"]);
const smallest = new Set(["maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties", "maxContains"]);

/** `schemas` must all hold. */
export function flatten(schemas: readonly JsonSchema[], definitions: Definitions): Flat {
  const into: Building = {
    types: undefined,
    values: undefined,
    choices: [],
    properties: Object.create(null) as Record<string, JsonSchema>,
    required: new Set(),
    maps: [],
    patterns: [],
    steps: [],
    stated: [],
    unsure: schemas.length > 1,
    never: false,
    rest: {},
    names: [],
  };
  for (const schema of schemas) fold(into, schema, definitions, 0);
  return { ...into, required: [...into.required] };
}

function fold(into: Building, schema: JsonSchema, definitions: Definitions, depth: number): void {
  if (schema === true) return;
  if (schema === false || depth > deepest) {
    into.never = true;
    return;
  }
  for (const [keyword, value] of Object.entries(schema)) one(into, keyword, value);
  const { properties, patternProperties, additionalProperties } = schema as Keywords;
  if (additionalProperties !== undefined || patternProperties !== undefined)
    into.maps.push({
      named: (properties ?? {}) as Keywords,
      patterns: (patternProperties ?? {}) as Record<string, JsonSchema>,
      others: (additionalProperties ?? true) as JsonSchema,
    });
  if (typeof schema.$ref === "string") {
    const name = referencedName(schema.$ref);
    if (name === undefined || !Object.hasOwn(definitions, name)) into.never = true;
    else {
      into.names.push(name);
      fold(into, definitions[name] as JsonSchema, definitions, depth + 1);
    }
  }
  if (Array.isArray(schema.allOf)) {
    into.unsure = true;
    for (const part of schema.allOf) fold(into, part as JsonSchema, definitions, depth + 1);
  }
}

function one(into: Building, keyword: string, value: unknown): void {
  switch (keyword) {
    case "type":
      into.types = common(into.types, (Array.isArray(value) ? value : [value]) as readonly string[]);
      if (into.types.length === 0) into.never = true;
      return;
    case "enum":
      into.values = among(into.values, value as readonly unknown[]);
      return;
    case "const":
      into.values = among(into.values, [value]);
      return;
    case "oneOf":
    case "anyOf":
      into.choices.push(value as readonly JsonSchema[]);
      into.unsure = true;
      return;
    case "properties":
      for (const [name, schema] of Object.entries(value as Record<string, JsonSchema>)) {
        const other = Object.hasOwn(into.properties, name) ? into.properties[name] : undefined;
        into.properties[name] = other === undefined ? schema : { allOf: [other, schema] };
      }
      return;
    case "required":
      for (const name of value as readonly string[]) into.required.add(name);
      return;
    case "pattern":
      into.patterns.push(value as string);
      return;
    case "multipleOf":
      into.steps.push(value as number);
      return;
    case "examples":
      if (Array.isArray(value)) into.stated.push(...(value as unknown[]));
      return;
    case "default":
      into.stated.push(value);
      return;
    case "items": {
      const { items } = into.rest;
      into.rest.items = items === undefined ? value : { allOf: [items, value] };
      return;
    }
    case "not":
    case "if":
    case "dependentSchemas":
    case "unevaluatedProperties":
    case "unevaluatedItems":
    case "propertyNames":
    case "contains":
      into.unsure = true;
      into.rest[keyword] ??= value;
      return;
    default:
      if (greatest.has(keyword)) into.rest[keyword] = bounded(into.rest[keyword], value, Math.max);
      else if (smallest.has(keyword)) into.rest[keyword] = bounded(into.rest[keyword], value, Math.min);
      else into.rest[keyword] ??= value;
  }
}

function bounded(before: unknown, value: unknown, pick: (a: number, b: number) => number): unknown {
  return typeof before === "number" && typeof value === "number" ? pick(before, value) : (before ?? value);
}

function common(before: readonly string[] | undefined, types: readonly string[]): readonly string[] {
  if (before === undefined) return types;
  const both = types.filter((type) => before.includes(type) || (type === "integer" && before.includes("number")));
  return before.includes("integer") && types.includes("number") && !both.includes("integer")
    ? [...both, "integer"]
    : both;
}

function among(before: readonly unknown[] | undefined, values: readonly unknown[]): readonly unknown[] {
  return before === undefined ? values : values.filter((value) => before.some((other) => same(other, value)));
}

/** The values that are of one of the types. */
export function ofTypes(values: readonly unknown[], types: readonly string[] | undefined): readonly unknown[] {
  return types === undefined ? values : values.filter((value) => types.some((type) => isOfType(value, type)));
}
