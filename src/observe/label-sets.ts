/** The labels of facts, bounded: once there are too many sets of them, all further ones count as one. */
import type { Fact } from "./facts.ts";

/** A set of labels, and what is counted for it. */
export interface LabelSet<L extends string> {
  readonly labels: Readonly<Record<L, string>>;
  /** Of a counter: what is not in the metric yet. Of a histogram: all observations together. */
  sum: number;
  /** Of a histogram: observations, by the first bound that they don't exceed; the last is of those above all bounds. */
  readonly buckets: number[];
}

export interface LabelSets<L extends string> {
  of(fact: Fact): LabelSet<L>;
  /** In the order of their first facts. */
  seen(): readonly LabelSet<L>[];
}

const most = 500;
const longestLabel = 100;

/** Of plain values: anything else may hold a payload (P8). */
function labelOf(value: unknown): string {
  if (typeof value === "string") return value.length > longestLabel ? value.slice(0, longestLabel) : value;
  return typeof value === "number" || typeof value === "boolean" ? String(value) : "";
}

/** `bounds`: of a histogram. */
export function labelSets<L extends string>(names: readonly L[], bounds: readonly number[] = []): LabelSets<L> {
  /** By the first label, then by the next. Labels are mostly the same texts again: one lookup for each costs less than making one text of them all. */
  type Branch = Map<string, Branch | LabelSet<L>>;
  const root: Branch = new Map();
  const sets: LabelSet<L>[] = [];
  const final = names.length - 1;
  const setOf = (label: (name: L) => string): LabelSet<L> => ({
    labels: Object.fromEntries(names.map((name) => [name, label(name)])) as Record<L, string>,
    sum: 0,
    buckets: Array.from({ length: bounds.length + 1 }, () => 0),
  });
  let other: LabelSet<L> | undefined;
  const others = (): LabelSet<L> => {
    other ??= setOf(() => "other");
    return other;
  };
  return {
    of(fact) {
      let branch: Branch = root;
      for (let at = 0; at < final; at++) {
        const label = labelOf(fact[names[at] as L]);
        let next = branch.get(label) as Branch | undefined;
        if (next === undefined) {
          if (sets.length >= most) return others();
          next = new Map();
          branch.set(label, next);
        }
        branch = next;
      }
      const last = labelOf(fact[names[final] as L]);
      const known = branch.get(last) as LabelSet<L> | undefined;
      if (known !== undefined) return known;
      if (sets.length >= most) return others();
      const set = setOf((name) => labelOf(fact[name]));
      branch.set(last, set);
      sets.push(set);
      return set;
    },
    seen: () => (other === undefined ? [...sets] : [...sets, other]),
  };
}
