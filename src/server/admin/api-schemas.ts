/** What the admin API answers about published APIs, as JSON Schema. */
import { object, text, time } from "./schema-parts.ts";

export const apiSchemas = {
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
