/** `minProperties` and `maxProperties`. */
import type { SchemaRule } from "../rule.ts";
import { flatValues } from "../values.ts";

export const propertyCountRule: SchemaRule = {
  id: "property-count",
  kinds: ["object"],
  check(giver, taker, walk) {
    const few = Math.max(giver.minProperties, giver.required.size) < taker.minProperties;
    const names = new Set(giver.objects.flatMap((scope) => Object.keys(scope.properties)));
    const closed = giver.objects.some(
      (scope) => scope.additional === false && Object.keys(scope.patterns).length === 0,
    );
    const possible = closed ? Math.min(giver.maxProperties, names.size) : giver.maxProperties;
    const many = possible > taker.maxProperties;
    if (!few && !many) return undefined;
    const said: string[] = [];
    if (few) said.push(`objects with fewer than ${taker.minProperties} properties`);
    if (many) said.push(`objects with more than ${taker.maxProperties} properties`);
    const objects = { ...giver, kinds: new Set(["object"] as const) };
    return {
      what: said.join(" and "),
      candidates: () => [
        ...(few ? flatValues(objects, walk.giver, 0) : []),
        ...(many ? flatValues({ ...objects, minProperties: taker.maxProperties + 1 }, walk.giver, 0) : []),
      ],
    };
  },
};
