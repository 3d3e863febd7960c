/** Versions that an operator has blocked: on disk, and in memory for the requests. */
import { failure } from "../../errors.ts";
import type { Command, Store } from "../../store/store.ts";
import type { BlockParameters } from "./store-part.ts";

export interface Block {
  readonly api: string;
  readonly version: string;
  readonly reason: string;
  readonly by: string;
  /** Epoch milliseconds. */
  readonly at: number;
  readonly retryAfterMs: number;
}

export interface Blocks {
  /** The block of a version, if there is one. */
  of(api: string, version: string): Block | undefined;
  list(): readonly Block[];
  /** From the moment it resolves, no request comes in. `alongside`: commands of the same commit (the audit). */
  block(block: Omit<Block, "at">, alongside?: readonly Command[]): Promise<Block>;
  /** Throws `api-not-blocked`. */
  unblock(api: string, version: string, alongside?: readonly Command[]): Promise<void>;
}

/** Reads the store once; after that what is changed here is known here. */
export function openBlocks(store: Pick<Store, "submit" | "read">, clock: () => number): Blocks {
  const rows = store.read
    .prepare(
      `SELECT api, version, reason, blocked_by AS "by", blocked_at AS at, retry_after_ms AS retryAfterMs FROM lifecycle_blocks`,
    )
    .all() as unknown as Block[];
  const blocked = new Map(rows.map((row) => [`${row.api} ${row.version}`, Object.freeze({ ...row })]));
  return {
    of: (api, version) => (blocked.size === 0 ? undefined : blocked.get(`${api} ${version}`)),
    list: () => [...blocked.values()],
    async block(given, alongside = []) {
      const block = Object.freeze({ ...given, at: clock() });
      await store.submit([{ name: "lifecycle.block", parameters: block satisfies BlockParameters }, ...alongside]);
      blocked.set(`${block.api} ${block.version}`, block);
      return block;
    },
    async unblock(api, version, alongside = []) {
      const answer = await store.submit([{ name: "lifecycle.unblock", parameters: { api, version } }, ...alongside]);
      if (answer.kind === "refused") throw failure("api-not-blocked", { api, version });
      blocked.delete(`${api} ${version}`);
    },
  };
}
