/**
 * Rehearsals: a code version is tried on the history of every open run, in a thread of its own, and how each run fared is kept in the
 * store. Only a run that was rehearsed on a version can be moved there. The front holds counts and a few examples, never
 * the runs.
 */
import { randomUUID } from "node:crypto";
import { Worker } from "node:worker_threads";
import { asMortiseError, failure, plainName } from "../../errors.ts";
import { moduleUrl } from "../../module-url.ts";
import type { Json } from "../../operation.ts";
import type { OpenRunFilter } from "../../process/embedded/front/open-runs.ts";
import type { ValueLimits } from "../../process/embedded/history/json-text.ts";
import type { Verdict } from "../../process/embedded/verdict.ts";
import type { RunDetail } from "../../process/engine.ts";
import type { Store } from "../../store/store.ts";
import type { Masking } from "../secrets/masking.ts";
import type { RehearsedParameters } from "./store-part.ts";
import type { Version } from "./versions.ts";

export interface RehearsalFilter {
  readonly process?: string;
  readonly run?: string;
}

/** What the thread is given. */
export interface RehearsalStart {
  readonly version: Version;
  readonly project: string;
  /** The store's database. */
  readonly file: string;
  readonly filter: Pick<OpenRunFilter, "after" | "process" | "run">;
  readonly valueLimits: ValueLimits;
  /** Of the store, if it is encrypted. */
  readonly keys: readonly Uint8Array[];
}

/** What it says. */
export type RehearsalMessage =
  | {
      readonly kind: "begins";
      readonly run: string;
      readonly process: string;
      readonly key: string;
      readonly from: string;
    }
  /** The run that was begun last. `seq`: the last row of its history. */
  | { readonly kind: "fared"; readonly seq: number; readonly verdict: Verdict }
  | { readonly kind: "done" };

/** Runs that fare alike: the same process, at the same place. */
export interface Point {
  readonly process: string;
  readonly kind: "diverges" | "stops";
  /** The step where they part, or the reason for which they stop. */
  readonly at: string;
  /** `processes/order.ts:12` */
  readonly place?: string;
  readonly message: string;
  readonly runs: number;
  readonly example: { readonly run: string; readonly key: string; readonly recorded?: Json; readonly asked?: Json };
}

export interface Rehearsal {
  readonly id: string;
  readonly version: string;
  readonly state: "running" | "done" | "failed";
  readonly startedAt: number;
  readonly endedAt?: number;
  readonly continues: number;
  readonly diverges: number;
  readonly stops: number;
  readonly points: readonly Point[];
  /** Of one that failed. */
  readonly error?: string;
}

/** How one run fared, without values. */
export interface Fared {
  readonly run: string;
  readonly process: string;
  readonly key: string;
  /** The version that it is on. */
  readonly from: string;
  readonly verdict: "continues" | "diverges" | "stops";
  /** Of one that continues: what is next. */
  readonly comes?: "steps" | "the end" | "the undo";
  readonly next?: readonly { readonly step: string; readonly fresh: boolean; readonly at?: string }[];
  /** Of another: where, in the code, and why. */
  readonly at?: string;
  readonly place?: string;
  readonly message?: string;
}

/** May hold values of the run. */
export interface Shown {
  readonly key: string;
  readonly message: string;
  readonly recorded?: Json;
  readonly asked?: Json;
}

export interface Rehearsals {
  /** One at a time: refused with `rehearsal-busy`. `release` is called when it is over. */
  start(version: Version, filter: RehearsalFilter, release: () => void): Rehearsal;
  /** Throws `admin-unknown`. */
  get(id: string): Rehearsal;
  /** Of a rehearsal, by run, after the run `after`. */
  page(id: string, after: string, limit: number): readonly Fared[];
  /** How a run fared with a version when it was rehearsed last. */
  last(version: string, run: string): Fared | undefined;
  close(): Promise<void>;
}

export interface RehearsalParts {
  readonly store: Pick<Store, "submit" | "read"> & { readonly file: string };
  readonly project: string;
  readonly memoryMiB: number;
  readonly valueLimits: ValueLimits;
  readonly keys: readonly Uint8Array[];
  /** What is shown of a run as people may see it. */
  readonly masked: (run: string, shown: Shown) => Shown;
  /** Default 10 seconds. */
  readonly blockedAfterMs?: number;
}

