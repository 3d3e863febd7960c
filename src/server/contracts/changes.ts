/**
 * What differs between the pinned contract and the one that the system has now: by names (operations, events, schemas, tables), and by
 * the findings of the comparer, as many as are worth keeping.
 */
import { compareContracts } from "../../contract/compare/compare.ts";
import type { Comparison, Finding, Verdict } from "../../contract/compare/finding.ts";
import type { ContractModel } from "../../contract/model.ts";
import { canonicalJson } from "../../formats/json.ts";

export interface Changed {
  readonly added: readonly string[];
  readonly removed: readonly string[];
  readonly changed: readonly string[];
}

export interface ContractChanges {
  readonly operations: Changed;
  readonly events: Changed;
  readonly schemas: Changed;
  /** Of a database: columns, keys, defaults, comments. */
  readonly tables: Changed;
}

/** A finding as it is kept and shown: cut where it is long. */
export interface KeptFinding extends Pick<Finding, "rule" | "verdict" | "side" | "at" | "reason"> {
  /** Left out where it is large. */
  readonly example?: Finding["example"];
  /** Other places of the same change. */
  readonly also: number;
}

export interface Judged {
  readonly verdict: Verdict;
  readonly counts: Readonly<Record<Verdict, number>>;
  /** The worst ones, at most 50. */
  readonly findings: readonly KeptFinding[];
  /** Operations and events of the pin that a finding which is not safe is about. */
  readonly touches: readonly string[];
}

const mostFindings = 50;
const longest = { example: 600, at: 300, reason: 500 } as const;

export function judged(pinned: ContractModel, now: ContractModel): Judged {
  return keptOf(compareContracts(pinned, now));
}

export function keptOf({ verdict, findings }: Comparison): Judged {
  const of = (which: Verdict) => findings.filter((finding) => finding.verdict === which).length;
  const members = findings
    .filter((finding) => finding.verdict !== "safe")
    .flatMap(({ places }) => places.map(({ member }) => member))
    .filter((member) => member !== "");
  return {
    verdict,
    counts: { breaking: of("breaking"), review: of("review"), safe: of("safe") },
    findings: findings
      .slice(0, mostFindings)
      .map(({ rule, verdict: own, side, at, reason, example, also, more = 0 }) => ({
        rule,
        verdict: own,
        side,
        at: cut(at, longest.at),
        reason: cut(reason, longest.reason),
        ...(example === undefined || JSON.stringify(example).length > longest.example ? {} : { example }),
        also: also.length + more,
      })),
    touches: [...new Set(members)],
  };
}

function cut(text: string, most: number): string {
  return text.length <= most ? text : `${text.slice(0, most)}…`;
}

type Named = Readonly<Record<string, unknown>>;

/** `undefined` where nothing differs. Words for people (summaries, titles) count as well: the contract is what is committed. */
export function changesOf(pinned: ContractModel, now: ContractModel): ContractChanges | undefined {
  const changes: ContractChanges = {
    operations: compare(pinned.operations, now.operations),
    events: compare(pinned.events, now.events),
    schemas: compare(pinned.schemas, now.schemas),
    tables: compare(
      { ...pinned.database?.tables, ...pinned.database?.types },
      { ...now.database?.tables, ...now.database?.types },
    ),
  };
  const none = Object.values(changes).every(
    ({ added, removed, changed }: Changed) => added.length + removed.length + changed.length === 0,
  );
  return none ? undefined : changes;
}

function compare(before: Named, now: Named): Changed {
  const has = (where: Named, name: string) => Object.hasOwn(where, name);
  const names = Object.keys(before);
  return {
    added: Object.keys(now).filter((name) => !has(before, name)),
    removed: names.filter((name) => !has(now, name)),
    changed: names.filter((name) => has(now, name) && canonicalJson(before[name]) !== canonicalJson(now[name])),
  };
}

/** `2 breaking, 1 for review, 3 safe; operations: -ping +pong; schemas: ~Stock`. */
export function judgedInWords({ counts: { breaking, review, safe } }: Judged, changes: ContractChanges): string {
  const found =
    breaking + review + safe === 0
      ? "nothing changes for anybody who calls it"
      : `${breaking} breaking, ${review} for review, ${safe} safe`;
  return `${found}; ${changesInWords(changes)}`;
}

/** `operations: +a -b ~c; schemas: ~D`: names only, cut where there are many. */
export function changesInWords(changes: ContractChanges): string {
  return Object.entries(changes)
    .map(([what, { added, removed, changed }]: [string, Changed]) => {
      const signs = [
        ...removed.map((name) => `-${name}`),
        ...changed.map((name) => `~${name}`),
        ...added.map((name) => `+${name}`),
      ];
      if (signs.length === 0) return "";
      return `${what}: ${signs.slice(0, 8).join(" ")}${signs.length > 8 ? ` and ${signs.length - 8} more` : ""}`;
    })
    .filter((text) => text !== "")
    .join("; ");
}
