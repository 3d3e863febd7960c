/** Versions whose route an operator has taken away: on disk, and in memory for the requests. By major version: the contract ends, not a build of it. */
import { failure } from "../../errors.ts";
import type { Command, Store } from "../../store/store.ts";
import type { RetireParameters } from "./store-part.ts";

/** Whom a version was retired in spite of. */
export interface Despite {
  readonly consumers: readonly string[];
  /** Open runs: how many, and the ids of the first hundred. */
  readonly openRuns: number;
  readonly runs: readonly string[];
}

export interface Retirement {
  readonly api: string;
  readonly major: number;
  readonly reason: string;
  readonly by: string;
  /** Epoch milliseconds. */
  readonly at: number;
  readonly despite: Despite;
}

export interface Retirements {
  of(api: string, major: number): Retirement | undefined;
  /** From the moment it resolves, no request reaches it. `alongside`: commands of the same commit (the audit). Throws `api-retired`. */
  retire(retirement: Omit<Retirement, "at">, alongside?: readonly Command[]): Promise<Retirement>;
  /** Throws `api-not-retired`. */
  reinstate(api: string, major: number, alongside?: readonly Command[]): Promise<void>;
}

export const majorOf = (version: string): number => Number(version.split(".")[0]);

/** Reads the store once; after that what is changed here is known here. */
export function openRetirements(store: Pick<Store, "submit" | "read">, clock: () => number): Retirements {
  const rows = store.read
    .prepare(`SELECT api, major, reason, retired_by AS "by", retired_at AS at, despite FROM lifecycle_retirements`)
    .all() as unknown as (Omit<Retirement, "despite"> & { readonly despite: string })[];
  const retired = new Map<string, Retirement>(
    rows.map((row) => [`${row.api} ${row.major}`, { ...row, despite: JSON.parse(row.despite) as Despite }]),
  );
  return {
    of: (api, major) => (retired.size === 0 ? undefined : retired.get(`${api} ${major}`)),
    async retire(given, alongside = []) {
      const { api, major, despite } = given;
      const retirement = Object.freeze({ ...given, at: clock() });
      const parameters: RetireParameters = { ...retirement, despite: JSON.stringify(despite) };
      const answer = await store.submit([{ name: "lifecycle.retire", parameters }, ...alongside]);
      if (answer.kind === "refused") throw failure("api-retired", { api, major });
      retired.set(`${api} ${major}`, retirement);
      return retirement;
    },
    async reinstate(api, major, alongside = []) {
      const answer = await store.submit([{ name: "lifecycle.reinstate", parameters: { api, major } }, ...alongside]);
      if (answer.kind === "refused") throw failure("api-not-retired", { api, major });
      retired.delete(`${api} ${major}`);
    },
  };
}
