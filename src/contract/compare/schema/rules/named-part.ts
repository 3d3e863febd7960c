/**
 * `allOf` of named schemas: what a thing has to be. One more that says what another says already asks nothing of the value, but it is
 * one more kind that the thing has to be: such kinds are told apart by their names alone (see also alternatives.ts).
 */
import { targetOf } from "../flat.ts";
import { listed, type SchemaRule } from "../rule.ts";
import { meaningOf } from "../same.ts";
import { flatValues } from "../values.ts";

export const namedPartRule: SchemaRule = {
  id: "named-part",
  kinds: ["object"],
  check(giver, taker, walk) {
    const meaning = (name: string): string => meaningOf(targetOf(`#/$defs/${name}`, walk.taker));
    const common = taker.parts.filter((name) => giver.parts.includes(name)).map(meaning);
    const added = taker.parts.filter((name) => !giver.parts.includes(name) && common.includes(meaning(name)));
    if (added.length === 0) return undefined;
    return {
      what: `objects that need not be ${listed(added)}`,
      candidates: () => flatValues(giver, walk.giver, 0),
      verdict: "breaking",
    };
  },
};
