/** REST from the side of the system: requests to inputs, results to answers, as the contract (OpenAPI) binds them. */
import { readSequence, writeSequence } from "../connectors/rest-sequence.ts";
import { schemaOf } from "../contract/contract.ts";
import { exampleOf } from "../contract/example/example.ts";
import { accepts, bodyKind } from "../contract/media.ts";
import type { ContractModel, OperationModel, RestBinding } from "../contract/model.ts";
import { cookiePairs, formValue } from "../contract/rest-form.ts";
import { multipartValue } from "../contract/rest-multipart.ts";
import {
  decoded,
  NotJson,
  type Pair,
  pairsOf,
  pairValue,
  plainValue,
  type Seen,
  scalarOf,
  seen,
} from "../contract/rest-values.ts";
import { compileSchema, operationValidators } from "../contract/validate.ts";
import { MortiseError } from "../errors.ts";
import { parseJson } from "../formats/json.ts";
import {
  type CallResult,
  inWords,
  type Json,
  type JsonSchema,
  type Problem,
  pointerToken,
  type Validate,
} from "../operation.ts";
import { withMessage } from "./messages.ts";
import { type Came, type Protocol, problemReply, type Reading, type Reply } from "./protocol.ts";
import { type Match, Routes } from "./rest-routes.ts";

const noNames: ReadonlySet<string> = new Set();

export function restProtocol(model: ContractModel, maxBytes: number): Protocol {
  const routes = new Routes(model);
  return {
    read(came: Came, preferred: (operation: string) => boolean): Reading {
      const query = pairsOf(came.query);
      const matches = routes.find(came.method, came.path, query, preferred);
      if (matches.length === 0) return nothing(came, routes.methods(came.path, query));
      let first: Read | undefined;
      // Where several can be meant, the first that the request fits.
      for (const match of matches.slice(0, 8)) {
        const read = readInput(model, match, came, query, maxBytes);
        first ??= read;
        if (read.problems.length === 0) return reading(model, match.route.operation, match.route.binding, read);
      }
      return reading(model, matches[0]!.route.operation, matches[0]!.route.binding, first!);
    },
  };
}

function nothing({ method, path }: Came, methods: readonly string[]): Reading {
  if (methods.length > 0) {
    const allow = methods.join(", ");
    const detail = `The contract has no ${method} here; it has ${allow}.`;
    return {
      kind: "nothing",
      reply: problemReply(405, "Method Not Allowed", detail, [], { allow }),
      why: `the path takes ${allow}`,
    };
  }
  const detail = `No operation of the contract matches ${method} ${path.slice(0, 200)}.`;
  return {
    kind: "nothing",
    reply: problemReply(404, "Not Found", detail),
    why: "no operation of the contract matches",
  };
}

interface Read {
  readonly input: Json;
  readonly problems: readonly Problem[];
  readonly notes: readonly string[];
  readonly key: string | undefined;
}

