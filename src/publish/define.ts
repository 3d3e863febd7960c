/**
 * What a user writes to publish an API: plain data and pure functions. Nothing is registered anywhere; the server
 * gives the definitions to the publisher.
 */
import type { Contract } from "../contract/contract.ts";
import { failure } from "../errors.ts";
import { type Access, checkAccess } from "./access/access.ts";
import { type CorsOptions, corsProblem } from "./answers/cors.ts";
import type { Lifecycle } from "./lifecycle/states.ts";
import { type Limit, limitProblem, type Plan } from "./limits/limit.ts";
import type { ApiOperation, CallsOperation } from "./operations.ts";

/** Operations by name. */
export interface ApiOperations {
  readonly [name: string]: ApiOperation;
}

export interface ApiOptions<O extends ApiOperations = ApiOperations> {
  /** Lower case with dashes. */
  readonly name: string;
  /** Semantic version: `1.0.0`. */
  readonly version: string;
  /** Path under which it is served, such as `/orders/v1`. */
  readonly base: string;
  readonly lifecycle: Lifecycle;
  /** At least one, unless every operation is `access: "public"`. */
  readonly access: readonly Access[];
  /** Each of them must let a request through, beside those of the operation. Default none. */
  readonly limits?: readonly Limit[];
  /** Limits of consumers that have a plan of this name (`mortise consumers set`), in place of `limits`. A plan that is not named here is none. */
  readonly plans?: Readonly<Record<string, Plan>>;
  readonly operations: O;
  /** Whose pages may call it from a browser. Default: nobody's. */
  readonly cors?: CorsOptions;
  /** Whether answers from 1 KiB on are sent with gzip to those who take it. Default true. */
  readonly compress?: boolean;
  /** Of the docs page. Default: the name. */
  readonly title?: string;
  /** Plain text. */
  readonly description?: string;
  /** `false`: no page for people; `openapi.json` stays. `{ tryIt: false }`: the page lets nobody try it out. Default: both. */
  readonly docs?: false | DocsOptions;
  /** Largest request body in bytes. Default: `limits.bodyBytes` of the configuration. */
  readonly maxBodyBytes?: number;
  /** Address that callers use, for the docs and `openapi.json`. Default: relative. */
  readonly server?: string;
}

/** Of the page that describes an API. */
export interface DocsOptions {
  /** Whether requests can be tried out on the page, against answers that are made up from the contract. Default true. */
  readonly tryIt?: boolean;
  /** Also shows the API in Swagger UI, at `<base>/docs/swagger-ui`. The project has to have it installed: `npm install @fastify/swagger-ui`. */
  readonly renderer?: "swagger-ui";
}

/** `O`: its operations with their types, for another version that adapts them. */
export interface ApiDefinition<O extends ApiOperations = ApiOperations> extends ApiOptions<O> {
  readonly kind: "api";
  /** The contract that was given, of what `implementApi` made. */
  readonly contract?: Contract;
  readonly limits: readonly Limit[];
  readonly plans: Readonly<Record<string, Plan>>;
}

const nameForm = /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/;
const versionForm = /^\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?$/;
const baseForm = /^(\/[A-Za-z0-9_.~-]+)+$/;
const operationForm = /^[A-Za-z][A-Za-z0-9_]*$/;

/** Of what answers with events. */
const leastEveryMs = 100;
const mostEveryMs = 3_600_000;

/** Checks and freezes. Throws `api-definition`, naming what to mend. */
export function defineApi<const O extends ApiOperations>(options: ApiOptions<O>): ApiDefinition<O> {
  const refuse = (reason: string) => failure("api-definition", { api: options.name, reason });
  if (!nameForm.test(options.name)) throw refuse("its name must be lower case with dashes, such as orders");
  if (!versionForm.test(options.version)) throw refuse(`its version must be like 1.0.0, not ${options.version}`);
  if (!baseForm.test(options.base) || /\/\.{1,2}(\/|$)/.test(options.base)) {
    throw refuse(`its base must be like /orders/v1, not ${options.base}`);
  }
  checkAccess(options.access, refuse);
  const wrong = options.cors === undefined ? undefined : corsProblem(options.cors);
  if (wrong !== undefined) throw refuse(wrong);
  for (const [plan, { limits }] of [["", { limits: options.limits ?? [] }], ...Object.entries(options.plans ?? {})] as [
    string,
    Plan,
  ][]) {
    if (plan !== "" && !nameForm.test(plan))
      throw refuse(`the plan ${plan} must have a name in lower case with dashes`);
    checkLimits(limits, "api", refuse);
  }
  const routes = new Set<string>();
  for (const [name, operation] of Object.entries(options.operations)) {
    if (!operationForm.test(name)) throw refuse(`the operation name ${name} must be letters, digits and _`);
    checkOperation(name, operation, options, refuse);
    const route = `${operation.method} ${operation.path.replace(/\{[^{}]+\}/g, "{}")}`;
    if (routes.has(route)) throw refuse(`two operations answer ${operation.method} ${operation.path}`);
    routes.add(route);
  }
  return Object.freeze({
    ...options,
    kind: "api",
    limits: Object.freeze([...(options.limits ?? [])]),
    plans: Object.freeze({ ...options.plans }),
    operations: Object.freeze({ ...options.operations }),
  });
}

