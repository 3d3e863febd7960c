/** Who waits for a run that ended in the commit of its start is answered at once: its end is told in the turn in which its start is acknowledged. */
import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { realClock } from "../../../clock.ts";
import { storeInThread } from "../../../store/in-thread.ts";
import { asMessagePort, LocalPort } from "../../../store/local-channel.ts";
import { portClient } from "../../../store/port-client.ts";
import { createEngine, frontInbox } from "../engine.ts";
import { storePart } from "../store/store-part.ts";

test("a run that ends in the commit of its start is no longer waited for", async () => {
  const inbox = frontInbox();
  const posts: unknown[] = [];
  const acts: (() => void)[] = [];
  let held = false;
  const store = storeInThread({
    db: new DatabaseSync(":memory:"),
    parts: [storePart],
    clock: realClock,
    schedule: (_lane, act) => {
      if (held) acts.push(act);
      else setImmediate(act);
    },
    onPost: (messages) => {
      posts.push(...messages);
      inbox.take(messages);
    },
  });
  let worker: ReturnType<typeof portClient> | undefined;
  const engine = createEngine(
    {
      store,
      version: "v1",
      runId: () => "run",
      channel: () => {
        const { port1, port2 } = LocalPort.pair((_lane, act) => void setImmediate(act), ["to front", "to worker"]);
        return { port1: asMessagePort(port1), port2: asMessagePort(port2) };
      },
      startWorker: (_version, { writer }) => {
        worker = portClient(writer, () => {});
      },
    },
    inbox,
  );
  await worker?.submit([]);
  held = true;
  const started = engine.start({ process: "p", key: "k", input: null, origin: "test" });
  store.flush();
  const end = { run: "run", seq: 1, body: "[]", status: "completed", settled: { out: "1" } };
  const written = worker?.submit([{ name: "process.append", parameters: end }]);
  worker?.flush();
  held = false;
  for (const act of acts.splice(0)) setImmediate(act);
  await started;
  // It came with the acknowledgement, before anybody could wait for it.
  assert.deepEqual(
    posts.map((one) => (one as { kind: string }).kind),
    ["settled"],
  );
  const from = performance.now();
  const { status } = await engine.settled("run", 5000);
  assert.equal(status, "completed");
  assert.ok(performance.now() - from < 2500, "it waited for an end that was told before");
  await written;
});
