/** Fakes made of a contract: over the real protocol on a port of this machine, or inside a world without any. */
import { type definition, definitionOf, type SystemDefinition } from "../connectors/system.ts";
import type { Contract, ContractTypes } from "../contract/contract.ts";
import type { ContractModel } from "../contract/model.ts";
import { failure } from "../errors.ts";
import type { Emitted, EventTarget } from "../fakes/events.ts";
import { openContract } from "../fakes/open.ts";
import type { Unknown } from "../fakes/resources.ts";
import { type Acted, type Rule, ruleOf } from "../fakes/rules.ts";
import { checkRule, type ServedRequest, serveFake } from "../fakes/serve.ts";
import { type FakeDatabase, type FakeDatabaseOptions, makeFakeDatabase } from "../fakes/sql.ts";
import { FakeSystem } from "../fakes/system.ts";
import type { EventType, Faults, Json, Operation, PayloadOf } from "../operation.ts";
import { type Behaviour, Failing, FaultAnswer, fails, type Told } from "./answers.ts";

export interface FakeContractOptions {
  /** Other seeds give other examples. Default 1. */
  readonly seed?: number;
  /** What is asked for and was never created: `made` up and kept (default), or `missing`. */
  readonly unknown?: Unknown;
}

export interface FakeSystemOptions extends FakeContractOptions {
  /** Default 0: any free one. It listens on 127.0.0.1 only. */
  readonly port?: number;
  /** Where `emit` sends events: a webhook's URL with the secret that signs it, or a folder for files. */
  readonly events?: EventTarget;
}

/** A fake that is being served. */
export interface RunningFake {
  /** What the system's connection is to be. */
  readonly url: string;
  /** The last requests, oldest first: at most 200. */
  readonly requests: readonly ServedRequest[];
  /**
   * How an operation answers from now on, `times` times (default: always): a value, `fault(...)`, one of `fails`, or a function of the input
   * (of the call's facts, `times` and `key` are known over HTTP). Throws `fake-rule` on an answer that the contract does not allow.
   */
  answer<I, O, F extends Faults>(
    operation: Operation<I, O, F>,
    told: NoInfer<Told<I, O, F>>,
    options?: { readonly times?: number },
  ): void;
  /** A rule as text, as `mortise fake --set` takes it: `"authorize=503*2"`, `"*=delay:200ms"`. Throws `fake-rule`. */
  rule(text: string): void;
  /** Sends an event, with an example as its payload where none is given. */
  emit<E extends EventType>(
    event: E,
    given?: { readonly payload?: PayloadOf<E>; readonly count?: number },
  ): Promise<Emitted>;
  /** Forgets what was created, the rules and the requests. */
  reset(): void;
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** A system, or a contract, of whatever types. */
// biome-ignore lint/suspicious/noExplicitAny: whatever types
export type Faked = { readonly [definition]: SystemDefinition } | Contract<any>;

/**
 * Serves a fake of a system (REST or SOAP) over its real protocol: what the contract promises, with valid examples and a memory for what is
 * created. Close it at the end of the test, or declare it with `await using`.
 */
export async function fakeSystem(system: Faked, options: FakeSystemOptions = {}): Promise<RunningFake> {
  const served = await serveFake(modelOf(system), options);
  const add = (rule: Rule): void => {
    checkRule(served.system, rule);
    served.rules.add(rule);
  };
  return Object.freeze({
    url: served.url,
    get requests() {
      return served.requests;
    },
    answer(operation: { readonly name: string }, told: unknown, { times }: { readonly times?: number } = {}) {
      add({ ...ruleOfTold(operation.name, told), ...(times === undefined ? {} : { times }) });
    },
    rule: (text: string) => add(ruleOf(text)),
    emit: (event: EventType, { payload, count }: { readonly payload?: unknown; readonly count?: number } = {}) =>
      served.events.emit(event.name, {
        ...(payload === undefined ? {} : { payload: plain(payload) }),
        ...(count === undefined ? {} : { count }),
      }),
    reset: () => served.reset(),
    close: () => served.close(),
    [Symbol.asyncDispose]: () => served.close(),
  }) as RunningFake;
}

/** Makes a SQLite file of a SQL contract (a file with its schema), filled with generated rows. Rejects with `fake-database`. */
export async function fakeDatabase(contractFile: string, options: FakeDatabaseOptions): Promise<FakeDatabase> {
  return makeFakeDatabase(await openContract(contractFile, "fake"), options);
}

/** For each operation of a contract, a behaviour that answers as its contract promises; all of one memory. */
export function behavioursOf(
  system: Faked,
  options: FakeContractOptions = {},
): ReadonlyMap<string, Behaviour<unknown, unknown>> {
  const fake = new FakeSystem(modelOf(system), options);
  const behaviours = new Map<string, Behaviour<unknown, unknown>>();
  for (const operation of Object.values(fake.model.operations)) {
    behaviours.set(operation.name, (input) => {
      const answered = fake.answer(operation, input as Json);
      if (answered === "missing") return fails.refused("there is no such thing");
      if (answered === "none")
        throw failure("fake-answer", {
          operation: `${fake.model.name}.${operation.name}`,
          problems: "its contract lets no valid answer be made",
        });
      if (answered.ok) return answered.output;
      const { name, detail, message } = answered.fault;
      return new FaultAnswer(name, detail, message) as never;
    });
  }
  return behaviours;
}

function modelOf(system: Faked): ContractModel {
  return definitionOf(system)?.contract ?? (system as Contract<ContractTypes>).model;
}

function ruleOfTold(operation: string, told: unknown): Rule {
  if (typeof told === "function") {
    const behave = told as Behaviour<unknown, unknown>;
    const act = async (input: Json, { times, key }: { readonly times: number; readonly key: string | undefined }) =>
      actedOf(operation, await behave(input, { key: key ?? "", attempt: 1, times, run: "" }));
    return { operation, effect: { kind: "function", act } };
  }
  const acted = actedOf(operation, told);
  if (acted.kind === "effect") return { operation, effect: acted.effect };
  if (acted.lose === true) return { operation, effect: { kind: "function", act: () => acted } };
  const { result } = acted;
  if (result.ok) return { operation, effect: { kind: "output", output: result.output } };
  return { operation, effect: { kind: "fault", name: result.fault.name, detail: result.fault.detail } };
}

/** What a told answer is over HTTP: the same that the engine would learn from the fake of a world. */
function actedOf(operation: string, told: unknown): Acted {
  if (told instanceof FaultAnswer) {
    const { name, detail, message } = told;
    return { kind: "result", result: { ok: false, fault: { name, message: message || name, detail: plain(detail) } } };
  }
  if (!(told instanceof Failing)) return { kind: "result", result: { ok: true, output: plain(told) } };
  if (told.acted !== undefined)
    return { kind: "result", result: { ok: true, output: plain(told.acted.output) }, lose: true };
  const { class: kind, outcome, retryAfterMs } = told.error(operation);
  if (kind === "wait")
    return { kind: "effect", effect: { kind: "status", status: 429, retryAfterMs: retryAfterMs ?? 1000 } };
  if (outcome === "unknown") return { kind: "effect", effect: { kind: "drop", when: "before" } };
  // 425 says that nothing was done, and to come again (RFC 8470, section 5.2).
  return { kind: "effect", effect: { kind: "status", status: kind === "retry" ? 425 : 403 } };
}

/** As it would come over a wire: JSON; nothing is null. */
function plain(value: unknown): Json {
  const text = JSON.stringify(value);
  return text === undefined ? null : (JSON.parse(text) as Json);
}
