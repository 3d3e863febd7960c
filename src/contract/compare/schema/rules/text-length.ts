/** `minLength` and `maxLength`, in characters. */
import type { SchemaRule } from "../rule.ts";
import { textsOf } from "../texts.ts";

export const textLengthRule: SchemaRule = {
  id: "text-length",
  kinds: ["string"],
  check(giver, taker) {
    const short = giver.minLength < taker.minLength;
    const long = giver.maxLength > taker.maxLength;
    if (!short && !long) return undefined;
    const said: string[] = [];
    if (short) said.push(taker.minLength === 1 ? "empty texts" : `texts shorter than ${taker.minLength} characters`);
    if (long) said.push(`texts longer than ${taker.maxLength} characters`);
    return {
      what: said.join(" and "),
      candidates: () => [
        ...(short ? textsOf({ ...giver, maxLength: Math.min(giver.maxLength, taker.minLength - 1) }) : []),
        ...(long ? textsOf({ ...giver, minLength: Math.max(giver.minLength, taker.maxLength + 1) }) : []),
        ...textsOf(giver),
      ],
    };
  },
};
