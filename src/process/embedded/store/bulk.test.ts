/** Acts on many runs, in the writer: a run on which another act is still to be carried out. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { defineProcess } from "../../define.ts";
import { anything, rigFor } from "../engine-harness.ts";

const actor = { by: "olivia", reason: "test" };
const definition = defineProcess({ name: "p", input: anything, key: String, run: async () => null });

test("a portion ends before a run with an act that is to be carried out, and refuses it where it must not wait", async (t) => {
  const one = await rigFor(t, { processes: [definition], startsNoWorker: true });
  const runs: string[] = [];
  for (const input of ["a", "b", "c", "d"]) {
    const answer = await one.engine.start({ process: "p", key: input, input, origin: "test" });
    runs.push((answer as { run: string }).run);
  }
  runs.sort().reverse();
  const [newest, busy, next, last] = runs as [string, string, string, string];
  await one.engine.operate(busy, { kind: "pause" }, actor);
  const acts = (some: readonly string[]) =>
    some.map((run) => ({ run, body: JSON.stringify({ operation: { kind: "cancel" }, actor }), stored: "{}" }));
  const portion = async (some: readonly string[], patient: boolean) => {
    const refused = [{ run: last, code: "run-ended", message: "It has ended." }];
    const parameters = { id: "job", before: last, acts: acts(some), refused, patient };
    const answer = await one.submit([{ name: "process.bulk-portion", parameters }]);
    assert.equal(answer.kind, "done");
    return answer.kind === "done" ? answer.answers[0] : undefined;
  };
  const begin = {
    id: "job",
    filter: "{}",
    act: '{"kind":"cancel"}',
    actor: JSON.stringify(actor),
    total: 4,
    before: "~",
  };
  await one.submit([{ name: "process.bulk-begin", parameters: begin }]);

  assert.deepEqual(await portion([newest, busy, next], true), { waitsFor: busy });
  const read = () => ({ ...one.store.read.prepare("select done, refused, before from bulk_jobs").get() });
  // It is the next one that the job comes to, also in another life.
  assert.deepEqual(read(), { done: 1, refused: 0, before: `${busy}~` });

  assert.equal(await portion([busy, next], false), undefined);
  assert.deepEqual(read(), { done: 2, refused: 2, before: last });
  assert.deepEqual(
    one.engine.bulkJob("job").refusals?.map(({ run, message }) => [run, message]),
    [
      [last, "It has ended."],
      [busy, "Another act on it is not carried out yet."],
    ],
  );
});
