/**
 * What a statement's parameters mean where nobody stated it: the type of the column that they are compared with or written to.
 * Works on tokens and gives up early: a parameter that is left asks its author for a `@param`.
 */
import type { SqlCatalogue } from "./sql-catalogue.ts";
import type { Statement, Token } from "./sql-text.ts";
import type { ValueType } from "./sql-types.ts";

/** Names of the parameters in order of appearance, without the colon. */
export function parametersOf(statements: readonly Statement[]): readonly string[] {
  const names = statements.flatMap(({ tokens }) =>
    tokens.filter(({ kind }) => kind === "parameter").map(({ text }) => text.slice(1)),
  );
  return [...new Set(names)];
}

/** The type of `:name` as the database itself says, or `undefined` where it says nothing, or two things. */
export function askedParameter(
  name: string,
  statements: readonly Statement[],
  catalogue: SqlCatalogue,
): ValueType | undefined {
  const said = statements
    .map((statement) => catalogue.parameterType(statement, name))
    .filter((type) => type !== undefined);
  const first = said[0];
  return said.every((type) => type.as === first?.as && type.list === first.list) ? first : undefined;
}

/** The type of `:name` in these statements, or `undefined` where it can't be told or places disagree. */
export function inferParameter(
  name: string,
  statements: readonly Statement[],
  schema: SqlCatalogue,
): ValueType | undefined {
  let found: ValueType | undefined;
  for (const { tokens } of statements) {
    for (let i = 0; i < tokens.length; i += 1) {
      if (tokens[i]!.kind !== "parameter" || tokens[i]!.text !== `:${name}`) continue;
      const type = compared(tokens, i, schema) ?? inserted(tokens, i, schema);
      if (type === undefined) continue;
      if (found !== undefined && found.as !== type.as) return undefined;
      found ??= type;
    }
  }
  return found;
}

type Found = ReturnType<SqlCatalogue["typeOf"]>;

/** Comparisons, and sums, whose sides are of one kind. */
const comparison = /^[=<>!+-]$/;

/** `column = :p`, `:p >= column`, `column like :p`, `set column = :p`, `limit :p`. */
function compared(tokens: readonly Token[], at: number, schema: SqlCatalogue): Found {
  const before = tokens[at - 1];
  const text = before?.text.toLowerCase() ?? "";
  if (before?.kind === "word" && (text === "limit" || text === "offset"))
    return { as: "integer", schema: { type: "integer", minimum: 0 } };
  let left = at - 1;
  while (tokens[left]?.kind === "mark" && comparison.test(tokens[left]!.text)) left -= 1;
  if (left === at - 1 && before?.kind === "word" && (text === "like" || text === "is" || text === "glob")) left -= 1;
  if (left < at - 1) return columnAt(tokens, left, schema);
  let right = at + 1;
  while (tokens[right]?.kind === "mark" && comparison.test(tokens[right]!.text)) right += 1;
  if (right === at + 1) return undefined;
  while (tokens[right + 1]?.text === "." && tokens[right + 2] !== undefined) right += 2;
  return columnAt(tokens, right, schema);
}

/** The column that ends at token `at`: `column` or `something.column`. Not a call and not an expression's end. */
function columnAt(tokens: readonly Token[], at: number, schema: SqlCatalogue): Found {
  const token = tokens[at];
  if (token === undefined || (token.kind !== "word" && token.kind !== "quoted") || tokens[at + 1]?.text === "(")
    return undefined;
  const table = tokens[at - 1]?.text === "." ? tokens[at - 2]?.text : undefined;
  const own = table !== undefined && schema.columnsOf(table).length > 0 ? table : undefined;
  return schema.typeOf(token.text, own);
}

/** `insert into t (a, b) values (:a, :b)` and `insert into t (a, b) select :a, x from ...`: by position. */
function inserted(tokens: readonly Token[], at: number, schema: SqlCatalogue): Found {
  const into = lastIndex(tokens, at, (token) => token.kind === "word" && token.text.toLowerCase() === "into");
  if (into === -1) return undefined;
  const table = tokens[into + 1];
  if (table === undefined || (table.kind !== "word" && table.kind !== "quoted")) return undefined;
  let next = into + 2;
  if (tokens[next]?.text.toLowerCase() === "as") next += 2;
  let columns = schema.columnsOf(table.text);
  if (tokens[next]?.text === "(") {
    const close = tokens.findIndex((token, i) => i > next && token.text === ")");
    columns = tokens
      .slice(next + 1, close)
      .filter(({ text }) => text !== ",")
      .map(({ text }) => text);
    next = close + 1;
  }
  const verb = tokens[next]?.text.toLowerCase();
  let depth = 0;
  let column = 0;
  let alone = true;
  for (let i = next + 1; i < tokens.length; i += 1) {
    const { text, kind } = tokens[i]!;
    if (text === "(") {
      depth += 1;
      if (verb === "values" && depth === 1) column = 0;
    } else if (text === ")") depth -= 1;
    else if (text === "," && depth === (verb === "values" ? 1 : 0)) column += 1;
    else if (verb === "select" && depth === 0 && kind === "word" && text.toLowerCase() === "from") return undefined;
    if (i !== at) continue;
    const [previous, following] = [tokens[i - 1]!.text.toLowerCase(), tokens[i + 1]?.text.toLowerCase() ?? ";"];
    alone = /^(?:\(|,|select)$/.test(previous) && /^(?:\)|,|;|from|where|on|returning)$/.test(following);
    const right = depth === (verb === "values" ? 1 : 0);
    const name = columns[column];
    return alone && right && name !== undefined ? schema.typeOf(name, table.text) : undefined;
  }
  return undefined;
}

function lastIndex(tokens: readonly Token[], before: number, wanted: (token: Token) => boolean): number {
  for (let i = before - 1; i >= 0; i -= 1) if (wanted(tokens[i]!)) return i;
  return -1;
}
