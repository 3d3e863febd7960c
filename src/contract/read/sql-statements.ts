/** The statements of a SQL contract that make its tables, indexes, views and triggers, in order. */
import type { ContractFiles } from "./source.ts";
import { sqlParts } from "./sql-text.ts";

/** Of the contract's file before its first operation, and of the files that `@schema` names there. */
export async function schemaStatements(source: ContractFiles): Promise<readonly string[]> {
  const { path, text } = source.entry;
  const statements: string[] = [];
  for (const part of sqlParts(path, text)) {
    if (part.kind === "statement") statements.push(part.statement.sql);
    else if (part.name === "operation") break;
    else if (part.name === "schema") {
      const included = await source.read(part.text, path, `line ${part.line}`);
      for (const inner of sqlParts(included.path, included.text))
        if (inner.kind === "statement" && /^(create|alter|drop)$/i.test(inner.statement.tokens[0]!.text))
          statements.push(inner.statement.sql);
    }
  }
  return statements;
}
