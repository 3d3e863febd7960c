/**
 * The operations of an API, as a user writes them: `get("/stock/{sku}", { scope, calls: warehouse.getStock })`.
 * What `{sku}` names must be a property of the operation's input; another name is a compile error.
 */

import type { Json, OutputOf, Schema } from "../operation.ts";
import { type AnyOperation, type Duration, type FaultsOf, type InputOf, milliseconds } from "../operation.ts";
import type { Limit } from "./limits/limit.ts";

export type Method = "GET" | "POST" | "PUT" | "PATCH" | "DELETE";

/** A process, as far as publishing knows it. `ProcessDefinition` fits. */
export interface Startable<I = unknown, O = unknown, S = unknown> {
  readonly kind: "process";
  readonly name: string;
  readonly input: Schema<I>;
  readonly output: Schema<O>;
  readonly state?: Schema<S>;
  readonly key: (input: I) => string;
}
// biome-ignore lint/suspicious/noExplicitAny: a process of whatever types
export type AnyStartable = Startable<any, any, any>;

/** Who calls. */
export interface ApiCaller {
  /** The consumer that the credential belongs to; `""` for a public operation. */
  readonly id: string;
  readonly scopes: readonly string[];
  /** What it may do by its office, where its credential says so. */
  readonly roles?: readonly string[];
  /** Of a token: what its issuer says, verified. */
  readonly claims?: Readonly<Record<string, Json>>;
  /** How it proved who it is; `public`: it did not have to. */
  readonly via: "api-key" | "oauth" | "mtls" | "signature" | "basic" | "public";
  /** Id of the key, never the key. */
  readonly key?: string;
  /** The consumer's plan, if it has one. */
  readonly plan?: string;
}

/** A run, as its starter may see it. */
export interface RunView<I = unknown, O = unknown, S = unknown> {
  readonly key: string;
  readonly status: PublicStatus;
  readonly input: I;
  /** What the run shows of itself (`flow.state`), without what is sensitive. */
  readonly state?: S;
  readonly output?: O;
  /** ISO 8601. */
  readonly createdAt: string;
  readonly updatedAt: string;
}
/** `waiting` covers a parked run: that someone must look is no business of the caller. */
export type PublicStatus = "running" | "waiting" | "completed" | "rejected" | "undone" | "cancelled" | "terminated";

export interface IdempotencyOptions {
  /** Refuse a request without `Idempotency-Key`. Default false. */
  readonly required?: boolean;
  /** Take a key without double quotes too. Default true: most clients send it so. */
  readonly bare?: boolean;
  /** How long a key is remembered. Default: `idempotency.retention` of the configuration (`"24h"`). */
  readonly retention?: Duration;
}

interface Common {
  readonly summary?: string;
  /** Plain text. */
  readonly description?: string;
  /** What the caller's credential must hold. */
  readonly scope?: string;
  /** One of these the caller must have; besides the scope, if there is one. Roles come with tokens. */
  readonly roles?: readonly string[];
  /** `"public"`: no key is asked for. */
  readonly access?: "public";
  /** Request body in bytes. Default: the API's. */
  readonly maxBodyBytes?: number;
  /** Of this operation alone, beside the API's. */
  readonly limits?: readonly Limit[];
  /**
   * Of a GET: answers carry an `ETag`, and one that the caller has already (`If-None-Match`) is answered with 304. They may then be stored, and have to be asked
   * for again each time (`Cache-Control: no-cache`). Default: answers are not to be stored at all.
   */
  readonly etag?: boolean;
}

/**
 * A request shaped otherwise than the input: what comes in, and the pure function that makes the input of it. (`NoInfer`: what a
 * function gives back is checked against the type, and does not bend it.)
 */
export interface Accepts<B, I> {
  readonly body: Schema<B>;
  readonly map: (body: B, facts: { readonly caller: ApiCaller }) => NoInfer<I>;
  /** Of an adapted operation: takes what `map` makes. Set by `adapt`. */
  // biome-ignore lint/suspicious/noExplicitAny: adapt has checked that they fit
  readonly next?: Accepts<any, any>;
}
/** An answer shaped otherwise than the output; it is validated against `body`. */
export interface Responds<O, R> {
  readonly body: Schema<R>;
  readonly map: (output: O) => R;
  /** Of an adapted operation: makes what `map` takes. Set by `adapt`. */
  // biome-ignore lint/suspicious/noExplicitAny: adapt has checked that they fit
  readonly before?: Responds<any, any>;
}

export interface StartsOptions<I, O, B = I, R = O> extends Common {
  readonly starts: Startable<I, O>;
  /** Wait this long for the run's end: then its output is the answer; else 202 with a status link. Default: 202 at once. */
  readonly wait?: Duration;
  readonly accepts?: Accepts<B, I>;
  readonly responds?: Responds<O, R>;
  readonly idempotency?: IdempotencyOptions;
  /** The run begins after this time, and is queued until then; `undefined`: at once. At most ten years. */
  readonly delay?: Duration | ((input: I) => Duration | undefined);
  /** The run begins at this moment: a date, epoch milliseconds, or ISO 8601 text with its zone. `undefined`, or in the past: at once. */
  readonly at?: (input: I) => Moment | undefined;
  /** Whether this caller may ask for this: if not, 403 and nothing is started. */
  readonly allow?: (facts: { readonly caller: ApiCaller; readonly input: I }) => boolean;
}

/** A moment: a date, epoch milliseconds, or ISO 8601 text with its zone. */
export type Moment = Date | number | string;

export interface RunOptions<I, O, R = unknown, S = unknown> extends Common {
  /** The process whose runs are shown, by business key: the path has `{key}`. */
  readonly run: Startable<I, O, S>;
  /** Object rule: whose run is it? What it refuses looks like an unknown key. */
  readonly allow: (facts: { readonly caller: ApiCaller; readonly run: RunView<I, O, S> }) => boolean;
  readonly responds?: Responds<RunView<I, O, S>, R>;
}

