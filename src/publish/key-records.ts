/**
 * Idempotency records as people look them up: by the client's key, by the effect key of a straight call, and by the run that a request
 * started or joined. Read-only. No index of its own: ids of one key lie side by side, and runs stand in the index of expiry (decision 0040).
 */
import { setImmediate as turn } from "node:timers/promises";
import type { Store } from "../store/store.ts";
import type { RepeatsSince } from "./key-repeats.ts";
import { type StartedThrough, startedThrough } from "./lifecycle/bound.ts";
import type { Repeats } from "./store-part.ts";

/** Begins the effect key of a straight call; the record's id follows. */
export const straightCall = "mortise-";

/** What is on record of a key that a client sent. Times are epoch milliseconds. */
export interface KeyRecord {
  readonly id: string;
  /** As the client sent it, without its quotes; of a signed request the message's id. */
  readonly key: string;
  /** The run that it started, or joined. Absent: it called a system straight away. */
  readonly run?: string;
  /** The run was there already, of the same business key with the same content. */
  readonly joined: boolean;
  /** Absent where the request started its run: that has it in its own origin. */
  readonly through?: StartedThrough;
  readonly at?: number;
  readonly expiresAt: number;
  /** `open`: no answer yet, and nobody at work; a stop or an unknown outcome came between. */
  readonly state: "under-way" | "open" | "answered";
  /** Of the answer. */
  readonly status?: number;
  /** Code of the answer, where it is a problem. */
  readonly problem?: string;
  /** The system was called again under the same effect key, after a call that may have had an effect. */
  readonly again: boolean;
  /** What the system gave, where it was called straight away and gave anything. */
  readonly gave?: "output" | "fault";
  /** Since the first request; what a crash of this server took along (5 seconds at most) is not counted. */
  readonly repeats: Repeats & { readonly lastAt?: number };
}

export interface KeyRecords {
  /** Of all clients and operations; at most 50. */
  ofKey(key: string): readonly KeyRecord[];
  /** By the effect key of a straight call. */
  ofEffectKey(key: string): KeyRecord | undefined;
  /**
   * Of the requests that started or joined this run. They are looked for first where a request that started it must stand, then among all since:
   * `complete` says whether there was time for that.
   */
  ofRun(
    run: string,
    createdAt: number,
  ): Promise<{ readonly records: readonly KeyRecord[]; readonly complete: boolean }>;
}

export interface KeyRecordsParts {
  readonly read: Store["read"];
  readonly clock: () => number;
  /** Opens the kept body of an answer. */
  readonly open: (body: string, id: string) => string;
  readonly atWork: (id: string) => boolean;
  /** What is not in the record yet, whose last repeat that is in it came at `repeatedAt`. */
  readonly repeatsSince: (id: string, repeatedAt: number | null) => RepeatsSince | undefined;
  readonly idsOf: (key: string) => readonly [string, string];
  /** How long keys are remembered, where it is known. */
  readonly retentionMs: number;
}

interface Row {
  readonly id: string;
  readonly key: string | null;
  readonly run: string | null;
  readonly joined: number | null;
  readonly origin: string | null;
  readonly at: number | null;
  readonly expires_at: number;
  readonly status: number | null;
  readonly body: string | null;
  readonly again: number | null;
  readonly gave: number | null;
  readonly replayed: number;
  readonly in_flight: number;
  readonly reused: number;
  readonly repeated_at: number | null;
}

const mostRecords = 50;
/** Index entries that are looked at in one turn of the event loop: some milliseconds. */
const portion = 20_000;
/** How long all of them may take. */
const patienceMs = 1500;
/** How much earlier than its run's row a request may have come, and how much later its reservation may say. */
const marginMs = 120_000;
/** Of the body of a problem; larger ones are none of ours. */
const longestProblem = 65_536;

const columns = `lower(hex(id)) AS id, key, run, joined, origin, at, expires_at, status, again, gave, replayed, in_flight, reused, repeated_at,
  CASE WHEN status >= 400 AND length(body) <= ${longestProblem} THEN body END AS body`;

