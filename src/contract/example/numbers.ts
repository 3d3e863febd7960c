/** Numbers for examples: within bounds, and multiples where that is asked for. */
import type { Keywords } from "./fits.ts";
import type { Random } from "./random.ts";

/** Numbers to try, the best first; whoever asks tests them. */
export function* numbersOf(
  keywords: Keywords,
  steps: readonly number[],
  whole: boolean,
  random: Random,
): Generator<number> {
  const bound = (name: string): number | undefined => {
    const value = keywords[name];
    return typeof value === "number" && Number.isFinite(value) ? value : undefined;
  };
  const above = bound("exclusiveMinimum");
  const below = bound("exclusiveMaximum");
  let least = Math.max(bound("minimum") ?? Number.NEGATIVE_INFINITY, above ?? Number.NEGATIVE_INFINITY);
  let most = Math.min(bound("maximum") ?? Number.POSITIVE_INFINITY, below ?? Number.POSITIVE_INFINITY);
  // Numbers of everyday size, where they are allowed.
  if (least <= 1 && least > Number.NEGATIVE_INFINITY && most >= 2) least = 1;
  const free = least === Number.NEGATIVE_INFINITY && most === Number.POSITIVE_INFINITY;
  if (least === Number.NEGATIVE_INFINITY) least = most === Number.POSITIVE_INFINITY || most >= 1 ? 1 : most - 100;
  if (most === Number.POSITIVE_INFINITY) most = Math.max(least, 0) + 100;
  // The greatest step is a multiple of the others more often than not.
  const step = steps.length === 0 ? (whole ? 1 : undefined) : Math.max(...steps);
  if (step === undefined) {
    const share = (1 + random.below(995)) / 997;
    const value = least + (Math.min(most, least + 1000) - least) * share;
    yield Number(value.toFixed(2));
    yield value;
    yield (least + most) / 2;
  } else {
    const first = Math.ceil(least / step);
    const last = Math.floor(most / step);
    const span = Math.max(1, Math.min(last - first + 1, 1000));
    const from = free ? Math.max(first, 1) : first;
    const start = random.below(span);
    // Not every multiple is one in binary: 0.07 is not 7 times 0.01.
    for (let i = 0; i < Math.min(span, 200); i++) {
      const value = (from + ((start + i) % span)) * step;
      yield Number(value.toPrecision(15));
      if (i === 0) yield value;
    }
    yield Math.ceil(least / step) * step;
    yield Math.floor(most / step) * step;
  }
  yield least;
  yield most;
}
