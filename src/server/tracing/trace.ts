/**
 * `mortise trace`: from any key of a chain to the whole of it. What the key can be is tried one after the other; runs of one business key are one
 * chain, with the requests that started or joined them and the children below. Reads on the front's own connection, a run at a time, so that requests
 * come between.
 */
import { setImmediate as turn } from "node:timers/promises";
import type { AnyOperation } from "../../operation.ts";
import { type Engine, finalStatuses, type RunSummary } from "../../process/engine.ts";
import { type BeganBetween, effectKeyParts, type RunTrace, type Traces } from "../../process/trace.ts";
import { type OperationFacts, verdictOf } from "../../process/verdicts.ts";
import { type Judged, wholeVerdict } from "../../process/whole-verdict.ts";
import type { KeyRecord, KeyRecords } from "../../publish/key-records.ts";
import { startedThrough } from "../../publish/lifecycle/bound.ts";
import type { Project } from "../project/project.ts";
import type { Masking } from "../secrets/masking.ts";
import type { Chain, KeyKind, TraceAnswer, TracedAncestor, TracedCall, TracedRequest, TracedRun } from "./answer.ts";
import { straightOf, wholeOfStraight } from "./straight.ts";

export interface TraceQuery {
  readonly key: string;
  readonly consumer?: string;
  readonly api?: string;
  readonly process?: string;
  /** Calls that are listed of a chain. */
  readonly limit: number;
}

export interface TracePlaces {
  readonly engine: Pick<Engine, "run" | "runs"> & Traces;
  readonly records: KeyRecords;
  readonly began: BeganBetween;
  readonly project: () => Pick<Project, "systems" | "apis">;
  readonly masking: () => Pick<Masking, "told">;
}

const mostChains = 10;
const mostRuns = 50;
const mostGenerations = 20;
const mostAttempts = 20;
/** Runs that are found by a business key, before those of one family are put together. */
const mostFound = 50;
/** How long all may take; what is left is left off. */
const patienceMs = 5000;

interface Seed {
  readonly matched: Set<KeyKind>;
  readonly run: RunTrace;
  call?: { readonly run: string; readonly n: number };
}

export function tracer(places: TracePlaces): (query: TraceQuery) => Promise<TraceAnswer> {
  const { engine, records, began } = places;
  const read = (run: string): RunTrace | undefined => engine.trace(run, began, Date.now());

  /** A client may write its key with the quotes of the header. */
  const plain = (key: string): string => (/^"(.*)"$/s.exec(key)?.[1] ?? key).trim();

  async function find(key: string): Promise<{ seeds: Map<string, Seed>; straight: KeyRecord[]; more: boolean }> {
    const seeds = new Map<string, Seed>();
    const straight: KeyRecord[] = [];
    const add = (id: string, kind: KeyKind, call?: Seed["call"]): void => {
      const run = read(id);
      if (run === undefined) return;
      const family = JSON.stringify([run.run.process, run.run.key]);
      const seed = seeds.get(family) ?? { matched: new Set(), run };
      seeds.set(family, seed);
      seed.matched.add(kind);
      if (call !== undefined) seed.call = call;
    };
    const effect = effectKeyParts(key);
    if (effect !== undefined) add(effect.run, "effect-key", effect);
    const called = records.ofEffectKey(key);
    if (called !== undefined) straight.push(called);
    add(key, "run");
    const named = engine.runs({ key, limit: mostFound });
    for (const { id } of named) {
      if (seeds.size > mostChains) break;
      add(id, "business-key");
      await turn();
    }
    const sent = records.ofKey(key);
    for (const record of sent) {
      if (record.run === undefined) straight.push(record);
      else add(record.run, "idempotency-key");
      await turn();
    }
    return { seeds, straight, more: named.length === mostFound };
  }

  return async ({ key: given, limit, ...wanted }) => {
    let key = plain(given);
    const deadline = performance.now() + patienceMs;
    let found = await find(key);
    if (key !== given && found.seeds.size + found.straight.length === 0) {
      key = given;
      found = await find(key);
    }
    const { seeds, straight, more } = found;
    const chains: Chain[] = [];
    for (const record of straight) {
      const chain = straightChain(places, record, key === record.key ? "idempotency-key" : "effect-key");
      if (fits(chain, wanted)) chains.push(chain);
    }
    for (const seed of seeds.values()) {
      const chain = await chainOf(places, seed, limit, deadline);
      if (fits(chain, wanted)) chains.push(chain);
    }
    return { key, chains: chains.slice(0, mostChains), more: more || chains.length > mostChains };
  };
}

function fits({ requests, runs }: Chain, { consumer, api, process }: Omit<TraceQuery, "key" | "limit">): boolean {
  if (process !== undefined && !runs.some((run) => run.process === process)) return false;
  if (consumer === undefined && api === undefined) return true;
  return requests.some(
    (one) => (consumer === undefined || one.consumer === consumer) && (api === undefined || one.api === api),
  );
}

