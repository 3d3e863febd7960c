/**
 * The fake systems of a world, and their ledger: every call that reached one, and what it did. Fakes behave as contracts promise: an
 * `idempotent` operation that is repeated under its key does nothing, and gives its first answer again.
 */
import { definitionOf, type System, systemOf } from "../connectors/system.ts";
import { operationValidators } from "../contract/validate.ts";
import { failure, MortiseError } from "../errors.ts";
import type { AnyOperation, CallContext, CallResult, Effect, InputOf, Json, OutputOf } from "../operation.ts";
import { inWords } from "../operation.ts";
import { type Answer, type Behaviour, Failing, FaultAnswer } from "./answers.ts";

/** One call in the ledger. */
export interface Call<I = unknown, O = unknown> {
  /** Place in the ledger, from 1. */
  readonly number: number;
  /** `system.operation`. */
  readonly operation: string;
  readonly effect: Effect;
  readonly input: I;
  /** The effect key: the same for every attempt of a step. */
  readonly key: string;
  /** 1 for the first attempt of the step. */
  readonly attempt: number;
  /** Counts the calls of this operation, from 1. */
  readonly times: number;
  /** Id of the run. */
  readonly run: string;
  /** Epoch milliseconds of the world's clock. */
  readonly at: number;
  /** Whether something changed in the system by this call. Never for a `read`, a refusal, or a repeat under a known key. */
  readonly acted: boolean;
  /** `open`: not answered. `lost`: it acted, and nobody heard the answer. */
  readonly outcome: "open" | "answered" | "fault" | "failed" | "lost";
  readonly output?: O;
  readonly fault?: { readonly name: string; readonly detail: unknown };
}
type Writable<T> = { -readonly [Name in keyof T]: T[Name] };

/** What a test lets happen to one call, instead of or besides what the fake does. */
export type Interference =
  /** It fails before it reaches the system. */
  | { readonly kind: "fails"; readonly with: Failing }
  | { readonly kind: "fault"; readonly with: FaultAnswer }
  /** It acts, and the answer is lost. */
  | { readonly kind: "loses" }
  /** The answer is given up; the system acts so many milliseconds later. */
  | { readonly kind: "acts-later"; readonly ms: number }
  /** It acts, and the answer comes after everything else that is under way. */
  | { readonly kind: "answers-last" }
  /** The server dies before the call arrives, or after the system acted. */
  | { readonly kind: "crash"; readonly point: "before" | "after" };

export interface FakesOptions {
  readonly now: () => number;
  /** Time that passed: the clocks of other systems do not jump with the server's. */
  readonly elapsed: () => number;
  readonly later: (ms: number, act: () => void) => void;
  /** Keeps an answer back until nothing else is under way. */
  readonly hold: (release: () => void) => void;
  readonly crash: () => void;
  readonly interfere: (call: Call) => Interference | undefined;
  /** The ledger has a new entry, or one has its end. */
  readonly note: (call: Call) => void;
  /** The test itself is wrong: it is told, whatever the run does. */
  readonly broken: (error: unknown) => void;
}

export interface FakeOptions {
  /** `"ignored"`: the system does not honour effect keys, whatever its contract says; every call acts. Default `"honoured"`. */
  readonly keys?: "honoured" | "ignored";
}

interface Fake {
  readonly operation: AnyOperation;
  readonly behaviour: Behaviour<unknown, unknown>;
  readonly honoursKeys: boolean;
  /** First answers by key. */
  readonly known: Map<string, { readonly output: Json; readonly at: number }>;
  /** Keys of calls that are to act later. */
  readonly onTheWay: Set<string>;
  times: number;
}

export class Fakes {
  readonly ledger: Call[] = [];
  readonly #options: FakesOptions;
  readonly #fakes = new Map<string, Fake>();
  readonly #operations = new Map<string, AnyOperation>();

  constructor(options: FakesOptions) {
    this.#options = options;
  }

