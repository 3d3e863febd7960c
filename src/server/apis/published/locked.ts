/**
 * The published contracts: `apis/published/<name>.v<major>.json`, the OpenAPI document that callers were given, in git. What the code
 * would publish is compared with it; within a major version, only what breaks nobody is published.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type OverriddenComparison, type Override, parseOverrides } from "../../../contract/compare/overrides.ts";
import { exampleInWords, findingInWords } from "../../../contract/compare/words.ts";
import { asMortiseError, failure } from "../../../errors.ts";
import type { ApiDefinition } from "../../../publish/define.ts";
import { majorOf } from "../../../publish/lifecycle/retirements.ts";
import type { OpenApiDocument } from "../../../publish/openapi.ts";
import type { Project } from "../../project/project.ts";
import { comparePublished } from "./compare.ts";

export const publishedFolder = "apis/published";
export const overridesFile = `${publishedFolder}/overrides.json`;

/** How a published contract and the code stand to each other. */
export type LockState =
  /** The code says what is published. */
  | { readonly kind: "same" }
  /** Not published yet: there is no file. */
  | { readonly kind: "new" }
  /** Something changed. `verdict`: `safe` is served, the others are not. */
  | { readonly kind: "changed"; readonly comparison: OverriddenComparison }
  /** It can't be compared, or nothing in the code keeps the promise; why. */
  | { readonly kind: "broken"; readonly reason: string };

export interface Lock {
  readonly name: string;
  readonly major: number;
  /** Relative to the project. */
  readonly file: string;
  /** Absent: the code has none of this name and major. */
  readonly api?: ApiDefinition;
  /** What would be written. */
  readonly text?: string;
  readonly state: LockState;
}

export const lockFile = (name: string, major: number): string => `${publishedFolder}/${name}.v${major}.json`;
const promised = ({ lifecycle }: ApiDefinition): boolean =>
  lifecycle.state === "published" || lifecycle.state === "deprecated";

/** Whether the project has published anything in this way. Before it has, nothing is locked, and nothing is warned about. */
export function isLocking(project: Pick<Project, "folder">): boolean {
  return existsSync(join(project.folder, publishedFolder));
}

/**
 * Every published contract, and every version that is one to be, by name and major. `documents`: what the code would publish, by
 * `name version`; a version without one is left out: it has problems of its own.
 */
export async function readLocks(
  project: Pick<Project, "folder" | "apis">,
  documents: ReadonlyMap<string, OpenApiDocument>,
  now: number = Date.now(),
): Promise<readonly Lock[]> {
  const groups = new Map<string, { readonly name: string; readonly major: number; readonly apis: ApiDefinition[] }>();
  for (const api of project.apis) {
    const major = majorOf(api.version);
    const file = lockFile(api.name, major);
    const group = groups.get(file) ?? { name: api.name, major, apis: [] };
    group.apis.push(api);
    groups.set(file, group);
  }
  for (const file of lockFiles(project.folder)) {
    const [, name, major] = /\/([^/]+)\.v(\d+)\.json$/.exec(file) as unknown as [string, string, string];
    if (!groups.has(file)) groups.set(file, { name, major: Number(major), apis: [] });
  }
  const decided = readDecided(project.folder);
  const today = new Date(now).toISOString().slice(0, 10);
  const locks: Lock[] = [];
  for (const [file, { name, major, apis }] of groups) {
    const kept = apis.filter(promised);
    const locked = textOf(join(project.folder, file));
    if (kept.length === 0) {
      const reason = locked === undefined ? undefined : brokenPromise(apis, name, major, file);
      if (reason !== undefined) locks.push({ name, major, file, state: { kind: "broken", reason } });
      continue;
    }
    for (const api of kept) {
      const document = documents.get(`${api.name} ${api.version}`);
      if (document === undefined) continue;
      const text = `${JSON.stringify(document, null, 2)}\n`;
      locks.push({ name, major, file, api, text, state: await stateOf(file, locked, text, decided, today) });
    }
  }
  return locks;
}

