/** The front's side of a start: from the command to its acknowledgement (P1), and the word to the worker that lets the first turn ride along. */
import type { MessagePort } from "node:worker_threads";
import type { Clock } from "../../../clock.ts";
import { failure } from "../../../errors.ts";
import { type Json, longestKey } from "../../../operation.ts";
import type { OpenedStore } from "../../../store/open.ts";
import type { BatchAnswer, Command } from "../../../store/store.ts";
import type { StartAnswer, StartCommand } from "../../engine.ts";
import { defaultQueue, laneOf, type ProcessLimits } from "../../limits.ts";
import { type RunFact, runFacts } from "../facts.ts";
import { asText, type ValueLimits } from "../history/json-text.ts";
import type { Vault } from "../history/vault.ts";
import type { KeyTaken, NewRun, QueueFull, StartParameters, ToWorkerControl } from "../wire.ts";
import type { Admission } from "./admission.ts";

export interface Starting {
  start(command: StartCommand): Promise<StartAnswer>;
  /** Whether the run's start was acknowledged in this very turn of the event loop, and nothing came of it with that. */
  begunNow(run: string): boolean;
  /** The run has settled. That may stand in the commit of its start, and is told before whoever started it can wait for it. */
  settledNow(run: string): void;
}

export interface StartingParts {
  readonly store: Pick<OpenedStore, "submit" | "flush">;
  readonly valueLimits: ValueLimits;
  readonly vault: Vault;
  readonly clock: Clock;
  readonly runId: (now: number) => string;
  /** Limits of processes, by name. */
  limits(): ReadonlyMap<string, ProcessLimits<never>>;
  readonly admission: Admission;
  /** The code version that new runs start on. */
  version(): string;
  /** Port to the worker of a version, if it has one. */
  control(version: string): MessagePort | undefined;
}

/** When to try again where a queue is full. */
const queueRetryMs = 5000;
const longestDelayMs = 3653 * 86_400_000;

export function starting({
  store,
  valueLimits,
  vault,
  clock,
  runId,
  limits,
  admission,
  version: current,
  control: controlOf,
}: StartingParts): Starting {
  /** In this turn of the event loop: few. */
  let begun: string[] = [];
  /** Runs that have settled in this turn: as few. */
  let over: string[] = [];
  let told = new Map<MessagePort, NewRun[]>();

  /** Tells the worker of runs that begin, after the writer: so the writer sees the start before the run's first turn (W4). */
  function tell(port: MessagePort, run: NewRun): void {
    if (told.size === 0) {
      clock.soon(() => {
        store.flush();
        for (const [to, runs] of told) to.postMessage({ kind: "starts", runs } satisfies ToWorkerControl);
        told = new Map();
      });
    }
    const runs = told.get(port);
    if (runs === undefined) told.set(port, [run]);
    else runs.push(run);
  }

  async function start(command: StartCommand): Promise<StartAnswer> {
    const { process, key, origin } = command;
    if (key.length === 0 || key.length > longestKey) throw failure("run-key-invalid", { process, limit: longestKey });
    const now = clock.now();
    const later = laterOf(command, now);
    const run = runId(now);
    const input = asText(command.input, `the input of ${process}`, valueLimits);
    const commands: Command[] = (command.alongside ?? []).map(({ name, parameters }) => ({
      name,
      parameters: withRun(parameters, run),
    }));
    const body = `[{"t":"start","at":${now},"input":${input}}]`;
    const inputHash = vault.digest(input);
    const version = command.version ?? current();
    const limited = limits().get(process);
    const lane = limited === undefined ? undefined : laneOf(process, limited, command.input);
    const control = later === undefined && lane === undefined ? controlOf(version) : undefined;
    const parameters: StartParameters = {
      run,
      process,
      key,
      inputHash,
      version,
      origin,
      ...vault.start(run, body),
      told: control !== undefined,
      ...(later === undefined ? {} : { at: later }),
      ...(lane === undefined ? {} : { lane }),
    };
    commands.push({ name: "process.start", parameters });
    admission.enter(input.length);
    let answer: BatchAnswer;
    try {
      const submitted = store.submit(commands);
      if (control !== undefined) tell(control, { run, process, key, body });
      answer = await submitted;
    } catch (error) {
      admission.leave(input.length, false);
      throw error;
    }
    admission.leave(input.length, answer.kind === "done");
    if (answer.kind === "done") {
      if (begun.length === 0) {
        clock.soon(() => {
          begun = [];
        });
      }
      begun.push(run);
      const status = later === undefined && lane === undefined ? "running" : "queued";
      if (runFacts.hasSubscribers)
        runFacts.publish({ kind: "started", run, process, key, version, status } satisfies RunFact);
      return { kind: "started", run };
    }
    if (answer.by !== "process.start") return { kind: "refused", by: answer.by, answer: answer.answer };
    const refusal = answer.answer as unknown as KeyTaken | QueueFull;
    if ("full" in refusal) {
      const limit = limited?.queue ?? defaultQueue;
      throw failure("start-queue-full", { process, limit }, { retryAfterMs: queueRetryMs });
    }
    const taken = refusal;
    if (taken.inputHash !== inputHash && !vault.isDigestOf(taken.inputHash, input))
      throw failure("run-key-conflict", { process, key, run: taken.run }, { details: { run: taken.run } });
    return { kind: "exists", run: taken.run, status: taken.status };
  }

  return {
    start,
    begunNow: (run) => begun.includes(run) && !over.includes(run),
    settledNow(run) {
      if (over.length === 0) {
        clock.soon(() => {
          over = [];
        });
      }
      over.push(run);
    },
  };
}

/** When the run is to begin, if that is not now. Throws `start-time`. */
function laterOf({ process, at }: StartCommand, now: number): number | undefined {
  if (at === undefined) return undefined;
  if (!Number.isSafeInteger(at) || at < 0) throw failure("start-time", { process, reason: "it is no time" });
  if (at > now + longestDelayMs) throw failure("start-time", { process, reason: "it is more than ten years away" });
  return at > now ? at : undefined;
}

/** `$run` in the parameters stands for the run's id. */
function withRun(value: Json, run: string): Json {
  if (value === "$run") return run;
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map((item) => withRun(item as Json, run));
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, withRun(inner as Json, run)]));
}
