/**
 * Validators from schemas: JSON Schema 2020-12, compiled when first used and kept as long as the schema is, and as others that were compiled
 * at that time are, so only pinned contracts and the project's own schemas may come here. Problems name the place and the rule, never the value (P8).
 */
import { Ajv2020, type ErrorObject, type ValidateFunction } from "ajv/dist/2020.js";
import formats from "ajv-formats";
import type { JsonSchema, Problem, Schema, Validate } from "../operation.ts";
import { uncached } from "../uncached.ts";
import { compareExact } from "./exact.ts";
import { addLateReferences, withLateReferences } from "./late-references.ts";
import { messageOf } from "./messages.ts";
import type { ContractModel, OperationModel } from "./model.ts";
import { explained, type NearestTools } from "./nearest.ts";
import { addNumberFormats } from "./number-formats.ts";
import { compilePattern } from "./pattern.ts";
import { mapReferences, referencedName, referencesOf } from "./references.ts";

/** Containers inside each other that a recursive schema is followed into. */
const maxDepth = 200;
const maxProblems = 20;
/** Values inside a value; above, only its first problem is told: a million wrong items are not worth a million findings. */
const maxFullyChecked = 5000;
/** Values times options of a choice that are tried for the sake of telling all; above, the place of the first is told alone. */
const maxTried = 200_000;
const none: readonly Problem[] = Object.freeze([]);
const tooDeep: readonly Problem[] = Object.freeze([
  Object.freeze({ at: "", message: `is nested deeper than ${maxDepth} levels` }),
]);

type Definitions = { readonly [name: string]: JsonSchema };
const noDefinitions: Definitions = Object.freeze({});

/**
 * Not strict: what the validator does not know (an extension, a format of a trade) is no reason to stop. Readers have
 * dropped what means nothing, and their tests compile strictly.
 */
function validatorOf(allErrors: boolean, optimize = true): Ajv2020 {
  const ajv = new Ajv2020({
    allErrors,
    // What chooses among options looks at them and at the value.
    verbose: allErrors,
    ownProperties: true, // "constructor" and "toString" are no members of a value that does not have them
    strict: false,
    logger: false,
    unicodeRegExp: false,
    code: {
      optimize,
      regExp: Object.assign((source: string) => compilePattern(source) as RegExp, { code: "compilePattern" }),
    },
  });
  (formats as unknown as (to: Ajv2020) => void)(ajv);
  // A pattern of another dialect than the runtime's is no reason to refuse a whole schema: see pattern.ts.
  ajv.addFormat("regex", true);
  // Exact values travel as strings; ajv-formats knows int64 for numbers only.
  // With an order, so that formatMinimum and its like can bound them.
  const compare = compareExact;
  ajv.addFormat("int64", { type: "string", validate: isInt64, compare });
  ajv.addFormat("integer", { type: "string", validate: /^[+-]?\d+$/, compare });
  addNumberFormats(ajv);
  addLateReferences(ajv);
  ajv.addFormat("decimal", { type: "string", validate: /^[+-]?(\d+(\.\d*)?|\.\d+)$/, compare });
  return ajv;
}

interface Compilers {
  /** Stops at the first problem: what every value passes through. */
  readonly first: Ajv2020;
  /** Finds every problem: what a person needs who sent a wrong value. */
  readonly every: Ajv2020;
  /** How many more schemas they take. */
  left: number;
}

/**
 * A compiler keeps all that it ever compiled. A project that is reloaded brings new schemas for as long as the server runs, so they get other
 * compilers after so many: the ones before go with the last schema that they were for.
 */
const perCompilers = 2000;
const opened = (): Compilers => ({ first: validatorOf(false), every: validatorOf(true), left: perCompilers });
let latest = opened();

/** One root per set of named schemas: every schema of a contract shares the compiled ones. */
interface Root {
  readonly id: string;
  readonly compilers: Compilers;
  readonly definitions: Definitions;
  readonly recursive: Map<string, boolean>;
  /** Whether `every` has it too. */
  inEvery: boolean;
  /** Made when the first value fits none of several options. */
  nearest: NearestTools | undefined;
}
const roots = new WeakMap<object, Root>();
const passing = new WeakMap<object, Root>();
const quick = new WeakSet<Definitions>();
const late = new WeakMap<Root, Root>();
let rootCount = 0;
const bySchema = new WeakMap<object, Validate>();
const byModel = new WeakMap<Definitions, WeakMap<object, Validate>>();
const byOperation = new WeakMap<OperationModel, OperationValidators>();

/** The validator of a schema; compiled at its first use. Of a value that does not fit it tells up to 20 problems. */
export function compileSchema(schema: Schema): Validate {
  const { json } = schema;
  if (typeof json === "boolean") return boolean(json);
  const known = bySchema.get(schema);
  if (known !== undefined) return known;
  const { $defs, ...rest } = json;
  const validate = lazy(() => compile(rest, ($defs ?? noDefinitions) as Definitions, true));
  bySchema.set(schema, validate);
  return validate;
}

