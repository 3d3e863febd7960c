/**
 * The contract as its system has it now: fetched from its URL, or read from the database. `mortise add` pins what this gives, the watch
 * compares it with the pin. At run time nothing of it is used.
 */
import { dirname, resolve } from "node:path";
import { type DatabaseSource, isDatabase, readDatabase } from "../../connectors/sql/introspect.ts";
import { starterText } from "../../connectors/sql/starter.ts";
import type { ContractModel } from "../../contract/model.ts";
import { readContract } from "../../contract/read/read-contract.ts";
import { type ContractFiles, openSource, openTexts, type SourceOptions } from "../../contract/read/source.ts";
import { databaseModel } from "../../contract/read/sql-database-schemas.ts";
import { createOutbound } from "../../outbound/client.ts";

export { isDatabase };

/** Where a contract is, with everything that is needed to read it. References are resolved. */
export interface LiveSource extends Omit<DatabaseSource, "connection"> {
  /** A file, a URL, or a database: `postgres://...`, `mysql://...`, `sqlite:path`. */
  readonly location: string;
  /** Folder that relative paths and a file's imports are seen from. Default: the file's own. */
  readonly folder: string;
  readonly root?: string;
  /** Databases: the file with the named statements, as it is. Absent: statements to begin with are written. */
  readonly statements?: { readonly path: string; readonly text: string };
}

export interface LiveContract {
  readonly model: ContractModel;
  readonly files: ContractFiles;
}

/** Which schemas and tables a pinned catalogue was restricted to. */
export function restrictionOf(pinned: string): Pick<DatabaseSource, "schemas" | "tables"> {
  try {
    const only = pinned.startsWith("{")
      ? (JSON.parse(pinned) as { only?: unknown }).only
      : JSON.parse(/^-- @only (.*)$/m.exec(pinned)?.[1] ?? "{}");
    return (only ?? {}) as Pick<DatabaseSource, "schemas" | "tables">;
  } catch {
    return {};
  }
}

/** `fetched`: told of each file that came by URL. Rejects with `contract-unreadable`, or as the outbound client and the database do. */
export async function readLive(source: LiveSource, fetched?: SourceOptions["fetched"]): Promise<LiveContract> {
  const { location, system } = source;
  const read = async (files: ContractFiles): Promise<LiveContract> => ({
    model: await readContract(files, system),
    files,
  });
  if (isDatabase(location)) return read(await openTexts(await databaseTexts(source)));
  if (!/^https?:/i.test(location)) {
    const entry = resolve(source.folder, location);
    const root = source.root === undefined ? dirname(entry) : resolve(source.folder, source.root);
    return read(await openSource(entry, { root }));
  }
  const outbound = createOutbound();
  try {
    return await read(
      await openSource(location, {
        outbound,
        internal: source.internal,
        ...(fetched === undefined ? {} : { fetched }),
      }),
    );
  } finally {
    await outbound.close();
  }
}

/** The files of a database's contract: the statements first. */
async function databaseTexts(source: LiveSource): Promise<Readonly<Record<string, string>>> {
  const from: DatabaseSource = { ...source, connection: source.location };
  const path = source.statements?.path ?? `${source.system}.sql`;
  if (source.statements !== undefined) {
    const own = directive.exec(source.statements.text);
    const read = await readDatabase(from, path, source.statements.text);
    const text = own === null ? `-- @database ${read.path}\n${source.statements.text}` : source.statements.text;
    return { [path]: text, [own?.[1] ?? read.path]: read.text };
  }
  // First the tables, so that there is something to write statements about; then what the database says of those.
  const tables = await readDatabase(from, path, "");
  const text = starterText(databaseModel(tables.path, tables.text), source.system, tables.path);
  const full = await readDatabase(from, path, text);
  return { [path]: text, [full.path]: full.text };
}

const directive = /^[ \t]*--[ \t]*@database[ \t]+(\S+)[ \t]*$/m;
