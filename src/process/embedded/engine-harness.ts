/** Test seam: the whole embedded engine over a real store, with the workers in this thread and fakes for the systems. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { MortiseError } from "../../errors.ts";
import type { AnyOperation, CallContext, CallResult, Cipher, Effect, Json, Schema, Validate } from "../../operation.ts";
import { type OpenedStore, openStore } from "../../store/open.ts";
import type { Store } from "../../store/store.ts";
import type { AnyProcess } from "../define.ts";
import type { RunDetail, RunStatus } from "../engine.ts";
import { limitsOf } from "../limits.ts";
import { createEngine, type EmbeddedEngine, type EngineOptions, frontInbox } from "./engine.ts";
import type { AdmissionOptions } from "./front/admission.ts";
import type { ValueLimits } from "./history/json-text.ts";
import { runWorker } from "./worker/worker.ts";
import type { WorkerOptions } from "./worker/worker-options.ts";

export const anything: Schema = { kind: "schema", json: true };

/** One call that a fake system received. */
export interface Received {
  readonly operation: string;
  readonly input: Json;
  readonly key: string;
  readonly attempt: number;
}

export type Behaviour = (
  input: Json,
  context: CallContext,
  times: number,
) => Promise<CallResult | Json> | CallResult | Json;

/** A system whose operations behave as told, and that remembers every call. */
export class FakeSystem {
  readonly received: Received[] = [];
  readonly #behaviours = new Map<string, Behaviour>();
  readonly #operations = new Map<string, AnyOperation>();

  operation(
    name: string,
    effect: Effect,
    behaviour: Behaviour = () => null,
    more: Pick<AnyOperation, "probe" | "keyLifetimeMs" | "notFound"> = {},
  ): AnyOperation {
    this.#behaviours.set(name, behaviour);
    const operation: AnyOperation = Object.freeze({ kind: "operation", system: "fake", name, effect, ...more });
    this.#operations.set(`fake.${name}`, operation);
    return operation;
  }
  behave(name: string, behaviour: Behaviour): void {
    this.#behaviours.set(name, behaviour);
  }
  find(name: string): AnyOperation | undefined {
    return this.#operations.get(name);
  }
  calls(name: string): readonly Received[] {
    return this.received.filter((one) => one.operation === name);
  }
  readonly call = async (
    operation: { readonly name: string },
    input: Json,
    context: CallContext,
  ): Promise<CallResult> => {
    const { name } = operation;
    this.received.push({ operation: name, input, key: context.key, attempt: context.attempt });
    const behaviour = this.#behaviours.get(name) as Behaviour;
    const result = await behaviour(input, context, this.calls(name).length);
    if (typeof result === "object" && result !== null && "ok" in result) return result as CallResult;
    return { ok: true, output: result as Json };
  };
}

export const fault = (name: string, detail: Json = null): CallResult => ({
  ok: false,
  fault: { name, message: "", detail },
});
export const failing = (outcome: "none" | "unknown", class_: "retry" | "give-up" | "ask" = "retry") =>
  new MortiseError("step-timeout", "the system failed", { outcome, class: class_ });

export interface Rig {
  readonly engine: EmbeddedEngine;
  readonly folder: string;
  /** Commands to the store, past the engine. */
  readonly submit: Store["submit"];
  readonly store: OpenedStore;
  /** Ends the engine and the store; the files stay. */
  stop(): Promise<void>;
  /** As `stop`, at once: what is under way is lost, as in a crash. */
  lose(): Promise<void>;
  /** Resolves once the run is as wanted. */
  when(run: string, wanted: (detail: RunDetail) => boolean): Promise<RunDetail>;
  until(run: string, ...statuses: RunStatus[]): Promise<RunDetail>;
}

