/**
 * The operations of an API, as a user writes them: `get("/stock/{sku}", { scope, calls: warehouse.getStock })`.
 * What `{sku}` names must be a property of the operation's input; another name is a compile error.
 */
import {
  type AnyOperation,
  type Duration,
  type EventType,
  type InputOf,
  milliseconds,
  type OutputOf,
} from "../operation.ts";
import type { Spoken } from "./implement/spoken.ts";
import type {
  Accepts,
  AnyStartable,
  ApiCaller,
  CallsOptions,
  Common,
  FollowsOptions,
  IdempotencyOptions,
  Method,
  Moment,
  PageSize,
  PassOptions,
  Responds,
  RunOptions,
  RunsOptions,
  RunView,
  StartsOptions,
} from "./options.ts";
import type { Given, InputMeant, Unfit } from "./unfit-options.ts";

export type {
  Accepts,
  AnyStartable,
  ApiCaller,
  Method,
  PublicStatus,
  Responds,
  RunView,
  Startable,
  StartsOptions,
} from "./options.ts";

/** An operation as data: what the verbs make. */
export type ApiOperation = StartsOperation | RunOperation | RunsOperation | FollowsOperation | CallsOperation;

/** For the compiler alone, and never there: what a request to an operation holds, and what its answer is made of. */
export interface Carries<B, R> {
  readonly carries?: { readonly accepts: B; readonly answers: R };
}

interface Base extends Common {
  /** Of an adapted operation: where the one that it was made of is reached. Set by `adapt`. */
  readonly adapts?: { readonly method: Method; readonly path: string };
  /** Of a contract that is given: how it is spoken. Set by `implementApi`. */
  readonly spoken?: Spoken;
  readonly method: Method;
  readonly path: string;
  /** Names in braces, in order. */
  readonly parameters: readonly string[];
}
// The functions below were checked by the verbs; here their types are only carried.
// biome-ignore-start lint/suspicious/noExplicitAny: see above
export interface StartsOperation extends Base {
  readonly kind: "starts";
  readonly process: AnyStartable;
  readonly waitMs: number;
  readonly accepts?: Accepts<any, any>;
  readonly responds?: Responds<any, any>;
  readonly idempotency: IdempotencySettings;
  readonly delay?: Duration | ((input: any) => Duration | undefined);
  readonly at?: (input: any) => Moment | undefined;
  readonly allow?: (facts: { readonly caller: ApiCaller; readonly input: any }) => boolean;
}
export interface RunOperation extends Base {
  readonly kind: "run";
  readonly process: AnyStartable;
  readonly allow: (facts: { readonly caller: ApiCaller; readonly run: RunView<any, any, any> }) => boolean;
  readonly responds?: Responds<any, any>;
}
export interface FollowsOperation extends Base {
  readonly kind: "follows";
  readonly process: AnyStartable;
  readonly allow: (facts: { readonly caller: ApiCaller; readonly run: RunView<any, any, any> }) => boolean;
  readonly responds?: Responds<any, any>;
}
export interface RunsOperation extends Base {
  readonly kind: "runs";
  readonly process: AnyStartable;
  readonly allow: (facts: { readonly caller: ApiCaller; readonly run: RunView<any, any, any> }) => boolean;
  readonly startedBy?: "caller";
  readonly pages: Pick<PageSettings, "size" | "most">;
  readonly responds?: Responds<any, any>;
}
/** How a list gives pages. */
export interface PageSettings {
  readonly size: number;
  readonly most: number;
  readonly limit: string;
  readonly start: Readonly<Record<string, any>>;
  readonly items?: string;
  readonly after?: (last: any) => unknown;
  readonly next?: (output: any) => unknown;
}
export interface CallsOperation extends Base {
  readonly kind: "calls";
  readonly operation: AnyOperation;
  /** It answers with a page of a list. */
  readonly pages?: PageSettings;
  /** It answers with events: milliseconds from an answer of the system to the next question. */
  readonly everyMs?: number;
  /** Events after which it is asked again at once. */
  readonly on?: readonly EventType[];
  readonly cacheMs?: number;
  readonly timeoutMs: number;
  readonly download?: PassOptions;
  readonly upload?: PassOptions;
  readonly faults: { readonly [name: string]: number };
  readonly accepts?: Accepts<any, any>;
  readonly responds?: Responds<any, any>;
  readonly idempotency: IdempotencySettings;
  readonly allow?: (facts: { readonly caller: ApiCaller; readonly input: any; readonly resource: any }) => boolean;
}
// biome-ignore-end lint/suspicious/noExplicitAny: see above
export interface IdempotencySettings {
  readonly required: boolean;
  readonly bare: boolean;
  readonly retentionMs?: number;
}

