/** An act on many runs, where the store's disk is full when a portion of it is to be written. */
import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { realClock } from "../../../clock.ts";
import { failure } from "../../../errors.ts";
import type { Command } from "../../../store/store.ts";
import { Vault } from "../history/vault.ts";
import { migrations } from "../store/tables.ts";
import { bulks } from "./bulk.ts";

test("an act on many runs waits for space on the disk, and goes on without a restart", async (t) => {
  const db = new DatabaseSync(":memory:");
  t.after(() => db.close());
  for (const migration of migrations) db.exec(migration as string);
  let refused = 0;
  const store = {
    read: db,
    async submit([command]: readonly Command[]) {
      const { name, parameters } = command as Command;
      const given = parameters as Record<string, string | number>;
      if (name === "process.bulk-begin") {
        const row = [given.id, given.filter, given.act, given.actor, given.total, given.before].map(
          (one) => one ?? null,
        );
        db.prepare(
          "insert into bulk_jobs (id, filter, act, actor, total, before, created) values (?, ?, ?, ?, ?, ?, 1)",
        ).run(...row);
      } else if (refused++ < 2) throw failure("store-full", {});
      else db.prepare("update bulk_jobs set ended = 2, stopped = 0 where id = ?").run(given.id ?? null);
      return { kind: "done" as const, answers: [null] };
    },
  };
  const { bulk, bulkJob } = bulks({
    store: store as never,
    // A pause is over at once.
    clock: { ...realClock, later: (_, act) => realClock.later(0, act) },
    runId: () => "one",
    read: { run: () => undefined, runs: () => [], value: () => null, count: () => 0 },
    vault: new Vault(db, undefined),
    unfit: () => [],
    prepare: () => assert.fail("there is no run"),
    stopping: () => false,
  });
  const { id } = await bulk({ process: "p" }, { kind: "retry" }, { by: "anna", reason: "r" }, 0);
  while (bulkJob(id).status === "running") await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual([bulkJob(id).status, refused], ["done", 3]);
});
