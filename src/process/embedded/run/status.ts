/** The status that people see, from what is open: parked before undoing before waiting before running (P6). */
import type { ParkedQuestion, RunStatus } from "../../engine.ts";
import type { Step } from "./steps.ts";
import type { Undoing } from "./undoing.ts";

/** What a run is at. */
export type Phase =
  | { readonly kind: "code" }
  /** The code can't go on; a person decides. */
  | { readonly kind: "stopped"; readonly question: ParkedQuestion }
  /** An operator stopped it for a while: nothing is begun, results are kept. `undoes`: its end had begun in this worker. */
  | { readonly kind: "paused"; readonly reason: string; readonly undoes?: boolean }
  | { readonly kind: "undoing"; readonly undoing: Undoing }
  | { readonly kind: "ended" };

/** `stopped` and `undoing`: the question and the reason of those phases, where the run is in one. Third: what a parked run asks. */
export function statusOf(
  open: readonly Step[],
  stopped: ParkedQuestion | undefined,
  undoing: string | undefined,
): [RunStatus, string | undefined, ParkedQuestion | undefined] {
  const question = stopped ?? open.find((step) => step.question !== undefined)?.question;
  if (question !== undefined) return ["parked", question.message, question];
  if (undoing !== undefined) return ["undoing", undoing, undefined];
  const retrying = open.find((step) => step.retry !== undefined);
  if (retrying?.retry !== undefined) return ["running", retryReason(retrying.ask.id, retrying.retry), undefined];
  const first = open.find((step) => step.live?.kind !== "wait" || step.live.mapping === undefined) ?? open[0];
  if (first !== undefined && open.every((step) => step.live?.kind === "wait"))
    return ["waiting", waitReason(first), undefined];
  return ["running", undefined, undefined];
}

function retryReason(step: string, { at, message, away }: NonNullable<Step["retry"]>): string {
  const when = new Date(at).toISOString();
  if (away === undefined) return `tries ${step} again at ${when}: ${message}`;
  return `${away} is away: ${step} is tried again from ${when}, without a call being counted${message === "" ? "" : `: ${message}`}`;
}

function waitReason({ ask }: Step): string {
  const until = ask.due === undefined ? "" : ` until ${new Date(ask.due).toISOString()}`;
  if (ask.v === "receive") return `waits for ${String(ask.ev)} of ${String(ask.key)}${until}`;
  if (ask.child !== undefined) return `waits for ${ask.child.process} ${ask.child.key}`;
  if (ask.v === "map") return `${ask.id} is under way`;
  return ask.v === "task" ? `waits for people: ${ask.id}${until}` : `sleeps${until}`;
}
