/** Input and output of a SQL operation that does not fit its contract. */
import type { OperationModel } from "../../contract/model.ts";
import { failure } from "../../errors.ts";
import { inWords, type Problem } from "../../operation.ts";

/** Throws if there are problems. `none` for the output, too: it is looked at before the commit. */
export function refuseProblems(
  code: "contract-input" | "contract-output",
  { name }: OperationModel,
  problems: readonly Problem[],
  outcome: "none" | "unknown",
): void {
  if (problems.length === 0) return;
  throw failure(code, { operation: name, problems: inWords(problems) }, { outcome, details: problems });
}
