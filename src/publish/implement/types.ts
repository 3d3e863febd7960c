/**
 * What a user writes to implement a contract that is given: each of its operations by name, with what stands behind it. The types flow from the
 * contract, so that the compiler names an operation that is missing or not in it, and a value of another shape.
 */
import type { ContractTypes } from "../../contract/contract.ts";
import type { AnyOperation, Duration, FaultsOf, Operation } from "../../operation.ts";
import type { Access } from "../access/access.ts";
import type { ApiOptions } from "../define.ts";
import type { Limit } from "../limits/limit.ts";
import type { ApiOperation, Carries } from "../operations.ts";
import type { AnyStartable, ApiCaller, IdempotencyOptions, Moment, RunView, Startable } from "../options.ts";
import type { Problem } from "../problem.ts";
import type { DeclaredAnswer } from "./fault.ts";

/** What can stand behind an operation: a process, an operation of a system, or an operation of another version. */
export type Target = AnyStartable | AnyOperation | ApiOperation;

// biome-ignore-start lint/suspicious/noExplicitAny: whatever their types
export type TakenBy<P> =
  P extends Startable<infer I, any, any>
    ? I
    : P extends Operation<infer I, any, any>
      ? I
      : P extends Carries<infer B, any>
        ? B
        : never;
export type GivenBy<P> =
  P extends Startable<any, infer O, any>
    ? O
    : P extends Operation<any, infer O, any>
      ? O
      : P extends Carries<any, infer R>
        ? R
        : never;
type ViewOf<P> = P extends Startable<infer I, infer O, infer S> ? RunView<I, O, S> : never;
// biome-ignore-end lint/suspicious/noExplicitAny: see above

/** What a mapping of a request knows besides. */
export interface RequestFacts {
  readonly caller: ApiCaller;
}

/** The request as the contract has it, made into what is wanted inside. */
export interface MapsRequest<Request, Input> {
  /** Makes the input of what a caller sends. It must be there where what the contract lets a caller send is not an input as it is. */
  readonly accepts: (request: Request, facts: RequestFacts) => NoInfer<Input>;
}
/** What came of it inside, made into the answer as the contract has it, or into a fault of it. */
export interface MapsAnswer<Given, Asked, Answer, Fault> {
  /** Makes the answer of what came of it. It must be there where that is not an answer of the contract as it is. */
  readonly responds: (given: NoInfer<Given>, facts: Asked) => Answer | Fault;
}
/** What was asked for: as it came, and as `accepts` made it. */
export interface AskedOf<Request, Input> {
  readonly request: Request;
  readonly input: NoInfer<Input>;
}
type IfNeeded<From, To, Mapping> = [From] extends [To] ? Partial<Mapping> : Mapping;

/** A fault that the contract declares for the operation, made by `fault(name, detail)`. */
export type FaultOf<Faults> = {
  readonly [N in keyof Faults & string]: DeclaredAnswer<N, Faults[N]>;
}[keyof Faults & string];

interface Common<Answer> {
  /** What the caller's credential must hold. Default: the one that the contract names, if it names one. */
  readonly scope?: string;
  readonly roles?: readonly string[];
  /** `"public"`: no credential is asked for. Default: as the contract says. */
  readonly access?: "public";
  readonly maxBodyBytes?: number;
  readonly limits?: readonly Limit[];
  readonly etag?: boolean;
  /** Of several that the contract has for success. Default: the first whose body this answer is. */
  readonly status?: (answer: Answer) => number;
  /** Fields of the answer that the contract declares; `undefined`: left out. Required, where it says that they are. */
  readonly headers?: (answer: Answer) => Readonly<Record<string, string | number | undefined>>;
}

/** One of them is there; that the others are not tells the compiler which. */
interface NoneOf {
  readonly starts?: undefined;
  readonly calls?: undefined;
  readonly run?: undefined;
  readonly adapts?: undefined;
  readonly upload?: undefined;
  readonly download?: undefined;
}

