/** Events: what a system tells, from its own side. */
import { canonicalJson } from "../../../formats/json.ts";
import type { JsonSchema } from "../../../operation.ts";
import type { EventModel, WebhookBinding } from "../../model.ts";
import { between } from "../between.ts";
import type { Rule } from "./rule.ts";

export const event: Rule = {
  ids: ["event-removed", "event-added", "event-correlation", "event-media-type", "event-callback", "protocol"],
  *contract(both) {
    for (const { name, payload } of Object.values(both.old.events)) {
      if (Object.hasOwn(both.now.events, name)) continue;
      const example = both.sample("old", payload, "answer");
      yield {
        rule: "event-removed",
        verdict: "breaking",
        side: "contract",
        member: name,
        place: "",
        reason: "the event is gone: whoever waits for it waits in vain",
        ...(example === undefined ? {} : { example }),
      };
    }
    for (const { name } of Object.values(both.now.events))
      if (!Object.hasOwn(both.old.events, name))
        yield {
          rule: "event-added",
          verdict: "safe",
          side: "contract",
          member: name,
          place: "",
          reason: "the event is new",
        };
  },
  *event(both, { name: member, old, now }) {
    const about = { side: "event", member } as const;
    yield* between(both, { ...about, place: "payload" }, payloadOf(old), payloadOf(now));
    if (old.correlation !== now.correlation)
      yield {
        ...about,
        place: "correlation",
        rule: "event-correlation",
        verdict: old.correlation === undefined ? "safe" : "breaking",
        reason: `the correlation key stood at ${old.correlation ?? "no named place"} and stands at ${now.correlation ?? "no named place"}`,
      };
    if (old.binding.protocol !== now.binding.protocol)
      yield {
        ...about,
        place: "",
        rule: "protocol",
        verdict: "breaking",
        reason: `the protocol was ${old.binding.protocol} and is ${now.binding.protocol}`,
      };
    if (old.binding.protocol !== "webhook" || now.binding.protocol !== "webhook") return;
    if (old.binding.mediaType.toLowerCase() !== now.binding.mediaType.toLowerCase())
      yield {
        ...about,
        place: "payload",
        rule: "event-media-type",
        verdict: "breaking",
        reason: `it comes in ${now.binding.mediaType} instead of ${old.binding.mediaType}`,
      };
    const [asked, asks] = [old.binding.callback, now.binding.callback];
    if (canonicalJson(asked ?? null) !== canonicalJson(asks ?? null))
      yield {
        ...about,
        place: "callback",
        rule: "event-callback",
        verdict: "breaking",
        reason: `it came ${from(asked)} and comes ${from(asks)}`,
      };
  },
};

/** Whoever reads a file of rows passes over columns that nobody described. */
function payloadOf({ payload, binding }: EventModel): JsonSchema {
  if (binding.protocol !== "csv" || typeof payload === "boolean") return payload;
  const { additionalProperties: _, ...open } = payload;
  return open;
}

function from(callback: WebhookBinding["callback"]): string {
  if (callback === undefined) return "without being asked for";
  return `to the address that ${callback.operation} is given at ${callback.expression}`;
}
