/** What the admin API answers about a key, as JSON Schema (src/server/tracing/answer.ts). */
import { runStatuses } from "../../process/engine.ts";
import { verdictKinds } from "../../process/verdicts.ts";
import { wholeKinds } from "../../process/whole-verdict.ts";
import { keyKinds } from "../tracing/answer.ts";
import { anything, object, text, texts, time } from "./schema-parts.ts";

const integer = { type: "integer" };
const list = (name: string) => ({ type: "array", items: { $ref: `#/components/schemas/${name}` } });
const verdict = object({
  kind: { enum: verdictKinds },
  text: { ...text, description: "In plain words." },
  least: { ...integer, description: "How often its effect is in place at least; what was taken back does not count." },
  most: { ...integer, description: "How often at most." },
});
const ancestor = {
  run: text,
  process: text,
  key: { ...text, description: "Business key." },
  status: { enum: runStatuses },
};

export const traceSchemas = {
  Trace: object({
    key: text,
    chains: list("TraceChain"),
    more: { type: "boolean", description: "More was found than is shown: name a consumer, an API or a process." },
  }),
  TraceChain: object(
    {
      matched: { type: "array", items: { enum: keyKinds }, description: "What the key is in this chain." },
      verdict: object({
        kind: { enum: wholeKinds },
        text: { ...text, description: "Did anything take effect twice? In plain words." },
        complete: { type: "boolean", description: "False: some of it is not on record any more." },
      }),
      requests: list("TracedRequest"),
      requestsComplete: { type: "boolean", description: "False: more requests may have joined." },
      ancestors: { type: "array", items: object(ancestor), description: "Runs above, the nearest first." },
      runs: { ...list("TracedRun"), description: "Restarts, the oldest first, each followed by its children." },
      runsLeftOff: { ...integer, description: "Runs that are not shown; the verdict does not speak of them." },
    },
    {
      straight: {
        ...(object(
          { key: { ...text, description: "Effect key." }, verdict },
          { operation: text, effect: text },
        ) as object),
        description: "The call of a request that started no run.",
      },
    },
  ),
  TracedRequest: object(
    {
      state: {
        enum: ["under-way", "open", "answered", "none"],
        description: "Of the idempotency record; none: there is none, or it has expired.",
      },
      did: {
        enum: ["started", "joined", "called"],
        description: "A run, a run that was there, or a system straight away.",
      },
      replayed: { ...integer, description: "How often the key came again, and was answered from the record." },
      refusedInFlight: { ...integer, description: "Refused since the first was under way." },
      refusedReused: { ...integer, description: "Refused since it was another request." },
    },
    {
      consumer: { ...text, description: "Empty: a public operation." },
      api: text,
      version: text,
      operation: text,
      key: { ...text, description: "Idempotency-Key; of a signed request the message's id." },
      at: time,
      expiresAt: time,
      status: { ...integer, description: "Of the answer on record." },
      problem: { ...text, description: "Code of that answer, where it is a problem." },
      run: text,
      lastRepeatAt: time,
    },
  ),
  TracedRun: object(
    {
      ...ancestor,
      origin: text,
      createdAt: time,
      updatedAt: time,
      missing: { ...texts, description: "What is not on record any more." },
      calls: list("TracedCall"),
      callsLeftOff: { ...integer, description: "Calls that are not listed; the verdict speaks of them too." },
    },
    { reason: text, parent: text, restartOf: text, restartedAs: text },
  ),
  TracedCall: object(
    {
      n: { ...integer, description: "Number of what the run asked; it stands in the effect key." },
      step: text,
      kind: { enum: ["call", "step", "undo"] },
      effect: { enum: ["read", "idempotent", "unrepeatable"] },
      at: time,
      keys: { type: "array", items: { $ref: "#/components/schemas/TracedKey" }, description: "The oldest first." },
      verdict,
    },
    {
      operation: { ...text, description: "system.operation" },
      endedAt: time,
      fault: object({ name: text, message: text }),
      item: { ...(object({ map: text, index: integer }) as object), description: "Of an item of a map." },
      superseded: { const: true, description: "A rewind went back to before it." },
      undo: { ...text, description: "Operation that takes it back." },
      of: {
        ...(object({ n: integer }, { generation: integer }) as object),
        description: "Of an undo: `n` of the step that it takes back.",
      },
      asked: { const: true, description: "Its effect key was asked for." },
    },
  ),
  TracedKey: object(
    {
      generation: integer,
      key: { ...text, description: "Effect key, as it was sent." },
      at: time,
      attempts: { ...integer, description: "That are on record." },
      failed: {
        type: "array",
        items: object({ number: integer, at: time, failure: anything }, { afterLost: { const: true } }),
        description: "The last 20.",
      },
      said: {
        type: "array",
        items: object({ what: text, at: time }, { by: text, reason: text, message: text, expired: { const: true } }),
        description: "What probes found and people said.",
      },
      maybe: { type: "boolean", description: "An attempt may have taken effect, and nothing says otherwise." },
      cleared: object({ probe: integer, person: integer }),
      cut: {
        type: "array",
        items: time,
        description: "When a server or a worker began, and had cut off an attempt of which there is no record.",
      },
      state: text,
      running: { type: "boolean", description: "An attempt may be under way." },
    },
    {
      nextAt: time,
      unrecorded: { const: true, description: "It happened, and its result can't be recorded: a person is asked." },
    },
  ),
};
