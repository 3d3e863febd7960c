/** `format`. One that validators don't know can't be decided: a person has to. */
import type { Flat } from "../flat.ts";
import { listed, type SchemaRule } from "../rule.ts";
import { textsOf } from "../texts.ts";

/** Formats whose values are all values of the others. */
const wider: Readonly<Record<string, readonly string[]>> = {
  int32: ["int64", "float", "double", "decimal"],
  int64: ["double", "decimal"],
  float: ["double"],
  email: ["idn-email"],
  hostname: ["idn-hostname"],
  ipv4: ["hostname", "idn-hostname"],
  uri: ["uri-reference", "iri", "iri-reference", "url"],
  url: ["uri", "uri-reference"],
  iri: ["iri-reference"],
};
/** Formats that stop no number that JSON can carry. */
const anyNumber = new Set(["float", "double", "decimal"]);

export const formatRule: SchemaRule = {
  id: "format",
  kinds: ["string", "number"],
  check(giver, taker) {
    const added = taker.formats.filter(
      (format) =>
        !giver.formats.includes(format) &&
        !giver.formats.some((own) => wider[own]?.includes(format) === true) &&
        !harmless(format, giver),
    );
    if (added.length === 0) return undefined;
    return {
      what: `values that are no ${listed(added)}`,
      candidates: () => [
        ...(giver.kinds.has("number") ? [2_147_483_648, 9_007_199_254_740_991, 1.5, -2_147_483_649] : []),
        ...(giver.kinds.has("string") ? [...textsOf(giver), "", "text", "1,5", "99999999999999999999"] : []),
      ],
    };
  },
};

function harmless(format: string, { kinds, whole }: Flat): boolean {
  if (kinds.has("string")) return false;
  return anyNumber.has(format) || (format === "int64" && whole);
}
