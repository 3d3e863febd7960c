/**
 * From a request to the operation's input: path and query are read by the types of the schema, the body is JSON; what the
 * schema does not name is refused (OW-3).
 */
import { failure } from "../errors.ts";
import { parseJson } from "../formats/json.ts";
import { type Json, type JsonSchema, type Problem, pointerToken, type Schema, type Validate } from "../operation.ts";
import { readsAsJson } from "./answers/negotiate.ts";
import { bareRecord } from "./bare.ts";
import type { HttpRequest } from "./http.ts";
import type { Method } from "./operations.ts";
import { invalidInput, ProblemError } from "./problem.ts";
import { definitionsOf, resolve, shapeOf, typesOf } from "./schemas.ts";

/** Where the parts of an input stand in a request. Also the OpenAPI writer's source. */
export interface InputPlan {
  readonly path: readonly InputParameter[];
  readonly query: readonly InputParameter[];
  /** Whether a JSON body is taken. */
  readonly body: boolean;
}
export interface InputParameter {
  readonly name: string;
  readonly required: boolean;
  readonly schema: JsonSchema;
  /** How text becomes a value. */
  readonly read: "string" | "number" | "boolean" | "list";
  /** Of a list. */
  readonly items?: "string" | "number" | "boolean";
}

/** Parameters of a query. */
export const mostPairs = 200;

/** Throws `api-definition` if a name in the path is no property of the input. */
export function planInput(method: Method, parameters: readonly string[], schema: Schema, api: string): InputPlan {
  const definitions = definitionsOf(schema.json);
  const shape = shapeOf(schema.json, definitions);
  const parameterOf = (name: string, property: JsonSchema, required: boolean): InputParameter => {
    const read = readerOf(property, definitions);
    if (read !== "list") return { name, required, schema: property, read };
    const list = resolve(property, definitions);
    const items = typeof list === "boolean" ? undefined : (list.items as JsonSchema | undefined);
    const inner = items === undefined ? "string" : readerOf(items, definitions);
    return { name, required, schema: property, read, items: inner === "list" ? "string" : inner };
  };
  const path = parameters.map((name) => {
    const property = shape?.properties.get(name);
    if (property === undefined) {
      throw failure("api-definition", { api, reason: `its path names {${name}}, which is no property of the input` });
    }
    return parameterOf(name, property, true);
  });
  const body = method === "POST" || method === "PUT" || method === "PATCH";
  const query: InputParameter[] = [];
  if (!body) {
    for (const [name, property] of shape?.properties ?? []) {
      if (!parameters.includes(name)) query.push(parameterOf(name, property, shape?.required.has(name) ?? false));
    }
  }
  return { path, query, body };
}

function readerOf(schema: JsonSchema, definitions: Readonly<Record<string, JsonSchema>>): InputParameter["read"] {
  const types = typesOf(schema, definitions).filter((type) => type !== "null");
  // Beside a list a text stays what it was: one that came alone would become a list of one.
  const isText = types.includes("string") && (types.includes("array") || takesAnyText(schema, definitions));
  if (types.length === 0 || isText) return "string";
  if (types.includes("array")) return "list";
  if (types.includes("integer") || types.includes("number")) return "number";
  return types.includes("boolean") ? "boolean" : "string";
}

/** Whether one of its branches is text, and not some texts by name: beside those a numeral is a number, as nothing else would fit. */
function takesAnyText(schema: JsonSchema, definitions: Readonly<Record<string, JsonSchema>>, depth = 0): boolean {
  const seen = resolve(schema, definitions);
  if (typeof seen === "boolean" || depth > 16) return true;
  const named = seen.const === undefined ? seen.enum : [seen.const];
  if (Array.isArray(named))
    return named.some(
      (value) => typeof value === "string" && (read("number", value) !== value || read("boolean", value) !== value),
    );
  const branches = [seen.anyOf, seen.oneOf].find((list) => list !== undefined) as readonly JsonSchema[] | undefined;
  if (seen.type === undefined && branches !== undefined)
    return branches.some((branch) => takesAnyText(branch, definitions, depth + 1));
  return seen.type === undefined || [seen.type].flat().includes("string");
}