// --- a straight call --------------------------------------------------------------------------------------------------

function straightChain(places: TracePlaces, record: KeyRecord, kind: KeyKind): Chain {
  const { api, version, operation: name } = record.through ?? {};
  const named = places.project().apis.filter((one) => one.name === api);
  const published = named.find((one) => one.version === version) ?? named.at(-1);
  const operation = published?.operations[name ?? ""];
  const called = operation?.kind === "calls" ? operation.operation : undefined;
  const straight = straightOf(record, called, called && factsOf(places, `${called.system}.${called.name}`));
  return {
    matched: [kind],
    verdict: wholeOfStraight(straight),
    requests: [requestOf(record, undefined)],
    requestsComplete: true,
    ancestors: [],
    runs: [],
    runsLeftOff: 0,
    straight,
  };
}

function factsOf({ project }: TracePlaces, operation: string | undefined): OperationFacts | undefined {
  const [system = "", ...rest] = (operation ?? "").split(".");
  const definition = project().systems.get(system);
  const name = rest.join(".");
  if (definition === undefined || !Object.hasOwn(definition.contract.operations, name)) return undefined;
  const probe = (definition.settings.effects as Readonly<Record<string, Pick<AnyOperation, "probe">>> | undefined)?.[
    name
  ]?.probe?.call;
  return {
    takesKey: definition.contract.operations[name]?.key !== undefined,
    ...(probe === undefined ? {} : { probe: `${system}.${probe}` }),
  };
}

function requestOf(record: KeyRecord, starter: RunSummary | undefined): TracedRequest {
  const { through, at, key, run, expiresAt, state, status, problem, joined, repeats } = record;
  const started = starter === undefined ? undefined : startedThrough(starter.origin);
  const who = through ?? started;
  const when = at ?? starter?.createdAt;
  return {
    ...(who === undefined
      ? {}
      : { consumer: who.consumer, api: who.api, version: who.version, operation: who.operation }),
    key,
    ...(when === undefined ? {} : { at: when }),
    expiresAt,
    state,
    ...(status === undefined ? {} : { status }),
    ...(problem === undefined ? {} : { problem }),
    did: run === undefined ? "called" : joined ? "joined" : "started",
    ...(run === undefined ? {} : { run }),
    replayed: repeats.replayed,
    refusedInFlight: repeats.inFlight,
    refusedReused: repeats.reused,
    ...(repeats.lastAt === undefined ? {} : { lastRepeatAt: repeats.lastAt }),
  };
}

// --- runs -------------------------------------------------------------------------------------------------------------

/** Of a run: those that it is a restart of, itself, and those that it was restarted as; the oldest first. */
function familyOf(read: (run: string) => RunTrace | undefined, run: RunTrace): RunTrace[] {
  const family = [run];
  for (let id = run.restartOf; id !== undefined && family.length < mostGenerations; ) {
    const before = read(id);
    if (before === undefined) break;
    family.unshift(before);
    id = before.restartOf;
  }
  for (let id = run.restartedAs; id !== undefined && family.length < mostGenerations; ) {
    const next = read(id);
    if (next === undefined) break;
    family.push(next);
    id = next.restartedAs;
  }
  return family;
}

async function chainOf(places: TracePlaces, seed: Seed, limit: number, deadline: number): Promise<Chain> {
  const read = (run: string): RunTrace | undefined => places.engine.trace(run, places.began, Date.now());
  const family = familyOf(read, seed.run);
  const ancestors: TracedAncestor[] = [];
  let top = family;
  for (let parent = seed.run.run.parent; parent !== undefined && ancestors.length < mostGenerations; ) {
    const above = read(parent);
    if (above === undefined) break;
    ancestors.push(ancestorOf(above.run));
    top = familyOf(read, above);
    parent = above.run.parent;
  }
  const { requests, complete } = await requestsOf(places.records, top);

  const traces: RunTrace[] = [];
  const seen = new Set<string>();
  let leftOff = 0;
  const visit = async (one: RunTrace): Promise<void> => {
    seen.add(one.run.id);
    traces.push(one);
    await turn();
    const full = (): boolean => traces.length >= mostRuns || performance.now() > deadline;
    for (const id of one.children) {
      if (seen.has(id)) continue;
      const child = full() ? undefined : read(id);
      // A child that was restarted by hand did what it did all the same.
      const members = child === undefined ? [] : familyOf(read, child).filter(({ run }) => !seen.has(run.id));
      if (members.length === 0 && full()) leftOff += 1;
      for (const member of members) {
        if (full()) leftOff += 1;
        else await visit(member);
      }
    }
  };
  for (const one of family) await visit(one);

  const judged = traces.map((one) => ({ trace: one, calls: judge(places, one) }));
  const missing = [
    ...judged.flatMap(({ trace }) =>
      missingOf(trace).map((what) => (traces.length === 1 ? what : `of run ${trace.run.id}: ${what}`)),
    ),
    ...(leftOff === 0 ? [] : [`${leftOff} child runs, which are not shown`]),
  ];
  let room = limit;
  const runs = judged.map(({ trace, calls }) => {
    const shown = listed(calls, room, seed.call);
    room -= shown.calls.length;
    const run: TracedRun = {
      ...ancestorOf(trace.run),
      origin: trace.run.origin,
      createdAt: trace.run.createdAt,
      updatedAt: trace.run.updatedAt,
      ...(trace.run.reason === undefined ? {} : { reason: trace.run.reason }),
      ...(trace.run.parent === undefined ? {} : { parent: trace.run.parent }),
      ...(trace.restartOf === undefined ? {} : { restartOf: trace.restartOf }),
      ...(trace.restartedAs === undefined ? {} : { restartedAs: trace.restartedAs }),
      missing: missingOf(trace),
      calls: shown.calls,
      callsLeftOff: shown.leftOff,
    };
    return told(places, trace.run.id, run);
  });
  const verdict = wholeVerdict(
    judged.flatMap(({ calls }) => calls),
    missing.slice(0, 5),
  );
  return {
    matched: [...seed.matched],
    verdict,
    requests: requests.map((request) => told(places, top[0]?.run.id ?? "", request)),
    requestsComplete: complete,
    ancestors: ancestors.map((one) => told(places, one.run, one)),
    runs,
    runsLeftOff: leftOff,
  };
}