async function stateOf(
  file: string,
  locked: string | undefined,
  text: string,
  decided: readonly Override[],
  today: string,
): Promise<LockState> {
  if (locked === undefined) return { kind: "new" };
  try {
    // A formatter may have been at the file.
    if (locked === text || JSON.stringify(parsed(file, locked)) === JSON.stringify(JSON.parse(text)))
      return { kind: "same" };
    return { kind: "changed", comparison: await comparePublished(file, locked, text, decided, today) };
  } catch (error) {
    return { kind: "broken", reason: asMortiseError(error).message };
  }
}

function parsed(file: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw failure("contract-unreadable", { file, place: "its text", reason: (cause as Error).message }, { cause });
  }
}

/** Why a published contract that no version keeps is a problem; a retired one is none. */
function brokenPromise(apis: readonly ApiDefinition[], name: string, major: number, file: string): string | undefined {
  if (apis.some(({ lifecycle }) => lifecycle.state === "retired")) return undefined;
  const state = apis[0]?.lifecycle.state;
  return state === undefined
    ? `${name} ${major} is published (${file}), and no API is it any more; keep its definition with lifecycle: retired(), and remove it together with the file later`
    : `${name} ${major} is published (${file}), and would be a ${state} again; its callers would be turned away`;
}

/** What a start, a promotion and a check refuse: in words, or `undefined`. */
export function refusalOf({ name, major, file, state }: Lock): string | undefined {
  if (state.kind === "broken") return state.reason;
  if (state.kind !== "changed" || state.comparison.verdict === "safe") return undefined;
  const lines = state.comparison.findings
    .filter(({ verdict }) => verdict !== "safe")
    .flatMap((finding) => [
      `${finding.verdict === "breaking" ? "breaking" : "needs review"}: ${findingInWords(finding)}`,
      ...(finding.example === undefined ? [] : [`  ${exampleInWords(finding.example)}`]),
    ]);
  const remedy =
    state.comparison.verdict === "breaking"
      ? "take it back, or make it a new major version"
      : `take it back, make it a new major version, or decide it in ${overridesFile}`;
  return [`${name} ${major} is published (${file}), and would change for those who call it; ${remedy}`, ...lines].join(
    "\n",
  );
}

/** What is served and not published, in words; or `undefined`. */
export function noticeOf({ name, major, state }: Lock): string | undefined {
  const remedy = `with: mortise publish ${name}`;
  if (state.kind === "new")
    return `${name} ${major} is served, and its contract is not published yet; write it down ${remedy}`;
  if (state.kind !== "changed" || state.comparison.verdict !== "safe") return undefined;
  return `${name} ${major} has changes that break nobody, and are not in its published contract yet; write them down ${remedy}`;
}

/** Writes the published contract, whole or not at all. */
export function writeLock(project: string, { file, text }: Lock): void {
  const path = join(project, file);
  mkdirSync(join(project, publishedFolder), { recursive: true });
  writeFileSync(`${path}.new`, text ?? "");
  renameSync(`${path}.new`, path);
}

/** The published document of a version, if it was published. */
export function publishedText(project: string, name: string, version: string): string | undefined {
  return textOf(join(project, lockFile(name, majorOf(version))));
}

/** Relative to the project. */
export function lockFiles(project: string): readonly string[] {
  const folder = join(project, publishedFolder);
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((name) => /^[a-z0-9-]+\.v\d+\.json$/.test(name))
    .sort()
    .map((name) => `${publishedFolder}/${name}`);
}

function readDecided(project: string): readonly Override[] {
  const text = textOf(join(project, overridesFile));
  return text === undefined ? [] : parseOverrides(overridesFile, text);
}

function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw failure(
      "contract-unreadable",
      { file: path, place: "its text", reason: (cause as Error).message },
      { cause },
    );
  }
}
