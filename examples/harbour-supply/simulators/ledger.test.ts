/** The ledger: what was appended is there again, and half a line is as if it had never been. */
import assert from "node:assert/strict";
import { appendFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { followLedger, type Line, openLedger, readLedger } from "./ledger.ts";
import { folder, until } from "./test-bench.ts";

test("lines survive, are replayed in order, and a torn last line is cut off", (t) => {
  const file = join(folder(t), "deep", "ledger.jsonl");
  const first = openLedger(file);
  first.append({ kind: "received", key: "a" });
  first.append({ kind: "applied", key: "ä" });
  first.close();
  appendFileSync(file, '{"n":3,"kind":"appl');
  const seen: Line[] = [];
  const second = openLedger(file, (line) => seen.push(line));
  assert.deepEqual(
    seen.map(({ n, kind, key }) => [n, kind, key]),
    [
      [1, "received", "a"],
      [2, "applied", "ä"],
    ],
  );
  assert.equal(second.append({ kind: "received" }).n, 3);
  second.close();
  assert.equal(readLedger(file).length, 3);
});

test("a ledger that grows is followed from its first line, whole lines only", async (t) => {
  const file = join(folder(t), "ledger.jsonl");
  const seen: unknown[] = [];
  const stop = followLedger(file, 5, (line) => seen.push(line.key));
  const ledger = openLedger(file);
  ledger.append({ kind: "received", key: "ä" });
  await until(() => seen.length === 1);
  appendFileSync(file, '{"n":2,"key":"b"');
  stop();
  ledger.close();
  assert.deepEqual(seen, ["ä"]);
});
