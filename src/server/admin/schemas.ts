/** What the admin API answers, as JSON Schema: the named schemas of its OpenAPI document. */
import type { JsonSchema } from "../../operation.ts";
import { runStatuses } from "../../process/engine.ts";
import { apiSchemas } from "./api-schemas.ts";
import { consumerSchemas } from "./consumer-schemas.ts";
import { anything, bytes, object, text, texts, time } from "./schema-parts.ts";
import { roles } from "./tokens.ts";
import { traceSchemas } from "./trace-schemas.ts";

/** `{ "$ref": ... }` to one of the schemas below. */
export function ref(name: keyof typeof schemas): JsonSchema {
  return { $ref: `#/components/schemas/${name}` };
}

export function list(name: keyof typeof schemas, member: string): JsonSchema {
  return object({ [member]: { type: "array", items: ref(name) } });
}

const parent = { ...text, description: "The run that started it as its child." };

const runSummary = {
  id: text,
  process: text,
  key: { ...text, description: "Business key." },
  version: { ...text, description: "Code version." },
  status: { enum: runStatuses },
  origin: { ...text, description: "Who or what started it." },
  createdAt: time,
  updatedAt: time,
};

const reference = object({ hash: text, bytes: { type: "integer", description: "Of its JSON text." } });

const effect = object(
  { step: text, at: time, why: text },
  { operation: text, key: { ...text, description: "Effect key." } },
);
const counted = { type: "array", items: object({ what: text, times: { type: "integer" } }) };