export interface OperationValidators {
  readonly input: Validate;
  readonly output: Validate;
  /** Of one of the output's `anyOf`, where statuses differ in their schema. */
  option(index: number): Validate;
  /** Of a declared fault's detail. */
  fault(name: string): Validate;
}

/** The validators of an operation, each compiled at its first use. */
export function operationValidators(model: ContractModel, operation: OperationModel): OperationValidators {
  let validators = byOperation.get(operation);
  if (validators === undefined) {
    const faults = new Map<string, Validate>();
    for (const [name, fault] of Object.entries(operation.faults)) faults.set(name, modelValidator(model, fault.detail));
    const unknown = boolean(false);
    const options = optionsOf(operation.output).map((schema) => modelValidator(model, schema));
    const output = modelValidator(model, operation.output);
    validators = Object.freeze({
      input: modelValidator(model, operation.input),
      output,
      option: (index: number) => options[index] ?? output,
      fault: (name: string) => faults.get(name) ?? unknown,
    });
    byOperation.set(operation, validators);
  }
  return validators;
}

function optionsOf(output: JsonSchema): readonly JsonSchema[] {
  return typeof output === "object" && Array.isArray(output.anyOf) ? (output.anyOf as JsonSchema[]) : [];
}

/** The validator of a schema that stands in a model and refers to its named schemas, such as an event's payload. */
export function modelValidator(model: ContractModel, schema: JsonSchema): Validate {
  if (typeof schema === "boolean") return boolean(schema);
  const { schemas } = model;
  const known = byModel.get(schemas) ?? new WeakMap<object, Validate>();
  byModel.set(schemas, known);
  const validate = known.get(schema) ?? lazy(() => compile(schema, schemas));
  known.set(schema, validate);
  return validate;
}

/**
 * The same, for a few values: it is compiled quickly rather than well, and is gone when nobody holds the definitions any more. For contracts
 * that are compared, and not pinned.
 */
export function passingValidator(definitions: Definitions, schema: JsonSchema): Validate {
  if (typeof schema === "boolean") return boolean(schema);
  return lazy(() => compile(schema, definitions, false, passing));
}

/** Has what is validated of a model from now on compiled quickly, as above. For a model that is tried once, and not served. */
export function validateQuickly({ schemas }: ContractModel): void {
  quick.add(schemas);
}

function lazy(make: () => Validate): Validate {
  let validate: Validate | undefined;
  return (value) => {
    validate ??= make();
    return validate(value);
  };
}

function boolean(allowed: boolean): Validate {
  const refused: readonly Problem[] = Object.freeze([Object.freeze({ at: "", message: "is not allowed" })]);
  return () => (allowed ? none : refused);
}

/** `tellAll`: what fails is checked once more, for all of its problems; what fits pays nothing for it. */
function compile(
  schema: { readonly [keyword: string]: unknown },
  definitions: Definitions,
  tellAll = false,
  known = quick.has(definitions) ? passing : roots,
): Validate {
  let root = rootOf(definitions, known);
  let made = mapReferences(schema, (name) => `${root.id}#/$defs/${name}`) as object;
  let check: ValidateFunction | undefined;
  try {
    if (!late.has(root)) check = compiled(root, made);
  } catch (error) {
    // The line of schemas that lead to each other is too long for the stack.
    if (!(error instanceof RangeError) || !addLateRoot(definitions, root)) throw error;
  }
  if (check === undefined) {
    const other = late.get(root)!;
    const turned = withLateReferences(schema, (name) => `${other.id}#/$defs/${name}`);
    if (turned !== undefined) {
      root = other;
      made = turned as object;
    }
    check = compiled(root, made);
  }
  const fits = check;
  const recursive = referencesOf(schema).some((name) => isRecursive(name, definitions, root.recursive));
  let all: ValidateFunction | undefined;
  return (value) => {
    if (recursive && !within(value, maxDepth)) return tooDeep;
    if (fits(value)) return none;
    const first = fits.errors ?? [];
    // Of a choice each option complains: which of them counts takes a look at all that they say.
    const choices = first.some(isChoice);
    const looks = tellAll || (known === roots && choices);
    // Each value in it may be tried with as many options as the first that failed.
    const most = choices ? Math.min(maxFullyChecked, Math.ceil(maxTried / first.length)) : maxFullyChecked;
    if (!looks || sizeOf(value, most) >= most) return problems(outermost(first));
    if (all === undefined) {
      const { every } = root.compilers;
      if (!root.inEvery) every.addSchema({ $id: root.id, $defs: root.definitions });
      root.inEvery = true;
      all = uncached(() => every.compile(made));
    }
    all(value);
    return told(explained(all.errors ?? [], nearestIn(root)));
  };
}

/** How many values a value holds, counted up to `enough`. */
function sizeOf(value: unknown, enough: number): number {
  if (typeof value !== "object" || value === null) return 1;
  let size = 1;
  for (const name in value) {
    size += sizeOf((value as Readonly<Record<string, unknown>>)[name], enough - size);
    if (size >= enough) break;
  }
  return size;
}

