/** The durable verbs, bound to one execution. */
import { createHash } from "node:crypto";
import type { AnyOperation, Duration, EventType } from "../../../operation.ts";
import { milliseconds } from "../../../operation.ts";
import { checkRetry, type RetryPolicy } from "../../../retry.ts";
import type { AnyProcess } from "../../define.ts";
import type {
  CallOptions,
  ChildOptions,
  Flow,
  MapOptions,
  Named,
  ReceiveOptions,
  StartedOptions,
  StepContext,
  StepOptions,
  TaskOptions,
  Undo,
} from "../../flow.ts";
import { Continuation, Rejection } from "../../flow.ts";
import { epochOf, type Instant } from "../../instant.ts";
import type { TaskDefinition } from "../../task.ts";
import type { AskKind } from "../history/records.ts";
import type { ChildDraft } from "./children.ts";
import { checkDraft } from "./drafts.ts";
import { type MapHost, Mapping, type Scope } from "./mapping.ts";
import { nameOf } from "./operation-names.ts";
import type { LiveStep, UndoWith } from "./steps.ts";

/** What a verb asks of its execution. */
export interface Draft {
  readonly kind: Exclude<AskKind, "undo">;
  readonly name: string;
  readonly operation?: AnyOperation;
  readonly effect?: AnyOperation["effect"];
  readonly input?: unknown;
  /** Milliseconds. */
  readonly within?: number | undefined;
  /** Epoch milliseconds; instead of `within`. */
  readonly due?: number;
  readonly event?: {
    readonly name: string;
    readonly key: string;
    readonly late: ReceiveOptions["late"];
  };
  // biome-ignore lint/suspicious/noExplicitAny: any task
  readonly task?: { readonly definition: TaskDefinition<any, any>; readonly assign: string };
  readonly child?: ChildDraft;
  /** Of an item of a map. */
  readonly scope?: Scope;
  readonly undo?: { readonly operation: AnyOperation; readonly with: UndoWith } | undefined;
  readonly live: LiveStep;
}

/** The part of an execution that verbs use. */
export interface Asker {
  readonly run: Flow["run"];
  /** What its random numbers are made of. */
  readonly seed: string;
  readonly scope: Scope | undefined;
  readonly maps: MapHost;
  /** The same code, in an item of a map. */
  within(scope: Scope): Asker;
  continueAs(next: Continuation): void;
  ask(draft: Draft): Promise<unknown>;
  pivot(): void;
  /** `promise` is made of `branches`: what releases it releases them. */
  group(promise: Promise<unknown>, branches: readonly unknown[]): void;
  /** The waits among these branches are over: nothing is delivered to them any more. */
  release(branches: readonly unknown[]): void;
  reject(rejection: Rejection): void;
  state(value: unknown): void;
  log(message: string, fields: unknown): void;
  /** Recorded time. */
  now(): number;
}

const defaultMapConcurrency = 10;
const defaultStepTimeout = 60_000;

