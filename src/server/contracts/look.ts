/**
 * Looks at one system: is the contract that it has now the one that is pinned? Everything is fetched through the guarded client, with
 * the limits of a contract; a file that its server calls unchanged (ETag, Last-Modified; RFC 9110, section 13) is not fetched again.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { ResolvedSettings } from "../../connectors/system.ts";
import type { ContractModel } from "../../contract/model.ts";
import { onlyOf } from "../../contract/only.ts";
import { asMortiseError } from "../../errors.ts";
import { createOutbound } from "../../outbound/client.ts";
import { type ContractChanges, changesOf, type Judged, judged } from "./changes.ts";
import { isDatabase, type LiveSource, readLive, restrictionOf } from "./live.ts";

/** What a server said of a file, to ask with next time. */
export interface Validator {
  readonly url: string;
  readonly etag?: string;
  readonly modified?: string;
}

export interface LookTask {
  readonly pinned: ContractModel;
  /** Of the system, resolved; absent: its connection is not known here, so a database can't be looked at. */
  readonly settings?: ResolvedSettings | undefined;
  /** The project's folder. */
  readonly project: string;
  /** From the look before. */
  readonly validators: readonly Validator[];
}

export type Look =
  /** It came from a file: there is nothing to look at. */
  | { readonly state: "unwatched"; readonly reason: string }
  /** Its server says that nothing changed since the look before. */
  | { readonly state: "unmodified" }
  | { readonly state: "same"; readonly validators: readonly Validator[] }
  | {
      readonly state: "changed";
      /** By names. */
      readonly changes: ContractChanges;
      /** By the comparer. */
      readonly judged: Judged;
      readonly validators: readonly Validator[];
    }
  | { readonly state: "unreadable"; readonly code: string; readonly reason: string };

const timeoutMs = 60_000;

/** What was seen, and the contract as its system has it now where it could be read. */
export interface Looked {
  readonly look: Look;
  readonly model?: ContractModel;
}

/** Never rejects: what goes wrong is a state. */
export async function look(task: LookTask): Promise<Look> {
  return (await lookClosely(task)).look;
}

/** As `look`, with what was read. */
export async function lookClosely(task: LookTask): Promise<Looked> {
  const { pinned } = task;
  try {
    const source = sourceOf(task);
    if (typeof source === "string") return { look: { state: "unwatched", reason: source } };
    if (await unmodified(task.validators, source.internal)) return { look: { state: "unmodified" } };
    const validators: Validator[] = [];
    const { model } = await readLive(source, (url, headers) => {
      const { etag, "last-modified": modified } = headers;
      if (etag === undefined && modified === undefined) return;
      validators.push({
        url,
        ...(etag === undefined ? {} : { etag: etag.slice(0, 200) }),
        ...(modified === undefined ? {} : { modified: modified.slice(0, 100) }),
      });
    });
    // A file without a validator may change unseen: then none is asked about.
    const kept = validators.length === model.source.files.length ? validators : [];
    // Of a contract of which a part is pinned, that part is watched.
    const { only } = pinned.source;
    const part = only === undefined ? model : onlyOf(model, only);
    const changes = changesOf(pinned, part);
    if (changes === undefined) return { look: { state: "same", validators: kept }, model: part };
    return { look: { state: "changed", changes, judged: judged(pinned, part), validators: kept }, model: part };
  } catch (error) {
    const { code, message } = asMortiseError(error);
    return { look: { state: "unreadable", code, reason: message } };
  }
}

/** Where the live contract is, or why there is none. */
function sourceOf({ pinned, settings, project }: LookTask): LiveSource | string {
  const { name, source, database } = pinned;
  const common = { system: name, project, folder: project, timeoutMs };
  if (source.url !== undefined) return { ...common, location: source.url, internal: settings?.internal ?? true };
  if (database === undefined)
    return "it was pinned from a file; pin it from its URL or its database to have it watched";
  if (settings === undefined) return "its connection is not known here";
  const folder = join(project, "systems", name);
  const [statements, ...others] = source.files.map(({ path }) => path);
  const text = (path: string) => readFileSync(join(folder, path), "utf8");
  const pinnedFile = others.find((path) => /(^|\/)[^/]*\.(json|sql)$/.test(path));
  const { user, password } =
    settings.credentials?.kind === "basic" ? settings.credentials : { user: undefined, password: undefined };
  const location = isDatabase(settings.connection) ? settings.connection : `sqlite:${settings.connection}`;
  return {
    ...common,
    location,
    internal: settings.internal,
    user,
    password,
    statements: { path: statements!, text: text(statements!) },
    ...(pinnedFile === undefined ? {} : restrictionOf(text(pinnedFile))),
  };
}

/** True only where every file of the look before has a validator, and its server says 304 to each. */
async function unmodified(validators: readonly Validator[], internal: boolean): Promise<boolean> {
  if (validators.length === 0) return false;
  const outbound = createOutbound();
  try {
    for (const { url, etag, modified } of validators) {
      const { status } = await outbound.request({
        method: "GET",
        url,
        headers: {
          ...(etag === undefined ? {} : { "if-none-match": etag }),
          ...(modified === undefined ? {} : { "if-modified-since": modified }),
        },
        deadline: Date.now() + timeoutMs,
        maxResponseBytes: 16 * 1024 * 1024,
        internal,
      });
      if (status !== 304) return false;
    }
    return true;
  } finally {
    await outbound.close();
  }
}
