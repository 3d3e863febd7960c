import assert from "node:assert/strict";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import test, { type TestContext } from "node:test";
import { MessageChannel } from "node:worker_threads";
import type { WorkerFact } from "../../observe/facts.ts";
import { permitTable } from "../../outbound/permits.ts";
import { createCircuits } from "../systems/circuits.ts";
import { testProject } from "../test-project.ts";
import { pinVersion, planVersion } from "../versions/versions.ts";
import { createWorkers } from "./workers.ts";

const valueLimits = { bytes: 1_000_000, depth: 100 };

/** Workers on a version whose only process file is `source`; every loss starts the thread again, as the engine does. */
/** A worker counts as blocked after 600 ms only where that is looked for: a busy machine may take longer to start one. */
function setUp(t: TestContext, source: string, blockedAfterMs = 60_000) {
  const project = testProject({ "package.json": '{"type":"module"}', "processes/a.ts": source });
  const store = join(project.folder, ".mortise");
  const version = pinVersion(store, planVersion({ folder: project.folder, processFiles: ["processes/a.ts"] }));
  const told: WorkerFact[] = [];
  const waiting = new Set<() => void>();
  const take = (fact: unknown) => {
    told.push(fact as WorkerFact);
    for (const look of waiting) look();
  };
  subscribe("mortise:server:worker", take);
  const printed: string[] = [];
  const start = () => {
    const control = new MessageChannel();
    const writer = new MessageChannel();
    const link = {
      file: join(store, "none.db"),
      version: version.id,
      valueLimits,
      control: control.port2,
      writer: writer.port2,
    };
    workers.start(version.id, link, [control.port2, writer.port2]);
  };
  const circuits = createCircuits(new Map());
  const shared = { settings: new Map(), permits: permitTable(new Map()), circuits: circuits.table() };
  const workers = createWorkers({
    store,
    project: project.folder,
    shared: () => shared,
    circuits,
    memoryMiB: 64,
    blockedAfterMs,
    lost: start,
    printed: (_, stream, line) => printed.push(`${stream} ${line}`),
  });
  t.after(async () => {
    await workers.close();
    unsubscribe("mortise:server:worker", take);
    project.remove();
  });
  return {
    version,
    workers,
    start,
    told,
    printed,
    until: (wanted: () => boolean) =>
      new Promise<void>((resolve) => {
        const look = () => {
          if (!wanted()) return;
          waiting.delete(look);
          resolve();
        };
        waiting.add(look);
        look();
      }),
  };
}

test("a worker that blocks is ended and started again", async (t) => {
  const { workers, start, told, until, version } = setUp(t, "for (;;) {}", 600);
  start();
  await until(() => told.filter(({ event }) => event === "died").length === 2);
  assert.match(told[0]?.reason ?? "", /blocked its thread/);
  assert.equal(told[1]?.restarts, 2);
  assert.equal(workers.state(version.id), "failed");
});

test("a worker that needs too much memory, or exits, dies alone", { timeout: 30_000 }, async (t) => {
  const { start, told, until, printed } = setUp(t, `console.log("about to leave"); process.exit(3);`);
  start();
  await until(() => told.some(({ event }) => event === "died"));
  assert.match(told[0]?.reason ?? "", /ended with code 3/);
  assert.ok(printed.includes("stdout about to leave"));
});

test("a version that was damaged starts no worker, and says so", async (t) => {
  const { start, told, until, version } = setUp(t, "export {};");
  writeFileSync(join(version.folder, "processes/a.ts"), "export const evil = 1;");
  start();
  await until(() => told.length > 0);
  assert.match(told[0]?.reason ?? "", /processes\/a\.ts was changed/);
});

test("stopping gives up what waits to be started, and its ports end", async (t) => {
  const { workers, told, until, version, start } = setUp(t, "process.exit(1);");
  start();
  await until(() => told.some(({ event }) => event === "died"));
  workers.stopping();
  const control = new MessageChannel();
  const ended = new Promise((resolve) => control.port1.on("close", resolve));
  workers.start(
    version.id,
    { file: "", version: version.id, valueLimits, control: control.port2, writer: control.port2 },
    [control.port2],
  );
  workers.stopping();
  await ended;
});
