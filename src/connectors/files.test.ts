import assert from "node:assert/strict";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { appendFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import type { ContractModel, CsvColumn } from "../contract/model.ts";
import { failure, MortiseError } from "../errors.ts";
import type { Json } from "../operation.ts";
import { matches } from "./csv-file.ts";
import { type FileDelivery, type FileFact, type WatchOptions, watchFolder } from "./files.ts";

const column = (
  property: string,
  as: CsvColumn["as"],
  required: boolean,
  more: Partial<CsvColumn> = {},
): CsvColumn => ({
  titles: [property],
  property,
  as,
  required,
  empty: [""],
  ...more,
});
const model = {
  format: 1,
  name: "carrier",
  operations: {},
  schemas: {},
  events: {
    shipped: {
      name: "shipped",
      payload: {
        type: "object",
        properties: { order: { type: "string", maxLength: 8 }, kg: { type: "string" }, pieces: { type: "integer" } },
        required: ["order"],
        additionalProperties: false,
      },
      binding: {
        protocol: "csv",
        files: "ship-*.csv",
        delimiter: ",",
        quote: '"',
        header: true,
        columns: [
          column("order", "text", true),
          column("kg", "decimal", false),
          column("pieces", "integer", false),
          column("gone", "date", false, { pattern: "d.M.yyyy" }),
        ],
      },
    },
  },
} as unknown as ContractModel;

interface Got {
  readonly event: string;
  readonly payload: Json;
  readonly delivery: FileDelivery;
}

async function fixture(t: TestContext, more: Partial<WatchOptions> = {}) {
  const folder = mkdtempSync(join(tmpdir(), "mortise-files-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const got: Got[] = [];
  const reports: FileFact[] = [];
  const listener = (fact: unknown) => reports.push(fact as FileFact);
  subscribe("mortise:connectors:file", listener);
  t.after(() => unsubscribe("mortise:connectors:file", listener));
  const clock = { now: 0 };
  const open = () =>
    watchFolder({
      folder,
      model,
      everyMs: 0,
      now: () => clock.now,
      deliver(event, payload, delivery) {
        got.push({ event, payload, delivery });
        return Promise.resolve();
      },
      ...more,
    });
  const watcher = await open();
  t.after(() => watcher.stop());
  return {
    folder,
    got,
    reports,
    clock,
    open,
    watcher,
    drop: (name: string, content: string | Uint8Array) => writeFileSync(join(folder, name), content),
    list: (name: string) => readdirSync(join(folder, name)).sort(),
    /** Two looks with the settle time between them. */
    async looks() {
      await watcher.look();
      clock.now += 1_000;
      await watcher.look();
    },
  };
}

test("delivers each row of a settled file, then archives it", async (t) => {
  const { got, drop, looks, list, reports } = await fixture(t);
  drop("ship-1.csv", "order,kg,pieces,extra\nA1,1.500,2,x\nA2,,,\n");
  drop("other.csv", "order\nA3\n");
  drop(".ship-2.csv", "order\nA4\n");
  await looks();
  assert.deepEqual(
    got.map(({ event, payload }) => [event, payload]),
    [
      ["shipped", { order: "A1", kg: "1.500", pieces: 2 }],
      ["shipped", { order: "A2" }],
    ],
  );
  assert.match(got[0]!.delivery.id, /^[0-9a-f]{64}:1$/);
  assert.deepEqual([list("archive"), list("rejected"), list(".claimed")], [["ship-1.csv"], [], []]);
  assert.deepEqual(reports, [
    { system: "carrier", file: "ship-1.csv", outcome: "archived", delivered: 2, rejected: 0 },
  ]);
});

test("a file that still grows is left alone", async (t) => {
  const { got, drop, clock, watcher, folder } = await fixture(t);
  drop("ship-1.csv", "order\nA1\n");
  await watcher.look();
  clock.now += 900;
  await watcher.look();
  assert.equal(got.length, 0, "not settled for a second");
  await appendFile(join(folder, "ship-1.csv"), "A2\n");
  clock.now += 200;
  await watcher.look();
  assert.equal(got.length, 0, "it grew: the time starts again");
  clock.now += 1_000;
  await watcher.look();
  assert.equal(got.length, 2);
});

test("a file that is written to after it was taken is not delivered anew at each look, but once it rests again", async (t) => {
  const got: string[] = [];
  let writing = true;
  const { folder, drop, looks, watcher, clock, list, reports } = await fixture(t, {
    async deliver(_, payload) {
      got.push((payload as { order: string }).order);
      if (writing) await appendFile(join(folder, ".claimed", "ship-1.csv"), `A${got.length + 1}\n`);
    },
  });
  drop("ship-1.csv", "order\nA1\n");
  await looks();
  assert.deepEqual(got, ["A1"]);
  assert.equal(reports.at(-1)?.reason, "it was written to meanwhile");
  for (let look = 0; look < 3; look += 1) {
    clock.now += 900;
    await appendFile(join(folder, ".claimed", "ship-1.csv"), "B1\n");
    await watcher.look();
  }
  assert.deepEqual(got, ["A1"], "its sender is not done");
  writing = false;
  clock.now += 1_000;
  await watcher.look();
  assert.deepEqual(got, ["A1", "A1", "A2", "B1", "B1", "B1"]);
  assert.deepEqual([list("archive"), list(".claimed")], [["ship-1.csv"], []]);
});

test("the same bytes give the same ids, under whatever name, and nothing in the archive is lost", async (t) => {
  const { got, drop, looks, list } = await fixture(t);
  const text = "order\nA1\n";
  drop("ship-1.csv", text);
  await looks();
  drop("ship-1.csv", text);
  await looks();
  drop("ship-1.csv", "order\nB1\n");
  await looks();
  assert.equal(got[0]?.delivery.id, got[1]?.delivery.id);
  assert.notEqual(got[0]?.delivery.id, got[2]?.delivery.id);
  assert.equal(list("archive").length, 3);
});

test("bad rows are set aside with their reasons, good ones are delivered", async (t) => {
  const { got, drop, looks, folder, list, reports } = await fixture(t, {
    deliver: (_event, payload) =>
      (payload as { order: string }).order === "A6"
        ? Promise.reject(failure("run-unknown", { run: "A6" }))
        : Promise.resolve(void got.push({ event: "", payload, delivery: {} as FileDelivery })),
  });
  drop("ship-1.csv", "order,kg,gone\nA1,1,31.1.2026\n,1,\nA3,heavy,\n=A4,1,31.2.2026\nABCDEFGHIJ,1,\nA6,1,\nA7\n");
  await looks();
  assert.deepEqual(
    got.map(({ payload }) => payload),
    [],
  );
  assert.deepEqual(list("archive"), ["ship-1.csv"]);
  const reasons = JSON.parse(readFileSync(join(folder, "rejected/ship-1.csv.reasons.json"), "utf8")) as {
    rows: { row: number; problems: { at: string; message: string }[] }[];
  };
  assert.deepEqual(
    reasons.rows.map(({ row, problems }) => [row, problems[0]?.at, problems[0]?.message.slice(0, 30)]),
    [
      [1, "", 'has the property "gone", which'],
      [2, "/order", "is missing"],
      [3, "/kg", "is not a decimal"],
      [4, "/gone", "is not a date"],
      [5, "/order", "must have at most 8 characters"],
      [6, "", "run-unknown: There is no run A"],
      [7, "", "it has 1 cells, and the header"],
    ],
  );
  assert.equal(
    readFileSync(join(folder, "rejected/ship-1.csv"), "utf8"),
    "order,kg,gone\r\nA1,1,31.1.2026\r\n,1,\r\nA3,heavy,\r\n=A4,1,31.2.2026\r\nABCDEFGHIJ,1,\r\nA6,1,\r\nA7\r\n",
  );
  assert.equal(reports[0]?.rejected, 7);
});

for (const [title, content, reason] of [
  ["a broken structure at its end", 'order\nA1\nA2\n"open', /never closed/],
  ["a required column missing", "kg\n1\n", /order.{2} is missing/],
  ["text that is not UTF-8", Buffer.from([0x6f, 0xff, 0xfe]), /UTF-8/],
  ["nothing in it", "", /no header/],
  ["more bytes than allowed", `order\n${"A1\n".repeat(200)}`, /larger than 500 bytes/],
] as const) {
  test(`a file with ${title} is rejected whole: nothing is delivered`, async (t) => {
    const { got, drop, looks, folder, list } = await fixture(t, { maxFileBytes: 500 });
    drop("ship-1.csv", content);
    await looks();
    assert.deepEqual(got, []);
    assert.deepEqual(list("rejected"), ["ship-1.csv", "ship-1.csv.reasons.json"]);
    assert.deepEqual([list("archive"), list(".claimed")], [[], []]);
    assert.match(readFileSync(join(folder, "rejected/ship-1.csv.reasons.json"), "utf8"), reason);
  });
}

test("what was claimed before a crash is taken up again, with the same ids", async (t) => {
  const { got, folder, open, list } = await fixture(t);
  writeFileSync(join(folder, ".claimed/ship-1.csv"), "order\nA1\nA2\n");
  const again = await open();
  await again.look();
  await again.stop();
  assert.equal(got.length, 2);
  assert.deepEqual([list("archive"), list(".claimed")], [["ship-1.csv"], []]);
});

test("where a row can't be accepted now, the file waits and is tried again", async (t) => {
  let down = true;
  const ids: string[] = [];
  const { drop, looks, watcher, list, reports } = await fixture(t, {
    deliver(_event, _payload, { id, row }) {
      if (down && row === 2) return Promise.reject(failure("store-failed", { reason: "test" }));
      ids.push(id);
      return Promise.resolve();
    },
  });
  drop("ship-1.csv", "order\nA1\nA2\nA3\n");
  await looks();
  assert.deepEqual([list("archive"), list(".claimed")], [[], ["ship-1.csv"]]);
  assert.equal(reports.at(-1)?.outcome, "delayed");
  down = false;
  await watcher.look();
  assert.deepEqual(list("archive"), ["ship-1.csv"]);
  assert.equal(new Set(ids).size, 3);
});

test("links, folders and special names are never opened", async (t) => {
  const { got, folder, looks, reports } = await fixture(t);
  const secret = join(folder, "secret.txt");
  writeFileSync(secret, "order\nA1\n");
  symlinkSync(secret, join(folder, "ship-link.csv"));
  mkdirSync(join(folder, "ship-folder.csv"));
  symlinkSync(secret, join(folder, ".claimed/ship-swapped.csv"));
  await looks();
  assert.deepEqual(got, []);
  assert.ok(existsSync(secret));
  assert.deepEqual(
    reports.filter(({ outcome }) => outcome === "refused").map(({ file }) => file),
    ["ship-folder.csv", "ship-link.csv"],
  );
});

test("stop waits for the file under way", async (t) => {
  const gate = Promise.withResolvers<void>();
  const arrived = Promise.withResolvers<void>();
  const { drop, watcher, clock, list } = await fixture(t, {
    deliver() {
      arrived.resolve();
      return gate.promise;
    },
  });
  drop("ship-1.csv", "order\nA1\n");
  drop("ship-2.csv", "order\nA2\n");
  await watcher.look();
  clock.now += 1_000;
  const looking = watcher.look();
  await arrived.promise;
  const stopped = watcher.stop();
  gate.resolve();
  await Promise.all([looking, stopped]);
  assert.deepEqual(list("archive"), ["ship-1.csv"]);
});

test("stop leaves a file that takes too long; whoever watches next takes it up again, with the same ids", async (t) => {
  const arrived = Promise.withResolvers<void>();
  const ids: string[] = [];
  const { drop, watcher, clock, list, open, reports } = await fixture(t, {
    window: 1,
    async deliver(_event, _payload, { id }) {
      ids.push(id);
      if (ids.length === 3) arrived.resolve();
      await new Promise((resolve) => setImmediate(resolve));
    },
  });
  drop("ship-1.csv", `order\n${"A1\n".repeat(3000)}`);
  await watcher.look();
  clock.now += 1_000;
  const looking = watcher.look();
  await arrived.promise;
  await Promise.all([looking, watcher.stop(0)]);
  const first = ids.splice(0);
  assert.ok(first.length < 3000);
  assert.deepEqual([list("archive"), list(".claimed")], [[], ["ship-1.csv"]]);
  assert.equal(reports.at(-1)?.outcome, "delayed");
  const again = await open();
  await again.look();
  await again.stop();
  assert.deepEqual(ids.slice(0, first.length), first);
  assert.equal(new Set(ids).size, 3000);
  assert.deepEqual([list("archive"), list(".claimed")], [["ship-1.csv"], []]);
});

test("looks by itself", async (t) => {
  const arrived = Promise.withResolvers<Json>();
  const { folder, open } = await fixture(t, {
    everyMs: 10,
    settleMs: 20,
    now: () => performance.now(),
    deliver: (_event, payload) => Promise.resolve(arrived.resolve(payload)),
  });
  const watcher = await open();
  writeFileSync(join(folder, "ship-1.csv"), "order\nA1\n");
  assert.deepEqual(await arrived.promise, { order: "A1" });
  await watcher.stop();
});

test("a folder that can't work is refused at start", async (t) => {
  const { folder } = await fixture(t);
  const refused = (error: unknown) => error instanceof MortiseError && error.code === "files-settings";
  const options = { model, everyMs: 0, deliver: () => Promise.resolve() };
  await assert.rejects(watchFolder({ ...options, folder: join(folder, "nowhere") }), (error: Error) => {
    assert.match(error.message, /there is no folder \S+nowhere, and none is made\. Correct its connection/);
    return refused(error);
  });
  await assert.rejects(watchFolder({ ...options, folder, model: { ...model, events: {} } }), refused);
  const other = join(folder, "sub");
  mkdirSync(other);
  symlinkSync(tmpdir(), join(other, "archive"));
  await assert.rejects(watchFolder({ ...options, folder: other }), refused);
});

test("name patterns", () => {
  assert.ok(matches("ship-1.csv", "ship-*.csv") && matches("a", "a") && matches("a.b.c", "*.*.c") && matches("x", "*"));
  for (const [name, pattern] of [
    ["ship.csv", "ship-*.csv"],
    ["ship-1.csvx", "ship-*.csv"],
    ["ab", "a*b*b"],
    ["aba", "ab*ba"],
  ] as const)
    assert.ok(!matches(name, pattern), `${name} ${pattern}`);
});
