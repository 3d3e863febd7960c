/** `minItems`, `maxItems` and `uniqueItems`. */
import type { Json } from "../../../../operation.ts";
import type { SchemaRule } from "../rule.ts";
import { flatValues } from "../values.ts";

export const listLengthRule: SchemaRule = {
  id: "list-length",
  kinds: ["array"],
  check(giver, taker, walk) {
    const short = giver.minItems < taker.minItems;
    const long = giver.maxItems > taker.maxItems;
    const twice = taker.unique && !giver.unique && giver.maxItems > 1;
    if (!short && !long && !twice) return undefined;
    const said: string[] = [];
    if (short) said.push(taker.minItems === 1 ? "empty lists" : `lists of fewer than ${taker.minItems} items`);
    if (long) said.push(`lists of more than ${taker.maxItems} items`);
    if (twice) said.push("lists with an item twice");
    return {
      what: said.join(" and "),
      candidates: () =>
        [
          ...(short
            ? flatValues({ ...giver, maxItems: Math.min(giver.maxItems, taker.minItems - 1) }, walk.giver, 0)
            : []),
          ...(long
            ? flatValues({ ...giver, minItems: Math.max(giver.minItems, taker.maxItems + 1) }, walk.giver, 0)
            : []),
          ...(twice ? flatValues({ ...giver, minItems: Math.max(giver.minItems, 2) }, walk.giver, 0) : []),
        ] as readonly Json[],
    };
  },
};
