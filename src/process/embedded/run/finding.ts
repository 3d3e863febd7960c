/** Finds out by its probe whether a step happened that is to be undone, and whose outcome is not known. */
import type { AnyOperation, CallResult, Json } from "../../../operation.ts";
import { probeOf, settleOf } from "../attempts/probing.ts";
import { settling } from "../attempts/settle.ts";
import { keyOf } from "../history/records.ts";
import type { Running } from "./host.ts";
import { callTimeoutMs } from "./performing.ts";
import { inputOf, type Step } from "./steps.ts";

export type Outcome =
  | { readonly kind: "found"; readonly result: { readonly result: CallResult; readonly text: string } }
  /** It surely did not happen. */
  | { readonly kind: "nothing" }
  /** The probe fails. */
  | { readonly kind: "unknown" };

const triesAtMost = 5;
const firstPauseMs = 100;

/** A find is believed at once, that there is nothing only after the settle time. `done` is not called once the run is not undoing. */
export function findOut(
  execution: Running,
  step: Step,
  operation: AnyOperation,
  done: (outcome: Outcome) => void,
): void {
  const { host, identity } = execution;
  const probe = probeOf(operation, () => inputOf(step) as Json, host.caller);
  // From now: that the clock shows a later time does not mean that time has passed since the last attempt.
  const settle = settling(settleOf(operation), host);
  const living = () => execution.phase === "undoing" && !host.stopping && !execution.settling;
  const end = (outcome: Outcome) => {
    if (living()) done(outcome);
  };
  let tries = 0;
  const ask = (): void => {
    if (!living() || probe === undefined) return;
    const begun = host.now();
    const settled = settle.over;
    const attempt = (step.past?.attempts ?? 0) + 1;
    const context = {
      key: keyOf(identity.id, step),
      run: identity.id,
      attempt,
      deadline: begun + callTimeoutMs(host.systemTimeoutMs(operation.system)),
      signal: host.signal,
    };
    probe(context).then(
      (found) => {
        if (found !== undefined)
          end({ kind: "found", result: { result: { ok: true, output: found }, text: JSON.stringify(found) } });
        else if (settled) end({ kind: "nothing" });
        else host.later(settle.rest(begun), ask, true);
      },
      () => {
        tries += 1;
        if (tries >= triesAtMost) end({ kind: "unknown" });
        else host.later(firstPauseMs * 2 ** tries * (0.5 + host.chance() / 2), ask, true);
      },
    );
  };
  ask();
}
