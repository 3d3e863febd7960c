/**
 * Where something can go wrong in a history, and what. A fault is named in words, "payments.capture call 1: acts, answer lost", so that it
 * can be read in a report and put into a test as it stands.
 */
import { definitionOf, systemOf } from "../connectors/system.ts";
import { exampleOf } from "../contract/example/example.ts";
import { operationValidators } from "../contract/validate.ts";
import { type AnyOperation, type Json, milliseconds } from "../operation.ts";
import { FaultAnswer, fails } from "./answers.ts";
import type { Interference } from "./fakes.ts";
import type { StepInterference } from "./hooks.ts";
import type { Outside } from "./outside.ts";

/** A place in a history, and what can be put there. */
export interface Point {
  readonly name: string;
  readonly faults: readonly string[];
}

export const crashBefore = "crash before it is on disk";
export const crashAfter = "crash when it is on disk";
export const early = "comes early";
export const late = "comes late";
export const never = "never comes";
export const unanswered = "is never answered";

export const commitFaults = [crashBefore, crashAfter] as const;

const callFaults: Readonly<Record<string, Interference>> = {
  "is not sent": { kind: "fails", with: fails.none() },
  "is refused": { kind: "fails", with: fails.refused() },
  "gets no answer, and did nothing": { kind: "fails", with: fails.unknown() },
  "is answered last": { kind: "answers-last" },
  "crash before it arrives": { kind: "crash", point: "before" },
  "crash before its answer comes": { kind: "crash", point: "after" },
};
const lost = "acts, and the answer is lost";
const actsLater = "gets no answer, and acts later";
const declared = "answers with the fault ";

const stepFaults: Readonly<Record<string, StepInterference>> = {
  "throws at once": "fails",
  "is done, and its result is lost": "loses",
  "crash before it is done": "crash before",
  "crash before its result is known": "crash after",
};
export const stepFaultNames = Object.keys(stepFaults);

/** What can go wrong in a call of this operation. */
export function faultsOf(operation: AnyOperation): string[] {
  const acts = operation.effect === "read" ? [] : [lost, actsLater];
  return [...Object.keys(callFaults), ...acts, ...declaredFaults(operation).keys()];
}

/** As the fake does it. */
export function interferenceOf(operation: AnyOperation, fault: string): Interference | undefined {
  if (fault === lost) return { kind: "loses" };
  if (fault === actsLater) {
    // Within the settle time: what acts even later breaks what its contract says.
    const settle = operation.probe === undefined ? 100 : milliseconds(operation.probe.settle ?? "5s") / 2;
    return { kind: "acts-later", ms: settle };
  }
  if (Object.hasOwn(callFaults, fault)) return callFaults[fault];
  const answer = declaredFaults(operation).get(fault);
  return answer === undefined ? undefined : { kind: "fault", with: answer };
}

export function stepInterferenceOf(fault: string): StepInterference | undefined {
  return Object.hasOwn(stepFaults, fault) ? stepFaults[fault] : undefined;
}

const known = new WeakMap<AnyOperation, ReadonlyMap<string, FaultAnswer>>();

/** The declared faults of which the contract lets an example be made. */
function declaredFaults(operation: AnyOperation): ReadonlyMap<string, FaultAnswer> {
  let faults = known.get(operation);
  if (faults === undefined) {
    faults = madeOf(operation);
    known.set(operation, faults);
  }
  return faults;
}

function madeOf(operation: AnyOperation): ReadonlyMap<string, FaultAnswer> {
  const faults = new Map<string, FaultAnswer>();
  const system = systemOf(operation);
  const contract = system === undefined ? undefined : definitionOf(system)?.contract;
  const model = contract?.operations[operation.name];
  if (contract === undefined || model === undefined) return faults;
  for (const [name, { detail }] of Object.entries(model.faults)) {
    const example: Json | undefined = exampleOf(detail, contract.schemas, { side: "output", optional: "none" });
    if (example !== undefined && operationValidators(contract, model).fault(name)(example).length === 0)
      faults.set(`${declared}${name}`, new FaultAnswer(name, example, ""));
  }
  return faults;
}

/** The points of what comes from outside. */
export function outsidePoints(outside: readonly Outside[]): Point[] {
  return outside.map((one) =>
    one.kind === "event"
      ? { name: `event ${one.event.system}.${one.event.name}`, faults: [early, late, never] }
      : {
          name: `task ${one.task.name}`,
          faults: [...one.answers.slice(1).map((_, index) => answerNumber(index + 2)), unanswered],
        },
  );
}

/** Of a decision with several answers, from 2. */
export function answerNumber(number: number): string {
  return `answer ${number}`;
}
