/** What PostgreSQL and MySQL have in common: one connection, and what its driver must tell of a failure. */
import type { SqlAs } from "../../contract/model.ts";
import type { Json } from "../../operation.ts";

/**
 * What a failure means.
 *  - `lost`: the connection is gone, or its state can't be known.
 *  - `away`: the server says that it can't serve now (starting, stopping, too many connections, wrong credentials).
 *  - `busy`: it gave up for the sake of others (deadlock, lock timeout, serialisation); everything was rolled back.
 *  - `cancelled`: it ended the statement because it was asked to, or because of its time limit.
 *  - `no-table`: a table is not there. `duplicate`: a unique key is taken.
 *  - `read-only`: it may not write here: because we said so, or because the server only reads (after a failover).
 *  - `refused`: anything else that the server says about the statement.
 */
export interface SqlFailure {
  readonly kind: "lost" | "away" | "busy" | "cancelled" | "no-table" | "duplicate" | "read-only" | "refused";
  /** The server's own words, without the values that it quotes. Shown by `saidOf`, which takes out ours as well. */
  readonly reason: string;
  /** Such as `SQLSTATE 23505`. */
  readonly code?: string;
  /** The message as it is: declared faults begin with it. */
  readonly message: string;
}

/** `read`: one statement. `snapshot`: several that see the same state. `write`: may change something. */
export type TransactionMode = "read" | "snapshot" | "write";

/** Takes a row; `false`: no more are wanted. */
export type TakeRow = (names: readonly string[], values: readonly unknown[]) => boolean;

export interface SqlSession {
  /** Whether it can be used again. */
  readonly usable: boolean;
  begin(mode: TransactionMode, timeoutMs: number): Promise<void>;
  /** Runs one statement, and gives the number of rows that it changed. */
  run(sql: string, values: readonly unknown[], take?: TakeRow): Promise<number>;
  /** Where a procedure may commit by itself: marks the transaction; what is given tells whether it is still this one. */
  mark?(): Promise<() => Promise<boolean>>;
  commit(): Promise<void>;
  rollback(): Promise<void>;
  /** Asks the server, over another connection, to end what runs here. Never rejects. */
  cancel(): Promise<void>;
  /** Breaks the connection; what runs on it is rejected. */
  destroy(): void;
  close(): Promise<void>;
}

/** The texts of the key row's statements (P3). */
export interface KeyTexts {
  readonly create: string;
  readonly claim: string;
  readonly find: string;
  readonly store: string;
}

export interface SqlDriver {
  readonly keys: KeyTexts;
  /** Opens a connection until `deadline` (`Date.now()` milliseconds). */
  connect(deadline: number): Promise<SqlSession>;
  /** A validated JSON value as the driver takes it. */
  bound(value: Json | undefined, as: SqlAs, list: boolean): unknown;
  /** A value of a row as JSON. Throws a plain `Error` with the reason where it is not what the contract says. */
  read(value: unknown, as: SqlAs, list: boolean): Json;
  /** What a failure of this driver means; `committing`: it came as the answer to COMMIT. */
  failureOf(error: unknown, committing: boolean): SqlFailure;
}
