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
  const sets = new Map<string, LabelSet<L>>();
  const setOf = (label: (name: L) => string): LabelSet<L> => ({
    labels: Object.fromEntries(names.map((name) => [name, label(name)])) as Record<L, string>,
    sum: 0,
    buckets: Array.from({ length: bounds.length + 1 }, () => 0),
  });
  let other: LabelSet<L> | undefined;
  return {
    of(fact) {
      let id = "";
      for (const name of names) id += `${labelOf(fact[name])}\n`;
      const known = sets.get(id);
      if (known !== undefined) return known;
      if (sets.size >= most) {
        other ??= setOf(() => "other");
        return other;
      }
      const set = setOf((name) => labelOf(fact[name]));
      sets.set(id, set);
      return set;
    },
    seen: () => (other === undefined ? [...sets.values()] : [...sets.values(), other]),
  };
}
