/** What kept a server from starting, as an error with a remedy. */
import { asMortiseError, failure } from "../errors.ts";

export function startFailure(error: unknown): Error {
  const { syscall, message } = error as NodeJS.ErrnoException;
  if (syscall === "listen") {
    const reason = `it can't listen (${message}); choose another port in mortise.config.ts`;
    return failure("server-failed", { reason });
  }
  return asMortiseError(error);
}