export interface StartsFor<Answer, Faults, P> extends Common<Answer>, Omit<NoneOf, "starts"> {
  readonly starts: P;
  /** Wait this long for the run's end. Default: not at all; the answer is then `accepted`. */
  readonly wait?: Duration;
  /**
   * The answer while the run is not over. Default: `{ key, status: "accepted", links }` with 202, where the contract takes that.
   * `link`: path of the operation that shows the run, if there is one.
   */
  readonly accepted?: (facts: {
    readonly key: string;
    readonly input: NoInfer<TakenBy<P>>;
    readonly link: string | undefined;
  }) => Answer;
  /** What a rejected run is answered as. Default: a problem, 422. */
  readonly rejected?: (facts: {
    readonly reason: string;
    readonly key: string;
    readonly input: NoInfer<TakenBy<P>>;
  }) => FaultOf<Faults>;
  readonly idempotency?: IdempotencyOptions;
  readonly delay?: Duration | ((input: NoInfer<TakenBy<P>>) => Duration | undefined);
  readonly at?: (input: NoInfer<TakenBy<P>>) => Moment | undefined;
  readonly allow?: (facts: { readonly caller: ApiCaller; readonly input: NoInfer<TakenBy<P>> }) => boolean;
}

interface AnyCall<Answer, Faults, P, Input> extends Common<Answer>, Omit<NoneOf, "calls" | "upload" | "download"> {
  readonly calls: P;
  readonly timeout?: Duration;
  /** What a declared fault of the system is answered as. Default: a problem, 422. */
  readonly faults?: { readonly [N in keyof FaultsOf<P>]?: (detail: FaultsOf<P>[N]) => FaultOf<Faults> };
  readonly allow?: (facts: {
    readonly caller: ApiCaller;
    readonly input: NoInfer<Input>;
    readonly resource: NoInfer<GivenBy<P>> | undefined;
  }) => boolean;
}

export interface CallsFor<Answer, Faults, P> extends AnyCall<Answer, Faults, P, TakenBy<P>> {
  readonly cache?: Duration;
  readonly idempotency?: IdempotencyOptions;
  readonly upload?: undefined;
  readonly download?: undefined;
}

/** The request's body goes through as it comes, unread: of a contract whose body is bytes, or text without rules. */
export interface UploadsFor<Answer, Faults, P> extends AnyCall<Answer, Faults, P, Beside<TakenBy<P>>> {
  readonly upload: Through;
  readonly download?: undefined;
}
/** The answer goes through as it comes, unread: of a contract whose 200 is bytes, or text without rules. */
export interface DownloadsFor<Answer, Faults, P> extends AnyCall<Answer, Faults, P, TakenBy<P>>, Download {
  readonly upload?: undefined;
}
/** Both. */
export interface ConvertsFor<Answer, Faults, P> extends AnyCall<Answer, Faults, P, Beside<TakenBy<P>>>, Download {
  readonly upload: Through;
}
interface Download {
  readonly download: Through;
  /** How large the answer may be, where `download` is `true`. Default 1 GiB. */
  readonly maxAnswerBytes?: number;
}
/**
 * How large it may be, in bytes. `true`: a request as `maxBodyBytes` of the operation says, by default 100 MiB; an answer 1 GiB. Media types are the
 * contract's.
 */
export type Through = true | { readonly maxBytes: number };
/** What stands beside a body that goes through. */
type Beside<I> = I extends object ? Omit<I, "body"> : I;

export interface ShowsFor<Request, Answer, Faults, P> extends Common<Answer>, Omit<NoneOf, "run"> {
  /** The process whose run is shown. */
  readonly run: P;
  /** Its business key. Default: the only parameter of the path. */
  readonly key?: (request: Request) => string;
  /** Object rule: whose run is it? What it refuses looks like an unknown key. */
  readonly allow: (facts: { readonly caller: ApiCaller; readonly run: NoInfer<ViewOf<P>> }) => boolean;
  readonly responds: (run: NoInfer<ViewOf<P>>) => Answer | FaultOf<Faults>;
}

