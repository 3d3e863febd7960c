/**
 * The text of a SQL contract, cut into statements and directives (`-- @operation ...`). It knows SQLite's tokens and no
 * grammar: what a statement means, SQLite itself is asked. https://www.sqlite.org/lang.html
 */
import { failure, type MortiseError } from "../../errors.ts";

export type TokenKind = "word" | "quoted" | "text" | "number" | "parameter" | "mark";

export interface Token {
  readonly kind: TokenKind;
  /** As written; a quoted name without its quotes. */
  readonly text: string;
  readonly line: number;
}

export interface Statement {
  /** Without comments at its ends and without the final semicolon. */
  readonly sql: string;
  readonly line: number;
  readonly tokens: readonly Token[];
}

/** `-- @name text`, with the comment lines that continue it; or (name "") a plain comment line. */
export interface Directive {
  readonly name: string;
  readonly text: string;
  readonly line: number;
}

export type Part = { readonly kind: "statement"; readonly statement: Statement } | (Directive & { kind: "directive" });

const form =
  /(?<space>\s+)|(?<comment>--[^\n]*)|(?<block>\/\*[\s\S]*?\*\/)|(?<text>[xX]?'(?:[^']|'')*')|(?<quoted>"(?:[^"]|"")*"|`(?:[^`]|``)*`|\[[^\]]*\])|(?<parameter>:[A-Za-z_]\w*)|(?<word>[A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*)|(?<number>\d[\w.]*)|(?<mark>[\s\S])/y;

/** Cuts the text of `file` into its parts, in order. Throws `contract-unreadable` with the line. */
export function sqlParts(file: string, text: string): readonly Part[] {
  const parts: Part[] = [];
  const scan = new RegExp(form);
  let line = 1;
  let tokens: Token[] = [];
  let start = 0;
  let end = 0;
  let comments: { text: string; line: number }[] = [];

  const flushComments = () => {
    for (const directive of directives(comments)) parts.push({ kind: "directive", ...directive });
    comments = [];
  };
  const endStatement = () => {
    const first = tokens[0];
    if (first !== undefined) {
      parts.push({ kind: "statement", statement: { sql: text.slice(start, end), line: first.line, tokens } });
    }
    tokens = [];
  };

  while (scan.lastIndex < text.length) {
    const at = scan.lastIndex;
    const found = scan.exec(text);
    if (found?.groups === undefined) break;
    const { groups } = found;
    const value = found[0];
    const kind = kinds.find((name) => groups[name] !== undefined);
    if (groups.comment !== undefined) {
      if (tokens.length === 0) comments.push({ text: value.slice(2), line });
      else if (/^--\s*@(operation|param|column|effect|returns|fault|type)\b/.test(value))
        throw unreadable(file, line, "the statement before this line has no ; at its end");
    } else if (kind !== undefined) {
      if (value === "\0" || value === "'" || value === '"' || value === "`" || value === "[")
        throw unreadable(file, line, "a quote is opened and never closed");
      if (value === "/" && text[at + 1] === "*") throw unreadable(file, line, "a comment is opened and never closed");
      if (kind === "mark" && /[?@$#]/.test(value))
        throw unreadable(file, line, `parameters are written :name, and "${value}" is something else`);
      if (value === ";" && !(isTrigger(tokens) && !endsTrigger(tokens))) endStatement();
      else {
        if (tokens.length === 0) {
          flushComments();
          start = at;
        }
        tokens.push({ kind, text: kind === "quoted" ? unquoted(value) : value, line });
        end = scan.lastIndex;
      }
    }
    for (const character of value) if (character === "\n") line += 1;
  }
  if (tokens.length > 0) throw unreadable(file, tokens[0]!.line, "the statement has no ; at its end");
  flushComments();
  return parts;
}

const kinds = ["text", "quoted", "parameter", "word", "number", "mark"] as const;

export function unreadable(file: string, line: number, reason: string): MortiseError {
  return failure("contract-unreadable", { file, place: `line ${line}`, reason });
}

/** Comment lines as directives: one goes on while its brackets are open. */
function* directives(comments: readonly { readonly text: string; readonly line: number }[]): Generator<Directive> {
  for (let i = 0; i < comments.length; i += 1) {
    const comment = comments[i]!;
    const found = /^\s*@([a-z]+)\s*(.*)$/s.exec(comment.text);
    if (found === null) {
      yield { name: "", text: comment.text.trim(), line: comment.line };
      continue;
    }
    let body = found[2]!.trim();
    while (openBrackets(body) > 0 && i + 1 < comments.length && !/^\s*@/.test(comments[i + 1]!.text)) {
      i += 1;
      body += `\n${comments[i]!.text}`;
    }
    yield { name: found[1]!, text: body, line: comment.line };
  }
}

function openBrackets(text: string): number {
  let open = 0;
  for (const [part] of text.matchAll(/"(?:[^"\\]|\\.)*"|[{}[\]]/g)) {
    if (part === "{" || part === "[") open += 1;
    else if (part === "}" || part === "]") open -= 1;
  }
  return open;
}

/** The n-th word of a statement, in lower case. */
export function word(tokens: readonly Token[], n: number): string {
  const token = tokens.at(n);
  return token?.kind === "word" ? token.text.toLowerCase() : "";
}

function isTrigger(tokens: readonly Token[]): boolean {
  if (word(tokens, 0) !== "create") return false;
  const second = word(tokens, 1);
  return second === "trigger" || ((second === "temp" || second === "temporary") && word(tokens, 2) === "trigger");
}

/** A trigger's body ends with `; END` (the same rule as `sqlite3_complete`). */
function endsTrigger(tokens: readonly Token[]): boolean {
  return word(tokens, -1) === "end" && tokens.at(-2)?.text === ";";
}

function unquoted(name: string): string {
  const quote = name[0]!;
  const inner = name.slice(1, -1);
  return quote === "[" ? inner : inner.replaceAll(quote + quote, quote);
}
