/** What is printed for an order that ends, and the sum at the end. */
import assert from "node:assert/strict";
import test from "node:test";
import type { Line } from "../simulators/ledger.ts";
import { Screen } from "./screen.ts";

let n = 0;
const line = (at: string, entry: Record<string, unknown>): Line => {
  n += 1;
  return { n, at, kind: "", ...entry } as Line;
};
const order = (at: string, id: string, total: string) =>
  line(at, { kind: "order", order: { id, total, currency: "EUR" } });
const status = (at: string, key: string, state: object) =>
  line(at, { kind: "applied", operation: "setOrderStatus", key, state });
const ended = (at: string, id: string, state: string) => line(at, { kind: "ended", id, state });

test("one line for each order that ends after the start; orders from before are marked, ended ones are left out", () => {
  const lines: string[] = [];
  const screen = new Screen("2026-01-01T10:00:00.000Z", false, (text) => lines.push(text));
  for (const one of [
    order("2026-01-01T09:00:00.000Z", "HS-1", "1.00"),
    ended("2026-01-01T09:00:01.000Z", "HS-1", "completed"),
    order("2026-01-01T09:59:59.000Z", "HS-2", "1234567.10"),
    order("2026-01-01T10:00:01.000Z", "HS-3", "10.00"),
    status("2026-01-01T10:00:01.500Z", "HS-3", { status: "refused", reason: "card declined" }),
    ended("2026-01-01T10:00:02.000Z", "HS-3", "rejected"),
    status("2026-01-01T10:00:02.000Z", "HS-2", { status: "paid", salesOrder: "SO-5", tracking: "TW-9" }),
    ended("2026-01-01T10:00:03.000Z", "HS-2", "completed"),
    order("2026-01-01T10:00:04.000Z", "HS-4", "10.00"),
  ]) {
    screen.take(one);
  }
  assert.equal(lines.length, 2);
  assert.match(lines[0] ?? "", /HS-3 +10\.00 EUR {2}refused +1\.0 s {2}card declined$/);
  assert.match(lines[1] ?? "", /HS-2 +1,234,567\.10 EUR {2}paid +4\.0 s {2}SO-5 {2}TW-9 {2}\(from before\)$/);
  assert.equal(lines[0]?.indexOf("EUR"), lines[1]?.indexOf("EUR"), "columns are aligned");
  assert.equal(screen.open, 1);
  assert.deepEqual(screen.summary(), [
    "2 orders ended, 1 of them from before this start",
    "     1  refused: card declined",
    "     1  paid",
    "half of them within 1.0 s, 95 of 100 within 1.0 s",
    "1 order under way; the next start goes on from there",
  ]);
});
