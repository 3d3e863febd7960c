/**
 * From a request to the input of an operation whose contract is given: parameters by their place and style, the body by its media type. What
 * the contract does not name is refused (OW-3), and so is what could be read in two ways.
 */
import { bodyKind } from "../../contract/media.ts";
import type { RestBinding, RestParameter } from "../../contract/model.ts";
import { cookiePairs, formValue } from "../../contract/rest-form.ts";
import { multipartValue } from "../../contract/rest-multipart.ts";
import { NotJson, type Pair, pairsOf, pairValue, plainValue, type Seen, seen } from "../../contract/rest-values.ts";
import { failure } from "../../errors.ts";
import { parseJson } from "../../formats/json.ts";
import { type Json, type JsonSchema, type Problem, pointerToken, type Validate } from "../../operation.ts";
import { readsAsJson } from "../answers/negotiate.ts";
import type { HttpRequest } from "../http.ts";
import { invalidInput, ProblemError } from "../problem.ts";
import type { Spoken } from "./spoken.ts";

const mostPairs = 200;
const none: ReadonlySet<string> = new Set();

export type Reader = (
  request: HttpRequest,
  maxBodyBytes: number,
) => Promise<{ readonly input: Json; readonly body: Json | undefined }>;

/** `base`: of the API, in front of the contract's paths; `passing`: the body goes through, and is not read. Throws as `readInput` does. */
export function requestReader(
  { model, operation }: Spoken,
  base: string,
  validate: Validate,
  passing: boolean,
): Reader {
  const { binding } = operation;
  const { schemas } = model;
  const shape = seen(operation.input, schemas);
  const schemaOf = (property: string): JsonSchema =>
    Object.hasOwn(shape.properties, property) ? (shape.properties[property] as JsonSchema) : shape.others;
  const inPath = segmentsOf(binding.path);
  const skipped = base.split("/").length - 1;
  const query = queryPlan(binding, (property) => seen(schemaOf(property), schemas));
  const properties = new Set(binding.parameters.map(({ property }) => property));

  function readParameters(request: HttpRequest): Record<string, Json> {
    const input: Record<string, Json> = {};
    const pairs = queryPairs(request.query);
    const problems = query.refused(pairs);
    if (problems.length > 0) throw invalidInput(problems);
    const segments = request.path.split("/");
    for (const parameter of binding.parameters) {
      const schema = schemaOf(parameter.property);
      const value = readable(() => given(parameter, schema, { request, pairs, segments }));
      if (value !== undefined) put(input, parameter.property, value);
    }
    return input;
  }

  function given(
    parameter: RestParameter,
    schema: JsonSchema,
    from: { readonly request: HttpRequest; readonly pairs: readonly Pair[]; readonly segments: readonly string[] },
  ): Json | undefined {
    const { headers } = from.request;
    switch (parameter.in) {
      case "path": {
        // As it was sent: what is decoded first can't be told from what separates.
        const text = from.segments[skipped + (inPath.get(parameter.name) ?? 0)];
        return text === undefined ? undefined : plainValue(parameter, text, schema, schemas);
      }
      case "header": {
        const text = headers[parameter.name.toLowerCase()];
        if (text === undefined) return undefined;
        const { list, object } = seen(schema, schemas);
        const spaced = parameter.json !== true && (list || object);
        return plainValue(parameter, spaced ? text.replace(/\s*,\s*/g, ",") : text, schema, schemas);
      }
      case "cookie": {
        const pairs = cookiePairs(headers.cookie ?? "");
        const { list, object } = seen(schema, schemas);
        // Which of two counts is not said anywhere (RFC 6265, section 4.2.2).
        if (!list && !object && pairs.filter(([name]) => name === parameter.name).length > 1)
          throw invalidInput([{ at: pointer(parameter.name), message: "is given twice" }]);
        return pairValue({ ...parameter, style: "form" }, pairs, schema, schemas, none);
      }
      default:
        return pairValue(parameter, from.pairs, schema, schemas, query.others(parameter.name));
    }
  }

  return async (request, maxBodyBytes) => {
    const input = readParameters(request);
    let whole: Json = input;
    const read = passing
      ? undefined
      : await bodyOf(binding, request, maxBodyBytes, () => fieldsOf(binding, shape, schemas), schemas);
    if (binding.body !== undefined && read !== undefined) {
      const { from } = binding.body;
      if (from.kind === "property") put(input, from.name, read.value);
      else if (isObject(read.value)) {
        const clash = Object.keys(read.value).filter((name) => properties.has(name));
        // A parameter's value can't come in by the body.
        if (clash.length > 0)
          throw invalidInput(clash.map((name) => ({ at: pointer(name), message: "is no field of the body" })));
        for (const [name, value] of Object.entries(read.value)) put(input, name, value);
      } else if (binding.parameters.length === 0) whole = read.value;
      else throw invalidInput([{ at: "", message: "the body must be an object" }]);
    }
    const problems = validate(whole);
    if (problems.length > 0) throw invalidInput(problems);
    return { input: whole, body: read?.value };
  };
}

function readable<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof NotJson) throw invalidInput([{ at: pointer(error.parameter), message: error.message }]);
    throw error;
  }
}

/** Where each name in braces stands: the number of its segment, from 1. */
function segmentsOf(path: string): ReadonlyMap<string, number> {
  const found = new Map<string, number>();
  for (const [at, segment] of path.split("/").entries())
    if (segment.startsWith("{") && segment.endsWith("}")) found.set(segment.slice(1, -1), at);
  return found;
}

