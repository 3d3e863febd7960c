/**
 * The small processes beside the journey, each for one thing that many runs have in common:
 *
 *  - `tick` is started by a schedule, each second;
 *  - `claim` waits for ever, until a bulk job cancels it; then a bulk job starts it anew, and it ends;
 *  - `press` has limits: two at a time, one of each lane, and so many a second. The last of them are doors: each waits for an event that
 *    comes only once as many as may be are under way, so that a permit that was leaked stops them for ever.
 */
import type { AnyOperation, Effect, EventType, Json, Schema } from "../../src/operation.ts";
import { type AnyProcess, defineProcess } from "../../src/process/define.ts";
import { type AnySchedule, defineSchedule } from "../../src/process/schedule.ts";

const anything: Schema = { kind: "schema", json: true };
const event = (name: string): EventType<Json> => ({ kind: "event", system: "ledger", name });
const operation = (name: string, effect: Effect = "idempotent"): AnyOperation =>
  Object.freeze({ kind: "operation", system: "ledger", name, effect });

const ticked = operation("ticked");
const claimed = operation("claimed");
const unclaimed = operation("unclaimed");
const enter = operation("enter");
const leave = operation("leave");
export const workOperations = [ticked, claimed, unclaimed, enter, leave];

/** No such event comes. */
const never = event("never");
/** A door may go on. */
export const opened = event("opened");

/** Of `press`. */
export const limits = { concurrency: 2, starts: 20, everyMs: 1000, burst: 2, lanes: 3 } as const;

interface PressInput {
  readonly id: string;
  readonly lane: string;
  readonly door: boolean;
}

export const press = defineProcess<PressInput, unknown>({
  name: "press",
  input: anything as never,
  key: ({ id }) => id,
  retry: { backoff: "20ms" },
  limits: {
    concurrency: limits.concurrency,
    rate: { starts: limits.starts, every: `${limits.everyMs}ms`, burst: limits.burst },
    per: { key: ({ lane }) => lane, concurrency: 1 },
  },
  async run(flow, { id, lane, door }) {
    await flow.call(enter, { id, lane });
    if (door) await flow.receive(opened, { key: id });
    else await flow.sleep("8ms");
    await flow.call(leave, { id, lane });
    return { id };
  },
});

export const claim = defineProcess<{ readonly id: string }, unknown>({
  name: "claim",
  input: anything as never,
  key: ({ id }) => id,
  retry: { backoff: "20ms" },
  async run(flow, { id }) {
    const undo = { call: unclaimed, with: ({ key }: { readonly key: string }) => ({ id, reference: key }) };
    const { times } = (await flow.call(claimed, { id }, { undo })) as unknown as { readonly times: number };
    if (times === 1) await flow.receive(never, { key: id });
    return { id, times };
  },
});

const tick = defineProcess<{ readonly id: string }, unknown>({
  name: "tick",
  input: anything as never,
  key: ({ id }) => id,
  retry: { backoff: "20ms" },
  async run(flow, { id }) {
    await flow.call(ticked, { id });
    return { id };
  },
});

export const works: readonly AnyProcess[] = [press, claim, tick];

/** What ticks of a lineage are called in the ledger. `at`: ISO 8601. */
export const tickId = (lineage: string, at: string): string => `${lineage}-tick-${at}`;

/** Each second; `lineage` names what lives on one database. */
export function everySecond(lineage: string): AnySchedule {
  return defineSchedule({
    name: lineage,
    process: tick,
    cron: "* * * * * *",
    catchUp: "all",
    catchUpLimit: 1000,
    input: ({ at }) => ({ id: tickId(lineage, at) }),
  });
}
/** The process that the schedule names. */
export const processNamed = (name: string): AnyProcess | undefined => works.find((one) => one.name === name);

/** Claims of a group are cancelled by one job, and started anew by another. */
export const groupPrefix = (lineage: string, group: number): string => `${lineage}-claim-${group}.`;
