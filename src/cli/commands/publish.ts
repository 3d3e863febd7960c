/** `mortise publish`: writes the contract that callers may rely on, where nothing breaks them. */
import { failure } from "../../errors.ts";
import { publicationOf } from "../../server/apis/publication.ts";
import { historyFolder, record } from "../../server/apis/published/history.ts";
import { type Lock, publishedText, refusalOf, writeLock } from "../../server/apis/published/locked.ts";
import { loadProject } from "../../server/project/project.ts";
import type { Context } from "../context.ts";
import { printComparison } from "../diff-report.ts";
import { exit } from "../exit.ts";
import { projectFolder } from "../project-folder.ts";
import type { Terminal } from "../terminal.ts";

export async function publish(
  context: Context,
  [only]: readonly string[],
  { note }: { readonly note?: string },
): Promise<number> {
  const { terminal, io } = context;
  const folder = projectFolder(io.folder, context.project);
  const project = await loadProject(folder);
  // `orders`, or one version of it: `orders@2.0.0`.
  const [wanted, version] = only?.split("@") ?? [];
  const named = project.apis.filter(({ name }) => wanted === undefined || name === wanted);
  if (named.length === 0 && wanted !== undefined) {
    const names = [...new Set(project.apis.map(({ name }) => name))].join(", ");
    throw wrong("<api>", `there is no API ${wanted}; there are: ${names}`);
  }
  if (version !== undefined && !named.some((api) => api.version === version)) {
    const versions = named.map((api) => `${api.name}@${api.version}`).join(", ");
    throw wrong("<api>", `there is no version ${version} of ${wanted}; there are: ${versions}`);
  }
  const { problems, damaged, locks } = await publicationOf(project);
  const mine = locks.filter(
    ({ name, api }) => (wanted === undefined || name === wanted) && (version === undefined || api?.version === version),
  );
  const other = [...problems.filter(({ lock }) => lock === undefined), ...damaged];
  if (other.length > 0) throw failure("api-unpublishable", { problems: other.map(inWords).join("; ") });
  const twice = mine.find(({ file }, at) => mine.findIndex((lock) => lock.file === file) !== at);
  if (twice !== undefined) {
    const reason = `${twice.name} is published twice in version ${twice.major}; one file can't hold both`;
    throw failure("api-unpublishable", { problems: reason });
  }
  // All or nothing: what is refused here may be what the rest needs.
  const refused = mine.filter((lock) => refusalOf(lock) !== undefined);
  if (refused.length === 0) {
    const fresh = mine.filter(({ state }) => state.kind !== "same");
    if (note !== undefined) refuseNote(fresh);
    for (const lock of fresh) await write(folder, lock, note);
  }
  const result = mine.map(({ name, major, file, api, state }) => ({
    api: name,
    version: api?.version ?? String(major),
    file,
    state: state.kind,
    ...(state.kind === "changed" ? { verdict: state.comparison.verdict, findings: state.comparison.findings } : {}),
    ...(state.kind === "broken" ? { reason: state.reason } : {}),
  }));
  terminal.result({ published: refused.length === 0, contracts: result }, () => {
    for (const lock of mine) show(terminal, lock, refused.length === 0);
    if (mine.length === 0) terminal.line("no version is published() or deprecated(): there is nothing to write");
    if (refused.length > 0) terminal.line(terminal.paint("red", "nothing was written"));
  });
  if (refused.length === 0) return exit.done;
  const undecided = refused.every(({ state }) => state.kind === "changed" && state.comparison.verdict === "review");
  return undecided ? exit.review : exit.found;
}

/** A note is told of one version: of the one that is written now. */
function refuseNote(fresh: readonly Lock[]): void {
  if (fresh.length === 1) return;
  const nameOf = ({ name, major, api }: Lock): string => `${name}@${api?.version ?? major}`;
  const names = fresh.map(nameOf);
  const likely = fresh.find(({ state }) => state.kind === "new") ?? fresh[0];
  const reason =
    fresh.length === 0
      ? `nothing has changed that it could be told of; the notes of what is published stand in ${historyFolder}/`
      : `it would be told of each of ${names.join(", ")}; say of which one: mortise publish ${likely && nameOf(likely)} --note "..."`;
  throw wrong("--note", reason);
}

/** The record first: a crash in between leaves a contract that is not written yet, and is written the next time. */
async function write(folder: string, lock: Lock, note: string | undefined): Promise<void> {
  const { name, api, text } = lock;
  if (api === undefined || text === undefined) return;
  const { version } = api;
  const before = publishedText(folder, name, version);
  const today = new Date().toISOString().slice(0, 10);
  await record(folder, { name, version, text, before, today, note });
  writeLock(folder, lock);
}

function show(terminal: Terminal, lock: Lock, written: boolean): void {
  const { name, file, api, major, state } = lock;
  const title = terminal.paint("bold", `${name} ${api?.version ?? major}`);
  if (state.kind === "same") terminal.line(`${title} is published as it stands (${file})`);
  else if (state.kind === "broken") terminal.line(`${terminal.paint("red", "refused")} ${state.reason}`);
  else if (state.kind === "new") terminal.line(`${title} ${written ? "published" : "would be published"}: ${file}`);
  else {
    terminal.line(
      `${title} ${refusalOf(lock) === undefined ? (written ? "updated" : "would be updated") : "refused"}: ${file}`,
    );
    printComparison(terminal, state.comparison);
  }
}

const wrong = (option: string, reason: string) => failure("option-invalid", { option, reason });
const inWords = ({ file, message }: { readonly file: string; readonly message: string }): string =>
  `${file}: ${message}`;
