/** `dependentRequired`: one member asks for others. */
import { allOf, flatten, memberOf } from "../flat.ts";
import { listed, quoted, type SchemaRule } from "../rule.ts";
import { flatValues, matches, smallest } from "../values.ts";

export const dependentPropertiesRule: SchemaRule = {
  id: "dependent-properties",
  kinds: ["object"],
  check(giver, taker, walk) {
    const lost = taker.dependent.flatMap(({ name, needs }) => {
      const given = new Set([
        ...giver.required,
        ...giver.dependent.filter((own) => own.name === name).flatMap((own) => own.needs),
      ]);
      const missing = needs.filter((each) => !given.has(each));
      return missing.length === 0 ? [] : [{ name, missing }];
    });
    if (lost.length === 0) return undefined;
    const { name, missing } = lost[0]!;
    return {
      what: `objects with ${quoted(name)} and without ${listed(missing.map(quoted))}`,
      about: [name, ...missing],
      candidates: () => {
        const objects = flatValues({ ...giver, kinds: new Set(["object"]) }, walk.giver, 0);
        const value = smallest(flatten(allOf(memberOf(giver, name, matches).schemas), walk.giver), walk.giver);
        return [{ ...(objects[0] as object), [name]: value }, ...objects];
      },
    };
  },
};
