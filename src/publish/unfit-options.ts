/**
 * What does not fit in an operation, for the compiler's words. A verb has a form for each thing that may stand behind an operation, and where none
 * fits the compiler speaks of the last one alone: of `calls`, whatever was meant. So the last form takes nothing at all. It says
 * which of the given options is wrong, by the form that was meant.
 */
import type { AnyOperation, InputOf, Schema } from "../operation.ts";
import type {
  AnyStartable,
  CallsOptions,
  Common,
  FollowsOptions,
  RunOptions,
  RunsOptions,
  Startable,
  StartsOptions,
} from "./options.ts";

// biome-ignore-start lint/suspicious/noExplicitAny: options of whatever types, which the other forms have checked
/** Options of any form: functions take anything, so that they are not what is told. */
export interface Given {
  readonly scope?: unknown;
  readonly access?: unknown;
  readonly starts?: AnyStartable;
  readonly run?: AnyStartable;
  readonly runs?: AnyStartable;
  readonly follows?: AnyStartable;
  readonly calls?: AnyOperation;
  readonly allow?: (facts: any) => any;
  readonly at?: (input: any) => any;
  readonly accepts?: { readonly body: Schema<any>; readonly map: (body: any, facts: any) => any };
  readonly responds?: { readonly body: Schema<any>; readonly map: (given: any, facts: any) => any };
}

type What<X> = X extends { readonly starts: unknown }
  ? "starts"
  : X extends { readonly run: unknown }
    ? "run"
    : X extends { readonly follows: unknown }
      ? "follows"
      : X extends { readonly runs: unknown }
        ? "runs"
        : X extends { readonly calls: unknown }
          ? "calls"
          : "starts, run, runs, follows or calls";

/** The form that was meant. */
type Meant<X> = X extends { readonly starts: Startable<infer I, infer O> }
  ? StartsOptions<I, O, any, any>
  : X extends { readonly run: Startable<infer I, infer O, infer S> }
    ? RunOptions<I, O, any, S>
    : X extends { readonly follows: Startable<infer I, infer O, infer S> }
      ? FollowsOptions<I, O, any, S>
      : X extends { readonly runs: Startable<infer I, infer O, infer S> }
        ? RunsOptions<I, O, any, S>
        : X extends { readonly calls: infer T extends AnyOperation }
          ? CallsOptions<T, any, any, any>
          : Common & { readonly calls: AnyOperation };

/** What the names in the path must be properties of. */
export type InputMeant<X> = X extends { readonly accepts: { readonly body: Schema<infer B> } }
  ? B
  : X extends { readonly starts: Startable<infer I, any> }
    ? I
    : X extends { readonly run: unknown } | { readonly follows: unknown }
      ? { readonly key: string }
      : X extends { readonly runs: unknown }
        ? Record<never, never>
        : X extends { readonly calls: infer T extends AnyOperation }
          ? InputOf<T>
          : unknown;
// biome-ignore-end lint/suspicious/noExplicitAny: see above

type Needed<M> = { [N in keyof M]-?: undefined extends M[N] ? never : N }[keyof M];

// A text has no such properties. (A sentence as a type by itself would make `never` of a text.)
type NoOption<N, W extends string> = { readonly [S in `There is no option ${N & string} beside ${W}`]: never };
type OtherType<N, T> = { readonly [S in `The option ${N & string} must be of the type`]: T };

/** An option as it is given where it is right, else what it must be. */
type Judged<V, N, M> = unknown extends V ? M : V extends M ? V : V extends object ? M : OtherType<N, M>;

/**
 * Options that nothing can be: what is wrong has the type that it must have, or a sentence for its type. Where a path is wrong beside a function, the compiler
 * infers nothing at all, and the sentence is all that there is to say.
 */
export type Unfit<X, M = Meant<X>> = (Given extends X
  ? unknown
  : { readonly [N in keyof X]: N extends keyof M ? Judged<X[N], N, M[N]> : NoOption<N, What<X>> } & {
      readonly [N in Needed<M>]: M[N];
    }) & { readonly "What a function makes does not fit, or a name in the path is no property of the input": never };
