import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { realClock } from "../clock.ts";
import type { ToWriter } from "./protocol.ts";
import type { StorePart } from "./store.ts";
import { type ClientPort, createWriter } from "./writer.ts";

const part: StorePart = {
  name: "test",
  migrations: ["create table items (id text primary key) strict"],
  commands: ({ db }) => {
    const insert = db.prepare("insert into items (id) values (?)");
    return { add: (id: string) => void insert.run(id) };
  },
};

/** A writer with a port whose messages `receive` gives, and maybe another one; `commits` has the size of each group. */
function open(patienceMs: number, receive: () => ToWriter | undefined, other?: () => ToWriter | undefined) {
  const commits: number[] = [];
  let come = (_message: ToWriter): void => {};
  let run = (): void => {};
  const writer = createWriter({
    db: new DatabaseSync(":memory:"),
    clock: {
      ...realClock,
      soon: (act) => {
        run = act;
      },
    },
    checkpointPages: Number.POSITIVE_INFINITY,
    patienceMs,
    tell: () => {},
    crashes: (point, group) => {
      if (point === "after") commits.push(group.length);
      return false;
    },
  });
  writer.open([part]);
  const port: ClientPort = {
    receive,
    listen: (came) => {
      come = came;
    },
    send: () => {},
    close: () => {},
  };
  if (other !== undefined) writer.attach("other", { ...port, receive: other, listen: () => {} });
  writer.attach("worker", port);
  return {
    commits,
    come: (message: ToWriter) => {
      come(message);
      run();
    },
  };
}
const add = (id: string) => [0, "test.add", id] as const;

test("a group waits for what a client said would follow at once", () => {
  let looks = 0;
  const { commits, come } = open(60_000, () => (++looks === 50 ? [false, add("b"), add("c")] : undefined));
  come([true, add("a")]);
  assert.deepEqual(commits, [3]);
});

test("a client that does not keep its word is waited for once, and not for ever", () => {
  let looks = 0;
  const { commits, come } = open(5, () => {
    looks += 1;
    return undefined;
  });
  come([true, add("a")]);
  assert.deepEqual(commits, [1]);
  const first = looks;
  come([false, add("b")]);
  assert.deepEqual(commits, [1, 1]);
  assert.ok(looks - first < 10, `${looks - first} looks for what nobody has promised`);
});

test("a client that does not keep its word keeps nobody's answer back because others have always more", () => {
  let next = 0;
  let given = false;
  const until = performance.now() + 300;
  // Each look finds one more.
  const other = (): ToWriter | undefined => {
    given = !given && performance.now() < until;
    return given ? [false, add(`other ${next++}`)] : undefined;
  };
  const { commits, come } = open(5, () => undefined, other);
  come([true, add("a")]);
  assert.ok(commits.length > 10, `${next} batches in ${commits.length} commits`);
});

test("a group is not much larger than the largest one, also where a client has always more", () => {
  let next = 0;
  let given = false;
  const receive = (): ToWriter | undefined => {
    given = !given && next < 10_000;
    return given ? [next < 9999, add(`more ${next++}`)] : undefined;
  };
  const { commits, come } = open(60_000, receive);
  come([true, add("a")]);
  assert.ok(Math.max(...commits) < 2500, String(commits));
});
