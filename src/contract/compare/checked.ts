/** Values given to validators of a contract that is compared. */
import type { Json, JsonSchema, Problem } from "../../operation.ts";
import { passingValidator } from "../validate.ts";
import type { Definitions } from "./schema/flat.ts";

/** A whole schema with the named ones that it refers to. */
export interface Whole {
  readonly schema: JsonSchema;
  readonly definitions: Definitions;
}

/** What the schema finds wrong with a value; empty: it is taken. */
export type Check = (value: Json) => readonly Problem[];

/** What whoever serves a contract refuses besides: members that its schemas leave open and do not name. */
export type RefusesUnnamed = (whole: Whole) => Check;

const checks = new WeakMap<object, Map<JsonSchema, Check>>();

/** Compiled once for each schema. */
export function checkOf({ schema, definitions }: Whole): Check {
  const known = checks.get(definitions) ?? new Map<JsonSchema, Check>();
  checks.set(definitions, known);
  let check = known.get(schema);
  if (check === undefined) {
    check = passingValidator(definitions, schema);
    known.set(schema, check);
  }
  return check;
}
