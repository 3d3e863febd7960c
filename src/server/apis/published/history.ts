/**
 * What was published, and when: `apis/published/history/<name>.<version>.<day>.json`, one file for each time that `mortise publish` wrote a
 * contract (`<day>.2` for the second time on a day), with the document and what changed since the one before. The contract itself says only
 * what is promised now.
 */
import { mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Finding, Verdict } from "../../../contract/compare/finding.ts";
import { exampleInWords } from "../../../contract/compare/words.ts";
import { failure } from "../../../errors.ts";
import { deprecationOf, type PublishedChange, type PublishedVersion } from "../../../publish/docs/changelog.ts";
import { majorOf } from "../../../publish/lifecycle/retirements.ts";
import type { OpenApiDocument } from "../../../publish/openapi.ts";
import { comparePublished } from "./compare.ts";
import { lockFiles } from "./locked.ts";

// What shows a history shows its days.
export { dayInWords, publicly } from "../../../publish/docs/changelog.ts";
export const historyFolder = "apis/published/history";

/** One time that a contract was written down. */
export interface Recorded extends PublishedVersion {
  readonly api: string;
  /** Relative to the project. */
  readonly file: string;
  readonly document: OpenApiDocument;
}

const fileForm = /^[a-z0-9-]+\.\d+\.\d+\.\d+[0-9A-Za-z.-]*\.json$/;
const dayForm = /^\d{4}-\d{2}-\d{2}$/;
const dayOrNone = (date: unknown): boolean => date === undefined || (typeof date === "string" && dayForm.test(date));
const nthOrNone = (nth: unknown): boolean => nth === undefined || (Number.isSafeInteger(nth) && (nth as number) > 1);
const severity: Readonly<Record<Verdict, number>> = { breaking: 0, review: 1, safe: 2 };

/**
 * What was published of the API, the newest first; of every API without a name. A contract that was published before there was a history is
 * told without a day. A file that can't be read is left out and told to `damaged`; without that it throws `contract-unreadable`, naming the file.
 */
export function readHistory(
  project: string,
  name?: string,
  damaged?: (error: Error) => void,
): readonly Recorded[] {
  const all = recorded(project, damaged);
  for (const file of lockFiles(project)) {
    const text = readFileSync(join(project, file), "utf8");
    const [, api = ""] = /\/([^/]+)\.v\d+\.json$/.exec(file) ?? [];
    let document: OpenApiDocument;
    try {
      document = documentOf(file, text);
    } catch {
      continue; // That the contract can't be read is said where it is compared.
    }
    if (!all.some((one) => one.api === api && sameText(one.document, text)))
      all.push({ api, file, version: document.info.version, changes: [], document, ...deprecated(document) });
  }
  return all.filter(({ api }) => name === undefined || api === name).sort(newestFirst);
}

function recorded(
  project: string,
  damaged = (error: Error): void => {
    throw error;
  },
): Recorded[] {
  let files: readonly string[];
  try {
    files = readdirSync(join(project, historyFolder));
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") return [];
    damaged(unreadable(historyFolder, (cause as Error).message, cause));
    return [];
  }
  const entries: Recorded[] = [];
  for (const file of files.filter((one) => fileForm.test(one))) {
    try {
      entries.push(entryOf(project, `${historyFolder}/${file}`));
    } catch (error) {
      damaged(error as Error);
    }
  }
  return entries;
}

function documentOf(file: string, text: string): OpenApiDocument {
  try {
    const document = JSON.parse(text) as OpenApiDocument;
    if (typeof document.info.version === "string") return document;
  } catch (cause) {
    throw unreadable(file, (cause as Error).message, cause);
  }
  throw unreadable(file, "it has no version");
}

function deprecated({ info }: OpenApiDocument): Pick<PublishedVersion, "deprecation"> {
  const deprecation = deprecationOf(info);
  return deprecation === undefined ? {} : { deprecation };
}

function entryOf(project: string, file: string): Recorded {
  let read: unknown;
  try {
    read = JSON.parse(readFileSync(join(project, file), "utf8"));
  } catch (cause) {
    throw unreadable(file, (cause as Error).message, cause);
  }
  const { api, version, date, nth, since, note, changes, document } = (read ?? {}) as Partial<Recorded>;
  if (typeof api !== "string" || typeof version !== "string" || !Array.isArray(changes)) {
    throw unreadable(file, "it has no api, version and changes, as mortise publish writes them");
  }
  if (typeof document?.info !== "object" || document.info === null) throw unreadable(file, "it has no document");
  if (since !== undefined && (typeof since?.version !== "string" || !dayOrNone(since.date) || !nthOrNone(since.nth)))
    throw unreadable(file, "its since is no version with a day");
  if (!dayOrNone(date)) throw unreadable(file, "its date is no day such as 2026-11-27");
  if (!nthOrNone(nth)) throw unreadable(file, "its nth is no number from 2 on");
  return Object.freeze({
    ...{ api, file, version, changes: Object.freeze(changes.map(changeOf)), document },
    ...(date === undefined ? {} : { date }),
    ...(nth === undefined ? {} : { nth }),
    ...(since === undefined ? {} : { since: pointTo(since) }),
    ...(typeof note === "string" ? { note } : {}),
    ...deprecated(document),
  });
}

