/** `multipleOf`. */
import { listed, type SchemaRule } from "../rule.ts";
import { flatValues } from "../values.ts";

export const multipleOfRule: SchemaRule = {
  id: "multiple-of",
  kinds: ["number"],
  check(giver, taker, walk) {
    const steps = giver.whole ? [...giver.multiples, 1] : giver.multiples;
    const lost = taker.multiples.filter((step) => !steps.some((own) => Number.isInteger(own / step)));
    if (lost.length === 0) return undefined;
    return {
      what: `numbers that are no multiple of ${listed(lost.map(String))}`,
      candidates: () => {
        const step = giver.multiples[0] ?? 1;
        const base = giver.least?.value ?? 0;
        return [
          ...flatValues(giver, walk.giver, 0),
          base + step,
          base + 2 * step,
          base + 3 * step,
          base + 0.5,
          base + 0.1,
        ];
      },
    };
  },
};
