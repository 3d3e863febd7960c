/**
 * Child runs, in the worker of the run that asks for them: what is asked and written, what their ends give, and what becomes of them
 * when the run undoes. The store's side is store/children.ts.
 */
import { inWords, type Json, longestKey } from "../../../operation.ts";
import type { AnyProcess } from "../../define.ts";
import type { ParkedQuestion } from "../../engine.ts";
import { type ChildEnd, ChildFailed } from "../../flow.ts";
import { laneOf } from "../../limits.ts";
import type { AskRecord, ChildAsk, GotRecord } from "../history/records.ts";
import type { Vault } from "../history/vault.ts";
import type { ChildNews } from "../wire.ts";
import type { Host, Identity, Running } from "./host.ts";
import type { Journal } from "./journal.ts";
import { childQuestion } from "./questions.ts";
import { pastStep, type Step } from "./steps.ts";
import { undoWithOutput } from "./undo-with-output.ts";

/** What the code asks for. */
export interface ChildDraft {
  readonly process: AnyProcess;
  readonly wait: boolean;
  readonly leave: boolean;
}

/** Who the child will be; or why there can't be one. */
export function childAsk(
  host: Host,
  draft: ChildDraft,
  input: string,
  parent: Identity,
  undoable: boolean,
): ChildAsk | ParkedQuestion {
  const { process, wait, leave } = draft;
  const known = host.process(process.name);
  if (known === undefined) {
    const message = `The process starts ${process.name}, which code version ${parent.version} does not have. Export it from a file in processes/.`;
    return childQuestion("child-unknown", message, undefined, undoable);
  }
  const value = JSON.parse(input) as Json;
  const problems = known.validateInput(value);
  if (problems.length > 0) {
    const message = `The input for ${process.name} does not fit its input schema: ${inWords(problems)}`;
    return childQuestion("child-input", message, undefined, undoable);
  }
  const key = keyOf(process, value);
  if (key === undefined) {
    const message = `The key function of ${process.name} gives no key for this input: it must be a text of 1 to ${longestKey} characters.`;
    return childQuestion("child-input", message, undefined, undoable);
  }
  if (wait && process.name === parent.process && key === parent.key) {
    const message = `The process would wait for itself: the run of ${process.name} with the key ${key} is this one. A child needs a key of its own.`;
    return childQuestion("child-input", message, undefined, undoable);
  }
  let lane: string | undefined;
  try {
    lane = process.limits === undefined ? undefined : laneOf(process.name, process.limits, value);
  } catch (error) {
    return childQuestion("child-input", (error as Error).message, undefined, undoable);
  }
  return {
    run: host.newRun(),
    process: process.name,
    key,
    ...(lane === undefined ? {} : { lane }),
    ...(wait ? {} : { wait: false }),
    ...(leave ? { leave: true } : {}),
  };
}

function keyOf(process: AnyProcess, input: Json): string | undefined {
  try {
    const key = process.key(input) as unknown;
    return typeof key === "string" && key.length > 0 && key.length <= longestKey ? key : undefined;
  } catch {
    return undefined;
  }
}

/** Writes the row of the child beside the ask. `inputHash`: of a run there is, which has the same input. */
export function placeChild(
  { journal, vault }: { readonly journal: Journal; readonly vault: Vault },
  ask: AskRecord,
  at: number,
  inputHash?: string,
): void {
  const { run, process, key, lane, wait } = ask.child as ChildAsk;
  const input = JSON.stringify(ask.in);
  journal.child({
    n: ask.n,
    run,
    process,
    key,
    inputHash: inputHash ?? vault.digest(input),
    ...vault.start(run, `[{"t":"start","at":${at},"input":${input}}]`),
    wait: wait !== false,
    ...(lane === undefined ? {} : { lane }),
  });
}

