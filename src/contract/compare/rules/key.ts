/** Where a key of an effect goes, and how long it holds. */
import type { KeyPlace } from "../../model.ts";
import type { Rule } from "./rule.ts";

export const key: Rule = {
  ids: ["effect-key"],
  *operation(_both, { name, old, now }) {
    const about = { rule: "effect-key", side: "request", member: name, place: "effect key" } as const;
    if (old.key === undefined && now.key === undefined) return;
    if (!required(old.key) && required(now.key))
      yield {
        ...about,
        verdict: "breaking",
        reason: "the key is required now: a call without one is refused",
      };
    else if (required(old.key) && now.key !== undefined && !required(now.key))
      yield { ...about, verdict: "safe", reason: "the key is no longer required" };
    if (old.key === undefined) {
      if (!required(now.key)) yield { ...about, verdict: "safe", reason: "the operation takes a key now" };
    } else if (now.key === undefined)
      yield {
        ...about,
        verdict: "breaking",
        reason: "the operation no longer takes a key: a repeat counts as another call",
      };
    else if (placeOf(old.key) !== placeOf(now.key))
      yield {
        ...about,
        verdict: "breaking",
        reason: `the key goes to ${placeOf(now.key)} instead of ${placeOf(old.key)}`,
      };
    else if (old.key.lifetimeMs !== now.key.lifetimeMs) {
      const shorter =
        (now.key.lifetimeMs ?? Number.POSITIVE_INFINITY) < (old.key.lifetimeMs ?? Number.POSITIVE_INFINITY);
      yield {
        ...about,
        verdict: shorter ? "breaking" : "safe",
        reason: `keys hold for a ${shorter ? "shorter" : "longer"} time${shorter ? ": a late repeat counts as another call" : ""}`,
      };
    }
  },
};

function required(place: KeyPlace | undefined): boolean {
  return place?.in === "header" && place.required === true;
}

function placeOf(place: KeyPlace): string {
  return place.in === "header" ? `the header ${place.name.toLowerCase()}` : "a row of the database";
}
