/** What commands print with: lines and tables for people, one JSON document for programs, colour on a terminal only. */

export interface Stream {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
}

export interface Io {
  readonly stdout: Stream;
  readonly stderr: Stream;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Asks the person at the terminal; absent where there is none. */
  readonly confirm?: (question: string) => Promise<boolean>;
  /** One line that must not be seen: what is typed is not shown, and what is piped in is read to its end. */
  readonly secret?: (question: string) => Promise<string>;
  /** Working directory. */
  readonly folder: string;
}

const codes = {
  bold: [1, 22],
  dim: [2, 22],
  red: [31, 39],
  green: [32, 39],
  yellow: [33, 39],
  cyan: [36, 39],
} as const;
export type Style = keyof typeof codes;

export interface Terminal {
  /** With `--json`, only `result` and `fail` print. */
  readonly json: boolean;
  /** A line for people, on standard output. */
  line(text?: string): void;
  /** A line for people about progress, on standard error. */
  note(text: string): void;
  /** The result: the JSON document with `--json`, else what `show` prints. */
  result(value: unknown, show: () => void): void;
  /**
   * Rows under headings, in columns. Of the last column, what doesn't fit on a terminal is folded, or with `cut` ends in an ellipsis: then a
   * row is a line, elsewhere too. `tint` gives a cell its colour.
   */
  table(
    headings: readonly string[],
    rows: readonly (readonly string[])[],
    tint?: (cell: string, column: number) => Style | undefined,
    last?: "folded" | "cut",
  ): void;
  paint(style: Style, text: string): string;
  /** An error, on standard error: a sentence, or with `--json` an object `{ error: { code, message, ... } }`. */
  fail(error: { readonly code: string; readonly message: string; readonly details?: unknown }): void;
}

/** Colour: only on a terminal, not with NO_COLOR (https://no-color.org) or TERM=dumb; FORCE_COLOR forces it. */
function coloured(stream: Stream, env: Io["env"]): boolean {
  if (env.NO_COLOR !== undefined && env.NO_COLOR !== "") return false;
  if (env.FORCE_COLOR !== undefined && env.FORCE_COLOR !== "" && env.FORCE_COLOR !== "0") return true;
  return stream.isTTY === true && env.TERM !== "dumb";
}

export function terminal(io: Io, json: boolean): Terminal {
  const colour = { out: coloured(io.stdout, io.env), err: coloured(io.stderr, io.env) };
  const painted = (on: boolean, style: Style, text: string): string =>
    on && !json ? `\u001b[${codes[style][0]}m${text}\u001b[${codes[style][1]}m` : text;
  const self: Terminal = {
    json,
    line: (text = "") => void (json || io.stdout.write(`${tame(text, colour.out)}\n`)),
    note: (text) => void (json || io.stderr.write(`${tame(text, colour.err || colour.out)}\n`)),
    result(value, show) {
      if (json) io.stdout.write(`${printable(JSON.stringify(value, null, 2))}\n`);
      else show();
    },
    table(headings, rows, tint, how = "folded") {
      const last = headings.length - 1;
      // A cell is one line: a message of several is shown as one.
      const whole = rows.map((row) => row.map((cell) => printable(cell.replace(/\s*\n\s*/g, " "))));
      const shown = how === "cut" ? withCut(whole, headings, io.stdout) : whole;
      const widths = headings.map((heading, at) =>
        Math.max(heading.length, ...shown.map((row) => row[at]?.length ?? 0)),
      );
      const before = widths.slice(0, last).reduce((sum, width) => sum + width + 2, 0);
      const room = folding(io.stdout, before, widths[last] ?? 0);
      const laid = (cells: readonly string[], fold?: Room, of?: typeof tint): string => {
        const padded = cells.map((cell, at) => {
          const text = at === last ? folded(cell, fold) : cell.padEnd(widths[at]!);
          const style = of?.(cell, at);
          return style === undefined ? text : text.replace(cell, () => self.paint(style, cell));
        });
        return padded.join("  ").replace(/ +$/gm, "");
      };
      self.line(self.paint("dim", laid(room?.below === true ? headings.slice(0, last) : headings)));
      for (const row of shown) self.line(laid(row, room, tint));
    },
    paint: (style, text) => painted(colour.out, style, text),
    fail({ code, message, details }) {
      if (json) io.stderr.write(`${printable(JSON.stringify({ error: { code, message, details } }))}\n`);
      else
        io.stderr.write(
          `${painted(colour.err, "red", "error")} ${printable(inLines(message, details))} ${painted(colour.err, "dim", `(${code})`)}\n`,
        );
    },
  };
  return Object.freeze(self);
}