/** Rehearsals that are remembered. */
const mostKept = 20;
/** Places that are told apart; what comes beyond is counted under the last one. */
const mostPoints = 200;
/** Results that are written as one commit. */
const portion = 200;
/** Threads that the code of runs may end before a rehearsal is given up. */
const mostThreads = 50;
const usualBlockedAfterMs = 10_000;
/** Longest time in which the modules may load. */
const loadedAfterMs = 30_000;

type Draft = { -readonly [Name in keyof Rehearsal]: Rehearsal[Name] };
type Begun = RehearsalMessage & { readonly kind: "begins" };

export function createRehearsals(parts: RehearsalParts): Rehearsals {
  const { store, blockedAfterMs = usualBlockedAfterMs } = parts;
  const kept = new Map<string, Draft>();
  const rows = store.read.prepare(
    "select run, verdict, detail from version_rehearsals where version = ? and at >= ? and run > ? order by run limit ?",
  );
  const row = store.read.prepare("select run, verdict, detail from version_rehearsals where version = ? and run = ?");
  let thread: Worker | undefined;
  let closing = false;
  let under: Promise<void> = Promise.resolve();

  function fared(found: { readonly [name: string]: unknown } | undefined): Fared | undefined {
    if (found === undefined) return undefined;
    return { run: found.run, verdict: found.verdict, ...JSON.parse(String(found.detail)) } as Fared;
  }

  /** One thread, from the run after `after` on. Resolves with the run on which it ended, or with nothing when all are through. */
  function through(
    draft: Draft,
    start: RehearsalStart,
  ): Promise<{ readonly run: Begun | undefined; readonly reason: string } | undefined> {
    return new Promise((resolve, reject) => {
      const worker = new Worker(moduleUrl("./rehearse-main", import.meta.url), {
        name: "mortise-rehearsal",
        workerData: start,
        resourceLimits: { maxOldGenerationSizeMb: parts.memoryMiB },
        stdout: true,
        stderr: true,
      });
      thread = worker;
      let begun: Begun | undefined;
      let reason: string | undefined;
      let results: RehearsedParameters[] = [];
      let done = false;
      let written: Promise<unknown> = Promise.resolve();
      const write = () => {
        const runs = results;
        results = [];
        if (runs.length === 0) return;
        written = written
          .then(() => store.submit([{ name: "versions.rehearsed", parameters: { runs } }]))
          .then(() => worker.postMessage(runs.length));
        written.catch(() => {});
      };
      const flushing = setInterval(write, 200).unref();
      let alarm = setTimeout(() => {}, 0);
      const watch = (ms: number) => {
        clearTimeout(alarm);
        alarm = setTimeout(() => {
          reason = `its code blocked the thread for ${ms / 1000} seconds`;
          worker.terminate().catch(() => {});
        }, ms);
      };
      watch(loadedAfterMs);
      worker.on("message", (message: RehearsalMessage) => {
        watch(blockedAfterMs);
        if (message.kind === "begins") begun = message;
        else if (message.kind === "done") done = true;
        else if (begun !== undefined) {
          results.push(record(draft, begun, message.seq, message.verdict));
          begun = undefined;
          if (results.length >= portion) write();
        }
      });
      worker.on("error", (error) => {
        reason ??= error instanceof Error ? error.message : String(error);
      });
      worker.on("exit", (code) => {
        clearTimeout(alarm);
        clearInterval(flushing);
        write();
        written.then(
          () =>
            resolve(done ? undefined : { run: begun, reason: reason ?? `its code ended the thread with code ${code}` }),
          reject,
        );
      });
    });
  }

  async function run(draft: Draft, start: RehearsalStart): Promise<void> {
    let { after } = start.filter;
    for (let threads = 0; threads < mostThreads; threads += 1) {
      const ended = await through(draft, { ...start, filter: { ...start.filter, after } });
      if (ended === undefined) return;
      if (closing || ended.run === undefined) throw new Error(ended.reason);
      const verdict: Verdict = {
        kind: "stops",
        code: "process-quarantined",
        message: `Its code ended the thread: ${ended.reason}.`,
      };
      const result = record(draft, ended.run, 0, verdict);
      await store.submit([{ name: "versions.rehearsed", parameters: { runs: [result] } }]);
      after = ended.run.run;
    }
    throw new Error(`the code of ${mostThreads} runs ended the thread of the rehearsal`);
  }

  /** Counts how a run fared, and gives its row. */
  function record(
    draft: Draft,
    { run: id, process, key, from }: Begun,
    seq: number,
    verdict: Verdict,
  ): RehearsedParameters {
    draft[verdict.kind] += 1;
    const detail = { process, key, from, ...detailOf(verdict) };
    if (verdict.kind !== "continues") {
      const { at, place } = detail as Required<Fared>;
      const alike = (point: Point) =>
        point.process === process && point.kind === verdict.kind && point.at === at && point.place === place;
      const found = draft.points.findIndex(alike);
      const index = found < 0 && draft.points.length >= mostPoints ? mostPoints - 1 : found;
      if (index >= 0) {
        const point = draft.points[index] as Point;
        draft.points = draft.points.with(index, { ...point, runs: point.runs + 1 });
      } else {
        const sides = verdict.kind === "diverges" ? { recorded: verdict.recorded, asked: verdict.asked } : {};
        const { message, ...shown } = parts.masked(id, { key, message: verdict.message, ...sides });
        const point: Point = {
          process,
          kind: verdict.kind,
          at,
          ...(place === undefined ? {} : { place }),
          message,
          runs: 1,
          example: { run: id, ...shown },
        };
        draft.points = [...draft.points, point];
      }
    }
    return { version: draft.version, run: id, seq, verdict: verdict.kind, detail: JSON.stringify(detail) };
  }

  return {
    start(version, filter, release) {
      if ([...kept.values()].some(({ state }) => state === "running")) throw failure("rehearsal-busy", {});
      const draft: Draft = {
        id: randomUUID(),
        version: version.id,
        state: "running",
        startedAt: Date.now(),
        continues: 0,
        diverges: 0,
        stops: 0,
        points: [],
      };
      kept.set(draft.id, draft);
      for (const id of kept.keys()) if (kept.size > mostKept) kept.delete(id);
      const start: RehearsalStart = {
        version,
        project: parts.project,
        file: store.file,
        filter: { after: "", process: filter.process, run: filter.run },
        valueLimits: parts.valueLimits,
        keys: parts.keys,
      };
      under = run(draft, start)
        .then(
          () => {
            draft.state = "done";
          },
          (error: unknown) => {
            draft.state = "failed";
            draft.error = error instanceof Error ? error.message : asMortiseError(error).message;
          },
        )
        .finally(() => {
          draft.endedAt = Date.now();
          release();
        });
      return { ...draft };
    },
    get(id) {
      const found = kept.get(id);
      if (found === undefined) throw failure("admin-unknown", { what: `rehearsal ${plainName(id)}` });
      return { ...found };
    },
    page(id, after, limit) {
      const { version, startedAt } = this.get(id);
      return rows.all(version, startedAt, after, limit).map((one) => fared(one) as Fared);
    },
    last: (version, run) => fared(row.get(version, run)),
    async close() {
      closing = true;
      await thread?.terminate();
      await under;
    },
  };
}

function detailOf(verdict: Verdict): Partial<Fared> {
  switch (verdict.kind) {
    case "continues":
      return { comes: verdict.comes, next: verdict.next.slice(0, 20) };
    case "diverges":
      return { at: verdict.step, message: verdict.message, ...(verdict.at === undefined ? {} : { place: verdict.at }) };
    case "stops":
      // What the code threw may hold values: it is shown, and not kept.
      return { at: verdict.code, ...(verdict.at === undefined ? {} : { place: verdict.at }) };
  }
}

/** As people may see it: masked like what a parked run asks. */
export function maskedShown(
  id: string,
  { key, message, ...sides }: Shown,
  masking: Pick<Masking, "run">,
  engine: { run(id: string): RunDetail | undefined },
): Shown {
  const run = engine.run(id);
  // Without the run it is not known what is sensitive in it.
  if (run === undefined) return { key: "", message: "" };
  const parked = { code: "", number: 1, answers: [], message, ...sides };
  const masked = masking.run({ ...run, key, parked });
  const { message: shown = "", recorded, asked } = masked.parked ?? {};
  return {
    key: masked.key,
    message: shown,
    ...(recorded === undefined ? {} : { recorded }),
    ...(asked === undefined ? {} : { asked }),
  };
}
