/**
 * A published contract and what the code would publish now, compared as `mortise diff` compares, with what is more than the contract:
 * where the version is reached, and when it ends. Owners may decide what can't be decided by machine; what breaks, nobody may within a
 * major version.
 */
import { compareContracts } from "../../../contract/compare/compare.ts";
import { type Finding, type Verdict, worse } from "../../../contract/compare/finding.ts";
import {
  type OverriddenComparison,
  type OverriddenFinding,
  type Override,
  override,
} from "../../../contract/compare/overrides.ts";
import type { ContractModel } from "../../../contract/model.ts";
import { readOpenApi } from "../../../contract/read/openapi.ts";
import { openTexts } from "../../../contract/read/source.ts";
import { majorOf } from "../../../publish/lifecycle/retirements.ts";
import { refusesUnnamed, withoutLimitNoise } from "./own-changes.ts";

/** The contract of an OpenAPI document that is served here. Rejects with `contract-unreadable`, naming `file`. */
export async function modelOf(file: string, text: string): Promise<ContractModel> {
  return readOpenApi(await openTexts({ [file]: text.includes(eventData) ? withItems(text) : text }), "published");
}

const eventData = '"x-event-data"';

/** What each event of a stream holds, where OpenAPI 3.2 has it (streams/openapi.ts): it is a promise like any other. */
function withItems(text: string): string {
  const described = JSON.parse(text, (name, value) => {
    const itemSchema =
      name === "text/event-stream" ? (value as { "x-event-data"?: unknown })["x-event-data"] : undefined;
    return itemSchema === undefined ? value : { itemSchema };
  });
  return JSON.stringify(described);
}

/** `file`: of the published one, for errors. `decided` counts on `today`: `2026-11-27`. */
export async function comparePublished(
  file: string,
  locked: string,
  now: string,
  decided: readonly Override[] = [],
  today = "",
): Promise<OverriddenComparison> {
  const [old, fresh] = [await modelOf(file, locked), await modelOf("openapi.json", now)];
  const compared = compareContracts(old, fresh, undefined, refusesUnnamed);
  const told = compared.findings.filter(({ rule }) => rule !== "servers");
  const findings = [...withoutLimitNoise(told, locked, now), ...ownFindings(locked, now)];
  const { unused, findings: judged } = override({ ...compared, findings }, decided, today);
  const kept = judged.map(withoutWaiver);
  return {
    findings: kept,
    unused,
    verdict: kept.reduce<Verdict>((worst, { verdict }) => worse(worst, verdict), "safe"),
  };
}

/** A decision counts for what needs a review, and for nothing else. */
function withoutWaiver(finding: OverriddenFinding): OverriddenFinding {
  if (finding.override?.was !== "breaking") return finding;
  const { override: _, ...rest } = finding;
  return { ...rest, verdict: "breaking" };
}

interface Document {
  readonly servers?: readonly { readonly url?: string }[];
  readonly info?: { readonly [name: string]: unknown };
  readonly paths?: { readonly [path: string]: unknown };
}

function ownFindings(locked: string, now: string): readonly Finding[] {
  const [old, fresh] = [JSON.parse(locked) as Document, JSON.parse(now) as Document];
  const findings: Finding[] = [];
  const found = (verdict: Verdict, rule: string, at: string, reason: string): void => {
    findings.push({
      rule,
      verdict,
      side: "contract",
      at,
      reason,
      also: [],
      places: [{ member: "", place: at, path: [] }],
    });
  };
  const [was, is] = [old, fresh].map(({ servers }) => pathOf(servers?.[0]?.url ?? ""));
  const sameMajor = major(old) === major(fresh);
  // A new major version is served beside the old one, which keeps its own.
  if (was !== is)
    found(sameMajor ? "breaking" : "safe", "base-path", "servers", `its base path is ${is}, and was ${was}`);
  // A slash at the end makes another path here; elsewhere nobody can tell, so the comparer of contracts passes over it.
  const [had, has] = [old, fresh].map(({ paths = {} }) =>
    Object.keys(paths).map((path) => path.replace(/\{[^{}]*\}/g, "{}")),
  );
  for (const path of had ?? []) {
    const other = path.endsWith("/") ? path.slice(0, -1) : `${path}/`;
    if (has?.includes(path) === false && has.includes(other))
      found("breaking", "operation-removed", path, `it is served under ${other} alone, and was under ${path}`);
  }
  const [ended, ends] = [old, fresh].map(({ info }) => Date.parse(String(info?.["x-sunset"] ?? "")));
  if (ended !== undefined && ends !== undefined && ends < ended) {
    const day = (at: number) => new Date(at).toISOString().slice(0, 10);
    found(
      "breaking",
      "sunset-earlier",
      "info",
      `its sunset was announced for ${day(ended)}, and would be on ${day(ends)}`,
    );
  }
  return findings;
}

function major({ info }: Document): number {
  return majorOf(String(info?.version ?? ""));
}

/** A relative URL is a path. */
function pathOf(url: string): string {
  return new URL(url, "http://localhost").pathname;
}
