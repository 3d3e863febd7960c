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