export function keyRecords(parts: KeyRecordsParts): KeyRecords {
  const { read, clock } = parts;
  const byKey = read.prepare(
    `SELECT ${columns} FROM publish_idempotency WHERE id BETWEEN unhex(?) AND unhex(?) AND expires_at > ? AND key = ?
     LIMIT ${mostRecords}`,
  );
  const byId = read.prepare(`SELECT ${columns} FROM publish_idempotency WHERE id = unhex(?) AND expires_at > ?`);
  const upTo = read.prepare(
    `SELECT max(expires_at) AS last, count(*) AS entries FROM
       (SELECT expires_at FROM publish_idempotency WHERE expires_at > ? ORDER BY expires_at LIMIT ${portion})`,
  );
  // Of the index alone; the few that fit are looked up after it.
  const between = read.prepare(
    `SELECT lower(hex(id)) AS id FROM publish_idempotency INDEXED BY publish_idempotency_expiry
     WHERE expires_at > ? AND expires_at <= ? AND run = ? LIMIT ${mostRecords + 1}`,
  );

  function recordOf(row: Row): KeyRecord {
    const { id, run, at, status, origin } = row;
    const through = origin === null ? undefined : startedThrough(origin);
    const waiting = parts.repeatsSince(id, row.repeated_at);
    const lastAt = waiting?.at ?? row.repeated_at ?? undefined;
    const problem = row.body === null ? undefined : problemIn(row.body, id);
    return {
      id,
      key: row.key ?? "",
      ...(run === null ? {} : { run }),
      joined: row.joined === 1,
      ...(through === undefined ? {} : { through }),
      ...(at === null ? {} : { at }),
      expiresAt: row.expires_at,
      state: status !== null ? "answered" : parts.atWork(id) ? "under-way" : "open",
      ...(status === null ? {} : { status }),
      ...(problem === undefined ? {} : { problem }),
      again: row.again === 1,
      ...(row.gave === null ? {} : { gave: row.gave === 1 ? ("output" as const) : ("fault" as const) }),
      repeats: {
        replayed: row.replayed + (waiting?.replayed ?? 0),
        inFlight: row.in_flight + (waiting?.inFlight ?? 0),
        reused: row.reused + (waiting?.reused ?? 0),
        ...(lastAt === undefined ? {} : { lastAt }),
      },
    };
  }

  function problemIn(body: string, id: string): string | undefined {
    try {
      const { type } = JSON.parse(parts.open(body, id)) as { readonly type?: unknown };
      return typeof type === "string" ? /^urn:mortise:error:([a-z0-9-]+)$/.exec(type)?.[1] : undefined;
    } catch {
      return undefined;
    }
  }

  const ofId = (id: string): KeyRecord | undefined => {
    const row = byId.get(id, clock()) as unknown as Row | undefined;
    return row === undefined ? undefined : recordOf(row);
  };

  return {
    ofKey: (key) => (byKey.all(...parts.idsOf(key), clock(), key) as unknown as Row[]).map(recordOf),
    ofEffectKey(key) {
      const [, id] = /^mortise-([0-9a-f]{32})$/.exec(key) ?? [];
      return id === undefined ? undefined : ofId(id);
    },
    async ofRun(run, createdAt) {
      const found = new Set<string>();
      const take = (from: number, to: number): void => {
        for (const { id } of between.all(from, to, run)) found.add(id as string);
      };
      const begun = performance.now();
      const now = clock();
      const expected = createdAt + parts.retentionMs;
      take(Math.max(now, expected - marginMs), expected + marginMs);
      let complete = true;
      // Whoever sent it, and whatever its retention: it expires after the run began.
      for (let from = Math.max(now, createdAt - marginMs); ; ) {
        const { last, entries } = upTo.get(from) as { readonly last: number | null; readonly entries: number };
        if (last === null) break;
        take(from, last);
        if (entries < portion) break;
        if (found.size > mostRecords || performance.now() - begun > patienceMs) {
          complete = false;
          break;
        }
        from = last;
        await turn();
      }
      const records = [...found].slice(0, mostRecords).flatMap((id) => ofId(id) ?? []);
      return { records, complete: complete && found.size <= mostRecords };
    },
  };
}
