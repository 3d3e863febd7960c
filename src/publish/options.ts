/** What a user says about an operation, for the verbs in operations.ts. */
import type { AnyOperation, Duration, EventType, FaultsOf, InputOf, Json, OutputOf, Schema } from "../operation.ts";
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

/** What every operation may say. */
export interface Common {
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
  /** `request`: as it came; `input`: what `accepts` made of it. */
  readonly map: (output: O, facts: { readonly request: unknown; readonly input: unknown }) => R;
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

export interface FollowsOptions<I, O, R = unknown, S = unknown> extends Common {
  /** The process whose runs are followed, by business key: the path has `{key}`. Each state of the run is sent as an event, until it has ended. */
  readonly follows: Startable<I, O, S>;
  /** Object rule, asked for each event: whose run is it? What it refuses looks like an unknown key. */
  readonly allow: (facts: { readonly caller: ApiCaller; readonly run: RunView<I, O, S> }) => boolean;
  readonly responds?: Responds<RunView<I, O, S>, R>;
}

/** What goes through unread. */
export interface PassOptions {
  /** Media types that are let through. Default: those of the contract; to be said where it names none in particular. */
  readonly types?: readonly string[];
  /** Default 1 GiB of an answer, 100 MiB of a request. */
  readonly maxBytes?: number;
}

/** A list of the caller's own. */
export interface RunsOptions<I, O, R = unknown, S = unknown> extends Common {
  /** The process whose runs are listed, the newest first, in pages: `{ items, next }`. */
  readonly runs: Startable<I, O, S>;
  /** Object rule, asked for each run: whose is it? What it refuses is not in the list, and not counted. */
  readonly allow: (facts: { readonly caller: ApiCaller; readonly run: RunView<I, O, S> }) => boolean;
  /** `"caller"`: looks only at runs that this caller started through an API; `allow` is asked all the same. Default: at all of the process. */
  readonly startedBy?: "caller";
  readonly pages?: PageSize;
  /** Of each run. */
  readonly responds?: Responds<RunView<I, O, S>, R>;
}

export interface PageSize {
  /** Items of a page where the caller does not say. Default 50. */
  readonly size?: number;
  /** Items of a page at most. Default 200; at most 1000. */
  readonly most?: number;
}

type ElementOf<L> = L extends readonly (infer E)[] ? E : never;
/** The items of an output: it is a list, or has one in its property `K`. */
type ItemOf<O, K> = [K] extends [never] ? ElementOf<O> : K extends keyof O ? ElementOf<O[K]> : never;

/** How a read of a system gives pages. What stands in `start` and `limit` is no parameter for callers; the rest of the input is a filter. */
export type Pages<I, O, K extends string = never> = PageSize & {
  /** The input's property that says how many items are wanted. */
  readonly limit: keyof I & string;
  /** Properties of the input that say where a page begins, as they are for the first one; `undefined`: left out. */
  readonly start: { readonly [N in keyof I]?: I[N] | undefined };
  /** The output's property that is the list. Default: the output itself is. */
  readonly items?: K & keyof O;
} & (
    | {
        /**
         * Where the page behind this item begins: the system gives what comes after it, in an order that does not change (`WHERE sku > :after ORDER BY sku`). One item
         * more than is shown is asked for.
         */
        readonly after: (last: NoInfer<ItemOf<O, K>>) => { readonly [N in keyof I]?: I[N] | undefined };
        readonly next?: undefined;
      }
    | {
        /** Where the next page begins, as the system itself says; `undefined`: there is none. */
        readonly next: (output: NoInfer<O>) => { readonly [N in keyof I]?: I[N] | undefined } | undefined;
        readonly after?: undefined;
      }
  );

export interface CallsOptions<T extends AnyOperation, B = InputOf<T>, R = OutputOf<T>, K extends string = never>
  extends Common {
  readonly calls: T;
  /** How long an answer is reused, for equal inputs. Reads only. Identical reads in flight are one call in any case. */
  readonly cache?: Duration;
  /**
   * Reads only: the answer is a stream of events, one for each change. The system is asked again so long after each answer, once for all who listen to the same. At
   * least `"100ms"`.
   */
  readonly every?: Duration;
  /**
   * With `every`: events of systems after which the answer may be another. The system is then asked at once, for all inputs that somebody listens to, at most ten times a
   * second each; `every` is for what no event tells.
   */
  readonly on?: EventType | readonly EventType[];
  /**
   * Reads only: the answer is a page of a list, `{ items, next }`. Callers ask with `limit` and, for the next page, with the `cursor` of the one before.
   */
  readonly pages?: Pages<InputOf<T>, OutputOf<T>, K>;
  /**
   * The answer goes through as it comes, unread and at the pace of the slower side: files, exports, pictures. Of a REST system whose contract says nothing of it but its
   * media type. It is sent as an attachment.
   */
  readonly download?: true | PassOptions;
  /** The request's body goes through in the same way; what the path and the query say is the rest of the input. Not repeated, not remembered. */
  readonly upload?: true | PassOptions;
  /** Total time of the call. Default `"10s"`; `"10m"` where something goes through. */
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
