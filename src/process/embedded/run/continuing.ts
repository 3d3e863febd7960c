/** Keeps the history of a long run small: its next part begins without what was before, and items of maps that are over are folded. */
import { inWords, type Json } from "../../../operation.ts";
import type { ParkedQuestion } from "../../engine.ts";
import { asText } from "../history/json-text.ts";
import type { Code } from "./code.ts";
import type { Running } from "./host.ts";
import { codeQuestion } from "./questions.ts";

/**
 * The next part of the run, in one commit with the end of this one; or why it can't begin. `asked`: questions that the run has asked: they
 * are counted on.
 */
export function nextPart(
  { host, identity, journal, pivoted }: Running,
  code: Code,
  given: unknown,
  asked: number,
): ParkedQuestion | undefined {
  const refused = (message: string) => codeQuestion("continue-input", message, !pivoted);
  let input: string;
  try {
    input = asText(given, "the input of the next part", host.valueLimits);
  } catch (error) {
    return refused((error as Error).message);
  }
  const problems = host.process(identity.process)?.validateInput(JSON.parse(input) as Json) ?? [];
  if (problems.length > 0)
    return refused(`The input of the next part does not fit the process's input schema: ${inWords(problems)}`);
  journal.next({ at: host.now(), part: code.part + 1, from: code.asked, parks: asked }, input);
  journal.drop();
  journal.state("running");
  return undefined;
}

/** Records of items that are over, from which on a history is compacted; fewer where it has grown by many characters. */
const foldRecords = 500;
const foldCharacters = 256 * 1024;
const foldFew = 20;

export class Folding {
  /** Characters of what the last compaction left. */
  #left = 0;

  /** Each compaction writes all that is left anew: the next one waits until half as much has come to it. */
  consider(execution: Running, code: Code): void {
    const { items } = code;
    const { journal, host } = execution;
    const { bytes } = journal;
    const many = items.foldable >= foldRecords || (bytes >= foldCharacters && items.foldable >= foldFew);
    if (!many || bytes * 2 < this.#left) return;
    items.foldable = 0;
    journal.counted();
    journal.whenCommitted(() =>
      host.compact(execution, (gone, left) => {
        this.#left = left;
        journal.compacted(left);
        code.shortened(gone);
      }),
    );
  }
}
