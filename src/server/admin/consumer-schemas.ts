/** What the admin API answers about consumers, their keys and secrets, as JSON Schema. */
import { object, text, texts, time } from "./schema-parts.ts";

export const consumerSchemas = {
  Key: object(
    { id: text, consumer: text, scopes: texts, environment: text, createdBy: text, createdAt: time },
    {
      expiresAt: time,
      revokedAt: time,
      revokedBy: text,
      rotatedFrom: text,
      exposedAt: { ...time, description: "When it first came in clear, and others could read it." },
      lastUsed: object({ at: time, by: text }),
    },
  ),
  Consumer: object(
    { name: text },
    { plan: text, contact: text, disabledAt: time, reason: text, createdAt: time, changedAt: time, changedBy: text },
  ),
  Secret: object(
    { name: text, usedBy: { ...texts, description: "What refers to it." } },
    {
      in: {
        enum: ["file", "store", "environment", "nowhere"],
        description: "Where its value comes from: the first of these that has it. Absent: nothing uses it.",
      },
      setAt: { ...time, description: "Of the one in the store." },
      setBy: text,
      warning: { ...text, description: "Of `setSecret`: the value is in force, and the log can't be kept free of it." },
    },
  ),
} as const;