type ParametersIn<P extends string> = P extends `${string}{${infer N}}${infer Rest}` ? N | ParametersIn<Rest> : never;
/** The path, if every name in braces is a property of `I`; else a sentence that no path is. */
export type PathOf<P extends string, I> = unknown extends I
  ? P
  : [Exclude<ParametersIn<P>, KeysOf<I>>] extends [never]
    ? P
    : { readonly [N in `{${Exclude<ParametersIn<P>, KeysOf<I>>}} is not a property of the input`]: never };
type KeysOf<I> = I extends unknown ? keyof I : never;

/** One verb; its forms differ in `starts`, `run`, `follows` and `calls`. */
export interface Verb {
  <const P extends string, I, O, B = I, R = O>(
    path: P & PathOf<P, B>,
    options: StartsOptions<I, O, B, R>,
  ): StartsOperation & Carries<B, R>;
  <const P extends string, I, O, S = unknown, R = RunView<I, O, S>>(
    path: P & PathOf<P, { readonly key: string }>,
    options: RunOptions<I, O, R, S>,
  ): RunOperation & Carries<{ readonly key: string }, R>;
  <const P extends string, I, O, S = unknown, R = RunView<I, O, S>>(
    path: P & PathOf<P, { readonly key: string }>,
    options: FollowsOptions<I, O, R, S>,
  ): FollowsOperation & Carries<{ readonly key: string }, R>;
  <const P extends string, I, O, S = unknown, R = RunView<I, O, S>>(
    path: P & PathOf<P, Record<never, never>>,
    options: RunsOptions<I, O, R, S>,
  ): RunsOperation & Carries<unknown, unknown>;
  <const P extends string, T extends AnyOperation, B = InputOf<T>, R = OutputOf<T>, const K extends string = never>(
    path: P & PathOf<P, B>,
    options: CallsOptions<T, B, R, K>,
  ): CallsOperation & Carries<B, R>;
  /** Takes nothing: it is what the compiler speaks of where no other form fits. */
  <const P extends string, const X extends Given>(path: P & PathOf<P, InputMeant<X>>, options: X & Unfit<X>): never;
}

/** A safe request; its input is the path and the query. */
export const get: Verb = verb("GET");
export const post: Verb = verb("POST");
export const put: Verb = verb("PUT");
export const patch: Verb = verb("PATCH");
/** `DELETE`; its input is the path and the query. */
export const del: Verb = verb("DELETE");

const literal = /^[A-Za-z0-9_.~-]+$/;
const parameter = /^\{([A-Za-z_][A-Za-z0-9_]*)\}$/;

/** The names in braces, in order. Throws a TypeError. */
export function parametersOf(path: string): readonly string[] {
  if (path[0] !== "/") throw new TypeError(`a path begins with /, such as "/orders/{key}"; not "${path}"`);
  const names: string[] = [];
  for (const segment of path === "/" ? [] : path.slice(1).split("/")) {
    const match = parameter.exec(segment);
    if (match !== null) names.push(match[1] as string);
    else if (!literal.test(segment) || segment === "." || segment === "..") {
      throw new TypeError(`a path segment is plain text or one {name}; not "${segment}" in "${path}"`);
    }
  }
  if (new Set(names).size !== names.length) throw new TypeError(`the path "${path}" names a parameter twice`);
  return Object.freeze(names);
}

export type AnyOptions =
  | StartsOptions<unknown, unknown, unknown, unknown>
  | RunOptions<unknown, unknown, unknown>
  | RunsOptions<unknown, unknown, unknown>
  | FollowsOptions<unknown, unknown, unknown>
  | CallsOptions<AnyOperation, unknown, unknown>;

export function targetOf(options: AnyOptions): readonly [what: string, target: unknown] {
  if ("starts" in options) return ["starts", options.starts];
  if ("run" in options) return ["run", options.run];
  if ("runs" in options) return ["runs", options.runs];
  if ("follows" in options) return ["follows", options.follows];
  return ["calls", options.calls];
}

function verb(method: Method): Verb {
  const make = (path: string, options: AnyOptions): ApiOperation => {
    const parameters = parametersOf(path);
    const [what, target] = targetOf(options);
    // A cycle of imports gives undefined, whatever the types say.
    if (target === undefined || target === null) {
      throw new TypeError(
        `${method.toLowerCase()}("${path}") is given nothing as ${what}: the name is not exported there, or files import each other in a circle`,
      );
    }
    if (
      ("run" in options || "follows" in options) &&
      method === "GET" &&
      (parameters.length !== 1 || parameters[0] !== "key")
    )
      throw new TypeError(`"${path}" shows a run by its business key: name exactly one parameter, {key}`);
    return operationOf(method, path, parameters, options);
  };
  return make as Verb;
}

