/**
 * A histogram on prom-client's page that counts in its own numbers. An observation is made for each request, and there it looked for its place by a text
 * of its labels and for its bucket by the text of a number: more than all else that a request is counted with.
 */
import type { Metric, Registry } from "prom-client";
import type { Fact } from "./facts.ts";
import { type LabelSet, labelSets } from "./label-sets.ts";

export interface HistogramSettings<L extends string> {
  readonly name: string;
  readonly help: string;
  readonly labelNames: readonly L[];
  /** Upper bounds of the buckets, the smallest first. */
  readonly bounds: readonly number[];
}

/** The function that this gives takes an observation. */
export function histogram<L extends string>(registry: Registry, settings: HistogramSettings<L>) {
  const { name, help, labelNames, bounds } = settings;
  const sets = labelSets(labelNames, bounds);

  function valuesOf({ labels, sum, buckets }: LabelSet<L>) {
    let count = 0;
    const counts = buckets.map((each, at) => {
      count += each;
      return { metricName: `${name}_bucket`, labels: { le: bounds[at] ?? "+Inf", ...labels }, value: count };
    });
    return [
      ...counts,
      { metricName: `${name}_sum`, labels, value: sum },
      { metricName: `${name}_count`, labels, value: count },
    ];
  }

  // What the registry asks of a metric. Its type allows none but prom-client's own classes.
  const get = async () => ({ name, help, type: "histogram", aggregator: "sum", values: sets.seen().flatMap(valuesOf) });
  registry.registerMetric({ name, get } as unknown as Metric);

  return (fact: Fact, value: number): void => {
    const set = sets.of(fact);
    let at = 0;
    while (at < bounds.length && value > (bounds[at] as number)) at += 1;
    set.buckets[at] = (set.buckets[at] as number) + 1;
    set.sum += value;
  };
}
