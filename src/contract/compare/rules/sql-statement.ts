/** SQL: other statements may do something else, and no schema says so. */
import { canonicalJson } from "../../../formats/json.ts";
import type { Rule } from "./rule.ts";

export const sqlStatement: Rule = {
  ids: ["sql-statement", "sql-binding"],
  *operation(_both, { name: member, old, now }) {
    if (old.binding.protocol !== "sql" || now.binding.protocol !== "sql") return;
    const was = old.binding;
    const is = now.binding;
    const about = { side: "request", member, verdict: "review" } as const;
    if (was.dialect !== is.dialect)
      yield {
        ...about,
        place: "dialect",
        rule: "sql-binding",
        reason: `the dialect was ${String(was.dialect)} and is ${String(is.dialect)}`,
      };
    const text = ({ statements }: typeof was): string =>
      statements.map((each) => each.replace(/\s+/g, " ").trim()).join(";");
    if (text(was) !== text(is))
      yield {
        ...about,
        place: "statements",
        rule: "sql-statement",
        reason: "the statements are others; whether they still do the same can't be told from the contract",
      };
    if (canonicalJson(was.faults) !== canonicalJson(is.faults))
      yield {
        ...about,
        place: "faults",
        side: "fault",
        rule: "sql-binding",
        reason: "errors of the database are told apart by other texts",
      };
  },
};