function compiled({ compilers }: Root, made: object): ValidateFunction {
  compilers.left -= 1;
  return uncached(() => compilers.first.compile(made));
}

function rootOf(definitions: Definitions, known: WeakMap<object, Root>): Root {
  if (latest.left <= 0) latest = opened();
  // What refers to nothing need not stay with the compilers of what referred to nothing before.
  const key = definitions === noDefinitions ? latest : definitions;
  let root = known.get(key);
  if (root === undefined) {
    const id = `mortise:schemas/${++rootCount}`;
    const own = known === roots ? latest : { ...latest, first: validatorOf(false, false) };
    root = { id, compilers: own, definitions, recursive: new Map(), inEvery: false, nearest: undefined };
    known.set(key, root);
    own.left -= Object.keys(definitions).length;
    own.first.addSchema({ $id: root.id, $defs: definitions });
  }
  return root;
}

/** Makes the same definitions with late references; false where there is no such thing. */
function addLateRoot(definitions: Definitions, root: Root): boolean {
  const id = `${root.id}/late`;
  const turned: Record<string, JsonSchema> = Object.create(null);
  for (const [name, schema] of Object.entries(definitions)) {
    const one = withLateReferences(schema, (to) => `${id}#/$defs/${to}`);
    if (one === undefined) return false;
    turned[name] = one;
  }
  root.compilers.first.addSchema({ $id: id, $defs: turned });
  const { compilers, recursive } = root;
  late.set(root, { id, compilers, definitions: turned, recursive, inEvery: false, nearest: undefined });
  return true;
}

function isRecursive(name: string, definitions: Definitions, known: Map<string, boolean>): boolean {
  const before = known.get(name);
  if (before !== undefined) return before;
  // Whether anything reachable from `name` reaches itself: a walk that meets a schema on its own way.
  const finished = new Set<string>();
  const way: { readonly name: string; readonly next: string[] }[] = [{ name, next: referencesOf(definitions[name]) }];
  const open = new Set([name]);
  let found = false;
  while (way.length > 0 && !found) {
    const top = way[way.length - 1]!;
    const next = top.next.pop();
    if (next === undefined) {
      finished.add(top.name);
      open.delete(top.name);
      way.pop();
    } else if (open.has(next)) found = true;
    else if (!finished.has(next)) {
      open.add(next);
      way.push({ name: next, next: referencesOf(definitions[next]) });
    }
  }
  known.set(name, found);
  return found;
}

function within(value: unknown, depth: number): boolean {
  if (typeof value !== "object" || value === null) return true;
  if (depth === 0) return false;
  for (const name in value) {
    if (!within((value as Readonly<Record<string, unknown>>)[name], depth - 1)) return false;
  }
  return true;
}

function isChoice({ keyword }: ErrorObject): boolean {
  return keyword === "oneOf" || keyword === "anyOf";
}

/** What the options of a choice say stands before it, and is much where nobody chose among them. */
function outermost(errors: readonly ErrorObject[]): readonly ErrorObject[] {
  const last = errors.at(-1);
  return last === undefined || !isChoice(last) ? errors : [last];
}

/** What tells which option of a choice is the nearest; the validators of its options are kept with the others. */
function nearestIn(root: Root): NearestTools {
  if (root.nearest !== undefined) return root.nearest;
  const prefix = `${root.id}#/$defs/`;
  const options = new WeakMap<object, ValidateFunction>();
  const { every } = root.compilers;
  root.nearest = {
    check(option) {
      if (typeof option === "boolean") return every.compile(option);
      const known = options.get(option);
      if (known !== undefined) return known;
      const made = mapReferences(option, (name) => prefix + name) as object;
      const check = uncached(() => every.compile(made));
      options.set(option, check);
      return check;
    },
    named(reference) {
      const local = reference.startsWith(root.id) ? reference.slice(root.id.length) : reference;
      const name = referencedName(local);
      const schema = name === undefined || !Object.hasOwn(root.definitions, name) ? undefined : root.definitions[name];
      return name === undefined || schema === undefined ? undefined : { name, schema };
    },
  };
  return root.nearest;
}

function problems(errors: readonly ErrorObject[]): readonly Problem[] {
  return told(errors.map((error) => ({ at: error.instancePath, message: messageOf(error) })));
}

/** Each once, and not all of very many. */
function told(found: readonly Problem[]): readonly Problem[] {
  const seen = new Set<string>();
  const all: Problem[] = [];
  for (const { at, message } of found) {
    const id = `${at}\n${message}`;
    if (!seen.has(id) && all.length < maxProblems) all.push(Object.freeze({ at, message }));
    seen.add(id);
  }
  return Object.freeze(all);
}

function isInt64(text: string): boolean {
  if (!/^[+-]?\d{1,19}$/.test(text)) return false;
  const value = BigInt(text.startsWith("+") ? text.slice(1) : text);
  return value >= -(2n ** 63n) && value < 2n ** 63n;
}
