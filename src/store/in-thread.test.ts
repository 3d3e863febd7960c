import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { realClock } from "../clock.ts";
import { storeInThread } from "./in-thread.ts";
import type { StorePart } from "./store.ts";

const part: StorePart = {
  name: "test",
  migrations: ["create table items (id text primary key) strict"],
  commands: ({ db, post, refuse }) => ({
    add: ({ id }: { id: string }) => {
      db.prepare("insert into items (id) values (?)").run(id);
      post("front", { added: id });
    },
    refuse: () => refuse("no"),
  }),
};

function open(db: DatabaseSync, crashes?: (point: "before" | "after") => boolean) {
  const posts: unknown[] = [];
  const store = storeInThread({
    db,
    parts: [part],
    clock: realClock,
    schedule: (_lane, act) => void setImmediate(act),
    onPost: (messages) => posts.push(...messages),
    ...(crashes === undefined ? {} : { crashes }),
  });
  return { store, posts };
}
const add = (id: string) => [{ name: "test.add", parameters: { id } }];
const ids = (db: DatabaseSync) =>
  db
    .prepare("select id from items order by id")
    .all()
    .map(({ id }) => id);
const turns = async () => {
  for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve));
};

test("a store without a thread takes, refuses and posts as the writer thread does", async () => {
  const db = new DatabaseSync(":memory:");
  const { store, posts } = open(db);
  const answers = await Promise.all([
    store.submit(add("a")),
    store.submit([...add("b"), { name: "test.refuse", parameters: null }]),
    store.submit(add("c")),
  ]);
  assert.deepEqual(
    answers.map(({ kind }) => kind),
    ["done", "refused", "done"],
  );
  assert.deepEqual(ids(db), ["a", "c"]);
  assert.deepEqual(posts, [{ added: "a" }, { added: "c" }]);
});

test("a crash before a commit loses the group, one after it loses only the answers", async () => {
  for (const [point, kept] of [
    ["before", []],
    ["after", ["a"]],
  ] as const) {
    const db = new DatabaseSync(":memory:");
    const { store, posts } = open(db, (at) => at === point);
    let answered = false;
    void store.submit(add("a")).then(() => {
      answered = true;
    });
    await turns();
    assert.equal(answered, false, point);
    assert.deepEqual(posts, [], point);
    assert.deepEqual(ids(db), kept, point);
    // What was committed is there for the next life.
    const next = open(db);
    await next.store.submit(add("b"));
    assert.deepEqual(ids(db), [...kept, "b"], point);
  }
});

test("what comes while a group is applied joins it; where that is refused, all of the group but that is written", async () => {
  for (const late of ["add", "refuse"] as const) {
    const db = new DatabaseSync(":memory:");
    const commits: (readonly string[])[] = [];
    const answers: unknown[] = [];
    let send = (_id: string): void => {};
    let times = 0;
    const asking: StorePart = {
      ...part,
      commands: (context) => ({
        ...part.commands(context),
        // As a worker does that is told of a run while its start is being written.
        start: ({ id }: { id: string }) => {
          db.prepare("insert into items (id) values (?)").run(id);
          times += 1;
          if (times === 1) send(`${id}-asked`);
        },
      }),
    };
    const store = storeInThread({
      db,
      parts: [asking],
      clock: realClock,
      schedule: (_lane, act) => void setImmediate(act),
      onPost: () => {},
      crashes: (point, group) => {
        if (point === "after") commits.push(group.map((batch) => String(batch[1])));
        return false;
      },
    });
    const worker = store.attach("worker");
    worker.on("message", (message) => answers.push(...message.answers));
    send = (id) => worker.postMessage([false, [7, `test.${late}`, { id }]]);
    const answer = await store.submit([{ name: "test.start", parameters: { id: "a" } }]);
    await turns();
    assert.equal(answer.kind, "done");
    assert.deepEqual(commits, [["test.start", `test.${late}`]]);
    assert.deepEqual(ids(db), late === "add" ? ["a", "a-asked"] : ["a"]);
    assert.deepEqual(answers, [late === "add" ? 7 : [7, { kind: "refused", by: "test.refuse", answer: "no" }]]);
    assert.equal(times, late === "add" ? 1 : 2, "what was taken back was done again");
  }
});

test("who comes late is taken in twice, and then waits for the next commit: nobody's answer waits for ever", async () => {
  const db = new DatabaseSync(":memory:");
  const commits: number[] = [];
  let port: { postMessage(message: unknown): void } | undefined;
  let sent = 0;
  const chatty: StorePart = {
    ...part,
    commands: (context) => ({
      ...part.commands(context),
      add: ({ id }: { id: string }) => {
        db.prepare("insert into items (id) values (?)").run(id);
        if (sent < 5) port?.postMessage([false, [0, "test.add", { id: `late ${++sent}` }]]);
      },
    }),
  };
  const store = storeInThread({
    db,
    parts: [chatty],
    clock: realClock,
    schedule: (_lane, act) => void setImmediate(act),
    onPost: () => {},
    crashes: (point, group) => {
      if (point === "after") commits.push(group.length);
      return false;
    },
  });
  port = store.attach("worker");
  await store.submit(add("first"));
  await turns();
  assert.deepEqual(commits, [3, 3]);
  assert.equal(ids(db).length, 6);
});
