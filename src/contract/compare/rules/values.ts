/** Input, output and faults of operations that are no REST: whole values. */
import { between } from "../between.ts";
import type { Rule } from "./rule.ts";

export const values: Rule = {
  ids: ["fault"],
  *operation(both, { name: member, old, now }) {
    if (old.binding.protocol === "rest" && now.binding.protocol === "rest") return;
    yield* between(both, { side: "request", member, place: "input" }, old.input, now.input);
    yield* between(both, { side: "answer", member, place: "output" }, old.output, now.output);
    for (const [name, fault] of Object.entries(old.faults)) {
      const is = Object.hasOwn(now.faults, name) ? now.faults[name] : undefined;
      const about = { side: "fault", member, place: `fault ${name}` } as const;
      if (is === undefined)
        yield { ...about, rule: "fault", verdict: "safe", reason: "the fault is no longer declared" };
      else yield* between(both, about, fault.detail, is.detail);
    }
    for (const [name, fault] of Object.entries(now.faults)) {
      if (Object.hasOwn(old.faults, name)) continue;
      const example = both.sample("now", fault.detail, "answer");
      yield {
        side: "fault",
        member,
        place: `fault ${name}`,
        rule: "fault",
        verdict: "breaking",
        reason: "the fault is new: whoever calls does not know it",
        ...(example === undefined ? {} : { example }),
      };
    }
  },
};
