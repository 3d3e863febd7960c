/**
 * Answers of a REST operation: statuses, media types, bodies. A status that is new is no break: clients understand the class
 * of any status (RFC 9110, section 15).
 */
import { between } from "../between.ts";
import { answerBodies } from "./bodies.ts";
import type { Rule } from "./rule.ts";

export const answer: Rule = {
  ids: ["answer-status", "answer-media-type"],
  *operation(both, { name: member, old, now }) {
    if (old.binding.protocol !== "rest" || now.binding.protocol !== "rest") return;
    const before = answerBodies(old, old.binding);
    const after = answerBodies(now, now.binding);
    const covered = (status: string): string | undefined =>
      [status, `${status[0]!}XX`, "default"].find((each) => after.has(each));
    for (const [status, bodies] of before) {
      const good = status.startsWith("2");
      const side = good ? "answer" : "fault";
      const about = { side, member, place: `answer ${status}` } as const;
      const at =
        status === "2XX" ? ([...after.keys()].find((each) => each.startsWith("2")) ?? undefined) : covered(status);
      if (at === undefined || (good && at === "default")) {
        yield {
          ...about,
          rule: "answer-status",
          verdict: good ? "breaking" : "safe",
          reason: good
            ? `the status ${status} is gone: it no longer says that the call succeeded`
            : `the status ${status} is no longer declared`,
        };
        continue;
      }
      const current = after.get(at)!;
      for (const [mediaType, schema] of bodies) {
        const here = current.get(mediaType);
        const place = bodies.size === 1 ? about.place : `${about.place} ${mediaType}`;
        if (here !== undefined) yield* between(both, { ...about, place }, schema, here);
        else {
          const example = both.sample("old", schema, "answer");
          yield {
            ...about,
            place,
            rule: "answer-media-type",
            verdict: good ? "breaking" : "safe",
            reason: `it is no longer answered in ${mediaType}`,
            ...(example === undefined ? {} : { example }),
          };
        }
      }
      for (const mediaType of current.keys())
        if (!bodies.has(mediaType))
          yield {
            ...about,
            rule: "answer-media-type",
            verdict: "safe",
            reason: `it can be answered in ${mediaType}, too; callers ask for what they know`,
          };
    }
    for (const status of after.keys())
      if (!before.has(status) && !(status.startsWith("2") && before.has("2XX")))
        yield {
          side: status.startsWith("2") ? "answer" : "fault",
          member,
          place: `answer ${status}`,
          rule: "answer-status",
          verdict: "safe",
          reason: `the status ${status} is new; clients understand the class of any status`,
        };
  },
};
