/** `type`: another kind of value. */
import type { Json } from "../../../../operation.ts";
import { type Flat, type Kind, kindOf } from "../flat.ts";
import { listed, type SchemaRule } from "../rule.ts";
import { flatValues } from "../values.ts";

const names: Readonly<Record<Kind, string>> = {
  null: "null",
  boolean: "boolean",
  object: "object",
  array: "array",
  string: "string",
  number: "number",
};

export const kindRule: SchemaRule = {
  id: "type",
  check(giver, taker, walk) {
    const lost = [...giver.kinds].filter((kind) => !taker.kinds.has(kind));
    const broken =
      giver.kinds.has("number") && taker.kinds.has("number") && taker.whole && !giver.whole && mayBreak(giver);
    if (lost.length === 0 && !broken) return undefined;
    const said = [...lost.map((kind) => (kind === "number" && giver.whole ? "integer" : names[kind]))];
    if (broken) said.push("number with a fraction");
    const what = lost.length === 1 && lost[0] === "null" && !broken ? "nulls" : `values of type ${listed(said)}`;
    return {
      what,
      candidates: () =>
        flatValues(giver, walk.giver, 0).filter(
          (value: Json) =>
            lost.includes(kindOf(value)) || (broken && typeof value === "number" && !Number.isInteger(value)),
        ),
    };
  },
};

/** Whether it can have a fraction at all. */
function mayBreak({ multiples }: Flat): boolean {
  return !multiples.some((each) => Number.isInteger(each));
}