/** What is not read can't be checked, changed, shared or remembered. */
function checkPassing(
  name: string,
  operation: CallsOperation,
  { access }: ApiOptions,
  refuse: (reason: string) => Error,
): void {
  const { upload, download, method, idempotency } = operation;
  if (upload === undefined && download === undefined) return;
  const what = upload === undefined ? "download" : "upload";
  // What a given contract has beside the body may be named otherwise than the system names it.
  for (const option of ["accepts", "cacheMs", "everyMs", "etag"] as const)
    if (operation[option] !== undefined && (option !== "accepts" || operation.spoken === undefined))
      throw refuse(
        `${name} is ${what === "upload" ? "an" : "a"} ${what}, which goes with no ${option.replace("Ms", "")}: nothing of it is read`,
      );
  if (download !== undefined && operation.responds !== undefined)
    throw refuse(`${name} is a download, which goes with no responds: its answer is not read`);
  if (idempotency.required || idempotency.retentionMs !== undefined)
    throw refuse(
      `${name} is ${what === "upload" ? "an" : "a"} ${what}, which goes with no idempotency: nothing of it is remembered`,
    );
  if (upload !== undefined && method !== "POST" && method !== "PUT" && method !== "PATCH")
    throw refuse(`${name} is an upload: use post, put or patch`);
  if (upload !== undefined && operation.access !== "public" && access.some(({ kind }) => kind === "signed"))
    throw refuse(
      `${name} is an upload, and signed requests are read before anything else: publish it in an API without signed()`,
    );
  for (const { maxBytes } of [upload, download].filter((one) => one !== undefined))
    if (maxBytes !== undefined && !(Number.isSafeInteger(maxBytes) && maxBytes > 0))
      throw refuse(`${name} lets ${maxBytes} bytes through: say a whole number`);
}

function checkLimits(
  limits: readonly Limit[],
  of: "api" | "starts" | "other",
  refuse: (reason: string) => Error,
): void {
  for (const limit of limits) {
    const problem = limitProblem(limit, of);
    if (problem !== undefined) throw refuse(problem);
  }
}

function checkOperation(
  name: string,
  operation: ApiOperation,
  api: ApiOptions,
  refuse: (reason: string) => Error,
): void {
  // Deny when unset (OW-1): what states no rule at all was forgotten, not opened.
  const roles = operation.roles ?? [];
  if (operation.access === undefined && operation.scope === undefined && roles.length === 0) {
    throw refuse(`${name} states neither a scope, nor roles, nor access: "public", so it is not published`);
  }
  if (operation.access === "public" && (operation.scope !== undefined || roles.length > 0)) {
    throw refuse(`${name} is public and asks for ${operation.scope ?? roles.join(", ")}: choose one`);
  }
  const shows = operation.kind === "run" || operation.kind === "runs" || operation.kind === "follows";
  if (!shows && operation.allow !== undefined && typeof operation.allow !== "function") {
    throw refuse(`${name} has an object rule that is no function: allow: ({ caller, input }) => ...`);
  }
  if (operation.access !== "public" && api.access.length === 0) {
    throw refuse(`${name} wants to know who calls, but the API has no access; add access: [apiKey()]`);
  }
  checkLimits(operation.limits ?? [], operation.kind === "starts" ? "starts" : "other", (reason) =>
    refuse(`${name}: ${reason}`),
  );
  if (operation.etag === true && operation.method !== "GET") throw refuse(`${name} has an etag, and is no GET`);
  if (shows && typeof operation.allow !== "function") {
    throw refuse(`${name} shows runs and needs the object rule allow: ({ caller, run }) => ...`);
  }
  if (operation.kind === "calls" && operation.cacheMs !== undefined && operation.operation.effect !== "read") {
    throw refuse(`${name} caches ${operation.operation.name}, which is not a read`);
  }
  if (operation.kind === "calls") checkPassing(name, operation, api, refuse);
  if (operation.kind === "calls" && operation.pages !== undefined) {
    if (operation.method !== "GET" || operation.operation.effect !== "read")
      throw refuse(`${name} gives pages of ${operation.operation.name}: only a GET of a read does`);
    if (operation.accepts !== undefined || operation.responds !== undefined || operation.everyMs !== undefined)
      throw refuse(`${name} gives pages: it has no accepts, no responds and no every`);
    if (operation.download !== undefined || operation.upload !== undefined)
      throw refuse(`${name} gives pages: it has no download and no upload`);
  }
  if (operation.kind === "calls" && operation.on !== undefined && operation.everyMs === undefined)
    throw refuse(`${name} says on and no every: say how often it is asked where no event comes, such as every: "1m"`);
  if (operation.kind === "calls" && operation.everyMs !== undefined) {
    if (operation.method !== "GET") throw refuse(`${name} answers with events, and is no GET`);
    if (operation.cacheMs !== undefined)
      throw refuse(`${name} has every and cache: who listens to the same shares the answer anyway`);
    if (!(operation.everyMs >= leastEveryMs && operation.everyMs <= mostEveryMs))
      throw refuse(`${name} asks again every ${operation.everyMs} ms; it may be from 100ms to 1h`);
  }
  if (
    operation.etag === true &&
    (operation.kind === "follows" || (operation.kind === "calls" && operation.everyMs !== undefined))
  )
    throw refuse(`${name} has an etag, and answers with events: each of them has an id`);
}
