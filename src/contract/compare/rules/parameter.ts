/** Parameters that come, go, become required, or are written otherwise. */
import type { ContractModel, RestParameter } from "../../model.ts";
import { flatten } from "../schema/flat.ts";
import { parameterPairs, parameterSchema } from "./parameters.ts";
import type { Rule } from "./rule.ts";

export const parameter: Rule = {
  ids: ["parameter-removed", "parameter-added", "parameter-required", "parameter-form"],
  *operation(both, pair) {
    const { name: member, old, now } = pair;
    if (old.binding.protocol !== "rest" || now.binding.protocol !== "rest") return;
    for (const { shown, old: was, now: is } of parameterPairs(old.binding, now.binding)) {
      const about = { side: "request", member, place: shown } as const;
      if (is === undefined) {
        const { property } = was!;
        const example = both.refusedInput(pair, (input) => has(input, property));
        yield {
          ...about,
          rule: "parameter-removed",
          verdict: "breaking",
          reason: "the parameter is gone: requests that have it are refused, or mean something else",
          ...(example === undefined ? {} : { example }),
        };
      } else if (was === undefined && !is.required)
        yield {
          ...about,
          rule: "parameter-added",
          verdict: "safe",
          reason: "the parameter is new, and may be left out",
        };
      else if (is.required && was?.required !== true) {
        const example = both.refusedInput(pair, (input) => was === undefined || !has(input, was.property));
        yield {
          ...about,
          rule: "parameter-required",
          verdict: "breaking",
          reason: was === undefined ? "the parameter is new, and required" : "the parameter is required now",
          ...(example === undefined ? {} : { example }),
        };
      } else if (was!.required && !is.required)
        yield { ...about, rule: "parameter-required", verdict: "safe", reason: "the parameter may be left out now" };
      if (was === undefined || is === undefined) continue;
      const plain = isPlain(both.old, pair.old, was) && isPlain(both.now, pair.now, is);
      const form = (each: typeof was): string =>
        [each.written ?? each.style, plain ? "" : each.explode, each.json ?? false].join(" ");
      if (form(was) !== form(is)) {
        const example = both.sample("old", parameterSchema(old, was), "request");
        yield {
          ...about,
          rule: "parameter-form",
          verdict: "breaking",
          reason: `the parameter is written otherwise: ${described(was)} before, ${described(is)} now`,
          ...(example === undefined ? {} : { example }),
        };
      }
    }
  },
};

function described({ style, written, explode, json }: RestParameter): string {
  return json === true ? "JSON" : `${written ?? style}${explode ? " with explode" : ""}`;
}

/** A single value: `explode` means nothing for it. */
function isPlain(
  model: ContractModel,
  operation: Parameters<typeof parameterSchema>[0],
  each: Parameters<typeof parameterSchema>[1],
): boolean {
  const { kinds } = flatten(parameterSchema(operation, each), model.schemas);
  return !kinds.has("array") && !kinds.has("object");
}

function has(input: unknown, name: string): boolean {
  return typeof input === "object" && input !== null && Object.hasOwn(input, name);
}
