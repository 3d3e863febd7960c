/** What comes from outside while a process is explored: events of its systems, and what people decide. */
import type { EventType, PayloadOf } from "../operation.ts";
import type { TaskDefinition } from "../process/task.ts";
import type { TestWorld } from "./test-world.ts";

/** Made by `comes()` and `decides()`. */
export type Outside = ComingEvent | Decision;

export interface ComingEvent {
  readonly kind: "event";
  readonly event: EventType;
  readonly key: string | undefined;
  readonly payload: (world: TestWorld) => unknown;
  readonly when: ((world: TestWorld) => boolean) | undefined;
}

export interface Decision {
  readonly kind: "decision";
  // biome-ignore lint/suspicious/noExplicitAny: any task
  readonly task: TaskDefinition<any, any>;
  /** The first is what people usually say; the others are tried as well. */
  readonly answers: readonly unknown[];
}

/**
 * An event that comes once a run waits for it. Explored besides: it comes early, late (after the wait is over), or never. `when` says
 * whether its system has a reason to send it: without one it never comes, early neither.
 */
export function comes<E extends EventType>(
  event: E,
  given: {
    readonly payload: PayloadOf<E> | ((world: TestWorld) => PayloadOf<E>);
    /** Correlation key. Default: as the system defines it. */
    readonly key?: string;
    readonly when?: (world: TestWorld) => boolean;
  },
): Outside {
  const { payload } = given;
  return {
    kind: "event",
    event,
    key: given.key,
    payload: typeof payload === "function" ? (payload as (world: TestWorld) => unknown) : () => payload,
    when: given.when,
  };
}

/** What people answer to a task. Explored besides: each of the other answers, and no answer at all. */
export function decides<I, A>(task: TaskDefinition<I, A>, answer: A, ...others: readonly A[]): Outside {
  return { kind: "decision", task, answers: [answer, ...others] };
}
