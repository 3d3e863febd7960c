/** What can't be read on the way stops the run. */
import type { Held } from "../run/host.ts";

/** Does what may run code of this run, so that what the code leaves to a timer or a promise is known to be its own. */
export type Within = (run: string, act: () => void) => void;

export function reading(execution: Held, act: () => void, within: Within | undefined): void {
  try {
    if (within === undefined) act();
    else within(execution.identity.id, act);
  } catch (error) {
    execution.failedToRead(error);
  }
}
