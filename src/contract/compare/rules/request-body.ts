/** The body of a request: whether there is one, in which media types, and what it may be. */
import { between } from "../between.ts";
import { requestBodies } from "./bodies.ts";
import type { Rule } from "./rule.ts";

export const requestBody: Rule = {
  ids: ["request-body", "request-media-type"],
  *operation(both, pair) {
    const { name: member, old, now } = pair;
    if (old.binding.protocol !== "rest" || now.binding.protocol !== "rest") return;
    const about = { side: "request", member, place: "request" } as const;
    const [was, is] = [old.binding.body, now.binding.body];
    const before = requestBodies(old, old.binding);
    const after = requestBodies(now, now.binding);
    if (was === undefined && is === undefined) return;
    if (is === undefined) {
      const example = both.refusedInput(pair);
      yield {
        ...about,
        rule: "request-body",
        verdict: "breaking",
        reason: "the request no longer has a body",
        ...(example === undefined ? {} : { example }),
      };
      return;
    }
    if (is.required && was?.required !== true) {
      const example = both.refusedInput(pair);
      yield {
        ...about,
        rule: "request-body",
        verdict: "breaking",
        reason: "the request must have a body now",
        ...(example === undefined ? {} : { example }),
      };
    } else if (was === undefined || (was.required && !is.required))
      yield {
        ...about,
        rule: "request-body",
        verdict: "safe",
        reason: "the request may have a body, or may do without it now",
      };
    if (was === undefined) return;
    for (const [mediaType, schema] of before) {
      const here = after.get(mediaType);
      const place = `request ${mediaType}`;
      if (here === undefined) {
        const example = both.sample("old", schema, "request");
        yield {
          ...about,
          place,
          rule: "request-media-type",
          verdict: "breaking",
          reason: `bodies in ${mediaType} are no longer taken`,
          ...(example === undefined ? {} : { example }),
        };
      } else yield* between(both, { ...about, place: before.size === 1 ? "request" : place }, schema, here);
    }
    for (const mediaType of after.keys())
      if (!before.has(mediaType))
        yield {
          ...about,
          place: `request ${mediaType}`,
          rule: "request-media-type",
          verdict: "safe",
          reason: `bodies in ${mediaType} are taken, too`,
        };
  },
};
