/** Findings in words, for sentences and reports. */
import type { Example, Finding } from "./finding.ts";

/** `placeOrder: request /lines: it is needed now (required-property)`. */
export function findingInWords({ at, reason, rule }: Pick<Finding, "at" | "reason" | "rule">): string {
  return `${at === "" ? "" : `${at}: `}${reason} (${rule})`;
}

/** `fails: {"id":""}, since /id must not be empty`; at most some 200 characters of the value. */
export function exampleInWords({ value, proven, refusal }: Example): string {
  const text = JSON.stringify(value);
  const short = text.length <= 200 ? text : `${text.slice(0, 200)}…`;
  return proven ? `fails: ${short}, since ${refusal ?? "it is refused"}` : `for example: ${short}`;
}