/** A file in git may have been edited: what has another form is told as what has to be looked at. */
function changeOf(written: unknown): PublishedChange {
  const { verdict, rule, at, reason, example } = (written ?? {}) as Partial<PublishedChange>;
  return Object.freeze({
    verdict: verdict !== undefined && Object.hasOwn(severity, verdict) ? verdict : "review",
    ...{ rule: String(rule ?? ""), at: String(at ?? ""), reason: String(reason ?? "") },
    ...(typeof example === "string" ? { example } : {}),
  });
}

export interface Publishing {
  readonly name: string;
  readonly version: string;
  /** The document as text. */
  readonly text: string;
  /** The published contract that it takes the place of, as text. */
  readonly before: string | undefined;
  /** `2026-11-27`. */
  readonly today: string;
  readonly note?: string | undefined;
}

/**
 * Writes down what is published now; each time is an entry of its own, also on one day. What was published before there was a history is kept,
 * without a date.
 */
export async function record(
  project: string,
  { name, version, text, before, today, note }: Publishing,
): Promise<string> {
  if (before !== undefined && !recorded(project).some((one) => one.api === name && sameText(one.document, before))) {
    const document = documentOf(`the published contract of ${name}`, before);
    const undated = { api: name, version: document.info.version, changes: [], document };
    write(project, fileOf(name, undated.version), undated);
  }
  const earlier = recorded(project)
    .filter((one) => one.api === name && compareVersions(one.version, version) <= 0)
    .sort(newestFirst);
  const [newest] = earlier.filter((one) => one.version === version && one.date === today);
  // Written down before a crash, and not published: it is this one.
  const again = newest !== undefined && sameText(newest.document, text) ? newest : undefined;
  const last = earlier.find((one) => one !== again);
  const nth = again === undefined ? (newest === undefined ? undefined : (newest.nth ?? 1) + 1) : again.nth;
  const file = again?.file ?? fileOf(name, version, today, nth);
  const told = note ?? again?.note;
  const changes = last === undefined ? [] : await changesBetween(last, text);
  write(project, file, {
    ...{ api: name, version, date: today },
    ...(nth === undefined ? {} : { nth }),
    ...(last === undefined ? {} : { since: pointTo(last) }),
    ...(told === undefined ? {} : { note: told }),
    changes,
    document: JSON.parse(text),
  });
  return file;
}

/** What changed from one recorded contract to a document. */
export async function changesBetween(old: Recorded, text: string): Promise<readonly PublishedChange[]> {
  const compared = await comparePublished(old.file, JSON.stringify(old.document), text);
  // A new major version is none of the old one's that was deprecated: that it is not is no news.
  const sameMajor = majorOf(old.version) === majorOf((JSON.parse(text) as OpenApiDocument).info.version);
  return compared.findings
    .filter(({ rule }) => sameMajor || rule !== "operation-deprecated")
    .map(({ verdict, rule, at, reason, also, more = 0, example }: Finding): PublishedChange => {
      const others = also.length + more;
      return {
        ...{ verdict, rule, at },
        reason: others === 0 ? reason : `${reason}; also at ${others} other ${others === 1 ? "place" : "places"}`,
        ...(example === undefined ? {} : { example: exampleInWords(example) }),
      };
    })
    .sort((one, other) => severity[one.verdict] - severity[other.verdict]);
}

export const pointTo = ({
  version,
  date,
  nth,
}: Pick<PublishedVersion, "version" | "date" | "nth">): NonNullable<PublishedVersion["since"]> => ({
  version,
  ...(date === undefined ? {} : { date }),
  ...(nth === undefined ? {} : { nth }),
});

const fileOf = (name: string, version: string, ...when: readonly (string | number | undefined)[]): string =>
  `${historyFolder}/${[name, version, ...when.filter((part) => part !== undefined)].join(".")}.json`;

function write(project: string, file: string, content: object): void {
  mkdirSync(join(project, historyFolder), { recursive: true });
  writeFileSync(join(project, `${file}.new`), `${JSON.stringify(content, null, 2)}\n`);
  renameSync(join(project, `${file}.new`), join(project, file));
}

function sameText(document: OpenApiDocument, text: string): boolean {
  return JSON.stringify(document) === JSON.stringify(JSON.parse(text));
}

/** By version, then by day and within it by number; without a day it was before. */
function newestFirst(one: PublishedVersion, other: PublishedVersion): number {
  return (
    compareVersions(other.version, one.version) ||
    (other.date ?? "").localeCompare(one.date ?? "") ||
    (other.nth ?? 1) - (one.nth ?? 1)
  );
}

/** Semantic versions 2.0.0, section 11. */
function compareVersions(one: string, other: string): number {
  const parts = (version: string) => /^(\d+)\.(\d+)\.(\d+)(?:-(.*))?$/.exec(version)?.slice(1) ?? [];
  const [a, b] = [parts(one), parts(other)];
  for (let at = 0; at < 3; at++) {
    const difference = Number(a[at] ?? 0) - Number(b[at] ?? 0);
    if (difference !== 0) return difference;
  }
  if (a[3] === b[3]) return 0;
  if (a[3] === undefined) return 1;
  if (b[3] === undefined) return -1;
  return a[3].localeCompare(b[3], "en", { numeric: true });
}

function unreadable(file: string, reason: string, cause?: unknown): Error {
  return failure("contract-unreadable", { file, place: "its text", reason }, { cause });
}
