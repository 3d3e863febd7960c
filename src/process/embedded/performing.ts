/** Performs the recorded steps of a run: from an intent on disk to attempts (P3). */
import { failure, MortiseError } from "../../errors.ts";
import type { CallContext, CallResult, Json, StoredFailure } from "../../operation.ts";
import type { ParkedQuestion } from "../engine.ts";
import { Performance, probeOf, settleOf, type Work } from "./attempts.ts";
import type { Running } from "./host.ts";
import { jsonOf } from "./json-text.ts";
import { stepQuestion } from "./questions.ts";
import { effectKey } from "./records.ts";
import type { LiveStep, Step } from "./steps.ts";

/** Longest time of one attempt; a system's own timeout is usually shorter. */
const callTimeoutMs = 60_000;

type ParkCode = Parameters<typeof stepQuestion>[0];

/** `resumed`: the step may have been under way when the worker before this one was lost. */
export function perform(execution: Running, step: Step, resumed: boolean): void {
  const { live, ask } = step;
  if (live === undefined || live.kind === "wait" || step.got !== undefined) return;
  // The end began before this step did: it never happens.
  if (execution.phase === "undoing" && !resumed) return;
  const { host, identity, policy } = execution;
  const common = { run: identity.id, key: effectKey(identity.id, ask.n), askedAt: ask.at, policy, resumed };
  const input = ask.in as Json;
  const work: Work =
    live.kind === "call"
      ? {
          ...common,
          what: ask.op as string,
          effect: ask.e ?? live.operation.effect,
          keyLifetimeMs: live.operation.keyLifetimeMs,
          timeoutMs: callTimeoutMs,
          attempt: (context) => host.caller(live.operation, input, context),
          probe: probeOf(live.operation, input, host.caller),
          settleMs: settleOf(live.operation),
        }
      : {
          ...common,
          what: "step",
          effect: ask.e ?? "unrepeatable",
          keyLifetimeMs: undefined,
          timeoutMs: live.timeoutMs,
          attempt: (context) => localAttempt(live, context),
          probe: live.probe && (async (context) => jsonOf(await live.probe?.(context))),
          settleMs: 0,
        };
  startWork(execution, step, work, (code, failed) => stepQuestion(code, ask.id, work.key, failed, !execution.pivoted));
}

/** `asking` words the question if the step parks; `settled` is told after the result was posted. */
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
  if (host.stopping) {
    if (!work.resumed) journal.record({ t: "held", n, at: host.now() });
    host.changed(execution);
    return;
  }
  const open = () => execution.phase !== "ended";
  step.performance = new Performance(
    work,
    {
      settled: (result, attempts, by) => execution.post({ kind: "result", n, result, attempts, by }),
      failed: (attempt, failed, next) => {
        if (!open()) return;
        journal.record({ t: "try", n, a: attempt, at: host.now(), f: failed, ...(next === undefined ? {} : { next }) });
        step.retry = next === undefined ? undefined : { at: next, message: failed.message };
        execution.restate();
      },
      again: (attempt, go) => {
        if (!open()) return;
        journal.record({ t: "again", n, a: attempt, at: host.now() });
        journal.whenCommitted(go);
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

/** A result that can't be recorded: the step has happened all the same. */
function outputOf(result: unknown): Json {
  try {
    return jsonOf(result) ?? null;
  } catch (error) {
    const { code, message } = error as MortiseError;
    throw new MortiseError(code, message, { cause: error, class: "ask", outcome: "unknown" });
  }
}

async function localAttempt(live: LiveStep & { readonly kind: "step" }, context: CallContext): Promise<CallResult> {
  const { key, attempt } = context;
  const timeout = new AbortController();
  const timer = setTimeout(() => timeout.abort(), live.timeoutMs);
  const signal = AbortSignal.any([context.signal, timeout.signal]);
  const late = Promise.withResolvers<never>();
  signal.addEventListener(
    "abort",
    () => late.reject(failure("step-timeout", { ms: live.timeoutMs }, { outcome: "unknown" })),
    { once: true },
  );
  try {
    const result = await Promise.race([live.perform({ key, attempt, signal }), late.promise]);
    return { ok: true, output: outputOf(result) };
  } finally {
    clearTimeout(timer);
    late.promise.catch(() => {});
  }
}
