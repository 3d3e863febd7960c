/**
 * A regular expression with look-around at its ends, as several without any. What is looked at from the beginning of a text, or from its end, is a
 * pattern of its own: `^(?=.*[0-9])(?!.*--)[a-z0-9-]{8,}$` is what fits `^(?:.*[0-9])` and `^(?:[a-z0-9-]{8,}$)`, and not `^(?:.*--)`. Such are the
 * rules of passwords and of names; each part takes linear time. Look-around in the middle of a pattern can't be taken apart so.
 */

export interface PatternPart {
  readonly pattern: string;
  /** What a text must do: fit, or not. */
  readonly fits: boolean;
}

/** Characters of a pattern that is taken apart. */
const longest = 10_000;

/** `undefined`: it has no look-around at its ends, or can't be taken apart. */
export function partsOf(source: string): readonly PatternPart[] | undefined {
  if (source.length > longest || !source.startsWith("^")) return undefined;
  const pieces = piecesOf(source.slice(1));
  // `^(?=a)b|c`: what is looked at is not asked of c.
  if (pieces === undefined || pieces.includes("|")) return undefined;
  const parts: PatternPart[] = [];
  let from = 0;
  for (let ahead = looked(pieces[from], "(?"); ahead !== undefined; ahead = looked(pieces[from], "(?")) {
    if (isRepeat(pieces[from + 1])) return undefined;
    parts.push({ pattern: `^(?:${ahead.pattern})`, fits: ahead.fits });
    from += 1;
  }
  let to = pieces.length;
  if (pieces[to - 1] === "$") {
    for (let back = looked(pieces[to - 2], "(?<"); to - 2 >= from && back !== undefined; ) {
      parts.push({ pattern: `(?:${back.pattern})$`, fits: back.fits });
      to -= 1;
      back = looked(pieces[to - 2], "(?<");
    }
  }
  if (parts.length === 0) return undefined;
  const end = to < pieces.length ? "$" : "";
  const rest = pieces.slice(from, to === pieces.length ? to : to - 1).join("");
  return [...parts, { pattern: `^(?:${rest})${end}`, fits: true }];
}

/** What a group looks at; `undefined`: it is none that does. `opens`: `(?` looks ahead, `(?<` looks behind. */
function looked(piece: string | undefined, opens: "(?" | "(?<"): PatternPart | undefined {
  const sign = piece?.startsWith(opens) ? piece[opens.length] : undefined;
  if (sign !== "=" && sign !== "!") return undefined;
  return { pattern: piece?.slice(opens.length + 1, -1) ?? "", fits: sign === "=" };
}

function isRepeat(piece: string | undefined): boolean {
  return piece !== undefined && /^[*+?{]/.test(piece);
}

/** The groups, classes, escapes and single characters that follow each other; `undefined` where a group or a class has no end. */
function piecesOf(source: string): string[] | undefined {
  const pieces: string[] = [];
  for (let at = 0; at < source.length; ) {
    const end = source[at] === "(" ? groupEnd(source, at) : atomEnd(source, at);
    if (end === undefined) return undefined;
    pieces.push(source.slice(at, end));
    at = end;
  }
  return pieces;
}

function groupEnd(source: string, from: number): number | undefined {
  let depth = 0;
  for (let at: number | undefined = from; at !== undefined && at < source.length; ) {
    if (source[at] === "(") depth += 1;
    else if (source[at] === ")") {
      depth -= 1;
      if (depth === 0) return at + 1;
    }
    at = atomEnd(source, at);
  }
  return undefined;
}

/** Where the escape, the class or the character ends that begins here. */
function atomEnd(source: string, from: number): number | undefined {
  if (source[from] === "\\") return from + 2;
  if (source[from] !== "[") return from + 1;
  for (let at = from + 1; at < source.length; at += source[at] === "\\" ? 2 : 1) if (source[at] === "]") return at + 1;
  return undefined;
}
