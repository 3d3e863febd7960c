/** Runs and tasks as the admin API answers them; its OpenAPI document says the same. */
import type { Json, StoredFailure } from "../operation.ts";

export interface Summary {
  readonly id: string;
  readonly process: string;
  readonly key: string;
  readonly version: string;
  readonly status: string;
  readonly origin: string;
  readonly createdAt: number;
  readonly updatedAt: number;
  readonly parent?: string;
  readonly reason?: string;
}
/** A value of more than 128 kB, which is only named. */
export interface Reference {
  readonly hash: string;
  readonly bytes: number;
}
export interface Valued {
  readonly input?: Json;
  readonly inputReference?: Reference;
  readonly output?: Json;
  readonly outputReference?: Reference;
}
export interface Detail extends Summary, Valued {
  readonly input: Json;
  readonly state?: Json;
  readonly failure?: { readonly reason: string; readonly detail?: Json };
  readonly parked?: Question;
  readonly children?: readonly {
    readonly run: string;
    readonly process: string;
    readonly key: string;
    readonly status: string;
  }[];
  readonly steps: readonly Step[];
  readonly restartOf?: string;
  readonly restartedAs?: string;
  readonly part?: number;
  readonly warning?: string;
  readonly historyGone?: true;
}
export interface KnownOfStep {
  readonly effect: string;
  readonly key: string;
  readonly attempts: number;
  readonly firstFailedAt?: number;
  readonly lastFailedAt?: number;
  readonly mayHaveHappened: boolean;
  readonly keyUntil?: number;
  readonly probeFoundNothingAt?: number;
}
export interface Question {
  readonly number: number;
  readonly code: string;
  readonly message: string;
  readonly step?: string;
  readonly at?: string;
  readonly known?: KnownOfStep;
  readonly answers: readonly { readonly kind: string; readonly effect: string }[];
  readonly recorded?: Json;
  readonly asked?: Json;
}
export interface Step extends Valued {
  readonly position: number;
  readonly id: string;
  readonly kind: string;
  readonly status: string;
  readonly at: number;
  readonly endedAt?: number;
  readonly attempts?: number;
  readonly failure?: StoredFailure;
  readonly superseded?: true;
  readonly note?: string;
  readonly output?: Json;
}
export interface Task {
  readonly id: string;
  readonly run: string;
  readonly process: string;
  readonly key: string;
  readonly title: string;
  readonly assign: string;
  readonly input: Json;
  readonly inputReference?: Reference;
  readonly unreadable?: string;
  readonly status: string;
  readonly createdAt: number;
  readonly dueAt?: number;
}