function queryPairs(query: string): readonly Pair[] {
  if (query === "") return [];
  if (query.split("&", mostPairs + 1).length > mostPairs)
    throw invalidInput([{ at: "", message: `more than ${mostPairs} query parameters` }]);
  try {
    decodeURIComponent(query.replaceAll("+", " "));
  } catch {
    throw invalidInput([{ at: "", message: "the query's percent-encoding is not UTF-8" }]);
  }
  return pairsOf(query);
}

/** Which names of a query the contract has, and which of them may stand there more than once. */
function queryPlan(binding: RestBinding, seenOf: (property: string) => Seen) {
  const parameters = binding.parameters.filter((each) => each.in === "query");
  const known = new Map<string, "once" | "often">();
  const deep = new Set<string>();
  let any = false;
  for (const { name, property, style, explode, json } of parameters) {
    const { list, object, properties, others } = seenOf(property);
    known.set(name, json !== true && explode && list ? "often" : "once");
    if (style === "deepObject") deep.add(name);
    else if (json !== true && explode && object && !list) {
      // The members of the object are names of their own.
      for (const member of Object.keys(properties)) known.set(member, known.get(member) ?? "once");
      any ||= others !== false;
    }
  }
  const names = new Set(parameters.map(({ name }) => name));
  const without = new Map([...names].map((name) => [name, new Set([...names].filter((each) => each !== name))]));
  return {
    others: (name: string): ReadonlySet<string> => without.get(name) ?? none,
    refused(pairs: readonly Pair[]): readonly Problem[] {
      const problems: Problem[] = [];
      const met = new Set<string>();
      for (const [name] of pairs) {
        const isDeep = name.includes("[") && deep.has(name.split("[", 1)[0] as string);
        const how = known.get(name);
        if (how === undefined && !isDeep && !any)
          problems.push({ at: pointer(name), message: "is not a parameter of this operation" });
        else if (how !== "often" && met.has(name)) problems.push({ at: pointer(name), message: "is given twice" });
        met.add(name);
      }
      return problems;
    },
  };
}

/** `undefined`: there is none, and there need not be. */
async function bodyOf(
  { body }: RestBinding,
  request: HttpRequest,
  maxBytes: number,
  fields: () => Seen,
  schemas: Spoken["model"]["schemas"],
): Promise<{ readonly value: Json } | undefined> {
  if (body === undefined) {
    const { headers } = request;
    const length = headers["content-length"];
    if (headers["transfer-encoding"] === undefined && (length === undefined || length === "0")) return undefined;
    throw invalidInput([{ at: "", message: "this operation takes no body" }]);
  }
  if (!body.required && sendsNone(request)) return undefined;
  checkMediaType(request, body.mediaType);
  const bytes = await request.body(maxBytes);
  if (bytes.length === 0 && !body.required) return undefined;
  switch (bodyKind(body.mediaType)) {
    case "json":
      return { value: parseJson(bytes, { maxBytes, duplicates: "refuse" }) };
    case "form":
      return { value: formValue(body, queryPairs(textOf(bytes)), fields(), schemas) };
    case "multipart": {
      const value = multipartValue(body, request.headers["content-type"] ?? "", bytes, fields(), schemas);
      if (typeof value === "string") throw invalidInput([{ at: "", message: `the body can't be read: ${value}` }]);
      return { value };
    }
    case "text":
      return { value: textOf(bytes) };
    default:
      return { value: Buffer.from(bytes).toString("base64") };
  }
}

function sendsNone({ headers }: HttpRequest): boolean {
  const length = headers["content-length"];
  return headers["content-type"] === undefined && headers["transfer-encoding"] === undefined && (length ?? "0") === "0";
}

function textOf(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw invalidInput([{ at: "", message: "the body is not UTF-8" }]);
  }
}

/** The answer says what would be taken (RFC 9110, section 15.5.16). */
function checkMediaType(request: HttpRequest, wanted: string): void {
  const coding = request.headers["content-encoding"];
  const packed = coding !== undefined && coding.toLowerCase() !== "identity";
  if (!packed && isTaken(request.headers["content-type"], wanted)) return;
  const accept = wanted.includes("*") ? "application/json" : wanted;
  throw new ProblemError(failure("media-type-unsupported", { expected: accept }), {
    headers: packed ? { "accept-encoding": "identity" } : { accept },
  });
}

function isTaken(sent: string | undefined, wanted: string): boolean {
  if (wanted === "application/json" || wanted === "*/*" || wanted === "application/*") return readsAsJson(sent);
  const kind = bodyKind(wanted);
  // Any bytes are bytes; a text is UTF-8, whatever else it says.
  if (kind === "bytes") return wanted === "application/octet-stream" || readsAsJson(sent, [wanted]);
  if (wanted.endsWith("/*")) return sent?.toLowerCase().startsWith(wanted.slice(0, -1)) === true;
  return readsAsJson(sent, [wanted]);
}

function fieldsOf({ body }: RestBinding, shape: Seen, schemas: Spoken["model"]["schemas"]): Seen {
  const from = body?.from;
  return from?.kind === "property" ? seen(shape.properties[from.name] ?? true, schemas) : shape;
}

function isObject(value: Json): value is { readonly [name: string]: Json } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A property called `__proto__` stays data. */
function put(object: Record<string, Json>, name: string, value: Json): void {
  Object.defineProperty(object, name, { value, enumerable: true, writable: true, configurable: true });
}

function pointer(name: string): string {
  return `/${pointerToken(name.slice(0, 100))}`;
}
