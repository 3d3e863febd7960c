/** What the admin API answers about published APIs, as JSON Schema. */
import { object, text, time } from "./schema-parts.ts";

const retirement = object({
  api: text,
  major: { type: "integer" },
  reason: text,
  by: text,
  at: time,
  despite: object({
    consumers: { type: "array", items: text },
    openRuns: { type: "integer" },
    runs: { type: "array", items: text, description: "Ids of the oldest of them." },
  }),
});
const used = {
  calls: { type: "integer" },
  lastAt: time,
  recent: { type: "integer", description: "Calls of the last seven days, today included." },
  before: { type: "integer", description: "Calls of the seven days before those." },
  trend: { enum: ["ended", "falling", "steady", "rising"] },
};

export const apiSchemas = {
  ApiRetirement: retirement,
  Stray: object({
    api: text,
    version: text,
    consumer: text,
    kind: {
      enum: ["undeclared", "sunset", "retired", "brownout"],
      description:
        "`sunset`, `retired`: the version has ended. `brownout`: it was called in a planned time without service.",
    },
    method: text,
    path: { ...text, description: "Without values: each of them is {}." },
    hits: { type: "integer" },
    firstAt: time,
    lastAt: time,
  }),
  ApiMigration: object(
    {
      api: text,
      version: text,
      from: { ...text, description: "First day that counts, in UTC." },
      consumers: {
        type: "array",
        items: object(
          {
            consumer: { ...text, description: "(public): callers of public operations." },
            ...used,
            operations: { type: "array", items: object({ operation: text, ...used }) },
          },
          {
            changes: {
              type: "array",
              description: "What changes in the successor for the operations that it uses; absent: there is none here.",
              items: object(
                { rule: text, verdict: text, side: text, at: text, reason: text, also: { type: "array", items: text } },
                { example: object({ value: {}, proven: { type: "boolean" } }, { refusal: text }) },
              ),
            },
          },
        ),
      },
      openRuns: { type: "integer", description: "Started through it, and not ended." },
      runs: {
        type: "array",
        description: "The oldest of them.",
        items: object({ id: text, process: text, version: text, operation: text, consumer: text, createdAt: time }),
      },
    },
    { successor: object({ name: text, version: text }) },
  ),
  Api: object(
    {
      name: text,
      version: text,
      base: text,
      lifecycle: { enum: ["draft", "preview", "published", "deprecated", "sunset", "retired"] },
      access: {
        type: "array",
        items: text,
        description: "Who may call; what is less strict than the default is named.",
      },
      operations: { type: "array", items: object({ name: text, method: text, path: text }, { scope: text }) },
    },
    {
      consumers: { type: "array", items: text, description: "Who may call a preview." },
      since: { ...time, description: "Of the deprecation, epoch milliseconds." },
      sunset: { ...time, description: "From then on it is answered with 410, epoch milliseconds." },
      successor: text,
      retired: retirement,
      blocked: object({ reason: text, by: text, at: time, retryAfterMs: { type: "integer" } }),
    },
  ),
  ApiUsage: object({
    from: { ...text, description: "First day that counts, in UTC." },
    usage: {
      type: "array",
      items: object({
        consumer: { ...text, description: "Empty: a public operation." },
        key: { ...text, description: "Id of the API key; empty: another kind of credential, or none." },
        version: text,
        operation: text,
        calls: { type: "integer" },
        lastAt: time,
        recent: { type: "integer", description: "Calls of the last seven days, today included." },
        before: { type: "integer", description: "Calls of the seven days before those." },
      }),
    },
    whole: { type: "boolean", description: "False: there are more than are shown." },
  }),
} as const;