  /** Knows the operations of a system: an undo after a crash names them as text. */
  addSystem(system: System): void {
    const definition = definitionOf(system);
    if (definition === undefined) return;
    const members = system as unknown as Readonly<Record<string, AnyOperation>>;
    for (const name of Object.keys(definition.contract.operations))
      this.#operations.set(`${definition.name}.${name}`, members[name] as AnyOperation);
  }

  set(operation: AnyOperation, behaviour: unknown, options: FakeOptions | undefined): void {
    const system = systemOf(operation);
    if (system !== undefined) this.addSystem(system);
    const name = nameOf(operation);
    this.#operations.set(name, operation);
    const before = this.#fakes.get(name);
    this.#fakes.set(name, {
      operation,
      behaviour: (typeof behaviour === "function" ? behaviour : () => behaviour) as Behaviour<unknown, unknown>,
      honoursKeys: operation.effect === "idempotent" && options?.keys !== "ignored",
      known: before?.known ?? new Map(),
      onTheWay: before?.onTheWay ?? new Set(),
      times: before?.times ?? 0,
    });
  }

  /** As `set`, for an operation that has no fake of its own. */
  setUsual(operation: AnyOperation, behaviour: unknown): void {
    if (!this.#fakes.has(nameOf(operation))) this.set(operation, behaviour, undefined);
  }

  operation(name: string): AnyOperation | undefined {
    return this.#operations.get(name);
  }

  calls<T extends AnyOperation>(operation: T | string): readonly Call<InputOf<T>, OutputOf<T>>[] {
    const name = typeof operation === "string" ? operation : nameOf(operation);
    return this.ledger.filter((call) => call.operation === name) as Call<InputOf<T>, OutputOf<T>>[];
  }

  /** One call of a run, as its worker makes it. */
  async call(name: string, input: Json, context: CallContext): Promise<CallResult> {
    const fake = this.#fakes.get(name);
    if (fake === undefined) throw this.#broken(failure("fake-missing", { operation: name }));
    this.#checkInput(fake, input);
    fake.times += 1;
    const call: Writable<Call> = {
      number: this.ledger.length + 1,
      operation: name,
      effect: fake.operation.effect,
      input,
      key: context.key,
      attempt: context.attempt,
      times: fake.times,
      run: context.run ?? "",
      at: this.#options.now(),
      acted: false,
      outcome: "open",
    };
    const interference = this.#options.interfere(call);
    if (interference?.kind === "crash" && interference.point === "before") return this.#crash();
    this.ledger.push(call);
    this.#options.note(call);
    if (interference?.kind === "fails") throw this.#failed(call, interference.with);
    // A key that acted gets its first answer again, and no fault; one whose call is still on its way too.
    const taken = this.#firstAnswer(fake, call) !== undefined || fake.onTheWay.has(call.key);
    if (interference?.kind === "fault" && !taken) return this.#fault(fake, call, interference.with);
    if (interference?.kind === "acts-later") {
      if (fake.honoursKeys) fake.onTheWay.add(call.key);
      // It looks at the key as the call arrives, not when it gets round to it: by then it may have forgotten.
      const first = this.#firstAnswer(fake, call);
      this.#options.later(interference.ms, () => {
        fake.onTheWay.delete(call.key);
        this.#act(fake, call, first).catch(() => {});
      });
      throw failure(
        "fake-failed",
        { operation: name, reason: "it does not answer in time" },
        { class: "retry", outcome: "unknown" },
      );
    }
    const result = await this.#act(fake, call);
    if (interference?.kind === "crash") return this.#crash();
    if (interference?.kind === "loses") {
      this.#end(call, "lost");
      throw failure(
        "fake-failed",
        { operation: name, reason: "its answer was lost" },
        { class: "retry", outcome: "unknown" },
      );
    }
    if (interference?.kind === "answers-last") await new Promise<void>((resolve) => this.#options.hold(resolve));
    return result;
  }

  async #act(fake: Fake, call: Writable<Call>, first = this.#firstAnswer(fake, call)): Promise<CallResult> {
    const { operation } = fake;
    if (first !== undefined) {
      call.output = first.output;
      this.#end(call, "answered");
      return { ok: true, output: first.output };
    }
    let answer: Answer<unknown>;
    try {
      const { key, attempt, times, run } = call;
      answer = await fake.behaviour(call.input, { key, attempt, times, run });
    } catch (error) {
      if (error instanceof MortiseError) throw error;
      throw this.#broken(error);
    }
    if (answer instanceof FaultAnswer) return this.#fault(fake, call, answer);
    if (answer instanceof Failing && answer.acted === undefined) throw this.#failed(call, answer as Failing);
    const output = this.#output(fake, answer instanceof Failing ? answer.acted?.output : answer);
    call.acted = operation.effect !== "read";
    call.output = output;
    if (call.acted) fake.known.set(call.key, { output, at: this.#options.elapsed() });
    this.#end(call, answer instanceof Failing ? "lost" : "answered");
    if (answer instanceof Failing) throw answer.error(call.operation);
    return { ok: true, output };
  }

  /** What the system answered to this key before, as long as it remembers. */
  #firstAnswer({ known, honoursKeys, operation }: Fake, { key }: Call): { readonly output: Json } | undefined {
    const first = honoursKeys ? known.get(key) : undefined;
    const { keyLifetimeMs } = operation;
    if (first === undefined || keyLifetimeMs === undefined) return first;
    return this.#options.elapsed() - first.at <= keyLifetimeMs ? first : undefined;
  }

  #failed(call: Writable<Call>, answer: Failing): MortiseError {
    this.#end(call, "failed");
    return answer.error(call.operation);
  }

  #fault(fake: Fake, call: Writable<Call>, { name, detail, message }: FaultAnswer): CallResult {
    const { operation } = fake;
    const model = modelOf(operation);
    const json = plain(detail);
    if (model !== undefined) {
      if (!Object.hasOwn(model.operation.faults, name)) {
        throw this.#broken(
          failure("fake-answer", { operation: call.operation, problems: `it declares no fault ${name}` }),
        );
      }
      this.#check(
        operation,
        operationValidators(model.contract, model.operation).fault(name)(json),
        `the detail of ${name}`,
      );
    }
    call.fault = { name, detail: json };
    this.#end(call, "fault");
    return { ok: false, fault: { name, message, detail: json } };
  }

  #output(fake: Fake, value: unknown): Json {
    const output = plain(value);
    const model = modelOf(fake.operation);
    if (model !== undefined) {
      const { output: validate } = operationValidators(model.contract, model.operation);
      this.#check(fake.operation, validate(output), "the output");
    }
    return output;
  }

  /** As every connector does before it sends anything. */
  #checkInput({ operation }: Fake, input: Json): void {
    const model = modelOf(operation);
    if (model === undefined) return;
    const problems = operationValidators(model.contract, model.operation).input(input);
    if (problems.length > 0)
      throw failure(
        "contract-input",
        { operation: nameOf(operation), problems: inWords(problems) },
        { details: problems },
      );
  }

  #check(operation: AnyOperation, problems: Parameters<typeof inWords>[0], whole: string): void {
    if (problems.length > 0)
      throw this.#broken(failure("fake-answer", { operation: nameOf(operation), problems: inWords(problems, whole) }));
  }

  #end(call: Writable<Call>, outcome: Call["outcome"]): void {
    call.outcome = outcome;
    this.#options.note(call);
  }

  #crash(): Promise<never> {
    this.#options.crash();
    return new Promise(() => {});
  }

  #broken(error: unknown): unknown {
    this.#options.broken(error);
    return error;
  }
}

export function nameOf(operation: { readonly system: string; readonly name: string }): string {
  return `${operation.system}.${operation.name}`;
}

function modelOf(operation: AnyOperation) {
  const system = systemOf(operation);
  const contract = system && definitionOf(system)?.contract;
  const model =
    contract && Object.hasOwn(contract.operations, operation.name) ? contract.operations[operation.name] : undefined;
  return contract === undefined || model === undefined ? undefined : { contract, operation: model };
}

/** As it would come through a connector: JSON; nothing is null. */
function plain(value: unknown): Json {
  const text = JSON.stringify(value);
  return text === undefined ? null : (JSON.parse(text) as Json);
}
