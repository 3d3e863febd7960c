/** The front's side of an operator's act: whether it is possible now, and its way to the run's worker. A restart makes a run of its own. */
import type { Clock } from "../../../clock.ts";
import { failure, plainName } from "../../../errors.ts";
import type { Json } from "../../../operation.ts";
import type { OpenedStore } from "../../../store/open.ts";
import type { Command } from "../../../store/store.ts";
import { type Actor, type Engine, finalStatuses, type OperatorAct, type RunDetail } from "../../engine.ts";
import { laneOf, type ProcessLimits } from "../../limits.ts";
import { asText, type ValueLimits } from "../history/json-text.ts";
import type { HistoryRecord } from "../history/records.ts";
import { places, type Vault } from "../history/vault.ts";
import type { ActDelivery, OperateParameters, StartParameters } from "../wire.ts";
import { possibleActs, rewindTargets } from "./possible.ts";

export interface ActingParts {
  readonly store: Pick<OpenedStore, "submit">;
  readonly vault: Vault;
  readonly valueLimits: ValueLimits;
  readonly clock: Clock;
  readonly runId: (now: number) => string;
  readonly read: Pick<Engine, "run">;
  /** What a run began with. Throws where that can't be read: nothing is begun anew with nothing. */
  readonly inputOf: (run: string) => Json;
  limits(): ReadonlyMap<string, ProcessLimits<never>>;
  version(): string;
}

type Restart = OperatorAct & { readonly kind: "restart" };

export interface Acting {
  readonly operate: Engine["operate"];
  /** The store command of an act on this run, and the run that will be its result. Throws why it is not possible. */
  prepare(run: RunDetail, act: OperatorAct, actor: Actor): { readonly command: Command; readonly run: string };
}

export function acting(parts: ActingParts): Acting {
  const { store, vault, valueLimits, clock, runId, read } = parts;

  /** The start of the new run. Who wanted it, and why, stands in its history. */
  function anew(run: RunDetail, { input }: Restart, actor: Actor): StartParameters {
    const { process, key } = run;
    const now = clock.now();
    const value = input === undefined ? parts.inputOf(run.id) : input;
    const text = asText(value, `the input of ${process}`, valueLimits);
    const wanted: HistoryRecord = { t: "op", at: now, op: { kind: "restart" }, actor };
    const limited = parts.limits().get(process);
    const id = runId(now);
    return {
      run: id,
      process,
      key,
      inputHash: vault.digest(text),
      ...(input === undefined ? { sameInput: true as const } : {}),
      version: parts.version(),
      origin: `restart:${actor.by}`,
      ...vault.start(id, `[{"t":"start","at":${now},"input":${text}},${JSON.stringify(wanted)}]`),
      told: false,
      ...(limited === undefined ? {} : { lane: laneOf(process, limited, value as never) }),
    };
  }

  const prepare: Acting["prepare"] = (run, operation, actor) => {
    const { id } = run;
    if (run.restartedAs !== undefined) throw failure("run-restarted", { run: id, as: run.restartedAs });
    if (finalStatuses.has(run.status) && operation.kind !== "restart")
      throw failure("run-ended", { run: id, status: run.status });
    refuseImpossible(run, operation);
    const to = operation.kind === "rewind" ? targetOf(run, operation.to) : undefined;
    const act: ActDelivery = { operation, actor, n: run.parked?.n, to };
    const body = asText(act, "what was given", valueLimits);
    const way: OperateParameters = { run: id, body, stored: vault.seal(body, places.act(id)) };
    if (operation.kind !== "restart") return { command: { name: "process.operate", parameters: way }, run: id };
    const start = anew(run, operation, actor);
    return { command: { name: "process.restart", parameters: { of: id, start, act: way } }, run: start.run };
  };

  const operate: Engine["operate"] = async (id, operation, actor, question) => {
    const run = read.run(id);
    if (run === undefined) throw failure("run-unknown", { run: id });
    if (question !== undefined && !finalStatuses.has(run.status) && run.parked?.number !== question)
      throw failure("question-stale", { run: id, question });
    const prepared = prepare(run, operation, actor);
    const answer = await store.submit([prepared.command]);
    if (answer.kind === "refused") throw refusal(run, operation, answer.answer);
    return { run: prepared.run };
  };

  return { operate, prepare };
}

/** What the writer said, which saw what came since. */
function refusal({ id: run, process, status }: RunDetail, { kind }: OperatorAct, answer: unknown): Error {
  if (answer === "pending") return notPossible(run, status, kind, ["nothing until the act before it is carried out"]);
  if (typeof answer === "object" && answer !== null && "restarted" in answer)
    return failure("run-restarted", { run, as: String(answer.restarted) });
  if (typeof answer === "object" && answer !== null && "full" in answer)
    return failure("start-queue-full", { process, limit: "as many as it may hold" });
  return failure("run-ended", { run, status: String(answer) });
}

function notPossible(run: string, status: string, operation: string, possible: readonly string[]): Error {
  return failure("run-operation", { run, status, operation, possible: possible.join(", ") || "none" });
}

/** Throws `run-operation` for an act that does not fit the run as it stands. */
export function refuseImpossible(run: RunDetail, operation: OperatorAct): void {
  const possible = possibleActs(run);
  const { id, status } = run;
  if (!possible.includes(operation.kind)) throw notPossible(id, status, operation.kind, possible);
  if (operation.kind !== "restart" || finalStatuses.has(status)) return;
  const first = operation.first ?? "cancel";
  if (!possible.includes(first))
    throw notPossible(id, status, `restart (${first} first)`, ["restart (terminate first)"]);
}

/** Number of the step that a rewind names. */
export function targetOf({ id: run, steps }: RunDetail, step: string): number {
  const targets = rewindTargets(steps);
  const target = targets.find(({ id }) => id === step);
  if (target?.n !== undefined) return target.n;
  const known = targets.map(({ id }) => id).join(", ");
  throw failure("run-step-unknown", { run, step: plainName(step), known });
}
