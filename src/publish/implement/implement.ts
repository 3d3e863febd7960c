/**
 * An API whose contract is given: `implementApi(contract, { base, access, operations: { getStock: { calls: warehouse.getStock } } })`. Method, path,
 * parameters, bodies and statuses come from the contract; what stands behind each operation is said here. What the contract says and nothing
 * here can do is refused, never passed over.
 */
import { type Contract, type ContractTypes, schemaOf } from "../../contract/contract.ts";
import { failure } from "../../errors.ts";
import type { Json } from "../../operation.ts";
import { checkAccess } from "../access/access.ts";
import { type ApiDefinition, type ApiOptions, defineApi } from "../define.ts";
import { type AnyOptions, type ApiOperation, type Method, operationOf } from "../operations.ts";
import { behindProblem, contractProblem, operationProblem, scopeOf, securityProblem } from "./checks.ts";
import { writtenOperation } from "./pointer.ts";
import { type ContractSource, sourceOf } from "./source.ts";
import type { Spoken, SpokenOperation } from "./spoken.ts";
import type { Implemented, ImplementOptions, Target, Through } from "./types.ts";

// biome-ignore-start lint/suspicious/noExplicitAny: the types of `operations` have checked them
/** What stands behind an operation, whatever its types. */
interface AnyBehind {
  readonly starts?: any;
  readonly calls?: any;
  readonly run?: any;
  readonly adapts?: ApiOperation;
  readonly accepts?: (request: any, facts: any) => any;
  readonly responds?: (given: any, facts: any) => any;
  readonly accepted?: Spoken["accepted"];
  readonly rejected?: NonNullable<Spoken["rejected"]>;
  readonly faults?: NonNullable<Spoken["faults"]>;
  readonly status?: Spoken["status"];
  readonly headers?: Spoken["headers"];
  readonly key?: (request: any) => string;
  readonly scope?: string;
  readonly roles?: readonly string[];
  readonly access?: "public";
  readonly [setting: string]: any;
}
// biome-ignore-end lint/suspicious/noExplicitAny: see above

const versionForm = /^\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?$/;

/** Checks and freezes. Throws `api-definition`, naming what to mend; `contract-pin-changed` where the documents are not those that were pinned. */
export function implementApi<
  T extends ContractTypes,
  // What is inferred from each operation is what stands behind it.
  const O extends { readonly [name: string]: Target },
  const W extends string = never,
>(contract: Contract<T>, options: ImplementOptions<T, O, W>): ApiDefinition<Implemented<T>> {
  const { model } = contract;
  const { operations: given, without = [], problems, ownAccess = false, ...rest } = options;
  const name = options.name ?? (model.name.split(".")[0] as string);
  const refuse = (reason: string) => failure("api-definition", { api: name, reason });
  const wrong = (reason: string | undefined): void => {
    if (reason !== undefined) throw refuse(reason);
  };
  const version = options.version ?? model.source.version ?? "";
  if (options.version === undefined && !versionForm.test(version))
    throw refuse(`its contract has the version "${version}", which is not like 1.0.0; say version here`);
  const left = new Set<string>(without);
  const source = sourceOf(contract);
  wrong(contractProblem(model, source.document, left));
  for (const known of Object.keys(given))
    if (!Object.hasOwn(model.operations, known)) throw refuse(`its contract has no operation ${known}`);

  const missing = Object.keys(model.operations).filter((one) => !left.has(one) && !Object.hasOwn(given, one));
  if (missing.length > 0) {
    const some =
      missing.length > 10 ? `${missing.slice(0, 10).join(", ")} and ${missing.length - 10} more` : missing.join(", ");
    throw refuse(`${some} of its contract ${missing.length === 1 ? "is" : "are"} not implemented`);
  }
  checkAccess(options.access, refuse);
  const built: Record<string, ApiOperation> = {};
  for (const operation of Object.values(model.operations)) {
    const behind = (given as Readonly<Record<string, AnyBehind | undefined>>)[operation.name];
    if (left.has(operation.name)) {
      if (behind !== undefined) throw refuse(`${operation.name} stands in without, and in operations`);
      continue;
    }
    if (behind === undefined) continue;
    const spoken: Spoken = {
      ...spokenOf(model, operation as SpokenOperation, behind),
      ...(problems === undefined ? {} : { problems: problems as NonNullable<Spoken["problems"]> }),
      ...(ownAccess ? { ownAccess } : {}),
    };
    wrong(operationProblem(spoken.operation, behind.download !== undefined));
    built[operation.name] = implemented(spoken, behind, refuse);
    if (!ownAccess) {
      const alternatives = writtenAlternatives(source, spoken.operation);
      wrong(securityProblem(operation.name, spoken, behind.access === "public", options.access, alternatives));
    }
  }
  for (const [known, operation] of Object.entries(built)) {
    const linked =
      operation.kind === "starts" &&
      Object.values(built).some(
        (o) => o.kind === "run" && o.process === operation.process && o.spoken?.linked === true,
      );
    wrong(behindProblem(known, operation, operation.spoken as Spoken, linked));
  }
  const title = model.source.title;
  const definition = defineApi({
    ...(rest as Omit<ApiOptions, "name" | "version" | "operations">),
    name,
    version,
    ...(title === undefined ? {} : { title }),
    operations: built,
  });
  return Object.freeze({ ...definition, contract }) as ApiDefinition as ApiDefinition<Implemented<T>>;
}

