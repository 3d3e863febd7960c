/**
 * Open runs that a changed contract concerns: those that have called one of its operations, and those whose code calls it. They
 * end on the code version that they began with, and with its contract.
 */
import { existsSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { asMortiseError } from "../../errors.ts";
import { projectFiles } from "../../server/project/files.ts";
import { sourcesOf } from "../../server/project/sources.ts";
import { openStatuses, type StoredRun, storedRuns } from "../../server/storage/stored-runs.ts";
import { planVersion } from "../../server/versions/versions.ts";
import { type AdminClient, adminClient, storeFolder } from "../admin-client.ts";
import { membersNamed } from "../check/usage.ts";
import type { Context } from "../context.ts";
import { segment } from "../values.ts";
import type { Impact } from "./impact.ts";

export interface OpenRun {
  readonly id: string;
  readonly process: string;
  readonly key: string;
  readonly status: string;
  /** Its code version. */
  readonly version: string;
  /** Steps of its history that called one of the operations. */
  readonly called: readonly string[];
  /** Operations that its code names. */
  readonly code: readonly string[];
}

export interface OpenRuns {
  readonly runs: readonly OpenRun[];
  /** There are more open runs than were looked at. */
  readonly more: boolean;
  /** Where they are from. */
  readonly from: "server" | "store";
  /** What could not be looked at. */
  readonly note?: string;
}

/** Runs that are looked at, and histories that are read. */
const mostRuns = 2000;
const mostHistories = 200;

/**
 * `members`: operations and events of the system. On the code that the project has now, those count whose changed parts it uses; what
 * older code uses of them is not known, so all of them count. Never rejects for a server that is away.
 */
export async function openRuns(
  context: Context,
  project: string,
  system: string,
  members: Impact["members"],
): Promise<OpenRuns> {
  if (members.all.length === 0) return { runs: [], more: false, from: "store" };
  const named = (names: readonly string[]) => new Set(names.map((member) => `${system}.${member}`));
  const [used, all] = [named(members.used), named(members.all)];
  const current = currentVersion(project);
  const wantedOf = ({ version }: StoredRun) => (version === current ? used : all);
  const store = await storeFolder(project, context.io.env);
  const codeOf = versionReader(store, project, system, wantedOf);
  let client: AdminClient;
  let open: readonly StoredRun[];
  try {
    client = await adminClient(context);
    open = await served(client);
  } catch (error) {
    const { code, message } = asMortiseError(error);
    if (code !== "server-unreachable")
      return { runs: [], more: false, from: "server", note: `the runs could not be looked at: ${message}` };
    return fromStore(store, codeOf);
  }
  const found: OpenRun[] = [];
  let histories = 0;
  for (const run of open) {
    const code = codeOf(run);
    let called: readonly string[] = [];
    if (histories < mostHistories) {
      histories++;
      called = await calledBy(client, run.id, wantedOf(run));
    }
    if (code.length > 0 || called.length > 0) found.push(shown(run, called, code));
  }
  return {
    runs: found,
    more: open.length >= mostRuns,
    from: "server",
    ...(open.length > mostHistories ? { note: `the histories of the newest ${mostHistories} were read` } : {}),
  };
}

async function served(client: AdminClient): Promise<readonly StoredRun[]> {
  const found: StoredRun[] = [];
  for (const status of openStatuses) {
    for (let before: string | undefined; found.length < mostRuns; ) {
      const page: { readonly runs: readonly StoredRun[]; readonly next: string | null } = await client.get("/runs", {
        status,
        limit: 500,
        before,
      });
      found.push(...page.runs);
      if (page.next === null) break;
      before = page.next;
    }
  }
  return found.slice(0, mostRuns);
}

async function calledBy(client: AdminClient, id: string, wanted: ReadonlySet<string>): Promise<readonly string[]> {
  const run: { readonly steps?: readonly { readonly id: string; readonly operation?: string }[] } = await client.get(
    `/runs/${segment(id)}`,
  );
  return (run.steps ?? [])
    .filter(({ operation }) => operation !== undefined && wanted.has(operation))
    .map((step) => step.id);
}

function fromStore(store: string, codeOf: (run: StoredRun) => readonly string[]): OpenRuns {
  let open: readonly StoredRun[];
  try {
    open = storedRuns(store, mostRuns);
  } catch (error) {
    const note = `the store could not be read: ${(error as Error).message}`;
    return { runs: [], more: false, from: "store", note };
  }
  const runs = open.flatMap((run) => {
    const code = codeOf(run);
    return code.length === 0 ? [] : [shown(run, [], code)];
  });
  return {
    runs,
    more: open.length >= mostRuns,
    from: "store",
    ...(open.length === 0 ? {} : { note: "no server runs, so histories were not read; their code was" }),
  };
}

function shown(
  { id, process, key, status, version }: StoredRun,
  called: readonly string[],
  code: readonly string[],
): OpenRun {
  return { id, process, key, status, version, called, code };
}

/** Of the code that the project has now; `undefined` where it can't be read. */
function currentVersion(project: string): string | undefined {
  try {
    return planVersion({ folder: project, processFiles: projectFiles(project).process }).id;
  } catch {
    return undefined;
  }
}

/** What the code of a run's version names: of its process's file and all that it imports. */
function versionReader(
  store: string,
  project: string,
  system: string,
  wantedOf: (run: StoredRun) => ReadonlySet<string>,
) {
  const known = new Map<string, readonly string[]>();
  return (run: StoredRun): readonly string[] => {
    const { version, process } = run;
    const wanted = wantedOf(run);
    const key = `${version} ${process}`;
    const before = known.get(key);
    if (before !== undefined) return before;
    const folder = join(store, "versions", basename(version));
    const found = existsSync(folder)
      ? namedIn(folder, process, system, wanted)
      : namedIn(project, process, system, wanted);
    known.set(key, found);
    return found;
  };
}

function namedIn(folder: string, process: string, system: string, wanted: ReadonlySet<string>): readonly string[] {
  try {
    const entries = entriesOf(folder);
    // A process that is not found by its name may be any of them.
    const own = entries.filter((entry) => readFileSync(join(folder, entry), "utf8").includes(JSON.stringify(process)));
    const index = `systems/${system}/index.ts`;
    const named = new Set<string>();
    for (const file of sourcesOf(folder, own.length > 0 ? own : entries).files) {
      if (!/\.[cm]?ts$/.test(file) || basename(file) === "contract.ts" || file === index) continue;
      for (const name of membersNamed(file, readFileSync(join(folder, file), "utf8"), new Map([[index, system]])))
        named.add(name);
    }
    // A probe is named in the system's own file, and asked wherever the system is called.
    const connection = join(folder, index);
    const settings = existsSync(connection) && named.size > 0 ? readFileSync(connection, "utf8") : "";
    return [...wanted].filter(
      (name) => named.has(name) || settings.includes(JSON.stringify(name.slice(system.length + 1))),
    );
  } catch {
    // Code that can't be read may call anything.
    return [...wanted];
  }
}

function entriesOf(folder: string): readonly string[] {
  const manifest = join(folder, "version.json");
  if (existsSync(manifest)) return (JSON.parse(readFileSync(manifest, "utf8")) as { entries: string[] }).entries;
  return projectFiles(folder).process;
}
