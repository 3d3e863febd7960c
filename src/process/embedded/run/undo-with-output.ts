/** The undo of a step, computed with its output. */
import type { Json } from "../../../operation.ts";
import { asText } from "../history/json-text.ts";
import { keyOf } from "../history/records.ts";
import type { Running } from "./host.ts";
import type { Step } from "./steps.ts";

/** Its text; `undefined` where there is none, or the code that computes it failed. */
export function undoWithOutput({ identity, host }: Running, step: Step, output: Json): string | undefined {
  const { live, ask } = step;
  if (ask.undo === undefined || live?.undoWith === undefined) return undefined;
  try {
    return asText(live.undoWith({ output: output as never, key: keyOf(identity.id, step) }), ask.id, host.valueLimits);
  } catch {
    // Without it the undo that was computed with the intent counts; if there is none either, undoing asks a person.
    return undefined;
  }
}
