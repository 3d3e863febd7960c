/** `mortise apis changelog`: what was published of an API, and what changed between any two of its versions. */
import { type Comparison, type Verdict, worse } from "../../contract/compare/finding.ts";
import { failure } from "../../errors.ts";
import {
  changesBetween,
  dayInWords,
  pointTo,
  publicly,
  type Recorded,
  readHistory,
} from "../../server/apis/published/history.ts";
import type { Context } from "../context.ts";
import { escaped } from "../diff-report.ts";
import { exit } from "../exit.ts";
import { projectFolder } from "../project-folder.ts";
import { printable, type Style, type Terminal } from "../terminal.ts";

type Entry = Omit<Recorded, "api" | "file" | "document">;

const titles: Readonly<Record<Verdict, string>> = {
  breaking: "Breaks callers",
  review: "Look at it",
  safe: "Breaks nobody",
};
const colours: Readonly<Record<Verdict, Style>> = { breaking: "red", review: "yellow", safe: "green" };

export async function apiChangelog(
  context: Context,
  [api, from, to]: readonly string[],
  { markdown }: { readonly markdown?: boolean },
): Promise<number> {
  const { terminal, io } = context;
  const folder = projectFolder(io.folder, context.project);
  const history = readHistory(folder, api);
  if (history.length === 0) throw wrong("<api>", noneOf(folder, api!));
  const entries = from === undefined ? history.map(publicly) : [await between(history, from, to)];
  const verdict = entries[0]!.changes.reduce<Comparison["verdict"]>((worst, one) => worse(worst, one.verdict), "safe");
  terminal.result({ api, versions: entries, ...(from === undefined ? {} : { verdict }) }, () => {
    if (markdown === true) io.stdout.write(printable(markdownOf(api!, entries)));
    else for (const entry of entries) show(terminal, api!, entry);
  });
  return exit.done;
}

/** From one recorded version to another, whichever lie between them. Without `to`: to the newest. */
async function between(history: readonly Recorded[], from: string, to: string | undefined): Promise<Entry> {
  const old = found(history, "<from>", from);
  const now = to === undefined ? history[0]! : found(history, "<to>", to);
  if (old === now) throw wrong("<from>", `${shown(old)} is the one that it would be compared with`);
  const { since: _, ...rest } = publicly(now);
  return { ...rest, since: pointTo(old), changes: await changesBetween(old, JSON.stringify(now.document)) };
}

/**
 * `1.1.0` is the last one that was written down under this version, `1.1.0@2027-01-31` the last one of that day, and
 * `1.1.0@2027-01-31.2` the second one of that day.
 */
function found(history: readonly Recorded[], option: string, wanted: string): Recorded {
  const one = history.find(
    (entry, at) =>
      wanted === entry.version || wanted === `${entry.version}@${entry.date}` || wanted === nameOf(entry, at, history),
  );
  if (one === undefined) {
    throw wrong(option, `${wanted} was never published; there are: ${history.map(nameOf).join(", ")}`);
  }
  return one;
}

/** A first one is told from later ones of its day as `.1`. */
function nameOf({ version, date, nth = 1 }: Recorded, _: number, all: readonly Recorded[]): string {
  const several = all.filter((one) => one.version === version && one.date === date).length > 1;
  return `${version}${date === undefined ? "" : `@${date}`}${several ? `.${nth}` : ""}`;
}

function noneOf(folder: string, api: string): string {
  const names = [...new Set(readHistory(folder).map((one) => one.api))].join(", ");
  return names === ""
    ? "nothing is on record yet; mortise publish writes it down"
    : `nothing of ${api} is on record; there are: ${names}`;
}

const wrong = (option: string, reason: string) => failure("option-invalid", { option, reason });
const shown = ({ version, ...when }: Pick<Entry, "version" | "date" | "nth">): string =>
  when.date === undefined ? version : `${version} (${dayInWords(when)})`;

function show(terminal: Terminal, api: string, { since, changes, note, deprecation, ...one }: Entry): void {
  terminal.line(
    terminal.paint("bold", `${api} ${shown(one)}`) + (since === undefined ? "" : `, since ${shown(since)}`),
  );
  if (note !== undefined) terminal.line(`  ${printable(note)}`);
  if (deprecation !== undefined) terminal.line(terminal.paint("yellow", `  ${printable(noticeOf(deprecation))}`));
  if (since !== undefined && changes.length === 0) terminal.line("  nothing changed for those who call it");
  if (since === undefined) terminal.line("  nothing on record before it to compare with");
  for (const verdict of ["breaking", "review", "safe"] as const) {
    const here = changes.filter((change) => change.verdict === verdict);
    if (here.length === 0) continue;
    terminal.line(terminal.paint(colours[verdict], `  ${titles[verdict]}: ${here.length}`));
    for (const { at, reason, example } of here) {
      terminal.line(`    ${printable(at === "" ? reason : `${at}: ${reason}`)}`);
      if (example !== undefined) terminal.line(terminal.paint("dim", `      ${printable(example)}`));
    }
  }
  terminal.line();
}

function noticeOf({ since, sunset, successor, migration }: NonNullable<Entry["deprecation"]>): string {
  return `Deprecated since ${since.slice(0, 10)}; it ends on ${sunset.slice(0, 10)}. Its successor is ${successor}; how to move: ${migration}`;
}

function markdownOf(api: string, entries: readonly Entry[]): string {
  const lines = [`# Changes of ${escaped(api)}`];
  for (const { since, changes, note, deprecation, ...one } of entries) {
    lines.push("", `## ${escaped(shown(one))}`);
    if (since !== undefined) lines.push("", `Compared with ${escaped(shown(since))}.`);
    if (note !== undefined) lines.push("", escaped(note));
    if (deprecation !== undefined) lines.push("", `**${escaped(noticeOf(deprecation))}**`);
    if (since !== undefined && changes.length === 0) lines.push("", "Nothing changed for those who call it.");
    for (const verdict of ["breaking", "review", "safe"] as const) {
      const here = changes.filter((change) => change.verdict === verdict);
      if (here.length === 0) continue;
      lines.push("", `### ${titles[verdict]}`, "");
      for (const { at, reason, rule, example } of here) {
        lines.push(`- ${at === "" ? "" : `**${escaped(at)}**: `}${escaped(reason)} (${escaped(rule)})`);
        if (example !== undefined) lines.push(`  - ${escaped(example)}`);
      }
    }
  }
  return `${lines.join("\n")}\n`;
}
