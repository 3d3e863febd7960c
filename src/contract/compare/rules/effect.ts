/** What a repeat does: recovery after a crash relies on it. */
import type { Effect } from "../../../operation.ts";
import type { Rule } from "./rule.ts";

const harm: Readonly<Record<Effect, number>> = { read: 0, idempotent: 1, unrepeatable: 2 };

export const effect: Rule = {
  ids: ["effect"],
  *operation(_both, { name, old, now }) {
    if (old.effect === now.effect) return;
    const worse = harm[now.effect] > harm[old.effect];
    const because =
      now.effect === "idempotent" ? "what only read changes something now" : "a repeat that was harmless no longer is";
    yield {
      rule: "effect",
      verdict: worse ? "breaking" : "safe",
      side: "contract",
      member: name,
      place: "effect",
      reason: `the effect was ${old.effect} and is ${now.effect}${worse ? `: ${because}` : ""}`,
    };
  },
};
