/**
 * Reads a SQL contract: a file with named statements, and a schema: SQLite's own DDL, or what was read from a database
 * (`-- @database`). The language of the directives is described in docs/guide/sql.md.
 *
 * Types are not guessed: they are what the database itself reports, and what it does not know must be stated. Nothing of the
 * contract is run, except SQLite's DDL, in an empty database in memory.
 */
import type { Effect, JsonSchema } from "../../operation.ts";
import { type ContractModel, type FaultModel, frozen, type OperationModel, type SqlBinding } from "../model.ts";
import { memberNames } from "./names.ts";
import type { ContractFiles } from "./source.ts";
import type { AnswerColumn, SqlCatalogue } from "./sql-catalogue.ts";
import { openCatalogue } from "./sql-database-schemas.ts";
import { askedParameter, inferParameter, parametersOf } from "./sql-parameters.ts";
import { SqlSchema } from "./sql-schema.ts";
import { type Directive, type Part, positional, type Statement, sqlParts, unreadable } from "./sql-text.ts";
import { orNull, readType, type SqlType, type ValueType } from "./sql-types.ts";

interface Draft {
  readonly name: string;
  readonly line: number;
  readonly summary: string;
  readonly description: string[];
  readonly statements: Statement[];
  readonly parameters: Map<string, SqlType & { readonly description: string }>;
  readonly columns: Map<string, SqlType & { readonly description: string }>;
  readonly faults: Map<string, { readonly message: string; readonly description: string }>;
  effect?: Effect;
  returns?: "many" | "one" | "row" | "none";
  writes: boolean;
  deprecated: boolean;
}

/** Reads the contract that `source` was opened on. Rejects with `contract-unreadable`: file, line and reason. */
export async function readSql(source: ContractFiles, name: string): Promise<ContractModel> {
  const file = source.entry.path;
  const types = new Map<string, JsonSchema>();
  const opened = await openCatalogue(source, types);
  const schema = opened ?? new SqlSchema();
  try {
    const facts: { title?: string; version?: string } = {};
    const drafts: Draft[] = [];
    for (const part of sqlParts(file, source.entry.text, schema.dialect)) {
      const draft = drafts.at(-1);
      if (part.kind === "statement") {
        if (draft !== undefined) draft.statements.push(part.statement);
        else if (schema instanceof SqlSchema && opened === undefined) schema.define(file, part.statement);
        else
          throw unreadable(
            file,
            part.statement.line,
            "the tables come from the @database; a statement needs an @operation",
          );
      } else if (part.name === "operation") drafts.push(newDraft(file, part));
      else if (draft === undefined) await topDirective(source, schema, facts, types, part);
      else draftDirective(file, draft, types, part, schema);
    }
    if (drafts.length === 0) throw unreadable(file, 1, "there is no operation (-- @operation name)");
    const names = memberNames();
    const operations: Record<string, OperationModel> = Object.create(null);
    for (const draft of drafts) {
      if (names.take(draft.name) !== draft.name)
        throw unreadable(file, draft.line, `the name "${draft.name}" is taken; choose another`);
      operations[draft.name] = operationOf(file, draft, schema);
    }
    return frozen<ContractModel>({
      format: 1,
      name,
      source: {
        language: "sql",
        languageVersion: "1",
        ...facts,
        files: source.files().map(({ path, sha256 }) => ({ path, sha256 })),
      },
      operations: { ...operations },
      events: {},
      schemas: Object.fromEntries(types),
      servers: [],
      ...(schema.model === undefined ? {} : { database: schema.model }),
    });
  } finally {
    schema.close();
  }
}

function newDraft(file: string, { text, line }: Directive): Draft {
  const found = /^([A-Za-z_$][\w$]*)\s*(.*)$/s.exec(text);
  if (found === null) throw unreadable(file, line, '"@operation" needs a name, such as: @operation reserveStock');
  return {
    name: found[1]!,
    line,
    summary: found[2]!,
    description: [],
    statements: [],
    parameters: new Map(),
    columns: new Map(),
    faults: new Map(),
    writes: false,
    deprecated: false,
  };
}

async function topDirective(
  source: ContractFiles,
  schema: SqlCatalogue,
  facts: { title?: string; version?: string },
  types: Map<string, JsonSchema>,
  { name, text, line }: Directive,
): Promise<void> {
  const file = source.entry.path;
  if (name === "" || name === "database") return;
  if (name === "title" || name === "version") facts[name] = text;
  else if (name === "type") defineType(file, types, text, line);
  else if (name === "schema" && schema instanceof SqlSchema && schema.model === undefined) {
    const included = await source.read(text, file, `line ${line}`);
    for (const part of sqlParts(included.path, included.text)) defineIncluded(schema, included.path, part);
  } else
    throw unreadable(
      file,
      line,
      `"@${name}" is not known before the first operation: title, version, database, schema, type`,
    );
}

