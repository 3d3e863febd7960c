/** A store that migration 1 alone has made, with the histories of runs in all states, is brought up to date and goes on. */
import assert from "node:assert/strict";
import { renameSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { migrate } from "../../../store/migrate.ts";
import { defineProcess } from "../../define.ts";
import { anything, FakeSystem, failing, type Rig, rigFor } from "../engine-harness.ts";
import { storePart } from "./store-part.ts";

const event = { kind: "event", system: "s", name: "e" } as const;
const by = { by: "olivia", reason: "test" };
const columnsOf = (db: DatabaseSync, table: string) =>
  db
    .prepare("select name from pragma_table_info(?)")
    .all(table)
    .map(({ name }) => String(name));

/** Puts a store of migration 1 in the place of one that is up to date, with the same rows. */
function madeByTheFirst(folder: string): void {
  const [file, old] = [join(folder, "mortise.db"), join(folder, "old.db")];
  const db = new DatabaseSync(old);
  db.exec("pragma page_size = 2048; pragma journal_mode = wal");
  migrate(db, [{ ...storePart, migrations: storePart.migrations.slice(0, 1) }], Date.now());
  db.exec(`attach '${file}' as new`);
  const tables = db.prepare("select name from main.sqlite_schema where type = 'table' and name not like 'mortise_%'");
  for (const { name } of tables.all() as { name: string }[]) {
    const columns = columnsOf(db, name).join(", ");
    if (name !== "history") db.exec(`insert into main.${name} (${columns}) select ${columns} from new.${name}`);
  }
  db.exec(`insert into main.history (id, run, seq, body, sum)
    select h.id, r.id, h.seq, h.body, h.sum from new.history h join new.runs r on r.number = h.run`);
  db.close();
  renameSync(old, file);
}

/** All rows of histories, with the ids of their runs. */
function historiesIn(folder: string): unknown[] {
  const db = new DatabaseSync(join(folder, "mortise.db"), { readOnly: true });
  const run = columnsOf(db, "runs").includes("number") ? "runs.number" : "runs.id";
  const all = db
    .prepare(
      `select history.id, runs.id as run, seq, body, sum from history join runs on ${run} = history.run order by history.id`,
    )
    .all();
  assert.equal(db.prepare("select count(*) as rows from history").get()?.rows, all.length);
  db.close();
  return all.map((row) => ({ ...row }));
}

interface Order {
  readonly id: string;
}

function orders() {
  const system = new FakeSystem();
  const take = system.operation("take", "unrepeatable", (input) => input);
  const back = system.operation("back", "idempotent");
  const send = system.operation("send", "idempotent");
  const begun = Promise.withResolvers<void>();
  /** As the systems are while the store is an old one. */
  const old = (input: unknown) => {
    const { id } = input as Order;
    if (id === "parked") throw failing("unknown", "ask");
    if (id !== "under way") return id;
    begun.resolve();
    return new Promise<never>(() => {});
  };
  system.behave("send", old);
  const named = (name: string) =>
    defineProcess({
      name,
      input: anything,
      key: (input) => (input as never as Order).id,
      async run(flow, input) {
        const { id } = input as never as Order;
        const large = await flow.step("large", { effect: "read" }, () => "x".repeat(id === "ended" ? 200_000 : 10));
        const taken = await flow.call(take, { id }, { undo: { call: back, with: () => ({ id }) } });
        if (id === "waits" || id === "cancelled") await flow.receive(event, { key: id });
        if (id === "rejected") flow.reject("not today");
        return { large: large.length, taken, sent: await flow.call(send, { id }) };
      },
    });
  const mend = () => system.behave("send", (input) => (input as never as Order).id);
  return { system, begun: begun.promise, mend, options: { processes: [named("p"), named("forgotten")], system } };
}

async function start({ engine }: Rig, id: string, more: { process?: string; at?: number } = {}): Promise<string> {
  const answer = await engine.start({ process: "p", key: id, input: { id }, origin: "test", ...more });
  return (answer as { run: string }).run;
}

test("a store of the first migration keeps every row of its histories, and its runs go on", async (t) => {
  const { system, begun, mend, options } = orders();
  const first = await rigFor(t, options);
  const { folder } = first;
  const gone = await start(first, "gone", { process: "forgotten" });
  const ended = await start(first, "ended");
  const waits = await start(first, "waits");
  const cancelled = await start(first, "cancelled");
  const parked = await start(first, "parked");
  const rejected = await start(first, "rejected");
  const underWay = await start(first, "under way");
  const queued = await start(first, "queued", { at: Date.now() + 1e9 });
  // The newest run, so that the largest number would be its own.
  const goneToo = await start(first, "gone, too", { process: "forgotten" });
  const kept = [ended, waits, cancelled, parked, rejected, underWay, queued].sort();
  await first.until(cancelled, "waiting");
  await first.engine.operate(cancelled, { kind: "cancel" }, by);
  await first.until(cancelled, "cancelled");
  await first.until(waits, "waiting");
  await first.until(parked, "parked");
  await first.until(rejected, "rejected");
  for (const run of [gone, goneToo, ended]) await first.until(run, "completed");
  await begun;
  const own = (process: string) => (process === "forgotten" ? { historyBefore: Date.now() + 1000 } : {});
  await first.engine.retain(0, 0, { own });
  const shown = [gone, goneToo, ...kept].map((run) => first.engine.run(run));
  await first.lose();

  madeByTheFirst(folder);
  const written = historiesIn(folder);
  // Nothing goes on here: what is read is what was there.
  const looking = await rigFor(t, { ...options, folder, startsNoWorker: true });
  assert.deepEqual(historiesIn(folder), written);
  assert.deepEqual(
    [gone, goneToo, ...kept].map((run) => looking.engine.run(run)),
    shown,
  );
  const db = looking.store.read;
  const numbered = db.prepare("select id, number from runs order by number").all();
  assert.deepEqual(
    numbered.map(({ id, number }) => [id, number]),
    [...[gone, goneToo].sort().map((run) => [run, null]), ...kept.map((run, index) => [run, index + 1])],
  );
  assert.equal(db.prepare("pragma integrity_check").get()?.integrity_check, "ok");
  await looking.stop();

  mend();
  const last = await rigFor(t, { ...options, folder });
  await last.engine.signal({ system: "s", event: "e", key: "waits", payload: null, delivery: "d" });
  await last.engine.operate(parked, { kind: "retry" }, by);
  const more = await start(last, "new");
  for (const [run, id] of [
    [waits, "waits"],
    [parked, "parked"],
    [underWay, "under way"],
    [more, "new"],
  ] as const) {
    assert.deepEqual((await last.until(run, "completed")).output, { large: 10, taken: { id }, sent: id });
    assert.equal(system.calls("take").filter(({ input }) => (input as never as Order).id === id).length, 1, id);
  }
  await last.engine.operate(queued, { kind: "cancel" }, by);
  assert.deepEqual(
    (await last.until(queued, "cancelled")).steps.map(({ kind }) => kind),
    ["operator", "end"],
  );
  assert.deepEqual(last.engine.run(ended), shown[2 + kept.indexOf(ended)]);
  const again = await last.engine.start({ process: "forgotten", key: "gone", input: { id: "gone" }, origin: "test" });
  assert.deepEqual(again, { kind: "exists", run: gone, status: "completed" });
  const number = last.store.read.prepare("select number from runs where id = ?").get(more)?.number;
  assert.equal(number, kept.length + 1);
});