/** A sentence that names several things has a line for each, where its details name them too. */
function inLines(message: string, details: unknown): string {
  if (!Array.isArray(details) || details.length < 2) return message;
  const named = details.map(namedIn);
  const found = ["; ", ", "].map((by) => named.join(by)).find((list) => message.includes(list));
  if (found === undefined) return message;
  const at = message.indexOf(found);
  const after = message.slice(at + found.length).replace(/^\.? */, "");
  return [message.slice(0, at).trimEnd(), ...named.map((one) => `  ${one}`), after].join("\n");
}

/** As messages name it: a text, or a place and what is wrong there. */
function namedIn(detail: unknown): string {
  if (typeof detail === "string") return detail;
  const { file, line, message } = detail as { file?: string; line?: number; message?: string };
  return `${file}${line === undefined ? "" : `:${line}`}: ${message}`;
}

/** Narrower than this, a column can't be read. */
const narrowest = 24;

interface Room {
  /** Characters of a line. */
  readonly width: number;
  /** Spaces before the lines after the first. */
  readonly indent: number;
  /** Whether the cell begins on a line of its own. */
  readonly below: boolean;
}

/** How the last column is folded, so that the columns stay columns; `undefined` where it fits, or nobody looks. */
function folding(stream: Stream, before: number, width: number): Room | undefined {
  const { columns } = stream;
  if (stream.isTTY !== true || columns === undefined || before + width <= columns) return undefined;
  if (columns - before >= narrowest) return { width: columns - before, indent: before, below: false };
  return { width: Math.max(narrowest, columns - 4), indent: 4, below: true };
}

/** Where nobody says how wide it is: what a line of a list holds of a sentence. */
const mostUnseen = 120;

/** The rows with a last cell that ends within the terminal, or that is no longer than a sentence where there is none. */
function withCut(
  rows: readonly (readonly string[])[],
  headings: readonly string[],
  { isTTY, columns }: Stream,
): readonly (readonly string[])[] {
  const last = headings.length - 1;
  const before = headings
    .slice(0, last)
    .reduce((sum, heading, at) => sum + 2 + Math.max(heading.length, ...rows.map((row) => row[at]?.length ?? 0)), 0);
  const room =
    isTTY === true && columns !== undefined
      ? columns - before >= narrowest
        ? columns - before
        : Math.max(narrowest, columns - 4)
      : mostUnseen;
  return rows.map((row) =>
    row.map((cell, at) => (at === last && cell.length > room ? `${cell.slice(0, room - 1).trimEnd()}…` : cell)),
  );
}

/** A cell's words in lines of the room's width; a word that is longer has a line of its own. */
function folded(cell: string, room: Room | undefined): string {
  if (room === undefined || (!room.below && cell.length <= room.width) || cell === "") return cell;
  const lines: string[] = [""];
  for (const word of cell.split(" ")) {
    const line = lines.at(-1)!;
    if (line === "") lines[lines.length - 1] = word;
    else if (line.length + 1 + word.length <= room.width) lines[lines.length - 1] = `${line} ${word}`;
    else lines.push(word);
  }
  const gap = `\n${" ".repeat(room.indent)}`;
  return `${room.below ? gap : ""}${lines.join(gap)}`;
}

/** Text from elsewhere must not steer the terminal: control characters are shown as escapes. */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Bidi_Control}\u2028\u2029]/gu, (character) =>
    character === "\n" ? character : `\\u${character.codePointAt(0)!.toString(16).padStart(4, "0")}`,
  );
}

const painting = new RegExp(`(\\u001b\\[(?:${[...new Set(Object.values(codes).flat())].join("|")})m)`);

/** The same of a line that may be painted: of what steers, our own colours stay. */
function tame(text: string, painted: boolean): string {
  if (!painted) return printable(text);
  return text
    .split(painting)
    .map((part, at) => (at % 2 === 1 ? part : printable(part)))
    .join("");
}

/** `1 run`, `2 runs`. */
export function count(number: number, one: string, many = `${one}s`): string {
  return `${number} ${number === 1 ? one : many}`;
}

/** Local time to the second: `2026-11-23 08:30:00`. */
export function time(ms: number): string {
  const date = new Date(ms);
  const two = (value: number): string => String(value).padStart(2, "0");
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}
