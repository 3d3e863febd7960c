/** Reads a contract as it is now, from a file, a URL or a database, for the commands that pin it. */
import { existsSync, readFileSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { failure } from "../errors.ts";
import type { LiveContract } from "../server/contracts/live.ts";
import type { Place } from "./commands/add-place.ts";
import type { Context } from "./context.ts";

export interface PlaceOptions {
  readonly internal?: boolean;
  readonly root?: string;
  /** Databases: the file with the named statements. */
  readonly statements?: string;
  readonly schema?: readonly string[];
  readonly table?: readonly string[];
}

/** `folder`: of the system. Rejects with `option-invalid`, `contract-unreadable`, or as the outbound client and the database do. */
export async function readPlace(
  { io }: Context,
  { name, folder, project, place }: { name: string; folder: string; project: string; place: Place },
  { internal = false, root, statements, schema = [], table = [] }: PlaceOptions,
): Promise<LiveContract> {
  const { isDatabase, readLive } = await import("../server/contracts/live.ts");
  // The statements are the user's own: those that stand there are kept.
  const pinned = join(folder, `${name}.sql`);
  const given = statements === undefined ? (existsSync(pinned) ? pinned : undefined) : resolve(io.folder, statements);
  const database = isDatabase(place.location);
  if (statements !== undefined && !database)
    throw failure("option-invalid", {
      option: "--statements",
      reason: "it goes with a database: postgres://, mysql://, sqlite:",
    });
  return readLive({
    system: name,
    location: /^sqlite:(?!\/)/i.test(place.location)
      ? `sqlite:${resolve(io.folder, place.location.slice(7))}`
      : place.location,
    project,
    folder: io.folder,
    // A database stands in the company's own network, and its address comes from our side.
    internal: internal || database,
    schemas: schema,
    tables: table,
    ...(root === undefined ? {} : { root }),
    ...(place.user === undefined ? {} : { user: place.user.value }),
    ...(place.password === undefined ? {} : { password: place.password.value }),
    ...(database && given !== undefined ? { statements: { path: basename(given), text: textOf(given) } } : {}),
  });
}

function textOf(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw failure("option-invalid", { option: "--statements", reason: (error as Error).message });
  }
}