function readInput(
  model: ContractModel,
  { route, values }: Match,
  came: Came,
  query: readonly Pair[],
  maxBytes: number,
): Read {
  const { operation, binding } = route;
  const { schemas } = model;
  const shape = seen(operation.input, schemas);
  const schemaOf = (property: string): JsonSchema =>
    Object.hasOwn(shape.properties, property) ? shape.properties[property]! : shape.others;
  const input: Record<string, Json> = {};
  const put = (property: string, value: Json | undefined): void => {
    if (value !== undefined)
      Object.defineProperty(input, property, { value, enumerable: true, writable: true, configurable: true });
  };
  const cookies = cookiePairs(came.headers.cookie ?? "");
  const queryNames = binding.parameters.filter((each) => each.in === "query").map((each) => each.name);
  const read = (parameter: (typeof binding.parameters)[number]): Json | undefined => {
    const schema = schemaOf(parameter.property);
    if (parameter.in === "query") {
      const others = new Set(queryNames.filter((name) => name !== parameter.name));
      return pairValue(parameter, query, schema, schemas, others);
    }
    if (parameter.in === "cookie") return pairValue({ ...parameter, style: "form" }, cookies, schema, schemas, noNames);
    if (parameter.in === "querystring")
      return came.query === "" ? undefined : wholeQuery(parameter, came.query, schema, schemas);
    const text = parameter.in === "path" ? values[parameter.name] : came.headers[parameter.name.toLowerCase()];
    return text === undefined ? undefined : plainValue(parameter, text, schema, schemas);
  };
  const problems: Problem[] = [];
  for (const parameter of binding.parameters) {
    try {
      put(parameter.property, read(parameter));
    } catch (error) {
      if (!(error instanceof NotJson)) throw error;
      problems.push({ at: `/${pointerToken(parameter.property)}`, message: error.message });
    }
  }
  const notes = undeclaredQuery(query, route, (property) => seen(schemaOf(property), schemas).object);
  let whole: Json = input;
  const body = readBody(binding, came, operation, model, maxBytes);
  if (body.kind === "problem") problems.push(body.problem);
  else if (body.kind === "value" && binding.body !== undefined) {
    const { from } = binding.body;
    if (from.kind === "property") put(from.name, body.value);
    else if (typeof body.value === "object" && body.value !== null && !Array.isArray(body.value))
      for (const [name, value] of Object.entries(body.value)) put(name, value as Json);
    else if (binding.parameters.length === 0) whole = body.value;
    else problems.push({ at: "", message: "has a body that is no object" });
  }
  if (problems.length === 0) problems.push(...inputProblems(model, operation, whole));
  // The key is no property of the input: whoever calls through Mortise never gives it himself.
  const place = operation.key?.in === "header" ? operation.key : undefined;
  const key = place === undefined ? undefined : came.headers[place.name.toLowerCase()];
  if (place?.required === true && (key === undefined || key === ""))
    problems.push({ at: "", message: `lacks the header ${place.name}` });
  return { input: whole, problems, notes, key };
}

const told = new WeakMap<OperationModel, Validate>();

/** All of them: whoever wrote the request mends them at once. */
function inputProblems(model: ContractModel, operation: OperationModel, input: Json): readonly Problem[] {
  const validate = told.get(operation) ?? compileSchema(schemaOf(model, operation.input));
  told.set(operation, validate);
  return validate(input);
}

/** Keys of an API often travel in the query and stand in no parameter, so such a name is told and not refused. */
function undeclaredQuery(
  query: readonly Pair[],
  { fixed, binding }: Match["route"],
  isObject: (property: string) => boolean,
): readonly string[] {
  const parameters = binding.parameters.filter((each) => each.in === "query");
  // The members of an object are names of their own.
  if (parameters.some(({ explode, style, property }) => explode && style === "form" && isObject(property))) return [];
  if (binding.parameters.some((each) => each.in === "querystring")) return [];
  const known = new Set([...parameters, ...fixed].map(({ name }) => name));
  const strange = query.filter(([name]) => !known.has(name) && !known.has(name.split("[", 1)[0]!));
  return [...new Set(strange.map(([name]) => name))]
    .slice(0, 5)
    .map((name) => `the query parameter ${JSON.stringify(name.slice(0, 60))} is not in the contract`);
}

/** The query as one value (OpenAPI 3.2.0, "in: querystring"). */
function wholeQuery(
  { json, encoding }: RestBinding["parameters"][number],
  query: string,
  schema: JsonSchema,
  schemas: ContractModel["schemas"],
): Json {
  const shape = seen(schema, schemas);
  if (json === true || !shape.object) return scalarOf(decoded(query), schema, schemas, json === true);
  return formValue({ ...(encoding === undefined ? {} : { encoding }) }, pairsOf(query), shape, schemas);
}

type BodyRead =
  | { readonly kind: "none" }
  | { readonly kind: "value"; readonly value: Json }
  | { readonly kind: "problem"; readonly problem: Problem };