function spokenOf(model: Contract["model"], operation: SpokenOperation, behind: AnyBehind): Spoken {
  const { status, headers, accepted, rejected, faults } = behind;
  const isFaults = behind.calls !== undefined && faults !== undefined;
  return {
    model,
    operation,
    ...(status === undefined ? {} : { status }),
    ...(headers === undefined ? {} : { headers }),
    ...(accepted === undefined ? {} : { accepted }),
    ...(rejected === undefined ? {} : { rejected }),
    ...(isFaults ? { faults } : {}),
    ...keyOf(operation, behind),
  };
}

/** Of what shows a run: its key from the request, by default the only parameter of the path. */
function keyOf({ binding }: SpokenOperation, { key }: AnyBehind): Pick<Spoken, "key" | "linked"> {
  if (key !== undefined) return { key };
  const inPath = binding.parameters.filter((parameter) => parameter.in === "path");
  const [only] = inPath;
  if (only === undefined || inPath.length > 1) return {};
  const { property, style } = only;
  return {
    key: (request) => String((request as Readonly<Record<string, Json>>)[property] ?? ""),
    ...(style === "simple" ? { linked: true } : {}),
  };
}

function implemented(spoken: Spoken, behind: AnyBehind, refuse: (reason: string) => Error): ApiOperation {
  const { model, operation } = spoken;
  const { name, binding, summary, description } = operation;
  const input = schemaOf(model, operation.input);
  const output = schemaOf(model, operation.output);
  const same = (value: unknown) => value;
  const accepts = { body: input, map: behind.accepts ?? same };
  const responds = { body: output, map: behind.responds ?? same };
  const method = binding.method as Method;
  const parameters = [...binding.path.matchAll(/\{([^{}]+)\}/g)].map(([, inner]) => inner as string);
  const scope = behind.scope ?? (behind.access === "public" ? undefined : scopeOf(operation));
  const { summary: _, description: __, ...settings } = behind;
  const said = { ...settings, summary, description, scope };
  if (behind.run !== undefined && spoken.key === undefined)
    throw refuse(`${name} shows a run, and its path has not exactly one parameter; say key: (request) => ...`);
  if ([behind.starts, behind.calls, behind.run, behind.adapts].every((one) => one === undefined)) {
    const named = ["starts", "calls", "run", "adapts"].find((one) => one in behind);
    throw refuse(
      named === undefined
        ? `${name} says nothing that stands behind it: starts, calls, run or adapts`
        : `${name} is given nothing as ${named}: the name is not exported there, or files import each other in a circle`,
    );
  }
  try {
    if (behind.adapts !== undefined) {
      const { spoken: _, ...old } = behind.adapts;
      if (old.kind === "follows" || (old.kind === "calls" && old.everyMs !== undefined))
        throw refuse(`${name} adapts what answers with events, and its contract has no events`);
      if (old.kind === "calls" && (old.download !== undefined || old.upload !== undefined))
        throw refuse(`${name} adapts what goes through unread, and its contract has a form`);
      if (old.kind === "runs" || (old.kind === "calls" && old.pages !== undefined))
        throw refuse(`${name} adapts what gives pages, whose form is not its contract's; say calls or run`);
      const shared = {
        ...old,
        ...definedOf(said),
        adapts: { method: old.method, path: old.path },
        method,
        path: binding.path,
      };
      const before = old.responds === undefined ? {} : { before: old.responds };
      const next = old.kind === "run" || old.accepts === undefined ? {} : { next: old.accepts };
      return Object.freeze({
        ...shared,
        parameters,
        spoken,
        ...(old.kind === "run" ? {} : { accepts: { ...accepts, ...next } }),
        responds: { ...responds, ...before },
      }) as unknown as ApiOperation;
    }
    if (behind.download !== undefined && behind.responds !== undefined)
      throw refuse(`${name} is a download, which goes with no responds: its answer is not read`);
    const plain = {
      ...said,
      ...passes(behind),
      accepts,
      ...(behind.download === undefined ? { responds } : {}),
    } as unknown as AnyOptions;
    const made = operationOf(
      method,
      binding.path,
      parameters,
      behind.faults === undefined ? plain : { ...plain, faults: {} },
    );
    return Object.freeze({ ...made, spoken }) as ApiOperation;
  } catch (error) {
    throw error instanceof TypeError || error instanceof RangeError ? refuse(error.message) : error;
  }
}

/** What goes through unread, and how much of it. Throws `TypeError`. */
function passes({ upload, download, maxBodyBytes, maxAnswerBytes }: AnyBehind) {
  const bound = (said: Through, name: string, maxBytes: number | undefined): Through => {
    if (said === true) return maxBytes === undefined ? true : { maxBytes };
    const other = Object.keys(said).find((member) => member !== "maxBytes");
    if (other !== undefined)
      throw new TypeError(
        `${name} says ${other}, and what goes through is what the contract says: give maxBytes alone`,
      );
    return said;
  };
  return {
    ...(upload === undefined ? {} : { upload: bound(upload, "upload", maxBodyBytes) }),
    ...(download === undefined ? {} : { download: bound(download, "download", maxAnswerBytes) }),
  };
}

const shared = ["summary", "description", "scope", "roles", "access", "maxBodyBytes", "limits", "etag"];

/** What an adapted operation says otherwise. */
function definedOf(said: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return Object.fromEntries(shared.filter((name) => said[name] !== undefined).map((name) => [name, said[name]]));
}

/** How many alternatives of security the document writes for an operation, understood or not. */
function writtenAlternatives({ document }: ContractSource, { binding }: SpokenOperation): number {
  const written = writtenOperation(document, binding).security ?? document.security;
  return Array.isArray(written) ? written.length : 0;
}
