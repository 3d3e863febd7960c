/** An operation that is gone: whoever calls it fails. */
import type { Rule } from "./rule.ts";

export const operationRemoved: Rule = {
  ids: ["operation-removed"],
  *contract(both) {
    const kept = new Set(both.operations.map(({ old }) => old));
    for (const old of Object.values(both.old.operations)) {
      if (kept.has(old)) continue;
      const example = both.sample("old", old.input, "request");
      const announced = old.deprecated === true ? "; it had been deprecated" : "";
      yield {
        rule: "operation-removed",
        verdict: "breaking",
        side: "contract",
        member: old.name,
        place: "",
        reason: `the operation is gone${announced}`,
        ...(example === undefined ? {} : { example }),
      };
    }
  },
};
