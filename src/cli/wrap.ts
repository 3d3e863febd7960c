/** Paragraphs that are folded to the terminal's width, with an indent. Where nobody looks, a paragraph is one line. */
import type { Stream } from "./terminal.ts";

/** Narrower than this nothing is folded. */
const narrowest = 24;

/** `then`: the indent of the lines after the first; default: the same. */
export function paragraphs({ isTTY, columns }: Stream): (text: string, indent: number, then?: number) => string[] {
  const width = isTTY === true && columns !== undefined ? columns : Number.POSITIVE_INFINITY;
  return (text, indent, then = indent) => {
    const lines: string[] = [];
    let line = " ".repeat(indent);
    let empty = true;
    // Two spaces part what belongs apart, and stay so.
    for (const [, gap = "", word = ""] of text.replace(/\n/g, " ").matchAll(/( *)([^ ]+)/g)) {
      const room = Math.max(width, narrowest + then);
      if (!empty && line.length + gap.length + word.length > room) {
        lines.push(line);
        line = " ".repeat(then) + word;
      } else line += (empty ? "" : gap) + word;
      empty = false;
    }
    lines.push(line);
    return lines;
  };
}