function readBody(
  { body }: RestBinding,
  { headers, body: bytes }: Came,
  operation: OperationModel,
  { schemas }: ContractModel,
  maxBytes: number,
): BodyRead {
  const problem = (message: string): BodyRead => ({ kind: "problem", problem: { at: "", message } });
  if (body === undefined) return { kind: "none" };
  if (bytes.length === 0) {
    if (body.required) return problem("has no body");
    return { kind: "none" };
  }
  const type = headers["content-type"];
  if (type !== undefined && !accepts(body.mediaType, type))
    return problem(`has a body of the media type ${type.slice(0, 100)}, and the contract says ${body.mediaType}`);
  const parsed = (parse: () => Json): BodyRead => {
    try {
      return { kind: "value", value: parse() };
    } catch (error) {
      if (error instanceof MortiseError) return problem(`has a body that is no JSON: ${error.message}`);
      throw error;
    }
  };
  if (body.list === true)
    return parsed(() => readSequence(body.mediaType, Buffer.from(bytes).toString("utf8"), { maxBytes }));
  switch (bodyKind(body.mediaType)) {
    case "json":
      return parsed(() => parseJson(bytes, { maxBytes }));
    case "form": {
      const text = Buffer.from(bytes).toString("utf8");
      const fields = fieldsOf(body, operation, schemas);
      if (body.from.kind === "property" && !fields.object) return { kind: "value", value: text };
      return { kind: "value", value: formValue(body, pairsOf(text), fields, schemas) };
    }
    case "text":
    case "lines":
      return { kind: "value", value: Buffer.from(bytes).toString("utf8") };
    case "multipart": {
      const value = multipartValue(body, type ?? "", bytes, fieldsOf(body, operation, schemas), schemas);
      if (typeof value === "string") return problem(`has a body that is no multipart: ${value}`);
      return { kind: "value", value };
    }
    default:
      return { kind: "value", value: Buffer.from(bytes).toString("base64") };
  }
}

/** What the fields of a form may be. */
function fieldsOf(
  { from }: NonNullable<RestBinding["body"]>,
  operation: OperationModel,
  schemas: ContractModel["schemas"],
): Seen {
  const shape = seen(operation.input, schemas);
  return from.kind === "property" ? seen(shape.properties[from.name] ?? true, schemas) : shape;
}

function reading(model: ContractModel, operation: OperationModel, binding: RestBinding, read: Read): Reading {
  return {
    kind: "call",
    operation,
    ...read,
    write: (result) => write(model, operation, binding, result),
    refuse: (problems) => refusal(model, operation, binding, problems),
    missing: () => problemReply(404, "Not Found", "There is no such thing."),
    fail: (status, reason) =>
      declaredReply(model, operation, binding, status) ?? problemReply(status, "Fake failure", reason),
  };
}

/** The contract's own answer for a status, as its system would give it; `undefined` where it has none, or one that counts as a failure anyhow. */
function declaredReply(
  model: ContractModel,
  operation: OperationModel,
  binding: RestBinding,
  status: number,
): Reply | undefined {
  if (status >= 500 || [408, 425, 429].includes(status)) return undefined;
  for (const wanted of [String(status), `${Math.floor(status / 100)}XX`, "default"]) {
    const declared = binding.faults.find((one) => one.status === wanted);
    if (declared === undefined) continue;
    const detail = faultDetail(model, operation, declared.fault, undefined);
    return detail === undefined ? undefined : written(status, declared.mediaType, detail, binding.method);
  }
  return undefined;
}

function write(model: ContractModel, operation: OperationModel, binding: RestBinding, result: CallResult): Reply {
  if (!result.ok) {
    const declared = binding.faults.find(({ fault }) => fault === result.fault.name);
    if (declared === undefined) return problemReply(500, "Fake failure", `there is no fault ${result.fault.name}`);
    return written(statusOf(declared.status, binding), declared.mediaType, result.fault.detail, binding.method);
  }
  const { output } = result;
  const validators = operationValidators(model, operation);
  const takes = ({ mediaType, option, status }: RestBinding["success"][number]): boolean => {
    // 204 and 205 never have a body (RFC 9110, sections 15.3.5 and 15.3.6).
    if (mediaType === null || status === "204" || status === "205") return output === null;
    return option === undefined || validators.option(option)(output).length === 0;
  };
  const fitting = binding.success.filter(takes);
  const chosen =
    fitting.find(({ mediaType }) => (mediaType === null) === (output === null)) ?? fitting[0] ?? binding.success[0]!;
  const status = /^\d{3}$/.test(chosen.status) ? Number(chosen.status) : 200;
  return written(status, chosen.mediaType, output, binding.method, chosen.list);
}

