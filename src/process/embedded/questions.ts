/** The parked question: why a run is parked, what is known, what each answer will do (P3, P6). */
import type { StoredFailure } from "../../operation.ts";
import type { OperatorAct, ParkedQuestion } from "../engine.ts";
import type { Divergence } from "./divergence.ts";
import type { HistoryRecord } from "./records.ts";

/** Every reason for which a run parks; docs/reference/parked-runs.md has a section for each. */
export const questionCodes = [
  "step-unknown",
  "step-attempts",
  "step-gave-up",
  "step-result",
  "undo-failed",
  "process-diverged",
  "process-threw",
  "process-foreign-await",
  "process-output",
  "process-after-pivot",
  "process-missing",
  "process-unreadable",
  "process-quarantined",
  "child-conflict",
  "child-gone",
  "child-input",
  "child-unknown",
  "continue-input",
  "history-full",
] as const;
type QuestionCode = (typeof questionCodes)[number];
type StepCode = QuestionCode & `step-${string}`;
type CodeCode = Exclude<QuestionCode & `process-${string}`, "process-diverged"> | "continue-input" | "history-full";

type Answers = ParkedQuestion["answers"];
const answer = (kind: OperatorAct["kind"], effect: string) => ({ kind, effect });

const undo = answer("undo", "Undoes the steps that took effect, last first, and ends the run as undone.");
const cancel = answer("cancel", "Undoes the steps that took effect, last first, and ends the run as cancelled.");
const terminate = answer("terminate", "Ends the run at once. Nothing is undone.");
const happened = answer("happened", "Records the result you give as the step's own; the run goes on.");

/** A step that can't go on by itself. */
export function stepQuestion(
  code: StepCode,
  step: string,
  key: string,
  failure: StoredFailure,
  undoable: boolean,
): ParkedQuestion {
  const known = failure.message.replace(/\.?$/, ".");
  const backwards: Answers = undoable ? [undo, cancel, terminate] : [terminate];
  if (code === "step-unknown") {
    return {
      code,
      step,
      failure,
      message: `It is not known whether ${step} happened, and a repeat may do harm. ${known} Look in the system for the key ${key}.`,
      answers: [
        happened,
        answer("repeat", "Calls again with the same key. If it did happen, it then happened twice."),
        ...backwards,
      ],
    };
  }
  if (code === "step-result") {
    return {
      code,
      step,
      failure,
      message: `${step} happened, and its result can't be recorded. ${known}`,
      answers: [
        happened,
        answer("retry", "Calls again with the same key. Answer so once the result will be another."),
        ...backwards,
      ],
    };
  }
  const message =
    code === "step-attempts"
      ? `${step} failed in every attempt. ${known}`
      : `${step} was refused in a way that a repeat does not mend. ${known}`;
  const again =
    failure.outcome === "none"
      ? "Calls again. The last attempt surely had no effect."
      : "Calls again with the same key, which the system honours.";
  return { code, step, failure, message, answers: [answer("retry", again), happened, ...backwards] };
}

/** The undo of a step that can't be done. */
export function undoQuestion(step: string, message: string, failure: StoredFailure | undefined): ParkedQuestion {
  return {
    code: "undo-failed",
    step,
    ...(failure === undefined ? {} : { failure }),
    message: `The undo of ${step} can't be done: ${message}`,
    answers: [
      answer("retry", "Tries the undo again, with the same key."),
      answer("happened", "You took the effect back by hand: the undo counts as done, and the next one follows."),
      answer("cancel", "The run ends as cancelled once its undo is done. This undo still asks to be answered."),
      terminate,
    ],
  };
}

/** A child run that can't be begun or waited for. With a `step` the ask is recorded; else the code stopped before it. */
export function childQuestion(
  code: QuestionCode & `child-${string}`,
  message: string,
  step: string | undefined,
  undoable: boolean,
): ParkedQuestion {
  const backwards: Answers = undoable ? [undo, cancel, terminate] : [terminate];
  if (step === undefined) {
    return {
      code,
      message,
      answers: [answer("retry", "Replays the history and runs the code from where it stopped."), ...backwards],
    };
  }
  return {
    code,
    message,
    step,
    answers: [
      answer("retry", "Looks for the child again, and starts it where its key is free."),
      happened,
      ...backwards,
    ],
  };
}

const unfollowed = "The code does not follow this run's history. ";
const mended = " The run goes on only with code that asks the same: mend the code, deploy it, and move the run there.";

/** What a divergence's question says of it, without what is to be done. */
export function divergenceIn(message: string): string {
  return message.startsWith(unfollowed) && message.endsWith(mended)
    ? message.slice(unfollowed.length, -mended.length)
    : message;
}

/** The code does not follow the history (P4). */
export function divergenceQuestion(
  { step, message, recorded, asked }: Divergence,
  at: string | undefined,
  undoable: boolean,
): ParkedQuestion {
  return {
    code: "process-diverged",
    message: `${unfollowed}${message}${mended}`,
    step,
    ...(at === undefined ? {} : { at }),
    recorded,
    asked,
    answers: [
      answer("retry", "Replays the history from the start on the run's code version."),
      ...(undoable ? [undo, cancel] : []),
      terminate,
    ],
  };
}

/** The process's own code stopped. */
export function codeQuestion(code: CodeCode, message: string, undoable: boolean, at?: string): ParkedQuestion {
  return {
    code,
    message,
    ...(at === undefined ? {} : { at }),
    answers: [
      answer("retry", "Replays the history and runs the code from where it stopped. No finished step is repeated."),
      ...(undoable ? [undo, cancel] : []),
      terminate,
    ],
  };
}

/** Records that a history may have before a person is asked. */
const longestHistory = 10_000;

/** Each time that a person lets the run go on, it may grow by as much again. */
export function historyLimit(records: readonly HistoryRecord[]): number {
  if (records.length < longestHistory) return longestHistory;
  return (
    longestHistory * (1 + records.filter((record) => record.t === "park" && record.q.code === "history-full").length)
  );
}

export function historyQuestion(limit: number, undoable: boolean): ParkedQuestion {
  const message = `The history of this run has ${limit} records. Each restart reads and follows all of them. Let the process work through lists with flow.map, and go on with flow.continueAs.`;
  const { answers, ...question } = codeQuestion("history-full", message, undoable);
  const [, ...others] = answers;
  return {
    ...question,
    answers: [answer("retry", `Lets the run go on for another ${longestHistory} records.`), ...others],
  };
}
