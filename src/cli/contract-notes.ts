/** What of a contract is told to people when it is taken: its operations, events, and what breaks the rules of its language. A few of each. */
import { count, printable, type Terminal } from "./terminal.ts";

const mostShown = 5;

/** Nothing where there is nothing to tell. */
export function printNotes(terminal: Terminal, notes: readonly string[]): void {
  if (notes.length === 0) return;
  terminal.line();
  terminal.line(
    `${count(notes.length, "place")} of it ${notes.length === 1 ? "breaks" : "break"} the rules of its language:`,
  );
  for (const note of notes.slice(0, mostShown)) terminal.line(`  ${terminal.paint("yellow", printable(note))}`);
  if (notes.length > mostShown)
    terminal.line(terminal.paint("dim", `  and ${notes.length - mostShown} more, in contract.json under source.notes`));
}

/** `2 events: paid, shipped`; of many the first, and how many more there are. `counted`: how many of what. */
export function eventsLine(names: readonly string[], counted: string): string {
  const more = names.length > 12 ? ` and ${names.length - 12} more, in contract.ts` : "";
  return `${counted}: ${names.slice(0, 12).join(", ")}${more}`;
}

/** The first line of a summary, for a column of that width. */
export function summaryLine(summary: string | undefined, width: number): string {
  const line = (summary ?? "").split("\n")[0]!;
  return line.length <= width ? line : `${line.slice(0, width - 1).trimEnd()}…`;
}