/** The operation as data. Throws a TypeError where method and what stands behind it do not go together. */
export function operationOf(
  method: Method,
  path: string,
  parameters: readonly string[],
  options: AnyOptions,
): ApiOperation {
  const { summary, description, scope, roles, access, maxBodyBytes, limits, etag } = options;
  const base = { summary, description, scope, roles, access, maxBodyBytes, limits, etag, method, path, parameters };
  if ("starts" in options) {
    if (method === "GET") throw new TypeError(`get("${path}") can't start a process: a GET changes nothing; use post`);
    return Object.freeze({
      ...base,
      kind: "starts",
      process: options.starts,
      waitMs: options.wait === undefined ? 0 : milliseconds(options.wait),
      accepts: options.accepts,
      responds: options.responds,
      idempotency: settings(options.idempotency),
      ...when(options, path),
      ...(options.allow === undefined ? {} : { allow: options.allow }),
    });
  }
  if ("run" in options || "follows" in options) {
    if (method !== "GET") throw new TypeError(`"${path}" shows a run: use get`);
    return Object.freeze({
      ...base,
      ...("run" in options
        ? { kind: "run" as const, process: options.run }
        : { kind: "follows" as const, process: options.follows }),
      allow: options.allow,
      responds: options.responds,
    });
  }
  if ("runs" in options) {
    if (method !== "GET") throw new TypeError(`"${path}" lists runs: use get`);
    if (parameters.length > 0)
      throw new TypeError(`"${path}" lists runs by nothing but their owner: it has no parameters`);
    return Object.freeze({
      ...base,
      kind: "runs",
      process: options.runs,
      allow: options.allow,
      ...(options.startedBy === undefined ? {} : { startedBy: options.startedBy }),
      pages: pageSize(options.pages, path),
      responds: options.responds,
    });
  }
  if (method === "GET" && options.calls.effect !== "read") {
    throw new TypeError(`get("${path}") calls ${options.calls.name}, which is ${options.calls.effect}: use post`);
  }
  return Object.freeze({
    ...base,
    kind: "calls",
    operation: options.calls,
    ...(options.every === undefined ? {} : { everyMs: milliseconds(options.every) }),
    ...(options.on === undefined ? {} : { on: eventsOf(options.on, path) }),
    ...(options.pages === undefined ? {} : { pages: pageSettings(options.pages, path) }),
    cacheMs: options.cache === undefined ? undefined : milliseconds(options.cache),
    timeoutMs: milliseconds(options.timeout ?? (options.download || options.upload ? "10m" : "10s")),
    ...passes(options),
    faults: Object.freeze({ ...options.faults }) as { readonly [name: string]: number },
    accepts: options.accepts,
    responds: options.responds,
    idempotency: settings(options.idempotency),
    ...(options.allow === undefined ? {} : { allow: options.allow }),
  });
}

function eventsOf(given: EventType | readonly EventType[], path: string): readonly EventType[] {
  const events: readonly EventType[] = Array.isArray(given) ? given : [given as EventType];
  if (events.length === 0 || events.some((event) => event?.kind !== "event"))
    throw new TypeError(`"${path}" says on: name events of systems, such as on: erp.stockChanged`);
  return Object.freeze([...events]);
}

const mostOfAPage = 1000;

function pageSize({ size, most = 200 }: PageSize = {}, path: string): Pick<PageSettings, "size" | "most"> {
  const usual = size ?? Math.min(50, most);
  if (!(Number.isInteger(usual) && Number.isInteger(most) && usual >= 1 && usual <= most && most <= mostOfAPage))
    throw new TypeError(`"${path}" gives pages of ${usual}, at most ${most}: whole numbers from 1 to ${mostOfAPage}`);
  return { size: usual, most };
}

function pageSettings(pages: PageSize & Omit<PageSettings, "size" | "most">, path: string): PageSettings {
  if ((pages.after === undefined) === (pages.next === undefined))
    throw new TypeError(`"${path}" gives pages: say after, or next`);
  return Object.freeze({ ...pages, ...pageSize(pages, path) });
}

/** When its runs begin, if that is not at once. */
function when({ delay, at }: StartsOptions<unknown, unknown, unknown, unknown>, path: string) {
  if (delay !== undefined && at !== undefined) throw new TypeError(`post("${path}") states delay and at: choose one`);
  if (delay !== undefined && typeof delay !== "function") milliseconds(delay);
  return { ...(delay === undefined ? {} : { delay }), ...(at === undefined ? {} : { at }) };
}

/** What goes through unread. */
function passes({ download, upload }: CallsOptions<AnyOperation, unknown, unknown>) {
  return {
    ...(download === undefined ? {} : { download: download === true ? {} : Object.freeze({ ...download }) }),
    ...(upload === undefined ? {} : { upload: upload === true ? {} : Object.freeze({ ...upload }) }),
  };
}

function settings(options: IdempotencyOptions = {}): IdempotencySettings {
  return Object.freeze({
    required: options.required ?? false,
    bare: options.bare ?? true,
    retentionMs: options.retention === undefined ? undefined : milliseconds(options.retention),
  });
}