export const schemas = {
  RunSummary: object(runSummary, { parent, reason: { ...text, description: "Why it waits or is parked." } }),
  Run: object(
    { ...runSummary, input: anything, steps: { type: "array", items: { $ref: "#/components/schemas/Step" } } },
    {
      reason: text,
      inputReference: reference,
      state: { description: "What the run shows of itself." },
      parent,
      children: {
        type: "array",
        items: object({ run: text, process: text, key: text, status: { enum: runStatuses } }),
        description: "Runs that it started or waits for.",
      },
      output: anything,
      outputReference: reference,
      failure: object({ reason: text }, { detail: anything }),
      part: { type: "integer", description: "Which part of the run this is, from 2 on (flow.continueAs)." },
      warning: { ...text, description: "Its history grows long, or some of it can't be read." },
      parked: { $ref: "#/components/schemas/ParkedQuestion" },
      restartOf: { ...text, description: "The run that this one is a restart of." },
      restartedAs: { ...text, description: "The run that this one was restarted as." },
      historyGone: { const: true },
    },
  ),
  Step: object(
    { position: { type: "integer" }, id: text, kind: text, status: text, at: time },
    {
      endedAt: time,
      effect: text,
      operation: {
        ...text,
        description: "Of a call or an undo: system.operation; of a receive: system.event; of a child: its process.",
      },
      key: { ...text, description: "Effect key; of a child its business key." },
      undo: { ...text, description: "Operation that takes it back." },
      of: { type: "integer", description: "Of an undo: `n` of the step that it takes back." },
      attempts: { type: "integer" },
      n: { type: "integer", description: "Number of what the run asked; it stands in the effect key." },
      input: anything,
      inputReference: reference,
      editedInput: { description: "What was sent instead: an operator edited it." },
      output: anything,
      outputReference: reference,
      failure: anything,
      nextAttemptAt: time,
      superseded: { const: true, description: "A rewind went back to before it." },
      inRace: {
        const: true,
        description: "Asked between a wait and the race that it lost: no rewind goes back to it.",
      },
      note: text,
    },
  ),
  KnownOfStep: object(
    {
      effect: { enum: ["read", "idempotent", "unrepeatable"] },
      key: { ...text, description: "Sent with every attempt; look for it in the system." },
      attempts: { type: "integer" },
      mayHaveHappened: { type: "boolean", description: "Whether any attempt may have taken effect." },
    },
    { firstFailedAt: time, lastFailedAt: time, keyUntil: time, probeFoundNothingAt: time },
  ),
  ParkedQuestion: object(
    {
      number: { type: "integer" },
      code: text,
      message: text,
      answers: { type: "array", items: object({ kind: text, effect: text }) },
    },
    {
      n: { type: "integer", description: "Of the step that it is about." },
      step: text,
      at: { ...text, description: "Place in the code, where the code is the reason: processes/order.ts:12." },
      failure: anything,
      known: { $ref: "#/components/schemas/KnownOfStep" },
      recorded: anything,
      asked: anything,
    },
  ),
  Cause: object(
    {
      cause: { ...text, description: "Id of the cause, for filters." },
      process: text,
      code: { ...text, description: "Of the question." },
      message: { ...text, description: "Without what differs from run to run." },
      runs: { type: "integer" },
      oldestAt: { ...time, description: "Since when the first of them is parked." },
      example: { ...text, description: "That run." },
    },
    { step: text, failure: { ...text, description: "Code of the failure." } },
  ),
  Preview: object({
    act: text,
    possible: { type: "boolean" },
    happens: { ...text, description: "What happens; where it is not possible, why." },
    mayDouble: { type: "array", items: effect },
    undoes: {
      type: "array",
      description: "In this order.",
      items: object(
        { step: text, with: { ...text, description: "Operation of the undo." }, sure: { type: "boolean" } },
        { key: text },
      ),
    },
    stays: { type: "array", items: effect, description: "Effects that nothing takes back." },
  }),
  BulkPreview: object({
    act: text,
    runs: { type: "integer", description: "That the filter finds." },
    looked: { type: "integer", description: "The newest of them were looked at; the other figures are theirs." },
    possible: { type: "integer" },
    refused: counted,
    mayDouble: counted,
    undoes: counted,
    stays: counted,
  }),
  BulkJob: object(
    {
      id: text,
      filter: { type: "object" },
      act: { type: "object" },
      by: text,
      reason: text,
      status: { enum: ["running", "done", "stopped"] },
      total: { type: "integer" },
      done: { type: "integer" },
      refused: { type: "integer" },
      createdAt: time,
    },
    { endedAt: time, refusals: { type: "array", items: object({ run: text, code: text, message: text }) } },
  ),
  Task: object(
    {
      id: text,
      run: text,
      process: text,
      key: text,
      name: text,
      title: text,
      assign: text,
      input: anything,
      form: { description: "JSON Schema of an answer." },
      status: { enum: ["open", "answered", "closed"] },
      createdAt: time,
    },
    {
      dueAt: time,
      inputReference: reference,
      unreadable: { ...text, description: "Why the input, which is null then, can't be read." },
    },
  ),
  System: object({
    name: text,
    connector: text,
    connection: { ...text, description: "Without credentials." },
    operations: { type: "array", items: object({ name: text, effect: text }) },
    events: { type: "array", items: text },
    health: { $ref: "#/components/schemas/Health" },
  }),
  Health: object(
    { state: { enum: ["unknown", "healthy", "unhealthy"] } },
    {
      reason: text,
      checkedAt: time,
      circuit: { $ref: "#/components/schemas/Circuit" },
    },
  ),
  Circuit: object(
    {
      state: {
        enum: ["closed", "open", "looking"],
        description:
          "`open`: the system counts as away, and its steps wait; one call looks for it at `until`. `looking`: that call is under way.",
      },
    },
    { since: time, until: time, reason: text },
  ),
  Process: object(
    {
      name: text,
      runs: { type: "object", description: "How many, by status.", additionalProperties: { type: "integer" } },
    },
    { description: text, startsOn: text, requirement: anything },
  ),
  ...apiSchemas,
  ...consumerSchemas,
  ...traceSchemas,
  Schedule: object(
    {
      name: text,
      process: text,
      cron: text,
      timeZone: text,
      catchUp: { enum: ["one", "all", "none"], description: "What becomes of ticks that were missed." },
      next: { type: "array", items: time, description: "The next ticks." },
    },
    {
      description: text,
      started: object({ tick: time, run: text }),
      problem: object({ at: time, reason: text }),
      paused: object({ at: time, by: text, reason: text }),
    },
  ),
  Contract: object(
    {
      system: text,
      language: text,
      hash: { type: "string", description: "SHA-256 of contract.json." },
      state: {
        enum: ["new", "same", "unmodified", "changed", "unreadable", "unwatched"],
        description: "Of the live contract at the last look; `new`: this pin was not looked at yet.",
      },
    },
    { url: text, lookedAt: time },
  ),
  ContractItem: object({
    system: text,
    kind: { enum: ["changed", "unreadable", "deprecated"] },
    operation: { type: "string", description: "Of a deprecated operation; else empty." },
    firstSeen: time,
    lastSeen: time,
    detail: {
      type: "object",
      description:
        "changed: words; changes by names; verdict, counts, findings (rule, verdict, side, at, reason, example, also; the worst 50) and touches (operations and events) as mortise diff finds them. unreadable: code, words. deprecated: deprecated and sunset in epoch milliseconds, link.",
    },
  }),
  StoreSize: object({
    file: { ...text, description: "The database." },
    bytes: { ...bytes, description: "The database's pages, in bytes." },
    journalBytes: { ...bytes, description: "The journal's file beside it." },
    freeBytes: { ...bytes, description: "Pages that are used for what comes next." },
    leftBytes: { ...bytes, description: "Pages that there was no time to look at; 0: all were looked at." },
    parts: {
      type: "array",
      items: object({ part: text, tables: { type: "array", items: text }, rows: bytes, bytes, note: text }),
      description: "Largest first; bytes with those of the indexes.",
    },
    advice: { type: "array", items: text },
  }),
  Token: object(
    { name: text, role: { enum: roles }, createdBy: text, createdAt: time },
    { revokedAt: time, revokedBy: text },
  ),
  Version: object(
    {
      id: text,
      state: {
        enum: ["promoted", "before", "registered", "draining", "drained"],
        description: "before: a rollback goes there. draining: runs are open on it. drained: it goes within the hour.",
      },
      current: { type: "boolean" },
      worker: { enum: ["running", "starting", "failed", "none"] },
      openRuns: { type: "integer" },
      note: text,
    },
    { registeredAt: time, registeredBy: text, promotedAt: time, promotedBy: text, promotedFor: text },
  ),
  Rehearsal: object(
    {
      id: text,
      version: text,
      state: { enum: ["running", "done", "failed"] },
      startedAt: time,
      continues: { type: "integer" },
      diverges: { type: "integer" },
      stops: { type: "integer" },
      points: {
        type: "array",
        description: "Runs that fare alike: where they diverge or stop, with one of them.",
        items: object(
          {
            process: text,
            kind: { enum: ["diverges", "stops"] },
            at: { ...text, description: "The step, or the reason for which they stop." },
            message: text,
            runs: { type: "integer" },
            example: object({ run: text, key: text }, { recorded: anything, asked: anything }),
          },
          { place: { ...text, description: "In the code: processes/order.ts:12." } },
        ),
      },
    },
    { endedAt: time, error: text },
  ),
  Rehearsed: object(
    {
      run: text,
      process: text,
      key: text,
      from: { ...text, description: "Its code version." },
      verdict: { enum: ["continues", "diverges", "stops"] },
    },
    {
      comes: { enum: ["steps", "the end", "the undo"] },
      next: { type: "array", items: object({ step: text, fresh: { type: "boolean" } }, { at: text }) },
      at: text,
      place: text,
      message: text,
    },
  ),
  Moved: object({
    moved: { type: "array", items: object({ run: text, key: text, goesOn: { type: "boolean" } }) },
    refused: { type: "array", items: object({ run: text, key: text, code: text, message: text }) },
    next: { type: ["string", "null"], description: "`after` of the next portion; null: that was all." },
  }),
  Deployed: object(
    {
      version: text,
      fresh: { type: "boolean", description: "False: these sources were registered before." },
      promoted: { type: "boolean" },
      reload: { ...texts, description: "Files that have changed since the server read them; a reload takes them." },
    },
    { before: { ...text, description: "The version that was promoted until now, where it changed." } },
  ),
  Reloaded: object(
    {
      files: {
        ...texts,
        description: "Files of the server that changed: configuration, systems, APIs, and what they import.",
      },
      version: { ...text, description: "That new runs start on." },
      restart: { ...texts, description: "What is in force only after a restart." },
      notices: { ...texts, description: "What is served and not written down." },
    },
    {
      before: { ...text, description: "The version that was promoted until now, where it changed." },
      kept: { ...text, description: "Why the code of processes in the files was not taken, where it is another." },
    },
  ),
  AuditEntry: object({
    id: { type: "integer" },
    at: time,
    by: text,
    role: text,
    action: text,
    target: text,
    reason: text,
    result: text,
  }),
  Done: object({ done: { const: true } }, { run: { ...text, description: "The run; of a restart the new one." } }),
} as const satisfies Record<string, JsonSchema>;
