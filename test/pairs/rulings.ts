/**
 * Which ruling of docs/reference/contract-rulings.md says why a verdict differs from that of another project. Found by the rules that
 * spoke, never by a case's name. Each has a value that shows it; a test checks those values with validators.
 */
import type { Finding, Verdict } from "../../src/contract/compare/finding.ts";
import type { Json, JsonSchema } from "../../src/operation.ts";
import type { Theirs } from "./cases.ts";

type Seen = Pick<Finding, "rule" | "verdict" | "side" | "at" | "reason" | "example">;

export interface Ruling {
  readonly id: string;
  readonly applies: (ours: Verdict | "unreadable", theirs: Theirs, findings: readonly Seen[]) => boolean;
  /** Schemas of both versions at the place, and what each does with the value. */
  readonly proof: {
    readonly old: JsonSchema;
    readonly now: JsonSchema;
    readonly value: Json;
    readonly oldTakes: boolean;
    readonly nowTakes: boolean;
  };
}

const given = (side: string): boolean => side === "answer" || side === "fault" || side === "event";
const breaking = (findings: readonly Seen[]): readonly Seen[] =>
  findings.filter(({ verdict }) => verdict === "breaking");

export const rulings: readonly Ruling[] = [
  {
    id: "answers-may-not-widen",
    applies: (ours, theirs, findings) =>
      ours === "breaking" &&
      theirs !== "breaking" &&
      breaking(findings).some(({ side, example }) => given(side) && example?.proven === true),
    proof: {
      old: { type: "string", pattern: "^[a-z]+$" },
      now: { type: "string" },
      value: "7",
      oldTakes: false,
      nowTakes: true,
    },
  },
  {
    id: "requests-may-not-narrow",
    applies: (ours, theirs, findings) =>
      ours === "breaking" &&
      theirs !== "breaking" &&
      breaking(findings).some(({ side, example }) => side === "request" && example?.proven === true),
    proof: {
      old: { type: "string" },
      now: { type: "string", minLength: 1 },
      value: "",
      oldTakes: true,
      nowTakes: false,
    },
  },
  {
    id: "ignored-members",
    applies: (ours, theirs, findings) =>
      ours === "review" &&
      theirs !== "warning" &&
      findings.some(({ rule, verdict }) => rule === "ignored-property" && verdict === "review"),
    proof: {
      old: { type: "object", required: ["a"], properties: { a: { type: "integer" } } },
      now: { type: "object" },
      value: { a: 1 },
      oldTakes: true,
      nowTakes: true,
    },
  },
  {
    id: "undecided-stays-undecided",
    applies: (ours, theirs, findings) =>
      ours === "review" && theirs !== "warning" && findings.some(({ verdict }) => verdict === "review"),
    proof: {
      old: { type: "string", format: "sku" },
      now: { type: "string", format: "article" },
      value: "A-1",
      oldTakes: true,
      nowTakes: true,
    },
  },
  {
    id: "no-value-differs",
    applies: (ours, theirs, findings) => ours === "safe" && theirs !== "compatible" && findings.length === 0,
    proof: {
      old: { allOf: [{ properties: { name: { type: "string" } } }, { properties: { name: { type: "string" } } }] },
      now: { allOf: [{ properties: { name: { type: "string" } } }] },
      value: { name: "text" },
      oldTakes: true,
      nowTakes: true,
    },
  },
  {
    id: "webhooks-are-sent",
    applies: (ours, _theirs, findings) => ours === "safe" && findings.some(({ side }) => side === "event"),
    proof: {
      old: { type: "object", properties: { id: { type: "string" } } },
      now: { type: "object", properties: { id: { type: "string" }, amount: { type: "number" } } },
      value: { id: "1", amount: 2 },
      oldTakes: true,
      nowTakes: true,
    },
  },
  {
    id: "failures-may-go",
    applies: (ours, _theirs, findings) => ours === "safe" && findings.some(({ rule }) => rule === "answer-status"),
    proof: {
      old: { enum: [200, 400] },
      now: { enum: [200] },
      value: 200,
      oldTakes: true,
      nowTakes: true,
    },
  },
  {
    id: "optional-members-may-go",
    applies: (ours, _theirs, findings) =>
      ours === "safe" && findings.some(({ rule, side }) => rule === "property-removed" && given(side)),
    proof: {
      old: { type: "object", properties: { a: { type: "string" }, b: { type: "string" } }, required: ["a"] },
      now: { type: "object", properties: { a: { type: "string" }, b: false }, required: ["a"] },
      value: { a: "text" },
      oldTakes: true,
      nowTakes: true,
    },
  },
  {
    id: "read-only-members-are-not-sent",
    applies: (ours, _theirs, findings) =>
      ours === "safe" && findings.some(({ rule, side }) => given(side) && ["pattern", "text-length"].includes(rule)),
    proof: {
      old: { type: "object", properties: { created: false } },
      now: { type: "object", properties: { created: false } },
      value: {},
      oldTakes: true,
      nowTakes: true,
    },
  },
  {
    id: "answers-may-narrow",
    applies: (ours, _theirs, findings) => ours === "safe" && findings.some(({ side }) => given(side)),
    proof: {
      old: { type: "integer", format: "int64" },
      now: { type: "integer", format: "int32" },
      value: 2_147_483_647,
      oldTakes: true,
      nowTakes: true,
    },
  },
  {
    id: "requests-may-widen",
    applies: (ours, _theirs, findings) => ours === "safe" && findings.some(({ side }) => side === "request"),
    proof: {
      old: { type: "integer", format: "int32" },
      now: { type: "integer", format: "int64" },
      value: 2_147_483_648,
      oldTakes: false,
      nowTakes: true,
    },
  },
];

export function rulingFor(ours: Verdict | "unreadable", theirs: Theirs, findings: readonly Seen[]): string | undefined {
  return rulings.find(({ applies }) => applies(ours, theirs, findings))?.id;
}
