/** A question to people: data, as the author of a process writes it. */
import type { Schema } from "../operation.ts";

const nameForm = /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/;

/** A question to people, with a form. */
export interface TaskDefinition<I = unknown, A = unknown> {
  readonly kind: "task";
  readonly name: string;
  /** What the person is shown. */
  readonly title: string;
  readonly input: Schema<I>;
  /** The form: what an answer must look like. */
  readonly answer: Schema<A>;
}

/** Defines a task. */
export function defineTask<I, A>(options: Omit<TaskDefinition<I, A>, "kind">): TaskDefinition<I, A> {
  if (!nameForm.test(options.name)) {
    throw new TypeError(`a task is named in lower case with dashes, such as "credit-check"; not "${options.name}"`);
  }
  return Object.freeze({ kind: "task", ...options });
}

export type TaskStatus = "open" | "answered" | "closed";

/** Which tasks are listed. */
export interface TaskFilter {
  readonly status?: TaskStatus;
  readonly run?: string;
  readonly id?: string;
  /** Those that come after this one, which may be gone by now. */
  readonly after?: { readonly createdAt: number; readonly id: string };
  /** At most, and by default, 500. */
  readonly limit?: number;
}
