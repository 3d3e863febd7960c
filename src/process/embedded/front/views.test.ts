/** What can't be read of one run is told there; everything else is shown. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { defineTask } from "../../task.ts";
import { anything } from "../engine-harness.ts";
import { anna, begin, endRigs, open, processOf } from "../operating-rig.ts";

endRigs();

const look = defineTask({ name: "look", title: "Look at it", input: anything, answer: anything });

test("a task or a state that can't be read hides no other task, and its own run is shown with the reason", async () => {
  const p = processOf(
    async (flow, input) => {
      flow.state({ of: input as string });
      return (await flow.task(look, { assign: "finance", input: { about: input as string } })) as string;
    },
    { key: (input) => String(input) },
  );
  const one = await open({ processes: [p] });
  const [a, b] = [await begin(one, "a", "a"), await begin(one, "b", "b")];
  for (const run of [a, b]) await one.until(run, "waiting");
  const db = new DatabaseSync(join(one.folder, "mortise.db"));
  // As text that was sealed with a key which is gone.
  db.prepare("update tasks set input = '~sealed' where run = ?").run(a);
  db.prepare("update run_states set value = '~sealed' where run = ?").run(a);
  db.close();

  const tasks = one.engine.tasks({ status: "open" });
  assert.deepEqual(
    tasks.map(({ run, title, input }) => [run, title, input]),
    [
      [a, "Look at it", null],
      [b, "Look at it", { about: "b" }],
    ],
  );
  assert.match(tasks[0]?.unreadable ?? "", /there is no key/);
  assert.equal(tasks[1]?.unreadable, undefined);
  const shown = one.engine.run(a);
  assert.equal(shown?.state, undefined);
  assert.match(shown?.warning ?? "", /Some of its history is not shown.*there is no key/);
  assert.deepEqual(one.engine.run(b)?.state, { of: "b" });

  await one.engine.answer(tasks[0]?.id ?? "", "seen", anna);
  assert.equal((await one.until(a, "completed")).output, "seen");
});

test("all open tasks are counted and listed, however many there are, page by page in their order", async () => {
  const p = processOf((flow) => flow.task(look, { assign: "finance", input: null }));
  const one = await open({ processes: [p] });
  await one.until(await begin(one), "waiting");
  const db = new DatabaseSync(join(one.folder, "mortise.db"));
  // In groups that were made at the same time, as by one commit.
  db.exec(`with recursive many (i) as (select 1 union all select i + 1 from many where i < 1200)
    insert into tasks (id, run, n, process, run_key, name, title, assign, input, form, status, created)
    select 't' || i, run, 1, process, run_key, name, title, assign, input, form, 'open', created + i / 7 from tasks, many`);
  db.close();
  const { engine } = one;
  const tasks = () => engine.tasks({ status: "open", limit: 400 });
  const seen: string[] = [];
  for (let page = tasks(); page.length > 0; page = engine.tasks({ status: "open", limit: 400, after: page.at(-1)! }))
    seen.push(...page.map(({ id }) => id));
  assert.equal(new Set(seen).size, 1201);
  assert.equal(seen.length, 1201);
  assert.equal(engine.openTasks(), 1201);
});
