/** `required`: a member that may be missing on one side and must be there on the other. */
import { listed, quoted, type SchemaRule } from "../rule.ts";
import { flatValues } from "../values.ts";

export const requiredPropertyRule: SchemaRule = {
  id: "required-property",
  kinds: ["object"],
  check(giver, taker, walk) {
    const lost = [...taker.required].filter((name) => !giver.required.has(name));
    if (lost.length === 0) return undefined;
    return {
      what: `objects without ${lost.length === 1 ? "the property" : "the properties"} ${listed(lost.map(quoted))}`,
      about: lost,
      candidates: () => {
        const values = flatValues({ ...giver, kinds: new Set(["object"]) }, walk.giver, 0);
        const without = values.map((value) =>
          Object.fromEntries(Object.entries(value as object).filter(([name]) => !lost.includes(name))),
        );
        return [...without, ...values];
      },
    };
  },
};
