/** What an idempotency record tells of the call that its request made straight away. The rules are those of docs/reference/idempotency.md. */
import type { AnyOperation } from "../../operation.ts";
import type { OperationFacts, Verdict } from "../../process/verdicts.ts";
import type { WholeVerdict } from "../../process/whole-verdict.ts";
import { type KeyRecord, straightCall } from "../../publish/key-records.ts";
import type { StraightCall } from "./answer.ts";

/** `operation`: as the API is published now; `undefined` where it is no more. */
export function straightOf(
  record: KeyRecord,
  operation: AnyOperation | undefined,
  facts: OperationFacts | undefined,
): StraightCall {
  return {
    ...(operation === undefined
      ? {}
      : { operation: `${operation.system}.${operation.name}`, effect: operation.effect }),
    key: `${straightCall}${record.id}`,
    verdict: verdictOf(record, operation, facts),
  };
}

function verdictOf(record: KeyRecord, operation: AnyOperation | undefined, facts: OperationFacts | undefined): Verdict {
  const system = operation?.system ?? "the system";
  const idempotent = operation?.effect === "idempotent";
  const once =
    facts?.takesKey === false
      ? `a repeat of ${operation?.system}.${operation?.name} is harmless by its definition`
      : `${system} takes the key and counts it once`;
  const may = (kind: Verdict["kind"], text: string): Verdict => ({ kind, text, least: 0, most: 1 });
  const none = (kind: Verdict["kind"], text: string): Verdict => ({ kind, text, least: 0, most: 0 });
  const again = record.again ? ` It may have been sent more than once, always under this key: ${once}.` : "";
  switch (record.state) {
    case "under-way":
      return may("under-way", "Under way: there is no answer yet.");
    case "open":
      return idempotent
        ? may(
            "not-known",
            `Not known: no answer is on record. The next request with the key sends it again under the same effect key: ${once}.`,
          )
        : may(
            "not-known",
            `Not known: no answer is on record, since Mortise was stopped during the call. It is never sent again under this key. Look in ${system} for the effect key.`,
          );
    case "answered": {
      const { status = 0, problem, gave } = record;
      if (gave === "output")
        return record.again
          ? { kind: "counted-once", text: `Answered.${again}`, least: 1, most: 1 }
          : { kind: "once", text: "Sent once, and answered.", least: 1, most: 1 };
      const said = `${system} answered with a declared fault`;
      if (gave === "fault" && !record.again) return none("refused", `Refused: ${said}, so it did not happen.`);
      if (gave === "fault")
        return facts?.takesKey === true
          ? none(
              "refused",
              `Refused: ${said}. It may have been sent more than once, but its answer is for the key, so none of them happened.`,
            )
          : may("not-known", `Not known: ${said}, but a call before it may have happened.${again}`);
      if (problem === "system-outcome-unknown")
        return may(
          "not-known",
          `Not known: the answer was lost. It is never sent again under this key. Look in ${system} for the effect key.`,
        );
      if (problem === "system-failed" && !record.again)
        return none("no-effect", `It surely did not happen: ${system} failed or refused it.`);
      const code = problem === undefined ? "" : ` (${problem})`;
      return may("not-known", `Not known: the request was answered with ${status}${code}.${again}`);
    }
  }
}

const kinds: Partial<Readonly<Record<Verdict["kind"], WholeVerdict["kind"]>>> = {
  "counted-once": "no-by-key",
  "not-known": "not-known",
  "under-way": "under-way",
};

/** A straight call is all that its request did. */
export function wholeOfStraight({ verdict }: StraightCall): WholeVerdict {
  const kind = kinds[verdict.kind] ?? "no";
  const no = kind === "no" || kind === "no-by-key";
  const text =
    verdict.kind === "once"
      ? "No: it was sent once."
      : verdict.kind === "counted-once"
        ? "No: it may have been sent more than once, but always under the same key, which counts once."
        : no
          ? "No: it did not happen."
          : kind === "under-way"
            ? "Not so far: it is under way."
            : "Not twice. It is not known whether it happened at all.";
  return { kind, text, complete: true };
}
