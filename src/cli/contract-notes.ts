/** What of a contract breaks the rules of its language, for people: with each place, a few of them. */
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