export function flowOf(asker: Asker): Flow {
  let drawn = 0;
  const ask = (draft: Draft): Promise<unknown> => {
    checkDraft(draft);
    return asker.ask(draft);
  };
  const draw = () => createHash("sha256").update(`${asker.seed}:${drawn++}`).digest();

  const callAs = (operation: AnyOperation, input: unknown, options: CallOptions | undefined, faultIsValue: boolean) => {
    const undo = undoOf(options?.undo);
    return ask({
      kind: "call",
      name: options?.name ?? nameOf(operation),
      operation,
      effect: operation.effect,
      input,
      undo,
      live: {
        kind: "call",
        operation,
        undoWith: undo?.with,
        faultIsValue,
        retry: retryOf(options?.retry, "flow.call"),
      },
    });
  };

  const flow = {
    run: asker.run,
    call: (operation: AnyOperation, input: unknown, options?: CallOptions) => callAs(operation, input, options, false),
    attempt: (operation: AnyOperation, input: unknown, options?: CallOptions) =>
      callAs(operation, input, options, true),
    step: (name: string, options: StepOptions<unknown>, run: (context: StepContext) => unknown) => {
      const undo = undoOf(options.undo);
      return ask({
        kind: "step",
        name,
        effect: options.effect,
        undo,
        live: {
          kind: "step",
          perform: run,
          probe: options.probe,
          timeoutMs: options.timeout === undefined ? defaultStepTimeout : milliseconds(options.timeout),
          undoWith: undo?.with,
          retry: retryOf(options.retry, "flow.step"),
        },
      });
    },
    sleep: (duration: Duration, options?: Named) =>
      ask({
        kind: "sleep",
        name: options?.name ?? "sleep",
        within: milliseconds(duration),
        live: { kind: "wait" },
      }),
    until: (when: Instant, options?: Named) =>
      ask({ kind: "sleep", name: options?.name ?? "until", due: epochOf(when), live: { kind: "wait" } }),
    receive: (event: EventType, options: ReceiveOptions) =>
      ask({
        kind: "receive",
        name: options.name ?? `${event.system}.${event.name}`,
        event: { name: `${event.system}.${event.name}`, key: options.key, late: options.late },
        within: millisecondsOf(options.within),
        live: { kind: "wait" },
      }),
    task: (definition: TaskDefinition, options: TaskOptions<unknown> & Named) =>
      ask({
        kind: "task",
        name: options.name ?? definition.name,
        input: options.input,
        task: { definition, assign: options.assign },
        within: millisecondsOf(options.within),
        live: { kind: "wait" },
      }),
    child: (process: AnyProcess, input: unknown, options?: ChildOptions<unknown> | StartedOptions) => {
      const undo = undoOf(options?.undo as Undo<unknown> | undefined);
      const leave = options !== undefined && "whenUndone" in options && options.whenUndone === "leave";
      return ask({
        kind: "child",
        name: options?.name ?? process.name,
        input,
        child: { process, wait: options?.wait !== false, leave },
        undo,
        live: { kind: "wait", undoWith: undo?.with },
      });
    },
    map: (
      items: Iterable<unknown>,
      each: (item: unknown, flow: Flow, index: number) => unknown,
      options?: MapOptions,
    ): Promise<unknown> => {
      const list = [...items];
      const concurrency = options?.concurrency ?? defaultMapConcurrency;
      if (!Number.isSafeInteger(concurrency) || concurrency < 1)
        throw new TypeError(`flow.map: concurrency is a whole number from 1; not ${String(concurrency)}`);
      if (list.length === 0) return Promise.resolve([]);
      const call = (scope: Scope) => each(list[scope.i], flowOf(asker.within(scope)), scope.i);
      const mapping = new Mapping({ count: list.length, concurrency, outer: asker.scope, call }, asker.maps);
      return ask({
        kind: "map",
        name: options?.name ?? "map",
        input: { items: list.length, concurrency },
        live: { kind: "wait", mapping },
      });
    },
    continueAs: (input: unknown): never => {
      const next = new Continuation(input);
      asker.continueAs(next);
      throw next;
    },
    all: (branches: readonly unknown[]) => {
      const promise = allOf(branches);
      asker.group(promise, branches);
      return promise;
    },
    race: (branches: Readonly<Record<string, unknown>>) => {
      const promise = raceOf(asker, branches);
      asker.group(promise, Object.values(branches));
      return promise;
    },
    pivot: () => asker.pivot(),
    reject: (reason: string, detail?: unknown): never => {
      if (typeof reason !== "string") throw new TypeError("flow.reject: say why, as text");
      const rejection = new Rejection(reason, detail);
      asker.reject(rejection);
      throw rejection;
    },
    state: (value: unknown) => asker.state(value),
    log: (message: string, fields?: unknown) => asker.log(message, fields),
    now: () => asker.now(),
    random: () => draw().readUIntBE(0, 6) / 2 ** 48,
    uuid: () => {
      const bytes = draw();
      bytes[6] = ((bytes[6] as number) & 0x0f) | 0x40;
      bytes[8] = ((bytes[8] as number) & 0x3f) | 0x80;
      const hex = bytes.toString("hex", 0, 16);
      return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
    },
  };
  return Object.freeze(flow) as unknown as Flow;
}

function retryOf(retry: RetryPolicy | undefined, verb: string): RetryPolicy | undefined {
  checkRetry(retry, `${verb}: retry`);
  return retry;
}

async function allOf(branches: readonly unknown[]): Promise<readonly unknown[]> {
  const settled = await Promise.allSettled(branches);
  const failed = settled.find((one) => one.status === "rejected");
  if (failed !== undefined) throw failed.reason;
  return settled.map((one) => (one as PromiseFulfilledResult<unknown>).value);
}

/** Results are delivered one at a time, so that the same branch is first at every replay. */
function raceOf(asker: Asker, branches: Readonly<Record<string, unknown>>): Promise<unknown> {
  const entries = Object.entries(branches);
  if (entries.length === 0) throw new TypeError("flow.race needs at least one branch");
  return new Promise((resolve, reject) => {
    let over = false;
    const first = (winner: string, act: () => void) => {
      if (over) return;
      over = true;
      asker.release(entries.filter(([name]) => name !== winner).map(([, branch]) => branch));
      act();
    };
    for (const [winner, branch] of entries) {
      Promise.resolve(branch).then(
        (value) => first(winner, () => resolve({ winner, value })),
        (error: unknown) => first(winner, () => reject(error)),
      );
    }
  });
}

/** Before the ask: a bad duration throws, and leaves no trace. */
function millisecondsOf(duration: Duration | undefined): number | undefined {
  return duration === undefined ? undefined : milliseconds(duration);
}

function undoOf(undo: CallOptions["undo"] | Undo<unknown>): Draft["undo"] {
  return undo === undefined ? undefined : { operation: undo.call, with: undo.with as UndoWith };
}
