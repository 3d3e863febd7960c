/** `enum` and `const`: a closed list of values. */
import { canonicalJson } from "../../../../formats/json.ts";
import { kindOf } from "../flat.ts";
import { listed, quoted, type SchemaRule } from "../rule.ts";
import { flatValues } from "../values.ts";

export const allowedValuesRule: SchemaRule = {
  id: "allowed-values",
  check(giver, taker, walk) {
    if (taker.values === undefined) return undefined;
    const taken = new Set(taker.values.map((value) => canonicalJson(value)));
    // another rule speaks of the kinds that the taker does not know at all
    const known = (value: Parameters<typeof kindOf>[0]): boolean => taker.kinds.has(kindOf(value));
    if (giver.values !== undefined) {
      const lost = giver.values.filter((value) => known(value) && !taken.has(canonicalJson(value)));
      if (lost.length === 0) return undefined;
      const what = lost.length === 1 ? `values such as ${quoted(lost[0]!)}` : `the values ${listed(lost.map(quoted))}`;
      return { what, candidates: () => lost };
    }
    const finite = [...giver.kinds].every((kind) => kind === "null" || kind === "boolean");
    if (
      finite &&
      [...giver.kinds].every((kind) => (kind === "null" ? taken.has("null") : taken.has("true") && taken.has("false")))
    )
      return undefined;
    if (![...giver.kinds].some((kind) => taker.kinds.has(kind))) return undefined;
    return {
      what: `values other than ${listed(taker.values.map(quoted))}`,
      candidates: () =>
        flatValues(giver, walk.giver, 0).filter((value) => known(value) && !taken.has(canonicalJson(value))),
    };
  },
};
