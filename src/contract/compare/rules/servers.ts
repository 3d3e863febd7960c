/** Where a system stands is a matter of its connection, not of what it promises. */
import { canonicalJson } from "../../../formats/json.ts";
import type { Rule } from "./rule.ts";

export const servers: Rule = {
  ids: ["servers"],
  *contract({ old, now }) {
    if (canonicalJson(old.servers) !== canonicalJson(now.servers))
      yield {
        rule: "servers",
        verdict: "safe",
        side: "contract",
        member: "",
        place: "servers",
        reason: "the addresses are others; where a system stands is a matter of its connection",
      };
  },
};
