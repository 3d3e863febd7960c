/** Tells of failures that callers are not shown. */
import { channel } from "node:diagnostics_channel";

/** Of a call that several requests waited for: how many, for the first of them; for the others, which that is. */
export type SharedFailure = { readonly requests: number } | { readonly sharedWith: string };

/** Published on `mortise:publish:failure`: what a caller was not told. */
export interface FailureFact {
  readonly request: string;
  /** How many requests waited for the same call. */
  readonly requests?: number;
  /** The request under which that failure was told. */
  readonly sharedWith?: string;
  readonly error: unknown;
}

const failures = channel("mortise:publish:failure");

export function reportFailure(error: unknown, request: string, shared?: SharedFailure): void {
  failures.publish({ request, ...shared, error } satisfies FailureFact);
}
