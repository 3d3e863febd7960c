/**
 * Headers of answers. One that is gone breaks callers even if it was not said to be required: that is the default, and hardly
 * anybody writes it for a header.
 */
import type { DeclaredHeader } from "../../declared.ts";
import type { RestBinding } from "../../model.ts";
import { between } from "../between.ts";
import type { Rule } from "./rule.ts";

export const answerHeader: Rule = {
  ids: ["answer-header"],
  *operation(both, { name: member, old, now }) {
    if (old.binding.protocol !== "rest" || now.binding.protocol !== "rest") return;
    const after = headersOf(now.binding);
    const statuses = statusesOf(now.binding);
    for (const [status, headers] of headersOf(old.binding)) {
      if (!statuses.has(status)) continue;
      for (const [name, was] of headers) {
        const is = after.get(status)?.get(name);
        const about = { side: "answer", member, place: `answer ${status} header ${name}` } as const;
        if (is === undefined || (was.required && !is.required))
          yield {
            ...about,
            rule: "answer-header",
            verdict: "breaking",
            reason: is === undefined ? "the header is gone" : "answers without the header can come now",
            example: { value: { status, headers: {} }, proven: false },
          };
        else if (!was.required && is.required)
          yield { ...about, rule: "answer-header", verdict: "safe", reason: "the header is always there now" };
        if (is !== undefined) yield* between(both, about, was.schema, is.schema);
      }
    }
    const before = headersOf(old.binding);
    for (const [status, headers] of after)
      for (const name of headers.keys())
        if (before.get(status)?.has(name) !== true && statusesOf(old.binding).has(status))
          yield {
            side: "answer",
            member,
            place: `answer ${status} header ${name}`,
            rule: "answer-header",
            verdict: "safe",
            reason: "the header is new",
          };
  },
};

function headersOf({ declared }: RestBinding): ReadonlyMap<string, ReadonlyMap<string, DeclaredHeader>> {
  return new Map(
    Object.entries(declared?.answers ?? {}).map(([status, { headers }]) => [
      status,
      new Map(Object.entries(headers ?? {}).map(([name, header]) => [name.toLowerCase(), header])),
    ]),
  );
}

function statusesOf({ success, faults, declared }: RestBinding): ReadonlySet<string> {
  return new Set([
    ...success.map(({ status }) => status),
    ...faults.map(({ status }) => status),
    ...Object.keys(declared?.answers ?? {}),
  ]);
}
