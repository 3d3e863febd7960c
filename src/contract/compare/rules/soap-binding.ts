/** How a SOAP operation is spoken with (WSDL 1.1, section 3): another form is another message. */
import { canonicalJson } from "../../../formats/json.ts";
import type { SoapBinding } from "../../model.ts";
import type { Found, Rule } from "./rule.ts";

const parts = {
  version: "the version of SOAP",
  action: "the SOAP action",
  style: "the style",
  use: "the encoding",
  request: "the element of the request",
  response: "the element of the answer",
  bodyOutput: "what the body of the answer holds",
  wrapped: "the wrapping of the message",
} as const satisfies Partial<Record<keyof SoapBinding, string>>;

export const soapBinding: Rule = {
  ids: ["protocol", "soap-binding", "soap-header", "soap-fault", "address"],
  *operation(_both, { name: member, old, now }) {
    const was = old.binding;
    const is = now.binding;
    const found = (rule: string, place: string, reason: string, verdict: Found["verdict"] = "breaking"): Found => ({
      rule,
      verdict,
      side: "request",
      member,
      place,
      reason,
    });
    if (was.protocol !== is.protocol) {
      yield found("protocol", "", `the protocol was ${was.protocol} and is ${is.protocol}`);
      return;
    }
    if (was.protocol !== "soap" || is.protocol !== "soap") return;
    for (const [part, called] of Object.entries(parts) as [keyof typeof parts, string][])
      if (canonicalJson(was[part]) !== canonicalJson(is[part]))
        yield found("soap-binding", part, `${called} was ${shown(was[part])} and is ${shown(is[part])}`);
    const known = new Set((was.headers ?? []).map((header) => canonicalJson(header)));
    for (const header of is.headers ?? [])
      if (!known.delete(canonicalJson(header)))
        yield found("soap-header", "headers", `the header ${shown(header)} is asked for now`);
    for (const header of known)
      yield found("soap-header", "headers", `the header ${shown(JSON.parse(header))} is no longer asked for`, "safe");
    for (const { element, fault } of was.faults) {
      const here = is.faults.find((each) => each.fault === fault);
      if (here !== undefined && canonicalJson(here.element) !== canonicalJson(element))
        yield {
          ...found("soap-fault", `fault ${fault}`, `its element was ${shown(element)} and is ${shown(here.element)}`),
          side: "fault",
        };
    }
    if (was.address !== is.address)
      yield found(
        "address",
        "address",
        "the address is another; where a system stands is a matter of its connection",
        "safe",
      );
  },
};

function shown(value: unknown): string {
  if (typeof value === "object" && value !== null && "local" in value) {
    const { namespace, local } = value as { namespace: string; local: string };
    return `{${namespace}}${local}`;
  }
  if (value === null || value === undefined) return "none";
  return value === true ? "several parts" : String(value);
}
