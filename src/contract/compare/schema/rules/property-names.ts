/** `propertyNames`: which names members may have. */
import type { SchemaRule } from "../rule.ts";
import { meaningOf } from "../same.ts";
import { flatValues, valuesOf } from "../values.ts";

export const propertyNamesRule: SchemaRule = {
  id: "property-names",
  kinds: ["object"],
  check(giver, taker, walk) {
    const own = new Set(giver.names.map(meaningOf));
    const added = taker.names.filter((schema) => !own.has(meaningOf(schema)));
    if (added.length === 0) return undefined;
    return {
      what: "objects with other property names",
      candidates: () => {
        const objects = flatValues({ ...giver, kinds: new Set(["object"]) }, walk.giver, 0);
        const least = objects[0] ?? {};
        const names = [
          ...giver.names.flatMap((schema) => valuesOf(schema, walk.giver)).filter((name) => typeof name === "string"),
          ...["a", "A", "more1", "a-b", "1", "$", "Some name", "x".repeat(200)],
        ];
        return [
          ...objects,
          ...names.flatMap((name) => ["text", 1, null].map((value) => ({ ...(least as object), [name]: value }))),
        ];
      },
    };
  },
};
