/**
 * What the verbs were given, where TypeScript would have refused it: a start does not look at types. An effect with a slip of the pen would count as
 * one that may be repeated, and an event with a key that no event can have would be waited for until the end of days.
 */
import { longestKey } from "../../../operation.ts";
import type { Draft } from "./verbs.ts";

const effects: ReadonlySet<unknown> = new Set(["read", "idempotent", "unrepeatable"]);
const longestName = 300;

/** Throws a `TypeError` into the code that asked; nothing was recorded. */
export function checkDraft({ kind, name, operation, effect, undo, event }: Draft): void {
  const must = (fits: boolean, what: string) => {
    if (!fits) throw new TypeError(`flow.${kind}: ${what}`);
  };
  must(
    typeof name === "string" && name !== "" && name.length <= longestName && !/\p{Cc}|#\d+$/u.test(name),
    `a name is text of 1 to ${longestName} characters, without control characters, and without a number such as #2 at its end`,
  );
  if (kind === "call") must(operation?.kind === "operation", "takes an operation of a system");
  if (kind === "call" || kind === "step")
    must(effects.has(effect), `the effect is "read", "idempotent" or "unrepeatable"; not ${String(effect)}`);
  if (undo !== undefined)
    must(
      (undo.operation as { kind?: unknown } | undefined)?.kind === "operation" && typeof undo.with === "function",
      "undo is { call, with }: an operation, and a function that makes its input",
    );
  const key: unknown = event?.key;
  if (event !== undefined)
    must(
      typeof key === "string" && key !== "" && key.length <= longestKey,
      `the key is text of 1 to ${longestKey} characters`,
    );
}
