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
  /** Rows under headings, in columns; the last column is not padded. */
  table(headings: readonly string[], rows: readonly (readonly string[])[]): void;
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
    line: (text = "") => void (json || io.stdout.write(`${text}\n`)),
    note: (text) => void (json || io.stderr.write(`${text}\n`)),
    result(value, show) {
      if (json) io.stdout.write(`${JSON.stringify(value, null, 2)}\n`);
      else show();
    },
    table(headings, rows) {
      // A cell is one line: a message of several is shown as one.
      const shown = rows.map((row) => row.map((cell) => printable(cell.replace(/\s*\n\s*/g, " "))));
      const widths = headings.map((heading, at) =>
        Math.max(heading.length, ...shown.map((row) => row[at]?.length ?? 0)),
      );
      const laid = (cells: readonly string[]): string =>
        cells
          .map((cell, at) => (at === headings.length - 1 ? cell : cell.padEnd(widths[at]!)))
          .join("  ")
          .trimEnd();
      self.line(self.paint("dim", laid(headings)));
      for (const row of shown) self.line(laid(row));
    },
    paint: (style, text) => painted(colour.out, style, text),
    fail({ code, message, details }) {
      if (json) io.stderr.write(`${JSON.stringify({ error: { code, message, details } })}\n`);
      else
        io.stderr.write(
          `${painted(colour.err, "red", "error")} ${printable(message)} ${painted(colour.err, "dim", `(${code})`)}\n`,
        );
    },
  };
  return Object.freeze(self);
}

/** Text from elsewhere must not steer the terminal: control characters are shown as escapes. */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Bidi_Control}\u2028\u2029]/gu, (character) =>
    character === "\n" ? character : `\\u${character.codePointAt(0)!.toString(16).padStart(4, "0")}`,
  );
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
