/**
 * The processes of the crash tests: every verb, against operations of every effect. What a run has to leave in the ledger follows
 * from its key alone (`planOf`, `expectedOf`). The journey starts an errand as its child, which goes on in three parts
 * (`continueAs`); what the errand leaves counts for the journey. Some journeys hold papers that are too large for a history, and some are
 * moved to the second version of the code, which seals what it did.
 */
import { hash } from "node:crypto";
import type { AnyOperation, Effect, EventType, Json, Probe, Schema } from "../../src/operation.ts";
import { type AnyProcess, defineProcess } from "../../src/process/define.ts";
import { FlowTimeout } from "../../src/process/flow.ts";
import { defineTask } from "../../src/process/task.ts";
import { workOperations } from "./works.ts";

/**
 * `keyed`: every effect has a key or a probe. `small`: some runs also make a call that has neither. `all`: and some hold papers, which
 * are many pages to write.
 */
export type ScenarioName = "keyed" | "small" | "all";

export interface Plan {
  /** The signal is sent before the start; else once the run waits for it. */
  readonly early: boolean;
  /** `cancelled`: an operator cancels it while it waits for its task. */
  readonly end: "completed" | "rejected" | "undone" | "cancelled";
  readonly mails: boolean;
  /** An operator moves it to the second version of the code while it waits for its task. */
  readonly moves: boolean;
  /** Where it has papers. `made`: a step makes them, and a call files them. */
  readonly papers: "none" | "made" | "start" | "signal" | "answer";
}
export interface JourneyInput extends Plan {
  readonly id: string;
  readonly goods: Json;
  readonly text?: string;
}

/** What is ordered, and told to every system that acts on it: the history names it there, and does not write it again. */
export function goodsOf(id: string): Json {
  return Array.from({ length: 4 }, (_, line) => ({ line, what: `goods of ${id}, "as ordered" ü`, pieces: line * 2 }));
}

/** Larger than what a history takes itself, with what UTF-8 and JSON write longer. */
export function papersOf(id: string): string {
  return `${id} “papers” ü\n`.padEnd(140_000, `${id}. `);
}
/** A value as logs, the ledger and other values hold it: long texts by their hash. */
export function abridged(value: Json): Json {
  if (typeof value === "string") return value.length < 1000 ? value : `sha256 ${hash("sha256", value)}`;
  if (Array.isArray(value)) return value.map(abridged);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, abridged(one as Json)]));
}

/** A key ends in its number: `k3-17`. */
export function planOf(key: string, scenario: ScenarioName): Plan {
  const number = Number(key.slice(key.lastIndexOf("-") + 1));
  const end =
    number % 5 === 3 ? "rejected" : number % 7 === 5 ? "undone" : number % 6 === 2 ? "cancelled" : "completed";
  const where = ({ 4: "made", 10: "answer", 16: "signal", 22: "start" } as const)[number % 24] ?? "none";
  return {
    early: number % 2 === 0,
    end,
    mails: scenario !== "keyed" && end === "completed" && number % 3 === 1,
    moves: number % 4 === 0,
    papers: scenario === "all" ? where : "none",
  };
}

/** Parts of an errand, and parcels of a journey. */
const parts = 3;
const parcels = 4;

/** How often each operation is applied for a run that came to its end. */
export function expectedOf(plan: Plan): Readonly<Record<string, number>> {
  const most = { pay: 1, deposit: 1, book: 1, stamp: 1, leg: parts, deliver: parcels, weigh: 1 };
  const undos = { refund: 1, redeposit: 1, release: 1, recall: 1, collect: parcels };
  if (plan.end === "cancelled") return { ...most, ...undos };
  const all: Record<string, number> = { ...most, note: 1 };
  if (plan.papers === "made") all.filed = 1;
  if (plan.moves) all.sealed = 1;
  if (plan.end !== "completed") return { ...all, ...undos };
  return plan.mails ? { ...all, mail: 1, noted: 1 } : all;
}

const anything: Schema = { kind: "schema", json: true };
export const arrived: EventType<Json> = { kind: "event", system: "ledger", name: "arrived" };
const never: EventType<Json> = { kind: "event", system: "ledger", name: "never" };
const approval = defineTask({ name: "approval", title: "Approve?", input: anything, answer: anything });

const operation = (name: string, effect: Effect, more: { readonly probe?: Probe } = {}): AnyOperation =>
  Object.freeze({ kind: "operation", system: "ledger", name, effect, ...more });
