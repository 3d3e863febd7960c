/**
 * The text of a SQL contract, cut into statements and directives (`-- @operation ...`). It knows the tokens of each database and no
 * grammar: what a statement means, the database itself is asked.
 *
 * SQLite: https://www.sqlite.org/lang.html; PostgreSQL: manual, "Lexical Structure"; MySQL: manual, "Language Structure".
 */
import { failure, type MortiseError } from "../../errors.ts";
import type { SqlDialect } from "../model.ts";

export type TokenKind = "word" | "quoted" | "text" | "number" | "parameter" | "mark";

export interface Token {
  readonly kind: TokenKind;
  /** As written; a quoted name without its quotes. */
  readonly text: string;
  readonly line: number;
  /** Where it begins in the statement's text. */
  readonly at: number;
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

const space = String.raw`(?<space>\s+)`;
const block = String.raw`(?<block>\/\*[\s\S]*?\*\/)`;
const rest = String.raw`(?<parameter>:[A-Za-z_]\w*)|(?<word>[A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*)|(?<number>\d[\w.]*)|(?<mark>[\s\S])`;
const plainText = "'(?:[^']|'')*'";
const escapedText = String.raw`'(?:[^'\\]|''|\\[\s\S])*'`;
const doubleQuoted = '"(?:[^"]|"")*"';
const backQuoted = "`(?:[^`]|``)*`";

const forms: Readonly<Record<SqlDialect, RegExp>> = {
  sqlite: new RegExp(
    [
      space,
      String.raw`(?<comment>--[^\n]*)`,
      block,
      `(?<text>[xX]?${plainText})`,
      String.raw`(?<quoted>${doubleQuoted}|${backQuoted}|\[[^\]]*\])`,
      rest,
    ].join("|"),
    "y",
  ),
  postgresql: new RegExp(
    [
      space,
      String.raw`(?<comment>--[^\n]*)`,
      block,
      String.raw`(?<text>[eE]${escapedText}|[xXbBnN]?${plainText}|\$(?<tag>(?:[A-Za-z_]\w*)?)\$[\s\S]*?\$\k<tag>\$)`,
      `(?<quoted>${doubleQuoted})`,
      // A cast (::text) and a name for an argument (:=) are no parameters.
      `(?<cast>::|:=)`,
      rest,
    ].join("|"),
    "y",
  ),
  mysql: new RegExp(
    [
      space,
      // MySQL wants a space after the dashes; without one, 5--3 is 8.
      String.raw`(?<comment>--(?=[\s\u0000-\u001f]|$)[^\n]*|#[^\n]*)`,
      block,
      String.raw`(?<text>[xXbBnN]?${escapedText}|"(?:[^"\\]|""|\\[\s\S])*")`,
      `(?<quoted>${backQuoted})`,
      `(?<cast>:=)`,
      rest,
    ].join("|"),
    "y",
  ),
};

/** What stands for something else than a value of ours: places of the database's own, variables of its session. */
const foreignMarks: Readonly<Record<SqlDialect, RegExp>> = {
  sqlite: /[?@$#]/,
  // In PostgreSQL ?, @ and # are operators.
  postgresql: /\$/,
  mysql: /[?@]/,
};

/** Cuts the text of `file` into its parts, in order. Throws `contract-unreadable` with the line. */
export function sqlParts(file: string, text: string, dialect: SqlDialect = "sqlite"): readonly Part[] {
  const parts: Part[] = [];
  const scan = new RegExp(forms[dialect]);
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
    const kind = groups.cast === undefined ? kinds.find((name) => groups[name] !== undefined) : "mark";
    // MySQL runs what stands in such a comment.
    if (dialect === "mysql" && groups.block !== undefined && /^\/\*M?!/.test(value))
      throw unreadable(
        file,
        line,
        "a comment that begins with /*! is run by the database; write the statement without it",
      );
    if (groups.comment !== undefined) {
      if (tokens.length === 0) comments.push({ text: value.replace(/^(?:--|#)/, ""), line });
      else if (/^--\s*@(operation|param|column|effect|writes|returns|fault|type)\b/.test(value))
        throw unreadable(file, line, "the statement before this line has no ; at its end");
    } else if (kind !== undefined) {
      if (value === "\0" || value === "'" || value === '"' || value === "`" || (value === "[" && dialect === "sqlite"))
        throw unreadable(file, line, "a quote is opened and never closed");
      if (value === "/" && text[at + 1] === "*") throw unreadable(file, line, "a comment is opened and never closed");
      if (kind === "mark" && foreignMarks[dialect].test(value))
        throw unreadable(file, line, `parameters are written :name, and "${value}" is something else`);
      if (value === ";" && !(dialect === "sqlite" && isTrigger(tokens) && !endsTrigger(tokens))) endStatement();
      else {
        if (tokens.length === 0) {
          flushComments();
          start = at;
        }
        tokens.push({ kind, text: kind === "quoted" ? unquoted(value) : value, line, at: at - start });
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

/**
 * The statement with the database's own marks in place of `:name`, and the names by their places. PostgreSQL: `$1`, and the same
 * name has the same place; MySQL: `?`.
 */
export function positional(
  { sql, tokens }: Statement,
  dialect: "postgresql" | "mysql",
): { readonly sql: string; readonly names: readonly string[] } {
  const names: string[] = [];
  let text = "";
  let from = 0;
  for (const token of tokens) {
    if (token.kind !== "parameter") continue;
    const name = token.text.slice(1);
    let place = dialect === "mysql" ? -1 : names.indexOf(name);
    if (place === -1) place = names.push(name) - 1;
    text += `${sql.slice(from, token.at)}${dialect === "mysql" ? "?" : `$${place + 1}`}`;
    from = token.at + token.text.length;
  }
  return { sql: text + sql.slice(from), names };
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
