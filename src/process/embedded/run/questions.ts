/** The parked question: why a run is parked, what is known, what each answer will do (P3, P6). */
import type { StoredFailure } from "../../../operation.ts";
import type { KnownOfStep, OperatorAct, ParkedQuestion } from "../../engine.ts";
import type { HistoryRecord } from "../history/records.ts";
import type { Divergence } from "./divergence.ts";

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
const happened = answer(
  "happened",
  "Records the result you give as the step's own; the run goes on. Nothing is called.",
);

/** What a question about a step is made of. */
export interface StepFacts {
  readonly step: string;
  readonly failure: StoredFailure;
  readonly known: KnownOfStep;
  readonly now: number;
  /** Whether the run may still be undone, and whether the step itself has an undo. */
  readonly undoable: boolean;
  readonly undone: boolean;
  /** The system never saw the key. */
  readonly keyless: boolean;
}

const onceMended = " Answer so once the result will be another.";

/** A step that can't go on by itself. */
export function stepQuestion(code: StepCode, facts: StepFacts): ParkedQuestion {
  const { step, failure, known } = facts;
  const repeat = code === "step-unknown" ? "repeat" : "retry";
  const forward: Answers =
    code === "step-unknown" || code === "step-result"
      ? [happened, answer(repeat, `${repeating(facts)}${code === "step-result" ? onceMended : ""}`)]
      : [answer(repeat, repeating(facts)), happened];
  return {
    code,
    step,
    failure,
    known,
    message: `${inShort(code, facts)} ${failure.message.replace(/\.?$/, ".")}${more(code, facts)}`,
    answers: [...forward, ...backwards(facts)],
  };
}

function inShort(code: StepCode, { step, failure, known }: StepFacts): string {
  switch (code) {
    case "step-unknown":
      return `It is not known whether ${step} happened, and a repeat may do harm.`;
    case "step-result":
      return `${step} happened, and its result can't be recorded.`;
    case "step-attempts":
      return known.attempts === 0
        ? `${step} was not tried in the time that its retry policy gives.`
        : `${step} failed in every attempt that its retry policy gives.`;
    case "step-gave-up":
      return failure.class === "ask"
        ? `${step} got no answer that can be used.`
        : `${step} was refused for a reason that stays.`;
  }
}

/** What helps to find out. */
function more(code: StepCode, facts: StepFacts): string {
  const { known } = facts;
  if (code === "step-result") return "";
  const probed = known.probeFoundNothingAt === undefined ? "" : " Its probe found that it has not happened.";
  const expired = isExpired(facts) ? " The system has forgotten the step's key since: its lifetime is over." : "";
  if (code === "step-unknown") return `${expired} ${capital(whereToLook(facts))}`;
  if (known.effect === "read") return "";
  if (!known.mayHaveHappened) return probed === "" ? " It has surely not happened." : probed;
  return `${expired} An attempt may have happened all the same: ${whereToLook(facts)}`;
}

function whereToLook({ known, keyless }: StepFacts): string {
  return keyless
    ? "look in the system for what the step was to do, by its input: the system takes no key."
    : `look in the system for the key ${known.key}.`;
}

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

function isExpired({ known, now }: StepFacts): boolean {
  return known.effect === "idempotent" && known.keyUntil !== undefined && now > known.keyUntil;
}

/** What another attempt may do. */
function repeating(facts: StepFacts): string {
  const { effect, mayHaveHappened, keyUntil } = facts.known;
  if (effect === "read") return "Calls again. It only reads.";
  if (!mayHaveHappened) return "Calls again, with the same key. No attempt had an effect, so nothing is done twice.";
  if (effect === "unrepeatable") return "Calls again, with the same key. If it did happen, it then happened twice.";
  if (isExpired(facts))
    return "Calls again, with the same key, which the system has forgotten. If it did happen, it then happened twice.";
  if (keyUntil === undefined) return "Calls again, with the same key, which the system honours: nothing is done twice.";
  const until = new Date(keyUntil).toISOString();
  return `Calls again, with the same key, which the system honours until ${until}: nothing is done twice until then.`;
}

/** What undo does about the step itself. */
function backwards({ known, undoable, undone }: StepFacts): Answers {
  const own =
    known.effect === "read"
      ? ""
      : !known.mayHaveHappened
        ? " This step has not happened, and is left out."
        : undone
          ? " This step is undone too, since it may have happened."
          : " This step has no undo: if it happened, that stays.";
  const left = known.mayHaveHappened && known.effect !== "read" ? " If this step happened, that stays." : "";
  const end = { ...terminate, effect: `${terminate.effect}${left}` };
  if (!undoable) return [end];
  return [{ ...undo, effect: undo.effect + own }, { ...cancel, effect: cancel.effect + own }, end];
}

/** The undo of a step that can't be done. */
export function undoQuestion(
  step: string,
  message: string,
  failure: StoredFailure | undefined,
  known?: KnownOfStep,
): ParkedQuestion {
  return {
    code: "undo-failed",
    step,
    ...(failure === undefined ? {} : { failure }),
    ...(known === undefined ? {} : { known }),
    message: `The undo of ${step} can't be done: ${message}`,
    answers: [
      answer("retry", "Tries the undo again, with the same key."),
      answer("happened", "You took the effect back by hand: the undo counts as done, and the next one follows."),
      answer("cancel", "The run ends as cancelled once its undo is done. This undo still asks to be answered."),
      answer("terminate", "Ends the run at once. What is not undone by then stays."),
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

/** The code waits for something that no history holds. */
export function foreignAwaitQuestion(what: string, at: string | undefined, undoable: boolean): ParkedQuestion {
  const message = `The process ${what} something other than a verb of flow. Such a wait is not recorded and can't be replayed: wrap it in flow.step.`;
  return codeQuestion("process-foreign-await", message, undoable, at);
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

/** How long a history may be before a person is asked. */
export interface HistoryLimits {
  readonly records: number;
  readonly bytes: number;
}

/** Each time that a person lets the run go on, it may grow by as much again. */
export function historyLimits(records: readonly HistoryRecord[], bytes: number): HistoryLimits {
  let times = 1;
  for (const record of records) if (record.t === "park" && record.q.code === "history-full") times += 1;
  return { records: longestHistory * times, bytes: bytes * times };
}

/** `bytes`: of the history; `most`: how many it may grow by. */
export function historyQuestion(bytes: number, most: number, limits: HistoryLimits, undoable: boolean): ParkedQuestion {
  const large = bytes >= limits.bytes;
  const size = large ? `${Math.floor(bytes / 1024)} kB` : `${limits.records} records`;
  const advice = large
    ? "Keep large values elsewhere and pass references"
    : "Let the process work through lists with flow.map";
  const message = `The history of this run has ${size}. Each restart reads and follows all of it. ${advice}, and go on with flow.continueAs.`;
  const { answers, ...question } = codeQuestion("history-full", message, undoable);
  const [, ...others] = answers;
  return {
    ...question,
    answers: [
      answer("retry", `Lets the run go on for another ${longestHistory} records or ${Math.floor(most / 1024)} kB.`),
      ...others,
    ],
  };
}
