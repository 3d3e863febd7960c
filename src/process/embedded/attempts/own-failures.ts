/** Failures of attempts that the engine itself tells of. */
import type { StoredFailure } from "../../../operation.ts";

export const lost: StoredFailure = {
  code: "step-lost",
  message: "The server stopped while the call may have been under way.",
  class: "retry",
  outcome: "unknown",
};

export const away: StoredFailure = {
  code: "step-held",
  message: "The system is away, and nothing was sent to it in the time that the retry policy gives.",
  class: "retry",
  outcome: "none",
};