/** A status for a declared fault; for `4XX` and `default` one that no other fault has. */
function statusOf(declared: string, { faults }: RestBinding): number {
  if (/^\d{3}$/.test(declared)) return Number(declared);
  const taken = new Set(faults.map(({ status }) => status));
  if (declared === "3XX") return [300, 303, 307].find((status) => !taken.has(String(status))) ?? 300;
  return [400, 422, 409, 418, 424].find((status) => !taken.has(String(status))) ?? 400;
}

function written(status: number, declared: string | null, value: Json, method: string, list = false): Reply {
  if (declared === null || method === "HEAD") return { status, headers: {}, body: "" };
  const mediaType = concrete(declared);
  const headers = { "content-type": mediaType };
  if (list) return { status, headers, body: writeSequence(mediaType, value as readonly Json[]) };
  switch (bodyKind(mediaType)) {
    case "json":
      return { status, headers, body: JSON.stringify(value) };
    case "form": {
      const fields = typeof value === "object" && value !== null ? Object.entries(value) : [];
      const texts = fields.map(([name, each]): [string, string] => [
        name,
        typeof each === "string" ? each : JSON.stringify(each),
      ]);
      return { status, headers, body: new URLSearchParams(texts).toString() };
    }
    case "text":
    case "lines":
      return { status, headers, body: typeof value === "string" ? value : JSON.stringify(value) };
    default:
      return { status, headers, body: Buffer.from(typeof value === "string" ? value : "", "base64") };
  }
}

/** A type for a range of them: `text/*` is answered as text/plain. */
function concrete(mediaType: string): string {
  const type = mediaType.trim();
  if (type === "*/*" || type === "application/*") return "application/json";
  return type.endsWith("/*") ? `${type.slice(0, -1)}${type.startsWith("text/") ? "plain" : "octet-stream"}` : type;
}

/** What a wrong request is answered: the fault that the contract declares for it, else problem details. */
function refusal(
  model: ContractModel,
  operation: OperationModel,
  binding: RestBinding,
  problems: readonly Problem[],
): Reply {
  const words = `The request does not fit the contract: ${inWords(problems, "it")}.`;
  for (const wanted of ["400", "422", "4XX", "default"]) {
    const declared = binding.faults.find(({ status }) => status === wanted);
    if (declared === undefined || declared.mediaType === null) continue;
    const detail = faultDetail(model, operation, declared.fault, words);
    if (detail === undefined) continue;
    const status = wanted === "422" ? 422 : statusOf(wanted, binding);
    return written(status, declared.mediaType, detail, binding.method);
  }
  return problemReply(400, "Bad Request", words, problems);
}

/** An example of a fault's detail with `words` where it has a place for them; `undefined` where there is no example. */
export function faultDetail(
  model: ContractModel,
  operation: OperationModel,
  fault: string,
  words: string | undefined,
): Json | undefined {
  const schema = operation.faults[fault]?.detail;
  if (schema === undefined) return undefined;
  const validate = operationValidators(model, operation).fault(fault);
  const stated = operation.faults[fault]?.example;
  const example =
    stated !== undefined && validate(stated).length === 0
      ? stated
      : exampleOf(schema, model.schemas, { side: "output", optional: "none", name: fault });
  const roomy = words === undefined ? undefined : exampleOf(schema, model.schemas, { side: "output", name: fault });
  if (words !== undefined)
    for (const base of [example, roomy]) {
      const told = base === undefined ? undefined : withMessage(base, words);
      if (told !== undefined && validate(told).length === 0) return told;
    }
  return example === undefined || validate(example).length > 0 ? undefined : example;
}
