/** How a WSDL operation over plain HTTP is called (WSDL 1.1, sections 4 and 5): another form is another request. */
import { canonicalJson } from "../../../formats/json.ts";
import type { HttpXmlBinding } from "../../model.ts";
import type { Rule } from "./rule.ts";

const parts = {
  method: "the method",
  location: "the path",
  input: "the place of the input",
  request: "the element of the request",
  output: "the form of the answer",
  response: "the element of the answer",
} as const satisfies Partial<Record<keyof HttpXmlBinding, string>>;
const ofAnswer = new Set(["output", "response"]);

export const httpBinding: Rule = {
  ids: ["http-binding", "address"],
  *operation(_both, { name: member, old, now }) {
    const was = old.binding;
    const is = now.binding;
    if (was.protocol !== "http-xml" || is.protocol !== "http-xml") return;
    for (const [part, called] of Object.entries(parts) as [keyof typeof parts, string][])
      if (canonicalJson(was[part]) !== canonicalJson(is[part]))
        yield {
          rule: "http-binding",
          verdict: "breaking",
          side: ofAnswer.has(part) ? "answer" : "request",
          member,
          place: part,
          reason: `${called} was ${shown(was[part])} and is ${shown(is[part])}`,
        };
    if (was.address !== is.address)
      yield {
        rule: "address",
        verdict: "safe",
        side: "request",
        member,
        place: "address",
        reason: "the address is another; where a system stands is a matter of its connection",
      };
  },
};

function shown(value: HttpXmlBinding[keyof typeof parts]): string {
  if (value === null) return "none";
  return typeof value === "string" ? value : `{${value.namespace}}${value.local}`;
}
