/** Whether anything of a chain of runs took effect twice: what the verdicts of its calls say together. */
import type { CallTrace } from "./trace.ts";
import { times, type Verdict } from "./verdicts.ts";

/** A call with its verdict, in its run. */
export interface Judged {
  readonly run: string;
  readonly process: string;
  /** Business key. */
  readonly key: string;
  readonly call: CallTrace;
  readonly verdict: Verdict;
}

export const wholeKinds = [
  "no",
  "no-by-key",
  "no-by-probe",
  "no-by-word",
  "not-known",
  "under-way",
  "may-be-twice",
  "twice",
  "nothing-sent",
  "not-on-record",
] as const;

export interface WholeVerdict {
  readonly kind: (typeof wholeKinds)[number];
  readonly text: string;
  /** False: some of it is not on record any more, and the verdict does not speak of that. */
  readonly complete: boolean;
}

/** What is the same posting: a step by its name, over the rewinds and restarts of its run; an undo by what it takes back. */
interface Posting {
  readonly name: string;
  readonly all: Judged[];
  least: number;
  most: number;
}

function postingsIn(judged: readonly Judged[]): Posting[] {
  const postings = new Map<string, Posting>();
  for (const one of judged) {
    const { call, process, key, run, verdict } = one;
    if (call.effect === "read") continue;
    const id =
      call.kind === "undo"
        ? JSON.stringify([run, call.n])
        : JSON.stringify([process, key, call.step, call.operation ?? ""]);
    const posting = postings.get(id) ?? { name: call.step, all: [], least: 0, most: 0 };
    postings.set(id, posting);
    posting.all.push(one);
    posting.least += verdict.least;
    posting.most += verdict.most;
  }
  return [...postings.values()];
}

/** `missing`: what is not on record any more, each as a part of a sentence. `begun`: whether any of the runs has begun. */
export function wholeVerdict(judged: readonly Judged[], missing: readonly string[]): WholeVerdict {
  const postings = postingsIn(judged);
  const complete = missing.length === 0;
  const verdict = (kind: WholeVerdict["kind"], text: string): WholeVerdict => ({
    kind,
    text: complete ? text : `${text} Not part of this answer: ${missing.join("; ")}.`,
    complete,
  });
  if (judged.length === 0)
    return complete ? verdict("nothing-sent", "Nothing was sent.") : verdict("not-on-record", "No call is on record.");

  const twice = postings.filter(({ least }) => least > 1);
  if (twice.length > 0)
    return verdict("twice", `Yes: ${listed(twice, ({ name, least }) => `${name} took effect ${times(least)}`)}.`);
  const doubtful = postings.filter(({ most }) => most > 1);
  if (doubtful.length > 0)
    return verdict(
      "may-be-twice",
      `It may have: ${listed(doubtful, ({ name, most }) => `${name} may have taken effect ${times(most)}`)}.`,
    );
  const those = (...kinds: readonly Verdict["kind"][]) =>
    postings.filter(({ all }) => all.some(({ verdict: { kind } }) => kinds.includes(kind)));
  const open = those("not-known");
  if (open.length > 0)
    return verdict("not-known", `Not twice. It is not known whether ${listed(open, name)} happened at all.`);
  const underWay = those("under-way");
  if (underWay.length > 0) return verdict("under-way", `Not so far: ${listed(underWay, name)} is under way.`);
  const said = those("by-word");
  if (said.length > 0) return verdict("no-by-word", `No, if it is as people said of ${listed(said, name)}.`);
  const probed = those("probed");
  if (probed.length > 0)
    return verdict(
      "no-by-probe",
      `No, as far as probes tell: ${listed(probed, name)} was repeated after one found nothing.`,
    );
  const counted = those("counted-once");
  if (counted.length > 0)
    return verdict(
      "no-by-key",
      `No: ${listed(counted, name)} may have been sent more than once, but always under the same key, which counts once.`,
    );
  const happened = postings.filter(({ least }) => least > 0);
  if (happened.length === 0)
    return verdict(
      "no",
      postings.length === 0 ? "No: it only read." : "No: nothing is in place of what was sent, or nothing was sent.",
    );
  return verdict("no", "No: everything that took effect was sent once.");
}

const name = (posting: Posting): string => posting.name;
const mostNamed = 5;

function listed(postings: readonly Posting[], words: (posting: Posting) => string): string {
  const shown = postings.slice(0, mostNamed).map(words);
  const more = postings.length - shown.length;
  return `${shown.join(", ")}${more === 0 ? "" : ` and ${more} more`}`;
}
