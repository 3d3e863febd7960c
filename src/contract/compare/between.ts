/** Schemas of two versions at one place: what breaks, what can't be decided, and what is only wider. */
import type { JsonSchema } from "../../operation.ts";
import type { Whole } from "./checked.ts";
import type { Side } from "./finding.ts";
import { type Proof, prove } from "./prove.ts";
import type { Both, Found } from "./rules/rule.ts";
import { unnamedMembers } from "./schema/inside.ts";
import type { Issue } from "./schema/issue.ts";

export interface Place {
  readonly side: Exclude<Side, "contract">;
  readonly member: string;
  readonly place: string;
}

/** How a subject in the plural goes on. */
const sentences: Readonly<Record<Place["side"], { readonly worse: string; readonly wider: string }>> = {
  request: { worse: "were accepted and are refused now", wider: "are accepted now" },
  answer: { worse: "can be answered now", wider: "are no longer answered" },
  fault: { worse: "can be the detail of the fault now", wider: "are no longer the detail of the fault" },
  event: { worse: "can come now", wider: "no longer come" },
};

const endings: Readonly<Record<string, string>> = {
  "ignored-property": "are accepted, but the new version knows nothing of them",
  "property-added": "is new, and may be left out",
  "property-removed": "is gone; it could be missing before",
};

function undecided(side: Place["side"]): string {
  return side === "request"
    ? "may be among those that are refused now; it can't be decided"
    : "may be among what comes now; it can't be decided";
}

/** Every change between the schemas. Views are taken here: `old` and `now` are schemas of the models. */
export function* between(both: Both, at: Place, old: JsonSchema, now: JsonSchema): Iterable<Found> {
  const request = at.side === "request";
  const kind = request ? "request" : "answer";
  const views = both.views(kind);
  const before: Whole = { schema: views.old.of(old), definitions: views.old.definitions };
  const after: Whole = { schema: views.now.of(now), definitions: views.now.definitions };
  const [giver, taker] = request ? [before, after] : [after, before];
  const walk = both.walk(kind, false);
  if (walk.same(giver.schema, taker.schema)) return;
  const seen = new Set<string>();
  for (const issue of walk.ask(giver.schema, taker.schema)) {
    const key = keyOf(issue);
    if (seen.has(key)) continue;
    const found = judged(both, issue, at, giver, taker);
    if (found === undefined) continue;
    seen.add(key);
    yield found;
  }
  const back = both.walk(kind, true);
  for (const issue of back.ask(taker.schema, giver.schema)) {
    const key = keyOf(issue);
    if (seen.has(key) || issue.verdict === "review" || issue.verdict === "safe") continue;
    seen.add(key);
    // Nothing shows that the two differ at all: what was asked first has decided.
    if (issue.verdict === undefined && proved(both, issue, `${at.side} back`, taker, giver).result !== "proven")
      continue;
    yield {
      ...placed(issue, at),
      verdict: "safe",
      reason: `${issue.what} ${sentences[at.side].wider}`,
    };
  }
}

/** Once for each change of a named schema. */
function proved(both: Both, issue: Issue, asked: string, giver: Whole, taker: Whole): Proof {
  if (issue.named === undefined) return prove(issue, giver, taker, both.work);
  const key = [asked, issue.rule, issue.what, issue.named].join("\n");
  const known = both.proofs.get(key);
  if (known !== undefined) return known;
  const proof = prove(issue, giver, taker, both.work);
  // What is open at one place may be proven at another; that it was tried is worth something, too.
  both.proofs.set(key, proof);
  return proof;
}

function judged(both: Both, issue: Issue, at: Place, giver: Whole, taker: Whole): Found | undefined {
  const refused = unnamed(both, issue, at, giver, taker);
  if (refused !== undefined) return refused;
  if (issue.rule === unnamedMembers) return undefined;
  const proof: Proof = issue.verdict === "safe" ? { result: "open" } : proved(both, issue, at.side, giver, taker);
  if (proof.result === "none") return undefined;
  const verdict = issue.verdict ?? (proof.result === "proven" ? "breaking" : "review");
  const ending = endings[issue.rule] ?? (verdict === "review" ? undecided(at.side) : sentences[at.side].worse);
  return {
    ...placed(issue, at),
    verdict,
    reason: `${issue.what} ${ending}`,
    ...(proof.example === undefined ? {} : { example: proof.example }),
  };
}

/** Members of an open object that are not named, or not any more, where the server takes nothing that is not named. */
function unnamed(both: Both, issue: Issue, at: Place, giver: Whole, taker: Whole): Found | undefined {
  const { refusesUnnamed, work } = both;
  const isAsked = issue.rule === "ignored-property" || issue.rule === unnamedMembers;
  if (refusesUnnamed === undefined || at.side !== "request" || !isAsked) return undefined;
  const { result, example } = prove(issue, giver, taker, work, refusesUnnamed);
  if (result !== "proven") return undefined;
  return {
    ...placed(issue, at),
    rule: "unknown-property",
    verdict: "breaking",
    reason: `${issue.what} ${sentences.request.worse}: this server takes only what the description names`,
    ...(example === undefined ? {} : { example }),
  };
}

function placed(
  issue: Issue,
  at: Place,
): Pick<Found, "rule" | "side" | "member" | "place" | "path" | "about" | "named"> {
  return {
    rule: issue.rule,
    side: at.side,
    member: at.member,
    place: at.place,
    path: issue.path,
    ...(issue.about === undefined ? {} : { about: issue.about }),
    ...(issue.named === undefined ? {} : { named: issue.named }),
  };
}

function keyOf(issue: Issue): string {
  return `${issue.rule} ${issue.path.join("/")}`;
}