export interface CallsOptions<T extends AnyOperation, B = InputOf<T>, R = OutputOf<T>> extends Common {
  readonly calls: T;
  /** How long an answer is reused, for equal inputs. Reads only. Identical reads in flight are one call in any case. */
  readonly cache?: Duration;
  /** Total time of the call. Default `"10s"`. */
  readonly timeout?: Duration;
  /** Status of a declared fault; its detail is then shown. Default 422, without the detail. */
  readonly faults?: { readonly [N in keyof FaultsOf<T>]?: number };
  readonly accepts?: Accepts<B, InputOf<T>>;
  readonly responds?: Responds<OutputOf<T>, R>;
  /** Of operations that are no reads. */
  readonly idempotency?: IdempotencyOptions;
  /**
   * Object rule, asked twice: before the call, `resource` being undefined (if not: 403, nothing is called), and after it with what the
   * system answered (if not: it looks like an unknown one).
   */
  readonly allow?: (facts: {
    readonly caller: ApiCaller;
    readonly input: InputOf<T>;
    readonly resource: OutputOf<T> | undefined;
  }) => boolean;
}

/** An operation as data: what the verbs make. */
export type ApiOperation = StartsOperation | RunOperation | CallsOperation;

/** For the compiler alone, and never there: what a request to an operation holds, and what its answer is made of. */
export interface Carries<B, R> {
  readonly carries?: { readonly accepts: B; readonly answers: R };
}

interface Base extends Common {
  /** Of an adapted operation: where the one that it was made of is reached. Set by `adapt`. */
  readonly adapts?: { readonly method: Method; readonly path: string };
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
export interface CallsOperation extends Base {
  readonly kind: "calls";
  readonly operation: AnyOperation;
  readonly cacheMs?: number;
  readonly timeoutMs: number;
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
    : `{${Exclude<ParametersIn<P>, KeysOf<I>>}} is not a property of the input`;
type KeysOf<I> = I extends unknown ? keyof I : never;

/** One verb; its three forms differ in `starts`, `run` and `calls`. */
export interface Verb {
  <const P extends string, I, O, B = I, R = O>(
    path: P & PathOf<P, B>,
    options: StartsOptions<I, O, B, R>,
  ): StartsOperation & Carries<B, R>;
  <const P extends string, I, O, S = unknown, R = RunView<I, O, S>>(
    path: P & PathOf<P, { readonly key: string }>,
    options: RunOptions<I, O, R, S>,
  ): RunOperation & Carries<{ readonly key: string }, R>;
  <const P extends string, T extends AnyOperation, B = InputOf<T>, R = OutputOf<T>>(
    path: P & PathOf<P, B>,
    options: CallsOptions<T, B, R>,
  ): CallsOperation & Carries<B, R>;
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

type AnyOptions =
  | StartsOptions<unknown, unknown, unknown, unknown>
  | RunOptions<unknown, unknown, unknown>
  | CallsOptions<AnyOperation, unknown, unknown>;

function targetOf(options: AnyOptions): readonly [what: string, target: unknown] {
  if ("starts" in options) return ["starts", options.starts];
  if ("run" in options) return ["run", options.run];
  return ["calls", options.calls];
}

function verb(method: Method): Verb {
  const make = (path: string, options: AnyOptions): ApiOperation => {
    const { summary, description, scope, roles, access, maxBodyBytes, limits, etag } = options;
    const base = {
      summary,
      description,
      scope,
      roles,
      access,
      maxBodyBytes,
      limits,
      etag,
      method,
      path,
      parameters: parametersOf(path),
    };
    const [what, target] = targetOf(options);
    // A cycle of imports gives undefined, whatever the types say.
    if (target === undefined || target === null) {
      throw new TypeError(
        `${method.toLowerCase()}("${path}") is given nothing as ${what}: the name is not exported there, or files import each other in a circle`,
      );
    }
    if ("starts" in options) {
      if (method === "GET")
        throw new TypeError(`get("${path}") can't start a process: a GET changes nothing; use post`);
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
    if ("run" in options) {
      if (method !== "GET") throw new TypeError(`"${path}" shows a run: use get`);
      if (base.parameters.length !== 1 || base.parameters[0] !== "key") {
        throw new TypeError(`"${path}" shows a run by its business key: name exactly one parameter, {key}`);
      }
      return Object.freeze({
        ...base,
        kind: "run",
        process: options.run,
        allow: options.allow,
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
      cacheMs: options.cache === undefined ? undefined : milliseconds(options.cache),
      timeoutMs: milliseconds(options.timeout ?? "10s"),
      faults: Object.freeze({ ...options.faults }) as { readonly [name: string]: number },
      accepts: options.accepts,
      responds: options.responds,
      idempotency: settings(options.idempotency),
      ...(options.allow === undefined ? {} : { allow: options.allow }),
    });
  };
  return make as Verb;
}

/** When its runs begin, if that is not at once. */
function when({ delay, at }: StartsOptions<unknown, unknown, unknown, unknown>, path: string) {
  if (delay !== undefined && at !== undefined) throw new TypeError(`post("${path}") states delay and at: choose one`);
  if (delay !== undefined && typeof delay !== "function") milliseconds(delay);
  return { ...(delay === undefined ? {} : { delay }), ...(at === undefined ? {} : { at }) };
}

function settings(options: IdempotencyOptions = {}): IdempotencySettings {
  return Object.freeze({
    required: options.required ?? false,
    bare: options.bare ?? true,
    retentionMs: options.retention === undefined ? undefined : milliseconds(options.retention),
  });
}
