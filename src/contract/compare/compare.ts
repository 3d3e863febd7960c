/**
 * Compares two versions of a contract, whatever language they are written in. Requests may widen, answers and events may narrow.
 * What breaks is proven by a value where values are what changed; what can't be decided is for review, never safe.
 */
import type { ContractModel, OperationModel } from "../model.ts";
import type { RefusesUnnamed } from "./checked.ts";
import { type Comparison, type Finding, toldPlaces, type Verdict, worse } from "./finding.ts";
import { contractRules } from "./rules/index.ts";
import { Both, type Found, type OperationPair } from "./rules/rule.ts";
import type { Work } from "./schema/walk.ts";

/**
 * Every finding once, the worst first. The same models give the same findings in the same order. `work` counts what it took, which grows
 * with the size of the contracts and not with the number of ways through them. `refusesUnnamed`: what the server of these contracts refuses of a
 * request that its schema would take.
 */
export function compareContracts(
  old: ContractModel,
  now: ContractModel,
  work: Work = { steps: 0, tries: 0 },
  refusesUnnamed?: RefusesUnnamed,
): Comparison {
  const both = new Both(old, now, pairsOf(old, now), work, refusesUnnamed);
  const found: Found[] = [];
  for (const rule of contractRules) {
    for (const each of rule.contract?.(both) ?? []) found.push(each);
    if (rule.operation !== undefined)
      for (const pair of both.operations) for (const each of rule.operation(both, pair)) found.push(each);
    if (rule.event !== undefined)
      for (const pair of both.events) for (const each of rule.event(both, pair)) found.push(each);
  }
  const findings = together(found);
  return { verdict: findings.reduce<Verdict>((worst, { verdict }) => worse(worst, verdict), "safe"), findings };
}

/** The same operation in both: by method and path where it has them (names of path parameters mean nothing), else by name. */
function pairsOf(old: ContractModel, now: ContractModel): readonly OperationPair[] {
  const byAddress = new Map<string, OperationModel>();
  for (const operation of Object.values(now.operations)) {
    const address = addressOf(operation);
    if (address !== undefined) byAddress.set(address, operation);
  }
  return Object.values(old.operations).flatMap((operation) => {
    const address = addressOf(operation);
    const named = Object.hasOwn(now.operations, operation.name) ? now.operations[operation.name]! : undefined;
    const here =
      address === undefined
        ? named
        : (byAddress.get(address) ?? (named && addressOf(named) === undefined ? named : undefined));
    return here === undefined ? [] : [{ name: operation.name, old: operation, now: here }];
  });
}

function addressOf({ binding }: OperationModel): string | undefined {
  if (binding.protocol !== "rest") return undefined;
  const path = binding.path.replace(/\{[^{}]*\}/g, "{}").replace(/\/$/, "");
  return `${binding.method} ${path}`;
}

const rank: Readonly<Record<Verdict, number>> = { breaking: 0, review: 1, safe: 2 };

/** The same change of a named schema is one finding, with all the places that it is seen from. */
function together(found: readonly Found[]): readonly Finding[] {
  const groups = new Map<string, { first: Found; readonly also: Found[] }>();
  for (const each of found) {
    const key = each.named === undefined ? undefined : [each.rule, each.side, each.named, each.reason].join("\n");
    const group = key === undefined ? undefined : groups.get(key);
    if (group === undefined) groups.set(key ?? `${groups.size}`, { first: each, also: [] });
    else {
      // The place where it is worst is the one to show.
      const [worst, other] = rank[each.verdict] < rank[group.first.verdict] ? [each, group.first] : [group.first, each];
      group.first = worst;
      group.also.push(other);
    }
  }
  const findings = [...groups.values()].map(
    ({ first, also }): Finding => ({
      rule: first.rule,
      verdict: first.verdict,
      side: first.side,
      reason: first.reason,
      ...(first.example === undefined ? {} : { example: first.example }),
      ...toldPlaces([first, ...also]),
      places: [first, ...also].map(({ member, place, path = [], about }) => ({
        member,
        place,
        path,
        ...(about === undefined ? {} : { about }),
      })),
    }),
  );
  return findings.sort((a, b) => rank[a.verdict] - rank[b.verdict]);
}