/** A schema file that the database's owners keep may fill tables too: what is no schema is passed over. */
function defineIncluded(schema: SqlSchema, file: string, part: Part): void {
  if (part.kind !== "statement") return;
  if (/^(create|alter|drop)$/i.test(part.statement.tokens[0]!.text)) schema.define(file, part.statement);
}

function defineType(file: string, types: Map<string, JsonSchema>, text: string, line: number): void {
  const found = /^([A-Z]\w*)\s+(.*)$/s.exec(text);
  if (found === null)
    throw unreadable(file, line, '"@type" is written: @type Name { name: type }, Name with a capital');
  const name = found[1]!;
  if (types.has(name)) throw unreadable(file, line, `the type "${name}" is stated twice`);
  const { type, rest } = typeAt(file, line, found[2]!, new Set([...types.keys(), name]));
  if (rest !== "") throw unreadable(file, line, `"${rest.slice(0, 40)}" follows the type and means nothing`);
  types.set(name, type.nullable ? orNull(type.schema) : type.schema);
}

/** SQLite has no type for times: there they are text. */
function stated(type: SqlType, { dialect }: SqlCatalogue): SqlType {
  const timely = type.as === "instant" || type.as === "datetime";
  return dialect === "sqlite" && timely ? { ...type, as: "text" } : type;
}

function typeAt(file: string, line: number, text: string, known: ReadonlySet<string>): ReturnType<typeof readType> {
  try {
    return readType(text, known);
  } catch (cause) {
    throw unreadable(file, line, (cause as Error).message);
  }
}

function draftDirective(
  file: string,
  draft: Draft,
  types: Map<string, JsonSchema>,
  directive: Directive,
  catalogue: SqlCatalogue,
): void {
  const { name, text, line } = directive;
  const known = new Set(types.keys());
  switch (name) {
    case "":
      // Comments between statements are the author's own; those before the first one are the description.
      if (draft.statements.length === 0) draft.description.push(text);
      return;
    case "type":
      defineType(file, types, text, line);
      return;
    case "deprecated":
      draft.deprecated = true;
      return;
    case "writes":
      draft.writes = true;
      return;
    case "effect":
      if (text !== "read" && text !== "idempotent" && text !== "unrepeatable")
        throw unreadable(file, line, '"@effect" is read, idempotent or unrepeatable');
      draft.effect = text;
      return;
    case "returns":
      if (text !== "many" && text !== "one" && text !== "row" && text !== "none")
        throw unreadable(file, line, '"@returns" is many, one (a row or null), row (always one) or none');
      draft.returns = text;
      return;
    case "param":
    case "column": {
      const found = /^:?([A-Za-z_]\w*)\s+(.+)$/s.exec(text);
      if (found === null) throw unreadable(file, line, `"@${name}" is written: @${name} name type`);
      const { type, rest } = typeAt(file, line, found[2]!, known);
      const target = name === "param" ? draft.parameters : draft.columns;
      if (target.has(found[1]!)) throw unreadable(file, line, `"${found[1]!}" is stated twice`);
      target.set(found[1]!, { ...stated(type, catalogue), description: rest });
      return;
    }
    case "fault": {
      const found = /^([A-Za-z_]\w*)\s+when\s+"([^"]+)"\s*(.*)$/s.exec(text);
      if (found === null)
        throw unreadable(file, line, '"@fault" is written: @fault Name when "start of the database\'s message"');
      draft.faults.set(found[1]!, { message: found[2]!, description: found[3]! });
      return;
    }
    default:
      throw unreadable(
        file,
        line,
        `"@${name}" is not known: operation, param, column, returns, effect, writes, fault, type, deprecated`,
      );
  }
}

function operationOf(file: string, draft: Draft, schema: SqlCatalogue): OperationModel {
  if (draft.statements.length === 0) throw unreadable(file, draft.line, `"${draft.name}" has no statement`);
  const prepared = draft.statements.map((statement) => schema.prepare(file, statement));
  const writes = draft.writes || prepared.some((one) => one.writes);
  const answering = prepared.findLastIndex((one) => one.columns.length > 0);
  const input = inputOf(file, draft, schema);
  const returns = draft.returns ?? (answering === -1 ? "none" : "many");
  const columns =
    returns === "none" ? [] : columnsOf(file, draft, draft.statements[answering], prepared[answering]?.columns);
  if (draft.effect === "read" && writes)
    throw unreadable(file, draft.line, `"${draft.name}" writes, so its effect can't be read`);
  const row: JsonSchema = {
    type: "object",
    properties: Object.fromEntries(columns.map(({ name, schema: column }) => [name, column])),
    required: columns.map(({ name }) => name),
    additionalProperties: false,
  };
  const outputs: Record<typeof returns, JsonSchema> = {
    many: { type: "array", items: row },
    one: { anyOf: [row, { type: "null" }] },
    row,
    none: { type: "null" },
  };
  const binding: SqlBinding = {
    protocol: "sql",
    dialect: schema.dialect,
    ...statementsOf(draft, schema, answering),
    parameters: input.parameters,
    columns: columns.map(({ name, as, list }) => ({ name, as, ...(list === undefined ? {} : { list }) })),
    rows: returns === "row" ? "one" : returns,
    faults: [...draft.faults].map(([fault, { message }]) => ({ message, fault })),
  };
  const description = draft.description.join("\n").trim();
  return {
    name: draft.name,
    ...(draft.summary === "" ? {} : { summary: draft.summary }),
    ...(description === "" ? {} : { description }),
    ...(draft.deprecated ? { deprecated: true } : {}),
    effect: draft.effect ?? (writes ? "idempotent" : "read"),
    // Stated effects are the author's word about the statements themselves; else the key row makes a repeat harmless.
    ...(writes && draft.effect === undefined ? { key: { in: "row" as const } } : {}),
    input: input.schema,
    output: outputs[returns],
    faults: Object.fromEntries(
      [...draft.faults].map(([fault, { description: text }]): [string, FaultModel] => [
        fault,
        { ...(text === "" ? {} : { description: text }), detail: { type: "null" } },
      ]),
    ),
    binding,
  };
}

