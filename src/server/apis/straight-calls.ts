/**
 * Calls of straight operations, under the circuits and the budgets of repeats that all threads share (`outbound/circuit.ts`).
 *
 *  - Nothing durable waits for such a call, so it can't be held: while its system is away it is refused at once (`system-away`), and now and then
 *    one looks whether the system is back. What it learns counts for the steps of runs too, and the other way round.
 *  - What failed for a passing reason is sent once more, if a repeat is harmless: a read, an idempotent call (under the same key), or one that
 *    surely did nothing. Within its own time and the system's budget, and not where the system said when to come again.
 */
import { asMortiseError, failure, MortiseError } from "../../errors.ts";
import { canonicalJson } from "../../formats/json.ts";
import type { CallContext, Caller, Json, PassCaller } from "../../operation.ts";
import type { CircuitTable } from "../../outbound/circuit.ts";
import { type CircuitChange, openGates, type SystemGate } from "../../outbound/gates.ts";
import { failureTold, wordOf } from "../../process/embedded/attempts/gate.ts";
import type { ReadCaller, StraightCall } from "../../publish/backend.ts";

export interface StraightOptions {
  readonly caller: Caller;
  /** As it is now: settings may change while the server runs. */
  readonly circuits: () => CircuitTable;
  readonly changed: (change: CircuitChange) => void;
}

/** Before a call is sent again: long enough for a connection to be made anew, and not the same for all. */
const pauseMs = { least: 25, more: 50 } as const;

/** The gate of each system, under the circuits as they are now. */
function gatesUnder({
  circuits,
  changed,
}: Omit<StraightOptions, "caller">): (system: string) => SystemGate | undefined {
  let table: CircuitTable | undefined;
  let gates: ReadonlyMap<string, SystemGate> | undefined;
  return (system) => {
    const now = circuits();
    if (now !== table) gates = openGates(now, changed, undefined, gates);
    table = now;
    return gates?.get(system);
  };
}

function tell(gate: SystemGate, name: string, input: Json, error: MortiseError, looking: boolean): void {
  const word = wordOf(error);
  if (word === "answered") gate.answered(looking);
  else if (word === "silent") gate.silent(looking);
  else {
    // The same thing asked again is the same failure: it alone opens nothing.
    gate.failed(failureTold(`${name} ${canonicalJson(input)}`, error), looking);
  }
}

/** Calls with bodies that pass unread, under the same circuits. They are sent once: what has passed is gone. */
export function straightPasses({
  passer,
  ...options
}: Omit<StraightOptions, "caller"> & { readonly passer: PassCaller }): PassCaller {
  const gateOf = gatesUnder(options);
  return async (operation, input, context, passage) => {
    const { system, name } = operation;
    const gate = gateOf(system);
    if (gate === undefined) return passer(operation, input, context, passage);
    const entry = gate.enter();
    if (entry.kind === "away") throw failure("system-away", { system }, { retryAfterMs: entry.retryAfterMs });
    const { looking } = entry;
    try {
      const result = await passer(operation, input, context, passage);
      gate.answered(looking);
      return result;
    } catch (error) {
      // A caller whose own body broke says nothing of the system, and must not make it count as away.
      const broken = passage.body?.stream.errored;
      if (broken instanceof MortiseError && !broken.code.startsWith("outbound-")) gate.silent(looking);
      else tell(gate, name, input, asMortiseError(error), looking);
      throw error;
    }
  };
}

export function straightCalls({ caller, ...options }: StraightOptions): StraightCall {
  const call = gated(gatesUnder(options));
  return (operation, input, context, repeated) =>
    call(operation, input, context, (now) => caller(operation, input, now), repeated);
}

/** Reads, under the same circuits. */
export function straightReads({
  caller,
  ...options
}: Omit<StraightOptions, "caller"> & { readonly caller: ReadCaller }): ReadCaller {
  const call = gated(gatesUnder(options));
  return (operation, input, context, how) =>
    call(operation, input, context, (now) => caller(operation, input, now, how));
}

type Gated = <R>(
  operation: Parameters<StraightCall>[0],
  input: Json,
  context: CallContext,
  call: (context: CallContext) => Promise<R>,
  repeated?: () => void,
) => Promise<R>;

function gated(gateOf: (system: string) => SystemGate | undefined): Gated {
  return <R>(
    { system, name, effect }: Parameters<StraightCall>[0],
    input: Json,
    context: CallContext,
    call: (context: CallContext) => Promise<R>,
    repeated?: () => void,
  ) => {
    const gate = gateOf(system);
    if (gate === undefined) return call(context);
    const entry = gate.enter();
    if (entry.kind === "away")
      return Promise.reject(failure("system-away", { system }, { retryAfterMs: entry.retryAfterMs }));
    const { looking } = entry;

    const answered = (result: R): R => {
      gate.answered(looking);
      return result;
    };
    const failed = (thrown: unknown): Promise<R> => {
      const error = asMortiseError(thrown);
      tell(gate, name, input, error, looking);
      const harmless = effect !== "unrepeatable" || error.outcome === "none";
      const passing = wordOf(error) === "failed" && error.class === "retry" && error.retryAfterMs === undefined;
      const pause = pauseMs.least + Math.random() * pauseMs.more;
      if (looking || !harmless || !passing || Date.now() + pause >= context.deadline || !gate.repeat()) throw error;
      if (error.outcome === "unknown") repeated?.();
      return again(gate, pause, context, () => call({ ...context, attempt: 2 })).catch((last) => {
        tell(gate, name, input, asMortiseError(last), false);
        // What it may have done is what either of them may have done.
        throw worse(error, asMortiseError(last));
      });
    };
    return call(context).then(answered, failed);
  };
}

async function again<R>(gate: SystemGate, pause: number, { signal }: CallContext, call: () => Promise<R>): Promise<R> {
  await new Promise<void>((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, pause);
    signal.addEventListener("abort", done, { once: true });
  });
  const result = await call();
  gate.answered(false);
  return result;
}

/** The last failure, unless only the first may have had an effect. */
function worse(first: MortiseError, last: MortiseError): MortiseError {
  return last.outcome === "none" && first.outcome === "unknown" ? first : last;
}
