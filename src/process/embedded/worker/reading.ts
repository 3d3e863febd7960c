/** What can't be read on the way stops the run. */
import type { Execution } from "../run/execution.ts";

export function reading(execution: Execution, act: () => void): void {
  try {
    act();
  } catch (error) {
    execution.failedToRead(error);
  }
}