export interface AdaptsFor<Answer, P> extends Common<Answer>, Omit<NoneOf, "adapts"> {
  /** An operation of another version: everything but the shape is shared with it. */
  readonly adapts: P;
}

/** What stands behind an operation of a contract: one of four, and what of it goes through. */
export type Behind<C extends ContractTypes["operations"][string], P> =
  | (StartsFor<C["output"], C["faults"], P> & Mapped<C, P>)
  | (CallsFor<C["output"], C["faults"], P> & Mapped<C, P>)
  | (UploadsFor<C["output"], C["faults"], P> &
      BesideMapped<C, P> &
      AnswerMapped<C, P, Beside<C["input"]>, Beside<TakenBy<P>>>)
  | (DownloadsFor<C["output"], C["faults"], P> & RequestMapped<C["input"], TakenBy<P>>)
  | (ConvertsFor<C["output"], C["faults"], P> & BesideMapped<C, P>)
  | (AdaptsFor<C["output"], P> & Mapped<C, P>)
  | ShowsFor<C["input"], C["output"], C["faults"], P>;
type Mapped<C extends ContractTypes["operations"][string], P> = RequestMapped<C["input"], TakenBy<P>> &
  AnswerMapped<C, P, C["input"], TakenBy<P>>;
type BesideMapped<C extends ContractTypes["operations"][string], P> = RequestMapped<
  Beside<C["input"]>,
  Beside<TakenBy<P>>
>;
type RequestMapped<Request, Input> = IfNeeded<Request, Input, MapsRequest<Request, Input>>;
type AnswerMapped<C extends ContractTypes["operations"][string], P, Request, Input> = IfNeeded<
  GivenBy<P>,
  C["output"],
  MapsAnswer<GivenBy<P>, AskedOf<Request, Input>, C["output"], FaultOf<C["faults"]>>
>;

/** What is given of the operations of a contract. */
export type Given<T extends ContractTypes, O> = {
  readonly [N in keyof O]: N extends keyof T["operations"]
    ? Behind<T["operations"][N], O[N]>
    : `The contract has no operation ${N & string}`;
};
/** Each operation of the contract, but those that are left out. */
export type EveryOperationOf<T extends ContractTypes, Without> = {
  readonly [N in Exclude<keyof T["operations"], Without>]: unknown;
};

/** The bodies of errors that a contract declares. */
type ErrorBodies<T extends ContractTypes> = {
  [N in keyof T["operations"]]: T["operations"][N]["faults"][keyof T["operations"][N]["faults"]];
}[keyof T["operations"]];

export interface ImplementOptions<T extends ContractTypes, O, W extends string>
  extends Omit<ApiOptions, "name" | "version" | "operations" | "title" | "description"> {
  /** Lower case with dashes. Default: the contract's folder up to the first dot, `stock` of `apis/stock.v1`. */
  readonly name?: string;
  /** Default: the contract's own (`info.version`), where that is a semantic version. */
  readonly version?: string;
  readonly access: readonly Access[];
  /** What stands behind each operation of the contract, by its name in `contract.ts`. */
  readonly operations: Given<T, O> & EveryOperationOf<T, W>;
  /** Operations, callbacks and webhooks of the contract that this API does not have: they are not in its `openapi.json`. */
  readonly without?: readonly W[];
  /**
   * The body of an error, where the contract declares one of another shape than problem details: of a refusal, a wrong request, a failure. It is
   * tried for each status when the project is loaded.
   */
  readonly problems?: (problem: Problem) => ErrorBodies<T>;
  /** Callers prove who they are as `access` says, although the contract says something else. Default false: that is refused. */
  readonly ownAccess?: boolean;
}

/** The operations as another version of the API adapts them. */
export type Implemented<T extends ContractTypes> = {
  readonly [N in keyof T["operations"] & string]: ApiOperation &
    Carries<T["operations"][N]["input"], T["operations"][N]["output"]>;
};