/** Without what is sensitive in the run; its ids are ours. */
function told<T>({ engine, masking }: TracePlaces, run: string, value: T): T {
  return masking().told(value, () => engine.run(run));
}

function ancestorOf({ id, process, key, status }: RunSummary): TracedAncestor {
  return { run: id, process, key, status };
}

/** Of the runs that a request can have started or joined. */
async function requestsOf(
  records: KeyRecords,
  family: readonly RunTrace[],
): Promise<{ readonly requests: readonly TracedRequest[]; readonly complete: boolean }> {
  const requests: TracedRequest[] = [];
  let all = true;
  for (const { run } of family) {
    const found = await records.ofRun(run.id, run.createdAt);
    all &&= found.complete;
    const own = found.records.map((record) => requestOf(record, record.joined ? undefined : run));
    const through = startedThrough(run.origin);
    if (through !== undefined && !own.some(({ did }) => did === "started"))
      own.unshift({
        ...through,
        at: run.createdAt,
        state: "none",
        did: "started",
        run: run.id,
        replayed: 0,
        refusedInFlight: 0,
        refusedReused: 0,
      });
    requests.push(...own);
  }
  return { requests: requests.sort((a, b) => (a.at ?? 0) - (b.at ?? 0)), complete: all };
}

function missingOf({ historyGone, unreadable, foldedUpTo }: RunTrace): string[] {
  return [
    ...(historyGone === true ? ["its history, which was removed by retention"] : []),
    ...(unreadable === undefined ? [] : [`some of its history, which can't be read (${unreadable})`]),
    ...(foldedUpTo === undefined
      ? []
      : [`calls with numbers up to ${foldedUpTo}, of earlier parts of the run and of items of maps that are over`]),
  ];
}

type Call = Judged & { readonly traced: TracedCall };

function judge(places: TracePlaces, { run, calls }: RunTrace): readonly Call[] {
  const final = finalStatuses.has(run.status);
  const undos = Map.groupBy(
    calls.filter(({ of }) => of !== undefined),
    ({ of }) => of?.n,
  );
  return calls.map((call) => {
    const around = { facts: factsOf(places, call.operation), final, undos: undos.get(call.n) ?? [] };
    const verdict = verdictOf(call, around);
    const keys = call.keys.map((key) => ({ ...key, failed: key.failed.slice(-mostAttempts) }));
    return { run: run.id, process: run.process, key: run.key, call, verdict, traced: { ...call, keys, verdict } };
  });
}

const plainKinds: ReadonlySet<string> = new Set(["read", "once", "refused", "taken-back"]);

/** At most `room`, in their order: the one that was asked for first, then those that are in doubt. */
function listed(
  calls: readonly Call[],
  room: number,
  asked: Seed["call"],
): { readonly calls: readonly TracedCall[]; readonly leftOff: number } {
  const isAsked = ({ run, call }: Call): boolean => asked?.run === run && asked.n === call.n;
  const rank = (one: Call): number => (isAsked(one) ? 0 : plainKinds.has(one.verdict.kind) ? 2 : 1);
  const chosen = new Set(calls.toSorted((a, b) => rank(a) - rank(b)).slice(0, Math.max(0, room)));
  const shown = calls.filter((one) => chosen.has(one));
  return {
    calls: shown.map((one) => (isAsked(one) ? { ...one.traced, asked: true as const } : one.traced)),
    leftOff: calls.length - shown.length,
  };
}
