/** Performs the recorded steps of a run: from an intent on disk to attempts (P3). */
import { failure } from "../../../errors.ts";
import type { AnyOperation, CallContext, CallResult, Json, StoredFailure } from "../../../operation.ts";
import type { KnownOfStep, ParkedQuestion } from "../../engine.ts";
import { Performance } from "../attempts/attempts.ts";
import { type Breaking, GivenContext } from "../attempts/breaking.ts";
import { newPast, type Past } from "../attempts/past.ts";
import { type Policy, policyOf } from "../attempts/policy.ts";
import { probeOf, settleOf } from "../attempts/probing.ts";
import type { Work } from "../attempts/work.ts";
import { asText, jsonOf, type ValueLimits } from "../history/json-text.ts";
import { keyOf } from "../history/records.ts";
import type { Host, Running } from "./host.ts";
import { stepQuestion } from "./questions.ts";
import { inputOf, type LiveStep, type Step } from "./steps.ts";

/** Of one attempt, with its wait for a place among the calls to its system: both have the system's own time, which is usually shorter. */
export function callTimeoutMs(ownMs: number | undefined): number {
  return Math.max(60_000, 2 * (ownMs ?? 0));
}

/** The work of calling an operation once, for a step or for its undo. */
export function callWork(execution: Running, step: Step, operation: AnyOperation, resumed: boolean): Work {
  const { host, identity } = execution;
  const { ask, live } = step;
  // Looked at by each attempt anew: a large one is loaded for it, and not kept.
  const input = () => inputOf(step) as Json;
  const { system } = operation;
  return {
    what: ask.op as string,
    run: identity.id,
    key: keyOf(identity.id, step),
    effect: ask.e ?? operation.effect,
    past: pastOf(step),
    keyLifetimeMs: operation.keyLifetimeMs,
    timeoutMs: callTimeoutMs(host.systemTimeoutMs(system)),
    policy: once(() =>
      policyOf(live?.kind === "call" ? live.retry : undefined, host.systemRetry(system), execution.retry),
    ),
    undone: ask.undo !== undefined,
    breakable: false,
    attempt: (context) => host.caller(operation, input(), context),
    probe: probeOf(operation, input, host.caller),
    text: (result) => textOf(result, ask.id, host.valueLimits),
    settleMs: settleOf(operation),
    gate: host.gate(system),
    resumed,
  };
}

function stepWork(execution: Running, step: Step, live: LiveStep & { readonly kind: "step" }, resumed: boolean): Work {
  const { host, identity } = execution;
  const { ask } = step;
  let written: Written | undefined;
  const wrote = (now: Written) => {
    written = now;
  };
  const around = <T>(context: CallContext, act: () => Promise<T>) =>
    host.around === undefined ? act() : host.around(ask.id, context, act);
  return {
    what: "step",
    run: identity.id,
    key: keyOf(identity.id, step),
    effect: ask.e ?? "unrepeatable",
    past: pastOf(step),
    keyLifetimeMs: undefined,
    timeoutMs: live.timeoutMs,
    policy: once(() => policyOf(live.retry, execution.retry)),
    undone: ask.undo !== undefined,
    breakable: true,
    attempt: (context) => around(context, async () => localAttempt(host, live, ask.id, context as Breaking, wrote)),
    probe: live.probe && ((context) => around(context, async () => jsonOf(await live.probe?.(context)))),
    text: (result) => (written?.result === result ? written.text : textOf(result, ask.id, host.valueLimits)),
    settleMs: 0,
    gate: undefined,
    resumed,
  };
}

function pastOf(step: Step): Past {
  step.past ??= newPast(step.ask.at);
  return step.past;
}

function once(make: () => Policy): () => Policy {
  let made: Policy | undefined;
  return () => {
    made ??= make();
    return made;
  };
}

type ParkCode = Parameters<typeof stepQuestion>[0];

/** `resumed`: the step may have been under way when the worker before this one was lost. */
export function perform(execution: Running, step: Step, resumed: boolean): void {
  const { live, ask } = step;
  if (live === undefined || live.kind === "wait" || step.got !== undefined) return;
  // The end began before this step did: it never happens.
  if (execution.phase === "undoing" && !resumed) return;
  const work =
    live.kind === "call"
      ? callWork(execution, step, live.operation, resumed)
      : stepWork(execution, step, live, resumed);
  startWork(execution, step, work, (code, failure) =>
    stepQuestion(code, {
      step: ask.id,
      failure,
      known: knownOf(work),
      now: execution.host.now(),
      undoable: !execution.pivoted,
      undone: work.undone,
      keyless: live.kind === "call" && live.operation.keyless === true,
    }),
  );
}

