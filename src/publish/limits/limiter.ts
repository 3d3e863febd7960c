/** What a limit does for requests: takes, refuses, and says what is left. */
import { failure } from "../../errors.ts";
import { ProblemError } from "../problem.ts";

export type Taken =
  | {
      readonly kind: "taken";
      /** `"consumer";r=99;t=1` */
      readonly field: string;
      /** Called once the request is answered. */
      readonly release?: () => void;
      /** The answer waits for it: then a crash doesn't forget what was taken. Never rejects. */
      readonly written?: Promise<void>;
    }
  /** Accepted for later: the run begins after so many milliseconds. */
  | { readonly kind: "queued"; readonly field: string; readonly delayMs: number }
  | { readonly kind: "refused"; readonly field: string; readonly retryMs: number };
export type Refused = Extract<Taken, { readonly kind: "refused" }>;

export interface Limiter {
  /** Names it in header fields and problems: `consumer`, `address-2`, `placeOrder-consumer`. */
  readonly name: string;
  /** `"consumer";q=100;w=1` */
  readonly policy: string;
  /** Takes `cost` of `who`'s share. */
  take(who: string, cost: number): Taken;
  /** Takes nothing: the refusal that `take` would give now, if it would. Of quotas and rates. */
  look?(who: string, cost: number): Refused | undefined;
  /** The answer that belongs to it. */
  refusal(refused: Refused): ProblemError;
}

/** RL-1, RL-5. `allowed` completes "too many requests: ... are allowed". */
export function exceeded(name: string, allowed: string, retryMs: number): ProblemError {
  return new ProblemError(failure("quota-exceeded", { allowed }, { retryAfterMs: retryMs }), {
    members: { "violated-policies": [name] },
  });
}
