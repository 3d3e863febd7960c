/** A new operation, and one that the contract calls otherwise: on the wire nobody notices. */
import type { Rule } from "./rule.ts";

export const operationAdded: Rule = {
  ids: ["operation-added", "operation-renamed", "operation-deprecated"],
  *contract(both) {
    const known = new Set(both.operations.map(({ now }) => now));
    for (const now of Object.values(both.now.operations))
      if (!known.has(now))
        yield {
          rule: "operation-added",
          verdict: "safe",
          side: "contract",
          member: now.name,
          place: "",
          reason: "the operation is new",
        };
  },
  *operation(_both, { name, old, now }) {
    const about = { verdict: "safe", side: "contract", member: name, place: "" } as const;
    if (old.name !== now.name)
      yield {
        ...about,
        rule: "operation-renamed",
        reason: `the contract calls it ${now.name} now; code that was written against the types has to follow`,
      };
    if ((old.deprecated === true) !== (now.deprecated === true))
      yield {
        ...about,
        rule: "operation-deprecated",
        reason: now.deprecated === true ? "the operation is deprecated" : "the operation is no longer deprecated",
      };
  },
};
