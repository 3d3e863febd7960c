/**
 * What is wrong with a value that fits none of several options (`oneOf`, `anyOf`). The validator tells what each option complains about;
 * here it is the complaints of one: of the option that the value comes nearest to.
 */
import type { ErrorObject, ValidateFunction } from "ajv/dist/2020.js";
import { type JsonSchema, type Problem, pointerToken } from "../operation.ts";
import { messageOf, shortened } from "./messages.ts";

export interface NearestTools {
  /** The validator of an option, which tells all of its errors, with schema and data. */
  readonly check: (option: JsonSchema) => ValidateFunction;
  /** A named schema, by a reference as it stands in an option, with its name. */
  readonly named: (reference: string) => { readonly name: string; readonly schema: JsonSchema } | undefined;
}

/** Of the nearest option: a reader mends one thing at a time. */
const mostOfOption = 3;
/** A choice inside a choice is told of both; a tree of choices is not told of all of them. */
const mostNotes = 2;
const noteBegin = " (the nearest of ";
/** References and `allOf` inside each other that are looked through for what marks an option. */
const deepestMark = 8;

/** The errors as problems, in their order; those of the options of a choice are one to three. `errors` are of a verbose validator that tells all. */
export function explained(errors: readonly ErrorObject[], tools: NearestTools, base = ""): Problem[] {
  const found: Problem[][] = [];
  for (let at = errors.length - 1; at >= 0; at -= 1) {
    const error = errors[at] as ErrorObject;
    const place = base + error.instancePath;
    const runs = runsOf(errors, at, tools);
    if (runs === undefined) {
      found.push([{ at: place, message: messageOf(error) }]);
      continue;
    }
    found.push(choice(error, place, runs, tools));
    // The options' own errors stand before it.
    for (const { errors } of runs) at -= errors.length;
  }
  return found.reverse().flat();
}

/** An option and what it has against the value. */
interface Run {
  readonly option: JsonSchema;
  readonly index: number;
  readonly errors: readonly ErrorObject[];
}

/** `undefined`: the error is not of a choice, or what stands before it is not what its options say. */
function runsOf(errors: readonly ErrorObject[], at: number, { check }: NearestTools): readonly Run[] | undefined {
  const { keyword, schema, data, instancePath, params } = errors[at] as ErrorObject;
  if ((keyword !== "oneOf" && keyword !== "anyOf") || !Array.isArray(schema)) return undefined;
  // Once two fit the others are not tried.
  const tried = Array.isArray(params.passingSchemas) ? Number(params.passingSchemas[1]) + 1 : schema.length;
  const runs = (schema as readonly JsonSchema[]).slice(0, tried).map((option, index) => {
    const validate = check(option);
    return { option, index, errors: validate(data) === true ? [] : [...(validate.errors ?? [])] };
  });
  const all = runs.flatMap((run) => run.errors);
  const before = errors.slice(Math.max(0, at - all.length), at);
  const same = (one: ErrorObject, other: ErrorObject | undefined) =>
    one.keyword === other?.keyword && instancePath + one.instancePath === other.instancePath;
  return all.every((one, index) => same(one, before[index])) && all.length === before.length ? runs : undefined;
}

function choice(error: ErrorObject, at: string, runs: readonly Run[], tools: NearestTools): Problem[] {
  if (runs.some((run) => run.errors.length === 0))
    return [
      {
        at,
        message: `fits more than one of its ${(error.schema as readonly unknown[]).length} options, and must fit one only`,
      },
    ];
  const simple = kindsOrValues(runs);
  if (simple !== undefined) return [{ at, message: simple }];
  const ofKind = runs.filter((run) => !run.errors.some(isOfKind));
  const candidates = ofKind.length > 0 ? ofKind : runs;
  const marked = candidates.map((run) => ({ run, marks: marksOf(run.option, tools) }));
  const unknown = candidates.length > 1 ? unknownMark(error.data, at, marked) : undefined;
  if (unknown !== undefined) return [unknown];
  let best = marked[0] as Marked;
  let least = scoreOf(best, error.data);
  for (const one of marked.slice(1)) {
    const score = scoreOf(one, error.data);
    if (lessThan(score, least)) [best, least] = [one, score];
  }
  const problems = explained(best.run.errors, tools, at).slice(0, mostOfOption);
  // Something or null is not much of a choice.
  if (runs.filter((run) => !isNull(run)).length < 2) return problems;
  const note = ` (the nearest of ${runs.length} options: ${labelOf(best, error.data, tools)})`;
  return problems.map(({ at: inner, message }) => ({
    at: inner,
    message: message.split(noteBegin).length > mostNotes ? message : message + note,
  }));
}

type Marks = ReadonlyMap<string, unknown>;
interface Marked {
  readonly run: Run;
  readonly marks: Marks;
}

