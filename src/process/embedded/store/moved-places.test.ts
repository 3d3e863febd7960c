/** What limits count when a run goes on with other code. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type AnyProcess, defineProcess } from "../../define.ts";
import { anything, type Rig, rigFor } from "../engine-harness.ts";

const event = { kind: "event", system: "carrier", name: "shipped" } as const;
const actor = { by: "olivia", reason: "mended" };

const code = (run: AnyProcess["run"]) =>
  defineProcess<string, unknown>({
    name: "p",
    input: anything as never,
    key: (id) => id,
    limits: { concurrency: 1 },
    run,
  });
const start = async ({ engine }: Rig, id: string) =>
  ((await engine.start({ process: "p", key: id, input: id, origin: "test" })) as { run: string }).run;
const end = ({ engine }: Rig, id: string) =>
  engine.signal({ system: "carrier", event: "shipped", key: id, payload: null, delivery: id });

test("a parked run that goes on with mended code counts again: no other begins beside it", async (t) => {
  const mended = code((flow, id) => flow.receive(event, { key: id }));
  const broken = code(async (flow, id) => {
    if (id === "a") throw new Error("a bug");
    return flow.receive(event, { key: id });
  });
  const one = await rigFor(t, { processes: [mended], versions: { v1: [broken], v2: [mended] } });
  const a = await start(one, "a");
  await one.until(a, "parked");
  // Its place is free meanwhile.
  const b = await start(one, "b");
  await one.until(b, "waiting");
  const c = await start(one, "c");
  assert.deepEqual(await one.engine.move(a, "v2", actor), { kind: "moved", goesOn: true });
  await one.until(a, "waiting");
  await end(one, "b");
  await one.until(b, "completed");
  assert.equal(one.engine.run(c)?.status, "queued");
  await end(one, "a");
  await one.until(a, "completed");
  await one.until(c, "waiting");
  await end(one, "c");
  await one.until(c, "completed");
  assert.deepEqual(
    one.store.read
      .prepare("select queued, taken from gates")
      .all()
      .map((row) => ({ ...row })),
    [{ queued: 0, taken: 0 }],
  );
});