/** Starts an engine on `folder` (default: a new one, removed by `remove`). */
export async function rig(options: {
  readonly processes: readonly AnyProcess[];
  readonly validateState?: Validate;
  readonly system?: FakeSystem;
  readonly folder?: string;
  readonly admission?: AdmissionOptions;
  readonly version?: string;
  readonly validateInput?: (process: AnyProcess) => Validate;
  readonly versions?: Readonly<Record<string, readonly AnyProcess[]>>;
  /** What is accepted is not begun. */
  readonly startsNoWorker?: boolean;
  readonly worker?: Pick<
    WorkerOptions,
    "restMs" | "residentRuns" | "clock" | "systemRetry" | "systemTimeoutMs" | "gate"
  >;
  readonly valueLimits?: ValueLimits;
  readonly cipher?: Cipher;
  readonly unfit?: EngineOptions["unfit"];
  /** Of the front. */
  readonly clock?: EngineOptions["clock"];
}): Promise<Rig> {
  const folder = options.folder ?? mkdtempSync(join(tmpdir(), "mortise-engine-"));
  const system = options.system ?? new FakeSystem();
  const inbox = frontInbox();
  const extension = import.meta.url.slice(-3);
  const store = await openStore({
    file: join(folder, "mortise.db"),
    parts: [new URL(`./store/store-part${extension}`, import.meta.url).href],
    onPost: inbox.take,
  });
  const engine = createEngine(
    {
      store,
      version: options.version ?? "v1",
      cipher: options.cipher,
      limits: limitsOf(options.processes),
      ...(options.valueLimits === undefined ? {} : { valueLimits: options.valueLimits }),
      ...(options.unfit === undefined ? {} : { unfit: options.unfit }),
      ...(options.clock === undefined ? {} : { clock: options.clock }),
      ...(options.admission === undefined ? {} : { admission: options.admission }),
      startWorker: (version, link) => {
        if (options.startsNoWorker === true) {
          link.control.close();
          link.writer.close();
          return;
        }
        void runWorker({
          link,
          cipher: options.cipher,
          processes: options.versions?.[version] ?? options.processes,
          caller: system.call,
          operation: (name) => system.find(name),
          validateInput: options.validateInput ?? (() => () => []),
          validateOutput: () => () => [],
          validateState: () => options.validateState ?? (() => []),
          ...options.worker,
        });
      },
    },
    inbox,
  );
  // The worker runs in this thread: looking at a whole history each turn would be most of what a test does.
  const version = store.read.prepare("pragma data_version");
  const when: Rig["when"] = async (run, wanted) => {
    let seen: unknown;
    let detail: RunDetail | undefined;
    for (let turn = 0; ; turn++) {
      const now = version.get()?.data_version;
      if (now !== seen || turn % 50 === 0) detail = engine.run(run);
      seen = now;
      if (detail !== undefined && wanted(detail)) return detail;
      await (turn < 20
        ? new Promise((resolve) => setImmediate(resolve))
        : new Promise((resolve) => setTimeout(resolve, 2)));
    }
  };
  const end = async (ms: number) => {
    await engine.stop(ms);
    await store.close();
  };
  return {
    engine,
    folder,
    submit: store.submit,
    store,
    stop: () => end(5000),
    lose: () => end(0),
    when,
    until: (run, ...statuses) => when(run, ({ status }) => statuses.includes(status)),
  };
}

const rigsOf = new WeakMap<TestContext, Rig[]>();

/** A rig that ends with the test, however the test ends; those of one test share the folder of the first, which goes last. */
export async function rigFor(t: TestContext, options: Parameters<typeof rig>[0]): Promise<Rig> {
  let rigs = rigsOf.get(t);
  if (rigs === undefined) {
    const own: Rig[] = [];
    rigs = own;
    rigsOf.set(t, own);
    t.after(async () => {
      for (const one of own.toReversed()) await one.stop();
      if (own[0] !== undefined) remove(own[0].folder);
    });
  }
  const made = await rig(options);
  let stopped: Promise<void> | undefined;
  const one: Rig = {
    ...made,
    stop() {
      stopped ??= made.stop();
      return stopped;
    },
  };
  rigs.push(one);
  return one;
}

export function remove(folder: string): void {
  rmSync(folder, { recursive: true, force: true });
}
