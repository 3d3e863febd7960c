/**
 * One life of a server that is not there: the real engine, worker and store commands over a database in memory, from a start to the
 * crash that ends it. What was committed stays in the database; all else dies with the life.
 */
import type { DatabaseSync } from "node:sqlite";
import { compileSchema } from "../contract/validate.ts";
import type { AnyOperation, CallContext, CallResult, Json } from "../operation.ts";
import type { AnyProcess } from "../process/define.ts";
import { createEngine, type EmbeddedEngine, frontInbox } from "../process/embedded/engine.ts";
import { countedRunId } from "../process/embedded/history/run-id.ts";
import { storePart } from "../process/embedded/store/store-part.ts";
import { runWorker } from "../process/embedded/worker/worker.ts";
import { limitsOf } from "../process/limits.ts";
import { storeInThread } from "../store/in-thread.ts";
import { asMessagePort, LocalPort } from "../store/local-channel.ts";
import type { WriterOptions } from "../store/writer.ts";
import { clockOf, type HandClock, type Turns } from "./turns.ts";

export interface LifeOptions {
  readonly db: DatabaseSync;
  readonly time: HandClock;
  readonly turns: Turns;
  readonly chance: () => number;
  readonly processes: readonly AnyProcess[];
  readonly call: (name: string, input: Json, context: CallContext) => Promise<CallResult>;
  /** Stands around the attempts and probes of local steps. */
  readonly step: <T>(step: string, context: CallContext, act: () => Promise<T>) => Promise<T>;
  readonly operation: (name: string) => AnyOperation | undefined;
  readonly crashes: NonNullable<WriterOptions["crashes"]>;
  readonly failed: (reason: string) => void;
  /** Counts the runs of this world. */
  readonly nextRun: () => number;
}

export const version = "test";

/** Few wait for the writer here; its answers come in portions all the same, as they do to a server with many runs. */
const portion = 2;

export class Life {
  readonly engine: EmbeddedEngine;
  #alive = true;

  constructor(options: LifeOptions) {
    const { db, time, turns, chance } = options;
    const alive = () => this.#alive;
    const clock = (lane: string) => clockOf(lane, time, turns, chance, alive);
    const schedule = (lane: string, act: () => void) => {
      if (this.#alive) turns.schedule(lane, act);
    };
    /** Nothing that comes after the end of a life reaches its code. */
    const living = async <T>(promise: Promise<T>): Promise<T> => {
      try {
        const value = await promise;
        return this.#alive ? value : await new Promise(() => {});
      } catch (error) {
        if (!this.#alive) await new Promise(() => {});
        throw error;
      }
    };
    const inbox = frontInbox();
    const store = storeInThread({
      db,
      parts: [storePart],
      clock: clock("writer"),
      schedule,
      onPost: inbox.take,
      onFailed: options.failed,
      portion,
      crashes: (point, group) => {
        const crashed = options.crashes(point, group);
        if (crashed) this.end();
        return crashed;
      },
    });
    this.engine = createEngine(
      {
        store,
        version,
        limits: limitsOf(options.processes),
        clock: clock("front"),
        runId: (now) => countedRunId(now, options.nextRun()),
        channel: () => {
          const { port1, port2 } = LocalPort.pair(schedule, ["worker to front", "front to worker"]);
          return { port1: asMessagePort(port1), port2: asMessagePort(port2) };
        },
        startWorker: (_version, link) => {
          void runWorker({
            link,
            processes: options.processes,
            caller: ({ system, name }, input, context) => living(options.call(`${system}.${name}`, input, context)),
            around: (step, context, act) => living(options.step(step, context, act)),
            operation: options.operation,
            validateInput: ({ input }) => compileSchema(input),
            validateOutput: ({ output }) => compileSchema(output),
            validateState: ({ state }) => (state === undefined ? () => [] : compileSchema(state)),
            clock: clock("worker"),
            portion,
            runId: (now) => countedRunId(now, options.nextRun()),
            database: db,
          });
        },
        onFailed: options.failed,
      },
      inbox,
    );
  }

  get alive(): boolean {
    return this.#alive;
  }

  /** The crash. */
  end(): void {
    this.#alive = false;
  }
}
