/** The probe of an operation as a function, and what an attempt throws as a failure that can be stored. */
import { asMortiseError, failure, thrownText } from "../../../errors.ts";
import type { AnyOperation, CallContext, CallResult, Json, Probe, StoredFailure } from "../../../operation.ts";
import { inWords, milliseconds } from "../../../operation.ts";
import type { Failed } from "./policy.ts";

/** `undefined`: it did not happen, as far as the system knows. Rejects where it can't tell. */
export type Probing = (context: CallContext) => Promise<Json | undefined>;

export function probeOf(
  operation: AnyOperation,
  input: () => Json,
  call: (name: { system: string; name: string }, input: Json, context: CallContext) => Promise<CallResult>,
): Probing | undefined {
  const probe: Probe | undefined = operation.probe;
  if (probe === undefined) return undefined;
  return async (context) => {
    const asked = (await probe.with({ key: context.key, input: input() as never })) as Json;
    const result = await call({ system: operation.system, name: probe.call }, asked, context);
    const names = { probe: `${operation.system}.${probe.call}`, step: operation.name };
    if (!result.ok) {
      // That a caller may not look, or asked wrongly, says nothing of what it looks for.
      if (probe.notFound?.includes(result.fault.name) === true) return undefined;
      throw failure("probe-fault", { ...names, fault: result.fault.name });
    }
    const found =
      probe.found === undefined
        ? foundByDefault(result.output)
        : (probe.found(result.output as never) as Json | undefined);
    const problems = found === undefined ? [] : (probe.problems?.(found) ?? []);
    if (problems.length > 0) throw failure("probe-unfit", { ...names, problems: inWords(problems) });
    return found;
  };
}

function foundByDefault(output: Json): Json | undefined {
  if (Array.isArray(output)) return output[0] as Json | undefined;
  return output === null ? undefined : output;
}

export function settleOf(operation: AnyOperation): number {
  return milliseconds(operation.probe?.settle ?? "5s");
}

const longestMessage = 4096;

export function stored(error: unknown): Failed {
  const { code, message, class: class_, outcome, retryAfterMs } = asStepFailure(error);
  return {
    code,
    message: message.slice(0, longestMessage),
    class: class_,
    outcome,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  };
}

/** What user code throws inside a step is worth a repeat, where the effect allows it. */
function asStepFailure(error: unknown): {
  code: string;
  message: string;
  class: StoredFailure["class"];
  outcome: StoredFailure["outcome"];
  retryAfterMs?: number | undefined;
} {
  const known = asMortiseError(error);
  if (known.code !== "internal") return known;
  const message = thrownText(error);
  return { code: "step-threw", message, class: "retry", outcome: "unknown" };
}

/** As it stands in a history. */
export function strip(failed: Failed): StoredFailure {
  const { code, message, class: class_, outcome } = failed;
  return { code, message, class: class_, outcome };
}
