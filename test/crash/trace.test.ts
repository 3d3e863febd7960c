import assert from "node:assert/strict";
import { test } from "node:test";
import { imageAt } from "./image.ts";
import { parseTrace } from "./trace.ts";

const hex = (text: string) => [...Buffer.from(text)].map((byte) => `\\x${byte.toString(16).padStart(2, "0")}`).join("");
const fd = (number: number, path: string) => `${number}<${hex(path)}>`;
const trace = [
  `7 pwrite64(${fd(3, "/d/m.db")}, "${hex("abcd")}", 4, 0) = 4`,
  `7 fsync(${fd(3, "/d/m.db")} <unfinished ...>`,
  `9 write(${fd(5, "/d/log")}, "${hex('{"kind":"asking","key":"k"}\n')}", 28) = 28`,
  `7 pwrite64(${fd(3, "/d/m.db-wal")}, "${hex("w")}", 1, 2) = 1`,
  `7 <... fsync resumed>)              = 0`,
  `7 fsync(${fd(4, "/d/m.db-wal")})      = -1 EIO (Input/output error)`,
  `7 pwrite64(${fd(8, "/d/m.db-shm")}, "${hex("s")}", 1, 0) = 1`,
  `7 ftruncate(${fd(3, "/d/m.db")}, 2) = 0`,
  `7 unlink("${hex("/d/m.db-wal")}") = 0`,
  "7 +++ exited with 0 +++",
].join("\n");
const events = parseTrace(trace, ["m.db", "m.db-wal"], "log");

test("a trace becomes writes, truncations, removals, finished fsyncs and acknowledgements, in order", () => {
  assert.deepEqual(events, [
    { kind: "write", file: "m.db", offset: 0, data: Buffer.from("abcd") },
    { kind: "log", line: { kind: "asking", key: "k" } },
    { kind: "write", file: "m.db-wal", offset: 2, data: Buffer.from("w") },
    { kind: "sync", file: "m.db", from: 1 },
    { kind: "truncate", file: "m.db", size: 2 },
    { kind: "remove", file: "m.db-wal" },
  ]);
});

test("an image keeps what an fsync covered, and of the rest what chance leaves", () => {
  const drops = { next: () => 0.99, below: () => 0 };
  const keeps = { next: () => 0, below: () => 0 };
  const files = (cut: number, chance: typeof drops) =>
    Object.fromEntries([...imageAt(events, cut, chance)].map(([name, data]) => [name, data.toString("latin1")]));
  assert.deepEqual(files(1, drops), { "m.db": "" });
  assert.deepEqual(files(4, drops), { "m.db": "abcd", "m.db-wal": "" });
  assert.deepEqual(files(4, keeps), { "m.db": "abcd", "m.db-wal": "\0\0w" });
  assert.deepEqual(files(6, keeps), { "m.db": "ab" });
  assert.deepEqual(Object.fromEntries(imageAt(events, 4, drops, { forgets: 100 })), {
    "m.db": Buffer.alloc(0),
    "m.db-wal": Buffer.alloc(0),
  });
});

test("a torn write ends at a border of 512 bytes of the file", () => {
  const data = Buffer.alloc(2000, 1);
  const write = [{ kind: "write", file: "f", offset: 100, data }] as const;
  const sizes = [0, 1, 2, 3].map((at) => imageAt(write, 1, { next: () => 0.6, below: () => at }).get("f")?.length);
  assert.deepEqual(sizes, [512, 1024, 1536, 2048]);
});