/** What all options say about the value as a whole: its type, or the values that it may have. */
function kindsOrValues(runs: readonly Run[]): string | undefined {
  const kinds = new Set<string>();
  const values = new Set<string>();
  for (const { errors } of runs)
    for (const { instancePath, keyword, params } of errors) {
      if (instancePath !== "") return undefined;
      if (keyword === "type") for (const type of [params.type].flat()) kinds.add(String(type));
      else if (keyword === "const") values.add(JSON.stringify(params.allowedValue));
      else if (keyword === "enum") for (const value of params.allowedValues) values.add(JSON.stringify(value));
      else return undefined;
    }
  const list = shortened([...values].join(", "));
  if (kinds.size === 0) return `must be one of ${list}`;
  return `must be ${[...kinds].join(" or ")}${values.size === 0 ? "" : `, or one of ${list}`}`;
}

/** What tells the candidates apart is missing, or has a value that none of them has. */
function unknownMark(data: unknown, at: string, marked: readonly Marked[]): Problem | undefined {
  if (!isObject(data)) return undefined;
  const [first, ...others] = marked;
  for (const name of first?.marks.keys() ?? []) {
    if (!others.every(({ marks }) => marks.has(name))) continue;
    const values = new Set(marked.map(({ marks }) => marks.get(name)));
    if (values.size < 2 || values.has(data[name])) continue;
    const list = shortened([...values].map((value) => JSON.stringify(value)).join(", "));
    if (Object.hasOwn(data, name)) return { at: `${at}/${pointerToken(name)}`, message: `must be one of ${list}` };
    const lacks = ({ errors }: Run) =>
      errors.some((one) => one.instancePath === "" && one.params.missingProperty === name);
    if (marked.every(({ run }) => lacks(run)))
      return { at, message: `lacks the property ${JSON.stringify(name)}, which must be one of ${list}` };
  }
  return undefined;
}

/** Less is nearer: what marks it, then how much is wrong at the top, then how much at all, then how deep. */
function scoreOf({ run, marks }: Marked, data: unknown): readonly number[] {
  let right = 0;
  let wrong = 0;
  if (isObject(data))
    for (const [name, value] of marks) {
      if (!Object.hasOwn(data, name)) continue;
      if (data[name] === value) right += 1;
      else wrong += 1;
    }
  const { errors } = run;
  const depth = Math.max(...errors.map((error) => error.instancePath.split("/").length));
  const atTop = errors.filter((error) => error.instancePath === "").length;
  return [wrong, -right, atTop, errors.length, -depth];
}

function lessThan(one: readonly number[], other: readonly number[]): boolean {
  const at = one.findIndex((value, index) => value !== other[index]);
  return at >= 0 && (one[at] as number) < (other[at] as number);
}

/** Properties that have one value in this option, such as that of a discriminator. */
function marksOf(option: JsonSchema, tools: NearestTools, depth = 0): Marks {
  const marks = new Map<string, unknown>();
  if (typeof option !== "object" || depth > deepestMark) return marks;
  const { $ref, allOf, properties } = option;
  const named = typeof $ref === "string" ? tools.named($ref) : undefined;
  const parts = [
    ...(named === undefined ? [] : [named.schema]),
    ...(Array.isArray(allOf) ? (allOf as JsonSchema[]) : []),
  ];
  for (const part of parts) for (const [name, value] of marksOf(part, tools, depth + 1)) marks.set(name, value);
  if (isObject(properties))
    for (const [name, schema] of Object.entries(properties)) {
      if (!isObject(schema)) continue;
      const { enum: values } = schema;
      const value = schema.const ?? (Array.isArray(values) && values.length === 1 ? values[0] : undefined);
      if (value !== undefined && typeof value !== "object") marks.set(name, value);
    }
  return marks;
}

function labelOf({ run, marks }: Marked, data: unknown, tools: NearestTools): string {
  const { option, index } = run;
  const named = typeof option === "object" ? nameOf(option, tools) : undefined;
  const [mark] = isObject(data) ? [...marks].filter(([name, value]) => data[name] === value) : [];
  if (mark !== undefined) {
    const which = `${mark[0]} ${JSON.stringify(mark[1])}`;
    return shortened(named === undefined ? `that with ${which}` : `${named}, by its ${which}`);
  }
  return named ?? `number ${index + 1}`;
}

function nameOf(option: { readonly [keyword: string]: unknown }, tools: NearestTools): string | undefined {
  const { $ref, allOf, title } = option;
  if (typeof $ref === "string") return shortened(tools.named($ref)?.name ?? "") || undefined;
  const [first] = Array.isArray(allOf) ? (allOf as JsonSchema[]) : [];
  const inner = typeof first === "object" ? nameOf(first, tools) : undefined;
  return inner ?? (typeof title === "string" && title !== "" ? shortened(title) : undefined);
}

/** The value as a whole is of another kind than this option is for. */
const isOfKind = ({ instancePath, keyword }: ErrorObject) =>
  instancePath === "" && (keyword === "type" || keyword === "false schema");

function isNull({ option, errors }: Run): boolean {
  return (
    (typeof option === "object" && option.type === "null") ||
    errors.some((one) => isOfKind(one) && one.params.type === "null")
  );
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
