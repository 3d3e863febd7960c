/** Lists answer every combination of filters as a plain filter over all runs would, page by page, and from indexes only. */
import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { finalStatuses, type RunFilter, type RunStatus, runStatuses } from "../../engine.ts";
import { newRunId } from "../history/run-id.ts";
import { Vault } from "../history/vault.ts";
import { migrations } from "../store/tables.ts";
import { runTotals } from "../store/totals.ts";
import { type RunRow, runLists } from "./listing.ts";

function database(rows: number): { readonly db: DatabaseSync; readonly all: readonly RunRow[] } {
  const db = new DatabaseSync(":memory:");
  for (const sql of migrations) db.exec(sql);
  const insert = db.prepare(
    "insert into runs (id, process, key, input_hash, version, status, origin, created, updated) values (?, ?, ?, '', ?, ?, 'test', ?, ?)",
  );
  const end = db.prepare("update runs set status = ? where id = ?");
  const totals = runTotals({ db, whenApplied: () => {}, whenUndone: () => {} });
  for (let number = 0; number < rows; number += 1) {
    const process = ["alpha", "beta", "gamma"][number % 3] as string;
    const status = runStatuses[(number * 7) % runStatuses.length] as RunStatus;
    const created = 1_000_000_000_000 + number * 1000;
    // A run's id is made a little before its row.
    const id = newRunId(created - 3);
    insert.run(id, process, `k-${Math.floor(number / 3)}`, `v${number % 2}`, "running", created, created);
    if (status !== "running") end.run(status, id);
    if (finalStatuses.has(status)) totals.ended(process, status);
  }
  totals.write();
  return { db, all: db.prepare("select * from runs order by id desc").all() as unknown as RunRow[] };
}

test("every combination of filters gives what a plain filter would, newest first, page by page", (t) => {
  const { db, all } = database(600);
  t.after(() => db.close());
  const { runs } = runLists(db, new Vault(db, undefined));
  const from = 1_000_000_000_000 + 100_000;
  const to = 1_000_000_000_000 + 500_000;
  for (const process of [undefined, "beta", "none"])
    for (const status of [undefined, "parked", "completed"] as const)
      for (const key of [undefined, "k-7", "none"])
        for (const times of [{}, { createdFrom: from }, { createdTo: to }, { createdFrom: from, createdTo: to }]) {
          const filter: RunFilter = {
            ...(process === undefined ? {} : { process }),
            ...(status === undefined ? {} : { status }),
            ...(key === undefined ? {} : { key }),
            ...times,
          };
          const wanted = all.filter(
            (row) =>
              (process === undefined || row.process === process) &&
              (status === undefined || row.status === status) &&
              (key === undefined || row.key === key) &&
              (filter.createdFrom === undefined || row.created >= filter.createdFrom) &&
              (filter.createdTo === undefined || row.created < filter.createdTo),
          );
          const found: string[] = [];
          for (;;) {
            const before = found.at(-1);
            const page = runs({ ...filter, limit: 40, ...(before === undefined ? {} : { before }) });
            found.push(...page.map(({ id }) => id));
            if (page.length < 40) break;
          }
          assert.deepEqual(
            found,
            wanted.map(({ id }) => id),
            JSON.stringify(filter),
          );
        }
});

test("runs are counted by process and status, open ones by version", (t) => {
  const { db, all } = database(330);
  t.after(() => db.close());
  const { counts, openByVersion } = runLists(db, new Vault(db, undefined));
  for (const { process, status, runs } of counts())
    assert.equal(runs, all.filter((row) => row.process === process && row.status === status).length);
  assert.equal(
    counts().reduce((sum, { runs }) => sum + runs, 0),
    all.length,
  );
  db.exec("delete from runs where status = 'completed' and process = 'beta'");
  const gone = all.filter((row) => row.status === "completed" && row.process === "beta").length;
  assert.ok(gone > 0);
  assert.equal(
    counts().reduce((sum, { runs }) => sum + runs, 0),
    all.length - gone,
  );
  const open = new Set<RunStatus>(["queued", "running", "waiting", "paused", "parked", "undoing"]);
  assert.deepEqual(
    openByVersion().map(({ version, runs }) => [version, runs]),
    ["v0", "v1"].map((version) => [
      version,
      all.filter((row) => row.version === version && open.has(row.status)).length,
    ]),
  );
});

test("no list and no count reads the table from one end to the other", (t) => {
  const { db } = database(30);
  t.after(() => db.close());
  const asked: string[] = [];
  const spied = new Proxy(db, {
    get: (target, name) =>
      name === "prepare"
        ? (sql: string) => {
            asked.push(sql);
            return target.prepare(sql);
          }
        : Reflect.get(target, name),
  });
  const { runs, counts } = runLists(spied, new Vault(spied, undefined));
  runs({ status: "parked" });
  runs({ process: "beta" });
  runs({ status: "parked", process: "beta", createdFrom: 1, before: "z" });
  runs({ key: "k-1" });
  runs({});
  counts();
  for (const sql of asked) {
    if (sql.includes("group by version")) continue; // asked once an hour, and reads the open runs
    const plan = db
      .prepare(`explain query plan ${sql}`)
      .all(...Array.from({ length: sql.split("?").length - 1 }, () => 1));
    const steps = plan.map(({ detail }) => String(detail)).join("; ");
    // Only the newest of all are read from the table itself, from its end on. What is sorted are the ids of a few pages.
    const whole = /SCAN runs(?! USING)/.test(steps) && sql.includes("where");
    const sorts = /TEMP B-TREE FOR ORDER BY/.test(steps) && !sql.includes("union all");
    assert.ok(!whole && !sorts, `${sql}: ${steps}`);
  }
});
