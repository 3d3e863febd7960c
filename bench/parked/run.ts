/**
 * Parked: a hundred thousand runs that wait for a person. How long from the start of the process until the server is ready, against a process
 * that only reads the rows of these runs; and how much memory it takes. A few runs park for real; the others are copies of
 * their rows under other ids and keys.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync, type SQLInputValue } from "node:sqlite";
import { fileURLToPath } from "node:url";
import { rowSum } from "../../src/process/embedded/history/row-sum.ts";
import { newRunId } from "../../src/process/embedded/history/run-id.ts";
import { Children, keyOf, type MortiseProcess } from "../children.ts";
import { memoryMb } from "../measure.ts";
import { type BenchOptions, median, printer } from "../report.ts";

const real = 20;
const project = new URL("./project", import.meta.url);

export async function runParked(options: BenchOptions): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "mortise-parked-"));
  const store = join(folder, "store");
  const file = join(store, "mortise.db");
  const print = printer(options);
  const children = new Children();
  try {
    await park(await children.mortise(project, store, {}));
    await children.end();
    const total = multiply(file, options.orders);
    const found: { ready: number; bare: number; memory: number | null }[] = [];
    for (let round = 0; round <= options.rounds; round++) {
      const bare = await bareRead(file);
      const begun = performance.now();
      const running = new Children();
      const server = await running.mortise(project, store, {});
      while (!(await isReady(server))) await new Promise((resolve) => setTimeout(resolve, 5));
      const ready = performance.now() - begun;
      await operate(server);
      const memory = memoryMb(server.pid);
      await running.end();
      if (round === 0) continue;
      found.push({ ready, bare, memory });
      print({ bench: "parked", round, readyMs: ready, bareMs: bare, memoryMb: memory });
    }
    print({
      bench: "parked",
      ratio: median(found.map(({ ready, bare }) => ready / bare)),
      readyMs: median(found.map(({ ready }) => ready)),
      bareMs: median(found.map(({ bare }) => bare)),
      memoryMb: median(found.map(({ memory }) => memory)),
      parked: total,
      node: process.version,
    });
  } finally {
    await children.end();
    rmSync(folder, { recursive: true, force: true });
  }
}

interface Page {
  readonly runs: readonly { readonly id: string }[];
}

async function admin(server: MortiseProcess, path: string, body?: object): Promise<unknown> {
  const response = await fetch(`${server.adminUrl}${path}`, {
    method: body === undefined ? "GET" : "POST",
    headers: { authorization: `Bearer ${server.token}`, "content-type": "application/json" },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
  return await response.json();
}

async function isReady(server: MortiseProcess): Promise<boolean> {
  return (await fetch(`${server.adminUrl}/ready`)).status === 200;
}

/** Starts some runs, and waits until all are parked. */
async function park(server: MortiseProcess): Promise<void> {
  const key = await keyOf(server, "orders:write");
  for (let number = 0; number < real; number++) {
    await fetch(`http://127.0.0.1:${server.apiPort}/parking/v1/orders`, {
      method: "POST",
      headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
      body: JSON.stringify({ id: `real-${number}`, customer: "C-42", note: "Deliver before noon. ".repeat(12) }),
    });
  }
  for (;;) {
    const { runs } = (await admin(server, "/runs?status=parked&limit=100")) as Page;
    if (runs.length === real) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** What people do with it: a page of the list, one run, an answer. */
async function operate(server: MortiseProcess): Promise<void> {
  const { runs } = (await admin(server, "/runs?status=parked&limit=50")) as Page;
  const [first] = runs;
  if (first === undefined) throw new Error("nothing is parked");
  await admin(server, `/runs/${first.id}`);
  await admin(server, `/runs/${first.id}/terminate`, { reason: "the benchmark ends it" });
}

/** Copies the rows of the runs there are, until there are so many. */
function multiply(file: string, wanted: number): number {
  const db = new DatabaseSync(file);
  db.exec("pragma synchronous = off");
  const runs = db.prepare("select * from runs").all() as Record<string, SQLInputValue>[];
  const histories = db.prepare("select seq, body from history where run = ? order by seq");
  const bodies = runs.map(
    ({ number }) => histories.all(number as number) as unknown as { seq: number; body: string }[],
  );
  const names = Object.keys(runs[0] as object);
  const insertRun = db.prepare(`insert into runs (${names.join(", ")}) values (${names.map(() => "?").join(", ")})`);
  const insertHistory = db.prepare("insert into history (run, seq, body, sum) values (?, ?, ?, ?)");
  const numbers = Math.max(...runs.map(({ number }) => Number(number)));
  db.exec("begin");
  for (let at = runs.length; at < wanted; at++) {
    const row = runs[at % runs.length] as Record<string, SQLInputValue>;
    const copy = { ...row, id: newRunId(Number(row.created) + at), key: `copy-${at}`, number: numbers + at };
    insertRun.run(...names.map((name) => copy[name as keyof typeof copy] as SQLInputValue));
    for (const { seq, body } of bodies[at % runs.length] ?? [])
      insertHistory.run(copy.number, seq, body, rowSum(copy.id as string, seq, body));
  }
  db.exec("commit; pragma wal_checkpoint(truncate)");
  db.close();
  return wanted;
}

async function bareRead(file: string): Promise<number> {
  const begun = performance.now();
  const child = spawn(process.execPath, [fileURLToPath(new URL("./bare.ts", import.meta.url)), file], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  child.stdout.resume();
  const [code] = (await once(child, "exit")) as [number];
  if (code !== 0) throw new Error("the bare read failed");
  return performance.now() - begun;
}
