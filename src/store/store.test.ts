import assert from "node:assert/strict";
import {
  closeSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { type OpenedStore, openStore } from "./open.ts";
import { portClient } from "./port-client.ts";

/** A part with a table, written as a module of its own: the writer thread imports it. */
const part = (migrations: readonly string[]) => `
export const storePart = {
  name: "test",
  migrations: ${JSON.stringify(migrations)},
  commands({ db, post, refuse }) {
    const insert = db.prepare("insert into items (id, body) values (?, ?)");
    return {
      add: ({ id, body }) => { insert.run(id, body); return id; },
      addAndPost: ({ id, to }) => { insert.run(id, ""); post(to, { id }); },
      refuse: (answer) => refuse(answer),
      fail: () => { db.exec("insert into no_such_table values (1)"); },
      cap: (pages) => { db.exec("pragma max_page_count = " + pages); },
    };
  },
};
`;
const table = "create table items (id text primary key, body text) strict";

async function withStore(
  body: (store: OpenedStore, folder: string, posts: unknown[]) => Promise<void>,
  migrations: readonly string[] = [table],
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "mortise-store-"));
  const posts: unknown[] = [];
  try {
    const store = await open(folder, migrations, (messages) => posts.push(...messages));
    try {
      await body(store, folder, posts);
    } finally {
      await store.close();
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function open(
  folder: string,
  migrations: readonly string[],
  onPost: (messages: readonly unknown[]) => void = () => {},
  onFull: (full: boolean) => void = () => {},
): Promise<OpenedStore> {
  const module = join(folder, `part-${migrations.length}.mjs`);
  writeFileSync(module, part(migrations));
  return openStore({ file: join(folder, "data", "store.db"), parts: [pathToFileURL(module).href], onPost, onFull });
}

const add = (id: string, body = "") => ({ name: "test.add", parameters: { id, body } });
const ids = (store: OpenedStore) =>
  store.read
    .prepare("select id from items order by id")
    .all()
    .map(({ id }) => id);

test("a batch is done when its promise resolves, and readers see it", async () => {
  await withStore(async (store) => {
    assert.deepEqual(await store.submit([add("a"), add("b")]), { kind: "done", answers: ["a", "b"] });
    assert.deepEqual(ids(store), ["a", "b"]);
  });
});

test("the database is in WAL mode", async () => {
  await withStore(async (store) => {
    assert.equal(store.read.prepare("pragma journal_mode").get()?.journal_mode, "wal");
  });
});

test("a lock that another connection has for a moment is waited for, and no failure of the store", async () => {
  const failures: string[] = [];
  await withStore(async (store) => {
    const other = new DatabaseSync(store.file);
    // The lock that a reader takes, too, where it looks whether the journal's index is damaged.
    other.exec("begin immediate");
    const sent = store.submit([add("a")]).catch((error: Error) => failures.push(error.message));
    // Long enough for the writer to come to it.
    await new Promise((resolve) => setTimeout(resolve, 100));
    assert.deepEqual(ids(store), []);
    other.exec("rollback");
    other.close();
    await sent;
    assert.deepEqual(failures, []);
    assert.deepEqual(ids(store), ["a"]);
  });
});

test("a refused batch leaves nothing behind, and its neighbours are done", async () => {
  await withStore(async (store) => {
    const answers = await Promise.all([
      store.submit([add("a")]),
      store.submit([add("b"), { name: "test.refuse", parameters: { taken: "b" } }, add("c")]),
      store.submit([add("d")]),
    ]);
    assert.deepEqual(
      answers.map(({ kind }) => kind),
      ["done", "refused", "done"],
    );
    assert.deepEqual(answers[1], { kind: "refused", by: "test.refuse", answer: { taken: "b" } });
    assert.deepEqual(ids(store), ["a", "d"]);
  });
});

test("a batch with a broken command rejects, and its neighbours are done", async () => {
  await withStore(async (store) => {
    const [good, bad, twice] = await Promise.allSettled([
      store.submit([add("a")]),
      store.submit([add("b"), { name: "test.fail", parameters: null }]),
      store.submit([add("a")]),
    ]);
    assert.equal(good.status, "fulfilled");
    assert.equal(bad.status, "rejected");
    assert.equal(twice.status, "rejected");
    await assert.rejects(store.submit([{ name: "test.unknown", parameters: null }]), { code: "internal" });
    assert.deepEqual(ids(store), ["a"]);
  });
});

test("posts leave after the commit, and never from a batch that was rolled back", async () => {
  await withStore(async (store, _folder, posts) => {
    await store.submit([{ name: "test.addAndPost", parameters: { id: "a", to: "front" } }]);
    await store.submit([
      { name: "test.addAndPost", parameters: { id: "b", to: "front" } },
      { name: "test.refuse", parameters: null },
    ]);
    await store.submit([add("c")]);
    assert.deepEqual(posts, [{ id: "a" }]);
  });
});

test("another port has its own order, and gets its own posts", async () => {
  await withStore(async (store, _folder, posts) => {
    const got: unknown[] = [];
    const client = portClient(store.attach("worker"), (messages) => got.push(...messages));
    const answers = await Promise.all(
      Array.from({ length: 100 }, (_, index) => client.submit([add(`w${String(index).padStart(3, "0")}`)])),
    );
    assert.equal(answers.length, 100);
    await client.submit([{ name: "test.addAndPost", parameters: { id: "x", to: "worker" } }]);
    assert.deepEqual(got, [{ id: "x" }]);
    assert.deepEqual(posts, []);
    client.close();
  });
});

test("migrations run once, in order; a newer database is refused", async () => {
  await withStore(async (store, folder) => {
    await store.submit([add("kept")]);
    await store.close();
    const more = [table, "alter table items add column extra text"];
    const second = await open(folder, more);
    assert.deepEqual(ids(second), ["kept"]);
    assert.equal(second.read.prepare("select count(*) as n from mortise_schema").get()?.n, 2);
    assert.equal(second.installation, store.installation);
    await second.close();
    await assert.rejects(open(folder, [table]), { code: "store-newer" });
  });
});

test("a database that other text of a migration made is refused", async () => {
  await withStore(async (store, folder) => {
    await store.close();
    await assert.rejects(open(folder, [`${table} -- edited`, "select 1"]), { code: "store-changed" });
    await (await open(folder, [table])).close();
  });
});

for (const [what, harm] of Object.entries({
  "whose head was overwritten": (file: string) => overwrite(file, 0, Buffer.from("garbage")),
  "whose first page was overwritten": (file: string) => overwrite(file, 100, Buffer.alloc(2000, 0xff)),
  "that was cut in the middle": (file: string) => truncateSync(file, Math.floor(statSync(file).size / 8192) * 4096),
})) {
  test(`row 7: a database ${what} is not opened, and nothing is written to it`, async () => {
    await withStore(async (store, folder) => {
      await store.submit(Array.from({ length: 50 }, (_, number) => add(`d${number}`, "x".repeat(1000))));
      await store.close();
      const file = join(folder, "data", "store.db");
      harm(file);
      const before = readFileSync(file);
      await assert.rejects(open(folder, [table]), { code: "store-open", message: /not a database|malformed/ });
      assert.deepEqual(readFileSync(file), before);
    });
  });
}

function overwrite(file: string, at: number, bytes: Buffer): void {
  const descriptor = openSync(file, "r+");
  writeSync(descriptor, bytes, 0, bytes.length, at);
  closeSync(descriptor);
}

test("a migration that fails changes nothing", async () => {
  await withStore(async (store, folder) => {
    await store.close();
    await assert.rejects(open(folder, [table, "create table more (id text) strict", "no sql"]), { code: "store-open" });
    const db = new DatabaseSync(join(folder, "data", "store.db"), { readOnly: true });
    assert.equal(db.prepare("select count(*) as n from sqlite_master where name = 'more'").get()?.n, 0);
    db.close();
  });
});

test("what was submitted before the close is done, however much it is", async () => {
  await withStore(async (store, folder) => {
    const many = Array.from({ length: 4500 }, (_, index) => store.submit([add(`m${String(index).padStart(5, "0")}`)]));
    await store.close();
    const settled = await Promise.allSettled(many);
    assert.ok(settled.every(({ status }) => status === "fulfilled"));
    const again = await open(folder, [table]);
    assert.equal(ids(again).length, many.length);
    await again.close();
  });
});

test("a store that was closed is one file", async () => {
  await withStore(async (store, folder) => {
    await store.submit([add("a")]);
    await store.close();
    assert.deepEqual(readdirSync(join(folder, "data")), ["store.db"]);
  });
});

test("after it was closed the store takes nothing more", async () => {
  await withStore(async (store) => {
    await store.close();
    await assert.rejects(store.submit([add("late")]), { code: "store-failed" });
  });
});

test("row 6: on a full disk the front is refused and reads go on; what workers sent waits in its order; then all goes on", async () => {
  const folder = mkdtempSync(join(tmpdir(), "mortise-store-"));
  const told: boolean[] = [];
  let hear: (() => void) | undefined;
  const store = await open(
    folder,
    [table],
    () => {},
    (full) => {
      told.push(full);
      hear?.();
    },
  );
  const full = () =>
    new Promise<void>((resolve) => {
      hear = () => told.includes(true) && resolve();
      hear();
    });
  try {
    const worker = portClient(store.attach("worker"), () => {});
    const large = "x".repeat(200_000);
    await store.submit([add("acknowledged", large)]);
    // SQLite answers SQLITE_FULL at this size, as it does where the disk has no more space.
    await store.submit([{ name: "test.cap", parameters: 60 }]);
    const kept = ["w1", "w2", "w3"].map((id) => worker.submit([add(id, large)]));
    await full();
    const refused = { code: "store-full", class: "wait", status: 503, outcome: "none" };
    await assert.rejects(store.submit([add("f1", large)]), refused);
    assert.deepEqual(ids(store), ["acknowledged"]);
    let room = false;
    while (!room) {
      // Refused like everything else, until the writer looks again.
      room = await store.submit([{ name: "test.cap", parameters: 1_000_000 }]).then(
        () => true,
        () => false,
      );
      await new Promise((resolve) => setImmediate(resolve));
    }
    assert.deepEqual(
      await Promise.all(kept),
      ["w1", "w2", "w3"].map((id) => ({ kind: "done", answers: [id] })),
    );
    await store.submit([add("f2")]);
    assert.deepEqual(ids(store), ["acknowledged", "f2", "w1", "w2", "w3"]);
    const { rowid } = store.read
      .prepare("select group_concat(id) as rowid from (select id from items order by rowid)")
      .get() as never;
    assert.equal(rowid, "acknowledged,w1,w2,w3,f2");
    assert.equal(told.at(-1), false);
    worker.close();
  } finally {
    await store.close();
    rmSync(folder, { recursive: true, force: true });
  }
});

test("a store that is closed on a full disk ends, and has everything that was acknowledged", async () => {
  const folder = mkdtempSync(join(tmpdir(), "mortise-store-"));
  try {
    const store = await open(folder, [table]);
    const worker = portClient(store.attach("worker"), () => {});
    await store.submit([add("acknowledged"), { name: "test.cap", parameters: 10 }]);
    const lost = assert.rejects(worker.submit([add("w", "x".repeat(200_000))]), { code: "store-failed" });
    await assert.rejects(store.submit([add("f", "x".repeat(200_000))]), { code: "store-full" });
    await store.close();
    await lost;
    const again = await open(folder, [table]);
    assert.deepEqual(ids(again), ["acknowledged"]);
    await again.close();
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