/** What people are told of a step that parks. */
export function knownOf({ effect, key, past, keyLifetimeMs }: Work): KnownOfStep {
  const { attempts, first, last, maybe, keyAt, notFoundAt } = past;
  return {
    effect,
    key,
    attempts,
    ...(first === undefined ? {} : { firstFailedAt: first.at }),
    ...(last === undefined ? {} : { lastFailedAt: last.at }),
    mayHaveHappened: maybe,
    ...(effect !== "idempotent" || keyLifetimeMs === undefined ? {} : { keyUntil: keyAt + keyLifetimeMs }),
    ...(notFoundAt === undefined ? {} : { probeFoundNothingAt: notFoundAt }),
  };
}

/** `asking` words the question if the step parks. */
export function startWork(
  execution: Running,
  step: Step,
  work: Work,
  asking: (code: ParkCode, failed: StoredFailure) => ParkedQuestion,
): void {
  const { host, journal } = execution;
  const { n } = step.ask;
  if (execution.phase === "ended") return;
  step.question = undefined;
  if (host.stopping || execution.settling || execution.phase === "paused") {
    if (!work.resumed) journal.record({ t: "held", n, at: host.now() });
    host.changed(execution);
    return;
  }
  const open = () => execution.phase !== "ended";
  step.performance = new Performance(
    work,
    {
      settled: (result, text, attempts, by) => execution.post({ kind: "result", n, result, text, attempts, by }),
      failed: ({ attempt, failure: f, next, said, by, maybe }) => {
        if (!open()) return;
        const more = { ...(next === undefined ? {} : { next }), ...(said === undefined ? {} : { said }) };
        const what = { ...(by === undefined ? {} : { by }), ...(maybe ? { m: true as const } : {}) };
        journal.record({ t: "try", n, a: attempt, at: host.now(), f, ...more, ...what });
        step.retry = next === undefined ? undefined : { at: next, message: f.message };
        execution.restate();
      },
      held: (at, unsent) => {
        if (!open()) return;
        if (unsent) journal.record({ t: "held", n, at: host.now() });
        step.retry = { at, message: step.past?.last?.failure.message ?? "", away: systemOf(step) };
        execution.restate();
      },
      again: (attempt, found, go) => {
        if (!open()) return;
        journal.record({ t: "again", n, a: attempt, at: host.now(), ...(found === undefined ? {} : { found }) });
        journal.whenCommitted(go);
        host.changed(execution);
      },
      unbegun: () => {
        if (!open()) return;
        journal.record({ t: "held", n, at: host.now() });
        host.changed(execution);
      },
      parked: (code, failed) => {
        if (open()) execution.park(step, asking(code, failed));
      },
    },
    host,
  );
  step.performance.begin();
}

/** The system of a call, by its name. */
function systemOf({ ask }: Step): string {
  return (ask.op ?? "").split(".", 1)[0] as string;
}

/** Calls `done` once no attempt of these steps is under way and none will begin. */
export function stopAll(steps: readonly Step[], done: () => void): void {
  let left = 1;
  const one = () => {
    left -= 1;
    if (left === 0) done();
  };
  for (const { performance } of steps) {
    if (performance === undefined) continue;
    left += 1;
    performance.stop(one);
  }
  one();
}

/** As it will stand in the history. Throws where it can't. */
function textOf(result: CallResult, step: string, limits: ValueLimits): string {
  return result.ok ? asText(result.output, `the result of ${step}`, limits) : asText(result.fault, step, limits);
}

type Written = { readonly result: CallResult; readonly text: string };

/** `wrote`: the result with its text, which is wanted again. */
function localAttempt(
  host: Host,
  live: LiveStep & { readonly kind: "step" },
  id: string,
  context: Breaking,
  wrote: (written: Written) => void,
): CallResult | Promise<CallResult> {
  const ok = (value: unknown): CallResult => {
    const text = asText(value, `the result of ${id}`, host.valueLimits);
    const result: CallResult = { ok: true, output: JSON.parse(text) as Json };
    wrote({ result, text });
    return result;
  };
  const given = live.perform(new GivenContext(context));
  // What is there at once needs no clock.
  if (!isThenable(given)) return ok(given);
  return new Promise((resolve, reject) => {
    const stopTimer = host.later(live.timeoutMs, () => context.abort());
    context.tell(() => reject(failure("step-timeout", { ms: live.timeoutMs }, { outcome: "unknown" })));
    Promise.resolve(given)
      .then(
        (value) => {
          stopTimer();
          return ok(value);
        },
        (error: unknown) => {
          stopTimer();
          throw error;
        },
      )
      .then(resolve, reject);
  });
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === "object" && value !== null && typeof (value as { then?: unknown }).then === "function";
}