/** SQLite takes names; the others take places. */
function statementsOf(
  { statements }: Draft,
  { dialect }: SqlCatalogue,
  answering: number,
): Pick<SqlBinding, "statements" | "places" | "answering"> {
  if (dialect === "sqlite") return { statements: statements.map(({ sql }) => sql) };
  const placed = statements.map((statement) => positional(statement, dialect));
  return { statements: placed.map(({ sql }) => sql), places: placed.map(({ names }) => names), answering };
}

function inputOf(
  file: string,
  draft: Draft,
  schema: SqlCatalogue,
): { readonly schema: JsonSchema; readonly parameters: SqlBinding["parameters"] } {
  const names = parametersOf(draft.statements);
  for (const name of draft.parameters.keys())
    if (!names.includes(name)) throw unreadable(file, draft.line, `"${draft.name}" has no parameter :${name}`);
  const properties: [string, JsonSchema][] = [];
  const required: string[] = [];
  const parameters = names.map((name): SqlBinding["parameters"][number] => {
    const own = draft.parameters.get(name);
    if (name === "key" && own === undefined) return { name, as: "key" };
    const asked = askedParameter(name, draft.statements, schema);
    const type = own ?? asked ?? inferParameter(name, draft.statements, schema);
    if (type === undefined)
      throw unreadable(file, draft.line, `the type of :${name} can't be told; state it: -- @param ${name} text`);
    const shape = own?.nullable === true ? orNull(type.schema) : type.schema;
    const described = own === undefined || own.description === "" || typeof shape === "boolean";
    properties.push([name, described ? shape : { ...shape, description: own.description }]);
    if (own?.nullable !== true) required.push(name);
    // What the author states is the shape; how it is bound, the database knows better.
    const { as, list } = asked ?? type;
    return { name, as, ...(list === undefined ? {} : { list }) };
  });
  return {
    schema: { type: "object", properties: Object.fromEntries(properties), required, additionalProperties: false },
    parameters,
  };
}

function columnsOf(
  file: string,
  draft: Draft,
  statement: Statement | undefined,
  columns: readonly AnswerColumn[] | undefined,
): readonly (ValueType & { readonly name: string })[] {
  if (statement === undefined || columns === undefined)
    throw unreadable(file, draft.line, `no statement of "${draft.name}" returns rows; write @returns none`);
  const names = columns.map(({ name }) => name);
  for (const name of draft.columns.keys())
    if (!names.includes(name)) throw unreadable(file, draft.line, `"${draft.name}" returns no column "${name}"`);
  // A row that an outer join did not find is null in every column, whatever the table says.
  const mayMiss = statement.tokens.some(
    ({ kind, text }) => kind === "word" && /^(?:left|right|full|outer|rollup|cube|sets)$/i.test(text),
  );
  return columns.map(({ name, type, table, notNull }, i) => {
    if (names.indexOf(name) !== i)
      throw unreadable(file, statement.line, `two columns are called "${name}"; name one of them with "as"`);
    const own = draft.columns.get(name);
    if (own !== undefined) {
      // An array of the database is read as one, whatever the author says of its elements.
      const list = type?.list === undefined ? {} : { list: type.list, as: type.as };
      return { name, as: own.as, schema: own.nullable ? orNull(own.schema) : own.schema, ...list };
    }
    if (type === undefined)
      throw unreadable(
        file,
        statement.line,
        `the type of the column "${name}" can't be told; state it: -- @column ${name} text`,
      );
    // Seen through a view, the table may have been joined in a way that is not visible here.
    const plain =
      table !== undefined && statement.tokens.some(({ text }) => text.toLowerCase() === table.toLowerCase());
    return { ...type, name, schema: notNull && plain && !mayMiss ? type.schema : orNull(type.schema) };
  });
}
