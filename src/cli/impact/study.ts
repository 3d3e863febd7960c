/** What a new version of a pinned contract means for a project: its findings, and what they touch. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { compareContracts } from "../../contract/compare/compare.ts";
import { type Override, override } from "../../contract/compare/overrides.ts";
import type { ContractModel } from "../../contract/model.ts";
import { projectFiles } from "../../server/project/files.ts";
import { sourcesOf } from "../../server/project/sources.ts";
import { membersNamed } from "../check/usage.ts";
import type { Desk } from "./desk.ts";
import { type Asked, askedByNames, type Impact, judge } from "./impact.ts";

export interface Study {
  readonly impact: Impact;
  /** Why the types could not be asked; then every field of what is named counts as used. */
  readonly untyped?: string;
}

export async function study(
  desk: Desk,
  folder: string,
  pinned: ContractModel,
  now: ContractModel,
  overrides: readonly Override[] = [],
): Promise<Study> {
  const today = new Date().toISOString().slice(0, 10);
  const comparison = override(compareContracts(pinned, now), overrides, today);
  const answer = await desk.ask({ ask: "impact", folder, pinned, comparison });
  if ("impact" in answer) return answer;
  const untyped = "reason" in answer ? answer.reason : "the compiler gave another answer";
  return { impact: judge(comparison, byNames(folder, pinned.name)), untyped };
}

function byNames(folder: string, system: string): Asked {
  const { process, api, schedule, system: systems } = projectFiles(folder);
  const named = new Map(systems.map((file) => [file, file.split("/")[1]!]));
  const byFile = new Map<string, Set<string>>();
  for (const entry of [...process, ...api, ...schedule]) {
    const found = new Set<string>();
    for (const file of sourcesOf(folder, [entry]).files)
      if (/\.[cm]?ts$/.test(file) && !named.has(file))
        for (const name of membersNamed(file, readFileSync(join(folder, file), "utf8"), named)) found.add(name);
    byFile.set(entry, found);
  }
  return askedByNames(system, byFile);
}