const found: Probe = { call: "find", with: ({ key }) => ({ reference: key }), settle: "150ms" };
const look = operation("look", "read");
const find = operation("find", "read");
const deny = operation("deny", "idempotent");
const pay = operation("pay", "idempotent");
const deposit = operation("deposit", "idempotent");
const book = operation("book", "unrepeatable", { probe: found });
const note = operation("note", "idempotent");
const mail = operation("mail", "unrepeatable");
const noted = operation("noted", "idempotent");
const refund = operation("refund", "idempotent");
const redeposit = operation("redeposit", "idempotent");
const release = operation("release", "idempotent");
const leg = operation("leg", "idempotent");
const recall = operation("recall", "idempotent");
const deliver = operation("deliver", "unrepeatable", { probe: found });
const collect = operation("collect", "idempotent");
const weigh = operation("weigh", "idempotent");
const filed = operation("filed", "idempotent");
const sealed = operation("sealed", "idempotent");
const operations = [
  ...workOperations,
  filed,
  sealed,
  leg,
  recall,
  deliver,
  collect,
  weigh,
  look,
  find,
  deny,
  pay,
  deposit,
  book,
  note,
  mail,
  noted,
  refund,
  redeposit,
  release,
];
const byName = new Map(operations.map((one) => [`ledger.${one.name}`, one]));
export const operationNamed = (name: string): AnyOperation | undefined => byName.get(name);

/** What is told of the goods. */
export const toldOfGoods: ReadonlySet<string> = new Set("pay deposit book deliver leg".split(" "));

/** What only undoing calls. */
export const undoNames: ReadonlySet<string> = new Set("refund redeposit release recall collect unclaimed".split(" "));

/** What the process uses of the outside without a verb. */
export interface Outside {
  /** The body of the local step. */
  stamp(id: string, key: string): Promise<Json>;
  /** Told before each request for a call without key and probe. */
  asking(id: string): void;
}

/** A child of the journey, in three parts: one call in each. */
export const errand = defineProcess({
  name: "errand",
  input: anything as Schema<{ readonly id: string; readonly part: number; readonly goods: Json }>,
  key: ({ id }) => `${id}/errand`,
  retry: { backoff: "20ms" },
  async run(flow, { id, part, goods }) {
    flow.state({ part });
    await flow.call(leg, { id, part, goods });
    await flow.sleep("2ms");
    if (part < parts) flow.continueAs({ id, part: part + 1, goods });
    return { id, part };
  },
});

/** Versions of the journey's code. */
export const versions = ["v1", "v2"] as const;

export function journeyOf(outside: Outside, version: string): AnyProcess {
  const undoing = (id: string, call: AnyOperation) => ({
    call,
    with: ({ output, key }: { output: unknown; key: string }) => ({ id, reference: key, output: output ?? null }),
  });
  return defineProcess({
    name: "journey",
    input: anything as Schema<JourneyInput>,
    key: ({ id }) => id,
    retry: { backoff: "20ms" },
    async run(flow, { id, goods, end, mails, papers, text }) {
      await flow.call(look, { id });
      const paid = await flow.call(pay, { id, order: flow.uuid(), goods }, { undo: undoing(id, refund) });
      const denied = await flow.attempt(deny, { id });
      const stamped = await flow.step("stamp", { effect: "idempotent" }, ({ key }) => outside.stamp(id, key));
      const made = { id, text: papersOf(id) };
      const kept = papers === "made" ? await flow.step("make", { effect: "read" }, () => made) : undefined;
      await flow.sleep("5ms");
      flow.state({ stamped: true });
      flow.log("stamped", { id });
      // The receive loses, and is released; the call that loses is recorded all the same.
      const raced = await flow.race({
        came: flow.receive(never, { key: id, late: "drop" }),
        passed: flow.until(flow.now() + 3),
        weighed: flow.call(weigh, { id }),
      });
      const ran = await flow.child(errand, { id, part: 1, goods }, { undo: undoing(id, recall) });
      const delivered = await flow.map(
        Array.from({ length: parcels }, (_, number) => number),
        async (parcel, inner) => {
          await inner.sleep("1ms");
          return inner.call(deliver, { id, parcel, goods }, { undo: undoing(id, collect) });
        },
        { concurrency: 2 },
      );
      const [booked, deposited, signal] = await flow.all([
        flow.call(book, { goods, id }, { undo: undoing(id, release) }),
        flow.call(deposit, { id, goods }, { undo: undoing(id, redeposit) }),
        flow.receive(arrived, { key: id }),
      ]);
      const answer = await flow.task(approval, { input: { id }, assign: "finance" });
      if (kept !== undefined) await flow.call(filed, kept);
      await flow.call(note, {
        id,
        signal: abridged(signal),
        answer: abridged(answer as Json),
        text: abridged(text ?? null),
      });
      if (version === "v2") await flow.call(sealed, { id });
      let late = false;
      try {
        await flow.receive(never, { key: id, within: "5ms" });
      } catch (error) {
        late = error instanceof FlowTimeout;
      }
      if (end === "rejected") flow.reject("as planned", { id });
      if (end === "undone") await flow.call(deny, { id });
      flow.pivot();
      if (mails) {
        outside.asking(id);
        await flow.call(mail, { id });
        await flow.call(noted, { id });
      }
      const kind = denied.ok ? "allowed" : denied.fault.name;
      return {
        id,
        ran,
        delivered,
        raced: raced.winner,
        paid,
        stamped,
        booked,
        deposited,
        signal: abridged(signal),
        answer: abridged(answer as Json),
        kind,
        late,
        now: flow.now(),
        one: flow.uuid(),
      };
    },
  });
}
