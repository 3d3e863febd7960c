/**
 * The warehouse: a SQLite database that others open too. Its tables, its rules and its ledger (the append-only table `audit`,
 * written by triggers in the same transaction, `synchronous=FULL`) are in `warehouse-schema.sql`.
 *
 *   node warehouse.ts --data <folder> [--database file] [--port n] [--control-port n] [--receipt-ms n]
 *
 * The database is `<data>/warehouse.db` unless told otherwise. Goods are received every `--receipt-ms` (default 3000).
 * Behaviours: `slow` holds the write lock for `ms` (default 2000), again and again until told otherwise; `times` bounds it.
 * `fail` makes every new hold fail inside the database. `away` moves the database aside for `ms` (default 1000) and takes
 * the write lock, so that neither an old nor a new connection gets through. `drop` is refused: there is no connection to drop.
 *
 * The service port answers `GET /audit` and `GET /stock`: what a test compares with.
 */
import { existsSync, mkdirSync, readFileSync, renameSync, rmdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { parseArgs } from "node:util";
import { type Answer, type Behaviour, type Call, problem, simulate } from "./control.ts";
import { openLedger } from "./ledger.ts";

const { values: args } = parseArgs({
  options: {
    data: { type: "string" },
    database: { type: "string" },
    port: { type: "string", default: "0" },
    "control-port": { type: "string", default: "0" },
    "receipt-ms": { type: "string", default: "3000" },
  },
});
if (args.data === undefined) throw new Error("warehouse.ts needs --data <folder>");
mkdirSync(args.data, { recursive: true });
const file = resolve(args.database ?? join(args.data, "warehouse.db"));
const suffixes = ["-wal", "-shm", ""] as const;
let aside = false;

const ledger = openLedger(join(args.data, "ledger.jsonl"));
comeBack(); // a kill while it was away leaves it aside
const database = new DatabaseSync(file, { timeout: 5000 });
database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON");
database.exec(readFileSync(new URL("./warehouse-schema.sql", import.meta.url), "utf8"));
database.exec("DROP TRIGGER IF EXISTS told_to_fail");

let locked = false;
let lockTimer: NodeJS.Timeout | undefined;
const receive = database.prepare(
  "INSERT INTO movements (sku, quantity) SELECT sku, ? FROM stock ORDER BY random() LIMIT 1",
);
const receipts = setInterval(() => {
  if (locked) return;
  try {
    receive.run(10 + Math.floor(Math.random() * 40));
  } catch {
    // somebody else holds the write lock for long: the goods are booked with the next receipt
  }
}, Number(args["receipt-ms"]));

await simulate({
  name: "warehouse",
  ledger,
  port: Number(args.port),
  controlPort: Number(args["control-port"]),
  describe: (call) => ({ operation: call.path.slice(1) }),
  handle,
  commands: {
    /** Books a receipt now: `{sku, quantity}`. */
    receive(body) {
      database
        .prepare("INSERT INTO movements (sku, quantity) VALUES (?, ?)")
        .run(String(body.sku), Number(body.quantity));
    },
  },
  onBehaviour,
  servesAlways: true,
  onStop() {
    clearInterval(receipts);
    unlock();
    comeBack();
    database.close();
  },
});

function handle(call: Call): Answer {
  if (call.path === "/audit") return { status: 200, body: database.prepare("SELECT * FROM audit ORDER BY n").all() };
  if (call.path === "/stock") return { status: 200, body: database.prepare("SELECT * FROM stock ORDER BY sku").all() };
  return problem(404, "There is no such resource.");
}

function onBehaviour(behaviour: Behaviour): void {
  if (behaviour.mode === "drop")
    throw new RangeError("a database file has no connection to drop: use slow, fail or away");
  unlock();
  comeBack();
  database.exec("DROP TRIGGER IF EXISTS told_to_fail");
  ledger.append({ kind: "behaviour", behaviour });
  if (behaviour.mode === "slow") lockFor(behaviour.ms ?? 2000, behaviour.times ?? Number.POSITIVE_INFINITY);
  if (behaviour.mode === "away") {
    lock();
    goAway();
  }
  if (behaviour.mode === "fail") {
    database.exec(
      "CREATE TRIGGER told_to_fail BEFORE INSERT ON holds BEGIN SELECT RAISE(ABORT, 'the warehouse was told to fail'); END",
    );
  }
}

function lock(): void {
  database.exec("BEGIN IMMEDIATE");
  locked = true;
}

function unlock(): void {
  clearTimeout(lockTimer);
  if (!locked) return;
  locked = false;
  database.exec("ROLLBACK");
}

function lockFor(ms: number, times: number): void {
  lock();
  lockTimer = setTimeout(() => {
    unlock();
    if (times > 1) lockTimer = setTimeout(() => lockFor(ms, times - 1), 200);
  }, ms);
}

// A folder stands in the database's place meanwhile: opening it fails, and nobody makes an empty database there.
function goAway(): void {
  for (const suffix of suffixes) if (existsSync(file + suffix)) renameSync(file + suffix, `${file}.aside${suffix}`);
  mkdirSync(file);
  aside = true;
}

function comeBack(): void {
  if (!aside && !existsSync(`${file}.aside`)) return;
  aside = false;
  if (existsSync(file)) rmdirSync(file);
  for (const suffix of ["", "-wal", "-shm"]) {
    if (existsSync(`${file}.aside${suffix}`)) renameSync(`${file}.aside${suffix}`, file + suffix);
  }
}
