import assert from "node:assert/strict";
import { channel } from "node:diagnostics_channel";
import test from "node:test";
import { failure } from "../errors.ts";
import { createLog, type Level } from "./log.ts";
import { createRedactor } from "./redact.ts";

function recorded(level: Level = "info") {
  const lines: string[] = [];
  const redactor = createRedactor();
  const log = createLog({ level, redactor, write: (line) => lines.push(line) });
  return { lines, redactor, log };
}

test("a registered secret is in no line, in whatever form it came", (t) => {
  const { lines, redactor, log } = recorded();
  t.after(log.close);
  redactor.register('pass"word/1');
  log.info({ url: "https://x/?p=pass%22word%2F1", nested: { text: 'a pass"word/1 b' } }, 'and pass"word/1');
  log.info({ header: Buffer.from('pass"word/1').toString("base64") }, "x");
  assert.ok(!/pass.{0,3}word/.test(lines.join("")), lines.join(""));
  assert.equal(JSON.parse(lines[0] ?? "").nested.text, "a [secret] b");
});

test("credentials by name, API keys by form, and stacks of our own errors are not written", (t) => {
  const { lines, log } = recorded();
  t.after(log.close);
  const key = `mtz_live_${"a".repeat(12)}_${"b".repeat(43)}_${"c".repeat(6)}`;
  log.warn(
    { Authorization: "Basic abc", token: "t", seen: `the key ${key}`, error: failure("run-unknown", { run: "r1" }) },
    "m",
  );
  const line = JSON.parse(lines[0] ?? "");
  assert.equal(line.Authorization, "[secret]");
  assert.equal(line.token, "[secret]");
  assert.equal(line.seen, "the key [secret]");
  assert.equal(line.error.code, "run-unknown");
  assert.equal(line.error.stack, undefined);
  assert.equal(line.level, "warn");
});

test("one event is one line of bounded length, whatever a caller sends", (t) => {
  const { lines, log } = recorded();
  t.after(log.close);
  let deep: object = {};
  for (let depth = 0; depth < 100_000; depth += 1) deep = { deep };
  const hostile = `a\n{"level":"error"}\r\u0000\u001b[31m\u2028\u2029\u0085\u202e${"x".repeat(10_000)}`;
  log.info({ text: hostile, deep, list: Array.from({ length: 1000 }, () => 1) }, hostile);
  assert.equal(lines.length, 1);
  assert.equal(lines[0]?.split(/[\n\r\u2028\u2029\u0085]/).filter((part) => part !== "").length, 1);
  assert.ok(!/[\p{Cc}\u202e]/u.test(lines[0]?.trimEnd() ?? ""));
  assert.ok((lines[0]?.length ?? 0) < 10_000);
  assert.ok(JSON.parse(lines[0] ?? "").text.startsWith('a\n{"level":"error"}'));
});

test("attack 37: a line has 16 KiB at most, in bytes as they are written; what comes first and the message stay", (t) => {
  const { lines, log } = recorded();
  t.after(log.close);
  const wide = Object.fromEntries(Array.from({ length: 40 }, (_, n) => [`f${n}`, "\u2028".repeat(2000)]));
  log.info({ channel: "first", ...wide, last: 1 }, "m");
  log.info({ a: Array.from({ length: 50 }, () => "x".repeat(2000)) }, "y".repeat(2000));
  // At the limit, one under it and one over it.
  const around = (size: number) => {
    const texts = Array.from({ length: 8 }, () => "x".repeat(2000));
    log.info({ texts }, "");
    const rest = size - Buffer.byteLength(lines.pop() ?? "");
    log.info({ texts }, "z".repeat(rest));
    return lines.pop() ?? "";
  };
  for (const size of [16_383, 16_384]) assert.equal(Buffer.byteLength(around(size)), size);
  assert.deepEqual(JSON.parse(around(16_385)).texts, "[cut]");
  for (const line of lines) assert.ok(Buffer.byteLength(line) <= 16_384, String(line.length));
  const [first, second] = lines.map((line) => JSON.parse(line));
  assert.deepEqual(
    [first.channel, first.f0, first.f1, first.f2, first.last, first.msg],
    ["first", "\u2028".repeat(2000), "[cut]", "[cut]", 1, "m"],
  );
  assert.deepEqual([second.a, second.msg.length], ["[cut]", 2000]);
});

test("what the rooms publish becomes lines, with plain values only", (t) => {
  const { lines, log } = recorded();
  t.after(log.close);
  channel("mortise:process:run").publish({
    run: "r1",
    process: "p",
    status: "parked",
    reason: "asks",
    input: { card: "4111" },
  });
  channel("mortise:process:run").publish({ kind: "started", run: "r1", process: "p", status: "running" });
  channel("mortise:publish:request").publish({ api: "orders", status: 202, durationMs: 3 });
  assert.deepEqual(
    lines.map((line) => {
      const { level, msg } = JSON.parse(line);
      return `${level} ${msg}`;
    }),
    ["warn run parked", "info request"],
  );
  assert.ok(!lines.join("").includes("4111"));
  log.close();
  channel("mortise:publish:request").publish({ api: "orders", status: 202 });
  assert.equal(lines.length, 2);
});

test("a request's line has the same members, whether it is written by hand or by the general way, and hides the same", (t) => {
  const { lines, redactor, log } = recorded();
  t.after(log.close);
  redactor.register("hidden-consumer");
  const fact = { request: "r-1", method: "GET", api: "orders", version: "1.0.0", operation: "getOrder" };
  const told = (more: object) => channel("mortise:publish:request").publish({ ...fact, ...more });
  told({ consumer: "shop", status: 200, code: undefined, durationMs: 1.23456 });
  // A quote, a letter beyond ASCII: not by hand.
  told({ consumer: 'a "shop"\u2028é', status: 404, code: "route-unknown", durationMs: 1.23456 });
  told({ consumer: "hidden-consumer", status: 500, code: undefined, durationMs: 2 });
  const [plain, odd, secret] = lines.map((line) => JSON.parse(line));
  const { time, ...members } = plain;
  assert.ok(Math.abs(Date.parse(time) - Date.now()) < 60_000);
  assert.deepEqual(members, {
    level: "info",
    channel: "publish:request",
    ...fact,
    consumer: "shop",
    status: 200,
    durationMs: 1.235,
    msg: "request",
  });
  assert.deepEqual(Object.keys(odd).sort(), [...Object.keys(plain), "code"].sort());
  assert.equal(odd.consumer, 'a "shop"\u2028é');
  assert.ok(!/\u2028/.test(lines[1] ?? ""));
  assert.deepEqual([secret.level, secret.consumer], ["error", "[secret]"]);
});

test("what is said after the end is lost, and breaks nothing", () => {
  const log = createLog({ level: "silent", redactor: createRedactor() });
  const loud = createLog({ level: "error", redactor: createRedactor() });
  log.close();
  loud.close();
  loud.error({ reason: "its thread ended" }, "the store failed");
  loud.flush();
});
