/** What a contract says and nobody checks: no reason not to call a system, and one not to promise it to callers. */
import type { ContractSource } from "./model.ts";

const mostShown = 3;

/** Why an API can't implement the contract, with the remedy; `undefined`: all that it refuses can be refused. */
export function uncheckedProblem({ unchecked = [] }: Pick<ContractSource, "unchecked">): string | undefined {
  if (unchecked.length === 0) return undefined;
  const more = unchecked.length - mostShown;
  const shown = [...unchecked.slice(0, mostShown), ...(more > 0 ? [`and ${more} more`] : [])].join("; ");
  return `its contract says what can't be checked, and callers would be promised it: ${shown}; mend it in the document, and take that with mortise implement --replace`;
}
