/** Judges how a process's code ended: completed, to be undone, or stopped with a question. */
import { thrownText } from "../../../errors.ts";
import { inWords, type Json, type Validate } from "../../../operation.ts";
import type { ParkedQuestion } from "../../engine.ts";
import { ChildFailed, DeclaredFault, FlowTimeout, type Rejection } from "../../flow.ts";
import { asText, jsonOf, type ValueLimits } from "../history/json-text.ts";
import { codeQuestion } from "./questions.ts";

/** How the code ended. */
export type Result = { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly error: unknown };

export type Ending =
  | { readonly kind: "completed"; readonly out: string }
  | {
      readonly kind: "undo";
      readonly as: "rejected" | "undone";
      readonly reason: string;
      readonly detail: Json | undefined;
    }
  | { readonly kind: "stop"; readonly question: ParkedQuestion };

/** Longest text of an error that user code threw, and of a reason: it stands in the run's row. */
const longestMessage = 2000;

export function endingOf(
  rejection: Rejection | undefined,
  result: Result | undefined,
  pivoted: boolean,
  validateOutput: Validate,
  limits: ValueLimits,
  /** Place of a stack in the version's sources. */
  where?: (stack: string) => string | undefined,
): Ending {
  if (rejection !== undefined) {
    if (pivoted) return afterPivot(`The process rejected after its pivot: ${rejection.reason}`);
    return {
      kind: "undo",
      as: "rejected",
      reason: rejection.reason.slice(0, longestMessage),
      detail: detailOf(rejection.detail),
    };
  }
  if (result?.ok === true) return completed(result.value, pivoted, validateOutput, limits);
  const error = result?.error;
  if (error instanceof DeclaredFault || error instanceof FlowTimeout || error instanceof ChildFailed) {
    if (pivoted) return afterPivot(`After its pivot the process failed: ${error.message}`);
    const detail = faultOf(error);
    return { kind: "undo", as: "undone", reason: error.message.slice(0, longestMessage), detail };
  }
  const { message, stack } = told(error);
  return stop(
    "process-threw",
    `The process's code threw: ${message.slice(0, longestMessage)}`,
    !pivoted,
    where?.(stack),
  );
}

/** The kind of the error, what it says, and where it was thrown. */
export function told(error: unknown): { readonly message: string; readonly stack: string } {
  const text = thrownText(error);
  try {
    if (error instanceof Error) return { message: `${error.name}: ${text}`, stack: String(error.stack ?? "") };
  } catch {
    // Then its text alone.
  }
  return { message: text, stack: "" };
}

function completed(value: unknown, pivoted: boolean, validateOutput: Validate, limits: ValueLimits): Ending {
  let out: string;
  try {
    out = asText(value ?? null, "the output", limits);
  } catch (error) {
    return stop("process-output", (error as Error).message, !pivoted);
  }
  const problems = validateOutput(JSON.parse(out));
  if (problems.length === 0) return { kind: "completed", out };
  return stop("process-output", `The output does not fit the process's output schema: ${inWords(problems)}`, !pivoted);
}

function faultOf(error: DeclaredFault | FlowTimeout | ChildFailed): Json | undefined {
  if (error instanceof DeclaredFault) return detailOf(error.fault);
  if (error instanceof FlowTimeout) return undefined;
  const { run, process, status, reason, detail } = error;
  return detailOf({ run, process, status, reason, detail });
}

/** A detail that is no JSON is left out: it explains the end, and must not prevent it. */
function detailOf(value: unknown): Json | undefined {
  try {
    return jsonOf(value);
  } catch {
    return undefined;
  }
}

function afterPivot(message: string): Ending {
  return stop("process-after-pivot", message, false);
}

function stop(code: Parameters<typeof codeQuestion>[0], message: string, undoable: boolean, at?: string): Ending {
  return { kind: "stop", question: codeQuestion(code, message, undoable, at) };
}