/** Reads the request's input and checks it: at once where no body has to come. Throws `input-invalid`, `json-invalid`, `json-limit`, `media-type-unsupported`. */
export function readInput(
  plan: InputPlan,
  validate: Validate,
  request: HttpRequest,
  params: Readonly<Record<string, string>>,
  maxBodyBytes: number,
): ReadInput | Promise<ReadInput> {
  if (plan.body) return readWithBody(plan, validate, request, params, maxBodyBytes);
  const named = bareRecord<Json>();
  if (request.query !== "") readQuery(plan.query, request.query, named);
  for (const parameter of plan.path) addFromPath(parameter, params[parameter.name] ?? "", named);
  return checked(validate, named, undefined);
}

export interface ReadInput {
  readonly input: Json;
  /** As sent, where there is one. */
  readonly body: Json | undefined;
}

async function readWithBody(
  plan: InputPlan,
  validate: Validate,
  request: HttpRequest,
  params: Readonly<Record<string, string>>,
  maxBodyBytes: number,
): Promise<ReadInput> {
  checkMediaType(request);
  const body = parseJson(await request.body(maxBodyBytes), { maxBytes: maxBodyBytes, duplicates: "refuse" });
  if (request.query !== "") throw invalidInput([{ at: "", message: "this operation takes no query" }]);
  if (plan.path.length === 0) return checked(validate, body, body);
  if (typeof body !== "object" || body === null || Array.isArray(body)) {
    throw invalidInput([{ at: "", message: "must be an object" }]);
  }
  const merged: Record<string, Json> = { ...(body as Record<string, Json>) };
  for (const parameter of plan.path) addFromPath(parameter, params[parameter.name] ?? "", merged);
  return checked(validate, merged, body);
}

function checked(validate: Validate, input: Json, body: Json | undefined): ReadInput {
  const problems = validate(input);
  if (problems.length > 0) throw invalidInput(problems);
  return { input, body };
}

function addFromPath(parameter: InputParameter, text: string, input: Record<string, Json>): void {
  const value = read(parameter.read, text);
  if (Object.hasOwn(input, parameter.name) && input[parameter.name] !== value) {
    throw invalidInput([{ at: pointer(parameter.name), message: "differs from the path" }]);
  }
  input[parameter.name] = value;
}

function readQuery(parameters: readonly InputParameter[], query: string, input: Record<string, Json>): void {
  const pairs = query.split("&", mostPairs + 1);
  if (pairs.length > mostPairs) throw invalidInput([{ at: "", message: `more than ${mostPairs} query parameters` }]);
  const problems: Problem[] = [];
  for (const pair of pairs) {
    if (pair === "") continue;
    const cut = pair.indexOf("=");
    const name = decoded(cut < 0 ? pair : pair.slice(0, cut));
    const text = decoded(cut < 0 ? "" : pair.slice(cut + 1));
    const parameter = parameters.find((known) => known.name === name);
    if (parameter === undefined) problems.push({ at: pointer(name), message: "is not a parameter of this operation" });
    else if (parameter.read === "list") {
      const list = input[name] as Json[] | undefined;
      const value = read(parameter.items ?? "string", text);
      if (list === undefined) input[name] = [value];
      else list.push(value);
    } else if (input[name] !== undefined) problems.push({ at: pointer(name), message: "is given twice" });
    else input[name] = read(parameter.read, text);
  }
  if (problems.length > 0) throw invalidInput(problems);
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll("+", " "));
  } catch {
    throw invalidInput([{ at: "", message: "the query's percent-encoding is not UTF-8" }]);
  }
}

const numeral = /^-?(0|[1-9]\d{0,15})(\.\d{1,16})?$/;

/** Text that is no value of the type stays text, and validation says so. */
function read(as: InputParameter["read"], text: string): Json {
  if (as === "number" && numeral.test(text)) {
    const number = Number(text);
    // One that would become another: as in a body, it is refused and not rounded.
    if (text.includes(".") || Number.isSafeInteger(number) || BigInt(text) === BigInt(number)) return number;
  }
  if (as === "boolean" && (text === "true" || text === "false")) return text === "true";
  return text;
}

/** The answer says what would be taken (RFC 9110, section 15.5.16). */
function checkMediaType(request: HttpRequest): void {
  const coding = request.headers["content-encoding"];
  const packed = coding !== undefined && coding.toLowerCase() !== "identity";
  if (!packed && readsAsJson(request.headers["content-type"])) return;
  throw new ProblemError(failure("media-type-unsupported", { expected: "application/json" }), {
    headers: packed ? { "accept-encoding": "identity" } : { accept: "application/json" },
  });
}

function pointer(name: string): string {
  return `/${pointerToken(name.slice(0, 100))}`;
}
