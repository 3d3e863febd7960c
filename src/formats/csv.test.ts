import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { MortiseError } from "../errors.ts";
import { type CsvReading, type CsvRow, csvLine, csvRows } from "./csv.ts";

async function rows(text: string | Uint8Array, options?: CsvReading): Promise<CsvRow[]> {
  const bytes = typeof text === "string" ? Buffer.from(text) : text;
  // Small pieces, so that characters and rows are cut in the middle.
  const pieces = Array.from({ length: Math.ceil(bytes.length / 7) }, (_, i) => bytes.subarray(i * 7, i * 7 + 7));
  return collect(csvRows(pieces, options));
}

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const item of items) list.push(item);
  return list;
}

function unreadable(reason: RegExp) {
  return (error: unknown) => {
    assert.ok(error instanceof MortiseError, String(error));
    assert.equal(error.code, "csv-unreadable");
    assert.match(error.message, reason);
    return true;
  };
}

test("reads rows by the header's names, with quotes, line breaks and a byte order mark", async () => {
  const [first, second] = await rows('\uFEFFsku,name\r\nA-1,"Bolt, 5""\nlong"\r\n\r\nÄ-2,Schräube\r\n');
  assert.deepEqual({ ...first?.record }, { sku: "A-1", name: 'Bolt, 5"\nlong' });
  assert.deepEqual({ ...second?.record }, { sku: "Ä-2", name: "Schräube" });
  assert.deepEqual([second?.row, second?.line], [2, 5]);
});

test("reads without a header, and with another delimiter", async () => {
  const read = await rows("a;b\nc;d\n", { delimiter: ";", header: false });
  assert.deepEqual(
    read.map(({ cells }) => cells),
    [
      ["a", "b"],
      ["c", "d"],
    ],
  );
});

test("a column may be called __proto__ without harm", async () => {
  const [row] = await rows("__proto__,constructor\nx,y\n");
  assert.equal(Object.getPrototypeOf(row?.record), null);
  assert.deepEqual(Object.entries(row?.record ?? {}), [
    ["__proto__", "x"],
    ["constructor", "y"],
  ]);
  assert.equal(({} as Record<string, unknown>).x, undefined);
});

test("what is wrong with one row is said of that row, and the others are read", async () => {
  const read = await rows(`a,b\n1,2\n1\n1,2,3\n${"x".repeat(20)},2\n3,4\n`, { limits: { cell: 10 } });
  assert.deepEqual(
    read.map(({ problem }) => problem),
    [
      undefined,
      "it has 1 cells, and the header has 2 columns",
      "it has 3 cells, and the header has 2 columns",
      "cell 1 has more than 10 characters",
      undefined,
    ],
  );
});

test("lost structure ends the reading, and the error holds none of the text", async () => {
  await assert.rejects(rows('a,b\n1,"open'), unreadable(/never closed/));
  await assert.rejects(rows('a,b\n1,"x"secret\n'), unreadable(/follows a closing quote/));
  await assert.rejects(
    rows(`a,b\n1,${"x".repeat(200)}`, { limits: { row: 100 } }),
    unreadable(/longer than the limit/),
  );
  await assert.rejects(rows(Buffer.from([0x61, 0x0a, 0xff, 0xfe, 0x0a])), unreadable(/not UTF-8/));
  await assert.rejects(rows(""), unreadable(/no header/));
  await assert.rejects(rows("a,a\n1,2\n"), unreadable(/twice/));
  await assert.rejects(rows("a,,b\n1,2,3\n"), unreadable(/no name/));
  await assert.rejects(rows("a,b,c\n", { limits: { columns: 2 } }), unreadable(/more than 2 columns/));
  await rows('a,b\n1,"x"secret\n').catch((error: Error) => {
    assert.ok(!error.message.includes("secret"));
    assert.equal(error.cause, undefined);
  });
});

test("an error of the source is passed on as it is", async () => {
  async function* broken() {
    yield Buffer.from("a\n1\n");
    await Promise.resolve();
    throw new Error("disk gone");
  }
  await assert.rejects(collect(csvRows(broken())), /disk gone/);
});

test("writes what a spreadsheet can't take for a formula", () => {
  assert.equal(csvLine(["=1+1", "+x", "-x", "@x", "\tx"]), "'=1+1,'+x,'-x,'@x,'\tx\r\n");
  assert.equal(csvLine(["-5", "+5.25", -5, null, true, ""]), "-5,+5.25,-5,,true,\r\n");
  assert.equal(csvLine(["=1", 'a"b', "a,b", "a\nb"], { formulas: "keep" }), '=1,"a""b","a,b","a\nb"\r\n');
  assert.equal(csvLine(["\r=1"]), '"\'\r=1"\r\n');
});

test("whatever is written is read back", async () => {
  const cell = fc.string({ unit: "grapheme" }).filter((value) => value.isWellFormed());
  await fc.assert(
    fc.asyncProperty(fc.array(cell, { minLength: 2, maxLength: 5 }), async (cells) => {
      const [row] = await rows(csvLine(["x", ...cells], { formulas: "keep" }), { header: false });
      assert.deepEqual(row?.cells, ["x", ...cells]);
    }),
    { numRuns: 200 },
  );
});
