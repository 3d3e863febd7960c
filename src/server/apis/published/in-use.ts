/** Who would miss a version: consumers that call it, and open runs that were started through it. */
import { failure } from "../../../errors.ts";
import { finalStatuses, runStatuses } from "../../../process/engine.ts";
import { startedThrough } from "../../../publish/lifecycle/bound.ts";
import type { LifecycleBook } from "../../../publish/lifecycle/lifecycle.ts";
import { type Despite, majorOf } from "../../../publish/lifecycle/retirements.ts";
import { dayText, firstDayOf, type UsageTotal } from "../../../publish/lifecycle/usage.ts";
import type { Store } from "../../../store/store.ts";
import type { Project } from "../../project/project.ts";

export interface OpenRun {
  readonly id: string;
  readonly process: string;
  readonly version: string;
  readonly operation: string;
  readonly consumer: string;
  /** Epoch milliseconds. */
  readonly createdAt: number;
}

export interface InUse {
  /** First day of the window that calls are looked for in. */
  readonly from: string;
  readonly calls: readonly UsageTotal[];
  /** Of `calls`, each once; `""`: callers of public operations. */
  readonly consumers: readonly string[];
  readonly openRuns: number;
  /** The oldest of them, a hundred at most. */
  readonly runs: readonly OpenRun[];
}

export interface InUseParts {
  readonly lifecycle: Pick<LifecycleBook, "usage">;
  readonly read: Store["read"];
  /** `lifecycle.window` of the configuration, in milliseconds. */
  readonly windowMs: number;
  /** Epoch milliseconds. */
  readonly clock: () => number;
}

const shownRuns = 100;
const open = runStatuses.filter((status) => !finalStatuses.has(status));
/** Restarts of restarts that are followed. */
const longestChain = 1000;

/** Looks for both, by name and major version. */
export interface FindInUse {
  (api: string, major: number): Promise<InUse>;
  /** Calls are looked for in so many milliseconds before now. */
  readonly windowMs: number;
}

export function openInUse({ lifecycle, read, windowMs, clock }: InUseParts): FindInUse {
  // Open runs come by the index of their status; what each was started through stands in its row.
  const isOpen = `status IN (${open.map((status) => `'${status}'`).join(", ")})`;
  const columns = "id, process, origin, created, restart_of";
  const counted = read.prepare(`SELECT count(*) AS n FROM runs WHERE ${isOpen} AND origin GLOB ?`);
  const oldest = read.prepare(
    `SELECT ${columns} FROM runs WHERE ${isOpen} AND origin GLOB ? ORDER BY id LIMIT ${shownRuns}`,
  );
  const restarted = read.prepare(`SELECT ${columns} FROM runs WHERE ${isOpen} AND origin GLOB 'restart:*'`);
  const before = read.prepare("SELECT origin, restart_of FROM runs WHERE id = ?");

  /** Of a run that was restarted by hand: what the first one was started through. */
  function originOf(row: Row): string {
    let { origin, restart_of: of } = row;
    for (let step = 0; step < longestChain && origin.startsWith("restart:") && of !== null; step++) {
      const earlier = before.get(of) as Pick<Row, "origin" | "restart_of"> | undefined;
      if (earlier === undefined) break;
      ({ origin, restart_of: of } = earlier);
    }
    return origin;
  }

  const find = async (api: string, major: number): Promise<InUse> => {
    const fromDay = firstDayOf(clock(), windowMs);
    await lifecycle.usage.flush();
    const calls = lifecycle.usage.totals(api, major, fromDay);
    const bound = `api:${api} ${major}.*`;
    const rows = oldest.all(bound) as unknown as Row[];
    let openRuns = Number(counted.get(bound)?.n ?? 0);
    for (const row of restarted.iterate() as Iterable<unknown> as Iterable<Row>) {
      const origin = originOf(row);
      const through = startedThrough(origin);
      if (through?.api !== api || majorOf(through.version) !== major) continue;
      openRuns += 1;
      if (rows.length < shownRuns) rows.push({ ...row, origin });
    }
    const runs = rows.map(({ id, process, origin, created }): OpenRun => {
      const { version = "", operation = "", consumer = "" } = startedThrough(origin) ?? {};
      return { id, process, version, operation, consumer, createdAt: created };
    });
    const consumers = [...new Set(calls.map(({ consumer }) => consumer))];
    return { from: dayText(fromDay), calls, consumers, openRuns, runs };
  };
  return Object.assign(find, { windowMs });
}

interface Row {
  readonly id: string;
  readonly process: string;
  readonly origin: string;
  readonly created: number;
  readonly restart_of: string | null;
}

/** How a consumer is named in an override and in sentences. */
export const consumerName = (consumer: string): string => (consumer === "" ? "(public)" : consumer);

/**
 * What an override has to name, and what is stored of it. Throws `api-in-use` where it leaves out a consumer, or states another number of
 * open runs than there are: who was not named was not thought of.
 */
export function overridden(
  api: string,
  version: string,
  { consumers, openRuns, runs }: InUse,
  named: { readonly consumers: readonly string[]; readonly openRuns: number },
): Despite {
  const missing = consumers.map(consumerName).filter((consumer) => !named.consumers.includes(consumer));
  if (missing.length > 0 || openRuns !== named.openRuns) {
    const by = [
      ...(missing.length === 0 ? [] : [`called by ${shown(missing)}`]),
      ...(openRuns === named.openRuns
        ? []
        : [
            openRuns === 0
              ? "no open run is bound to it"
              : `open runs: ${openRuns} (${shown(
                  runs.map(({ id }) => id),
                  3,
                )})`,
          ]),
    ];
    const overrides = overridesOf(consumers.map(consumerName), openRuns);
    throw failure(
      "api-in-use",
      { api, version, by: by.join("; "), overrides },
      { details: { consumers, openRuns, runs } },
    );
  }
  return { consumers: consumers.map(consumerName), openRuns, runs: runs.map(({ id }) => id) };
}

/** The options of the command that decides it: those that are needed, and no other. */
function overridesOf(consumers: readonly string[], openRuns: number): string {
  const named = consumers.length > 10 ? "<each of them>" : consumers.map(word).join(" ");
  return `${consumers.length === 0 ? "" : ` --despite ${named}`}${openRuns === 0 ? "" : ` --despite-runs ${openRuns}`}`;
}

/** As a POSIX shell takes it. */
function word(name: string): string {
  return /^[\w.:@-]+$/.test(name) ? name : `'${name.replaceAll("'", `'\\''`)}'`;
}

function shown(names: readonly string[], most = 20): string {
  return names.length <= most ? names.join(", ") : `${names.slice(0, most).join(", ")} and ${names.length - most} more`;
}

/**
 * At a start: a version that the code has as `retired()` and that is still in use is refused, unless an operator has retired it before, by a
 * decision that names who uses it. Throws `api-in-use`.
 */
export async function checkRetired(
  { apis }: Pick<Project, "apis">,
  { retirements }: Pick<LifecycleBook, "retirements">,
  find: FindInUse,
): Promise<void> {
  for (const { name, version, lifecycle } of apis) {
    if (lifecycle.state !== "retired" || retirements.of(name, majorOf(version)) !== undefined) continue;
    // Another version of the same major number that is served keeps the promise.
    const kept = apis.some(
      (api) => api.name === name && majorOf(api.version) === majorOf(version) && api.lifecycle.state !== "retired",
    );
    if (!kept) overridden(name, version, await find(name, majorOf(version)), { consumers: [], openRuns: 0 });
  }
}