/** News of a child, as the result of its step; `undefined` where it has none yet. `late`: the code does not wait for it. */
export function recordNews(execution: Running, step: Step, body: string, late = false): Step | undefined {
  const { journal, host } = execution;
  const news = JSON.parse(body) as ChildNews;
  const { n, id } = step.ask;
  const { process, key } = step.ask.child as ChildAsk;
  const at = host.now();
  const { run } = news;
  const never = (reason: string) => failed(execution, step, { run, process, status: "undone", reason });
  switch (news.kind) {
    case "left":
      return never("it is not waited for any more");
    case "taken":
      if (execution.phase !== "code") return never("it never was a child of this run");
      if (host.vault.isDigestOf(news.inputHash, JSON.stringify(step.ask.in))) {
        // The same input under another hash: the key of the encryption is another since.
        placeChild({ journal, vault: host.vault }, step.ask, at, news.inputHash);
        host.changed(execution);
        return undefined;
      }
      return parkChild(
        execution,
        step,
        "child-conflict",
        `${id} would start ${process} with the key ${key}, which run ${run} has with another input.`,
      );
    case "started":
      step.got = { t: "got", n, at, ok: { run, key } };
      journal.got(step.got, JSON.stringify(step.got.ok), undefined);
      return step;
    default:
  }
  const ended = host.endOf(run);
  // For an undo it counts that it took effect.
  if (ended?.status === "completed" && ended.end === undefined && execution.phase === "code" && !late) {
    const message = `${id} waits for ${process} with the key ${key}. Its run ${run} is completed, and its output was removed with its history.`;
    return parkChild(execution, step, "child-gone", message);
  }
  if (ended?.status !== "completed") {
    const { status, reason, end } = ended ?? { status: "terminated", reason: "it is gone", end: undefined };
    const { detail } = end ?? {};
    return failed(execution, step, {
      run,
      process,
      status: status as ChildEnd["status"],
      reason: end?.reason ?? reason ?? "",
      ...(detail === undefined ? {} : { detail }),
    });
  }
  const out = ended.end?.out ?? null;
  const undo = ended.end === undefined ? undefined : undoWithOutput(execution, step, out);
  const got = { t: "got" as const, n, at, ...(run === step.ask.child?.run ? {} : { run }) };
  journal.got(got, JSON.stringify(out), undo);
  step.got = { ...got, ok: out, undo: undo === undefined ? undefined : (JSON.parse(undo) as Json) };
  return step;
}

/** Whether the end of this step's child counts for an undo, also where the code does not wait for it any more. */
export function isLateNews({ ask, got }: Pick<Step, "ask" | "got">): boolean {
  return ask.child !== undefined && ask.child.wait !== false && ask.undo !== undefined && got === undefined;
}

/** A child has ended whose step the code does not know any more: its item is over, or a rewind superseded it. Only undo will look at it. */
export function recordLateNews(execution: Running, n: number, body: string): void {
  const { kind } = JSON.parse(body) as ChildNews;
  if (kind !== "ended") return;
  const left = execution.steps.left.get(n) ?? askedBefore(execution, n);
  execution.steps.left.delete(n);
  if (left !== undefined && isLateNews(left)) recordNews(execution, left, body, true);
}

function askedBefore({ host, identity }: Running, n: number): Step | undefined {
  let step: Step | undefined;
  for (const record of host.recordsOf(identity.id)) {
    if (record.t === "ask" && record.n === n) step = pastStep(record);
    else if (record.t === "got" && record.n === n && step !== undefined) step.got = record;
  }
  return step;
}

function parkChild(
  execution: Running,
  step: Step,
  code: Parameters<typeof childQuestion>[0],
  message: string,
): undefined {
  execution.park(step, childQuestion(code, message, step.ask.id, !execution.pivoted));
}

function failed({ journal, host }: Running, step: Step, end: ChildEnd): Step {
  const fault = { name: "ChildFailed", message: end.reason, detail: end as unknown as Json };
  step.got = { t: "got", n: step.ask.n, at: host.now(), fault };
  journal.got(step.got, undefined, undefined);
  return step;
}

/** What the code is thrown. */
export function childFailed(got: GotRecord): ChildFailed {
  return new ChildFailed((got.fault as NonNullable<GotRecord["fault"]>).detail as unknown as ChildEnd);
}

/** A person says to try again what could not be done before. */
export function askChildAgain(execution: Running, step: Step): void {
  const { journal, host } = execution;
  placeChild({ journal, vault: host.vault }, step.ask, host.now());
  execution.host.changed(execution);
}

/** Whether an undo waits for the end of this step's child. */
export function isAwaited({ ask, got }: Step): boolean {
  return ask.child !== undefined && got === undefined && ask.child.wait !== false && ask.child.leave !== true;
}

/** The run undoes: what it waits for is cancelled, in the same commit. */
export function recallChildren(execution: Running, but: ReadonlySet<number>): void {
  const { journal, identity, host } = execution;
  for (const step of execution.steps.values()) {
    const { n, child } = step.ask;
    if (child === undefined || !isAwaited(step) || but.has(n)) continue;
    journal.record({ t: "recall", n, at: host.now() });
    const actor = { by: `run:${identity.id}`, reason: `${identity.process} ${identity.key}, which started it, undoes` };
    journal.recall({
      n,
      process: child.process,
      key: child.key,
      body: JSON.stringify({ operation: { kind: "cancel" }, actor }),
    });
  }
}
