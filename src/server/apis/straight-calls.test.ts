/** Straight calls of APIs while a system is away, and what is sent twice. */
import assert from "node:assert/strict";
import { Readable } from "node:stream";
import test from "node:test";
import { failure, type MortiseError } from "../../errors.ts";
import type { CallContext, CallResult, Effect } from "../../operation.ts";
import { circuitTable, type GateSettings } from "../../outbound/circuit.ts";
import type { CircuitChange } from "../../outbound/gates.ts";
import { straightCalls, straightPasses } from "./straight-calls.ts";

const refused = () => failure("outbound-connect", { host: "shop", reason: "refused" }, { outcome: "none" });
const reset = () => failure("outbound-reset", { host: "shop", reason: "it was reset" }, { outcome: "unknown" });
const fine: CallResult = { ok: true, output: { id: "b-1" } };
const fault: CallResult = { ok: false, fault: { name: "sold-out", message: "sold out", detail: null } };

interface Sent {
  readonly name: string;
  readonly key: string;
  readonly attempt: number;
}

function shop(settings: Partial<GateSettings> = {}) {
  const own = { failures: 3, pauseMs: 40, maxPauseMs: 40, share: 0, floor: 1000, ...settings };
  const table = circuitTable(new Map([["shop", own]]));
  const changes: CircuitChange[] = [];
  const sent: Sent[] = [];
  /** What the system does next; the last one again and again. */
  const script: (CallResult | (() => MortiseError))[] = [fine];
  const call = straightCalls({
    caller: async ({ name }, _input, { key, attempt }) => {
      sent.push({ name, key, attempt });
      const next = script.length > 1 ? script.shift() : script[0];
      if (typeof next === "function") throw next();
      return next as CallResult;
    },
    circuits: () => table,
    changed: (change) => changes.push(change),
  });
  let count = 0;
  return {
    sent,
    changes,
    will: (...next: typeof script) => script.splice(0, script.length, ...next),
    ask(effect: Effect, input: string = `input ${count}`, ms = 2000) {
      count += 1;
      const context: CallContext = {
        key: `key-${count}`,
        attempt: 1,
        deadline: Date.now() + ms,
        signal: new AbortController().signal,
      };
      return call({ system: "shop", name: "book", effect }, input, context);
    },
  };
}
const code = (wanted: string) => (error: MortiseError) => error.code === wanted;

test("a system that fails again and again is left alone; calls are refused at once, and one looks whether it is back", async () => {
  // Long enough for fifty calls on a busy machine.
  const { ask, will, sent, changes } = shop({ floor: 0, pauseMs: 500, maxPauseMs: 500 });
  will(refused);
  for (let i = 0; i < 3; i++) await assert.rejects(ask("read"), code("outbound-connect"));
  assert.deepEqual(
    changes.map(({ state, system }) => [system, state]),
    [["shop", "open"]],
  );
  for (let i = 0; i < 50; i++)
    await assert.rejects(ask("read"), ({ code, class: kind, outcome, retryAfterMs = 0 }: MortiseError) => {
      assert.deepEqual([code, kind, outcome], ["system-away", "wait", "none"]);
      return retryAfterMs > 0 && retryAfterMs <= 1000;
    });
  assert.equal(sent.length, 3);
  will(fine);
  for (const end = Date.now() + 5000; ; await new Promise((next) => setTimeout(next, 5))) {
    const answer = await ask("read").catch((error: MortiseError) => error);
    if (answer === fine) break;
    assert.ok((answer as MortiseError).code === "system-away" && Date.now() < end, String(answer));
  }
  assert.deepEqual(changes.at(-1)?.state, "closed");
  assert.equal(sent.length, 4, "one looked");
  assert.equal(await ask("read"), fine);
});

test("the same request that fails again and again opens nothing, where the fault may be its own", async () => {
  const { ask, will, changes } = shop({ floor: 0 });
  will(reset);
  for (let i = 0; i < 20; i++) await assert.rejects(ask("read", "the same"), code("outbound-reset"));
  assert.deepEqual(changes, []);
  // One slow statement, which was rolled back each time: the database is there.
  will(() => failure("sql-timeout", { system: "shop", operation: "book" }));
  for (let i = 0; i < 20; i++) await assert.rejects(ask("read", "the same"), code("sql-timeout"));
  assert.deepEqual(changes, []);
});

test("declared faults and refusals are answers", async () => {
  const { ask, will, changes } = shop({ floor: 0 });
  will(fault);
  for (let i = 0; i < 10; i++) assert.equal(await ask("read"), fault);
  will(() => failure("rest-refused", { operation: "shop.book", status: 401, said: "" }));
  for (let i = 0; i < 10; i++) await assert.rejects(ask("read"), code("rest-refused"));
  assert.deepEqual(changes, []);
});

test("what failed for a passing reason is sent once more under the same key, where that is harmless", async () => {
  for (const [effect, how, times] of [
    ["read", reset, 2],
    ["idempotent", reset, 2],
    ["unrepeatable", refused, 2],
    ["unrepeatable", reset, 1],
    ["read", () => failure("rest-refused", { operation: "shop.book", status: 400, said: "" }), 1],
    ["read", () => failure("rest-wait", { operation: "shop.book", status: 429, said: "" }, { retryAfterMs: 1000 }), 1],
  ] as const) {
    const { ask, will, sent } = shop();
    will(how, fine);
    const answer = ask(effect);
    if (times === 2) assert.equal(await answer, fine);
    else await assert.rejects(answer);
    assert.deepEqual(
      sent.map(({ key, attempt }) => `${key} ${attempt}`),
      ["key-1 1", "key-1 2"].slice(0, times),
      `${effect} ${how().code}`,
    );
  }
});

test("it is sent twice at most, within its time, and within the budget of the system", async () => {
  const twice = shop();
  twice.will(reset);
  await assert.rejects(twice.ask("read"), code("outbound-reset"));
  assert.equal(twice.sent.length, 2);
  const late = shop();
  late.will(reset, fine);
  await assert.rejects(late.ask("read", "x", 20), code("outbound-reset"));
  assert.equal(late.sent.length, 1);
  const poor = shop({ floor: 1 });
  poor.will(reset);
  const asked = Array.from({ length: 5 }, (_, at) => assert.rejects(poor.ask("read", `input ${at}`)));
  await Promise.all(asked);
  assert.ok(poor.sent.length <= 7, `${poor.sent.length} for five calls, in two seconds at most`);
});

test("what passes unread obeys the circuit, is sent once, and a caller whose own body breaks is no failure of the system", async () => {
  const table = circuitTable(
    new Map([["shop", { failures: 3, pauseMs: 60_000, maxPauseMs: 60_000, share: 0, floor: 1000 }]]),
  );
  let sent = 0;
  let next: (body: Readable) => MortiseError = reset;
  const pass = straightPasses({
    passer: async (_operation, _input, _context, { body }) => {
      sent += 1;
      const error = next(body?.stream as Readable);
      body?.stream.destroy(error);
      throw error;
    },
    circuits: () => table,
    changed: () => {},
  });
  const ask = (input: string) => {
    const stream = new Readable({ read() {} });
    stream.on("error", () => {});
    const context = { key: input, attempt: 1, deadline: Date.now() + 2000, signal: new AbortController().signal };
    return pass({ system: "shop", name: "put" }, input, context, { body: { stream, type: "text/csv" } });
  };
  next = () => failure("request-timeout", { seconds: 30 });
  for (let i = 0; i < 10; i++) await assert.rejects(ask(`slow ${i}`), code("request-timeout"));
  next = reset;
  for (let i = 0; i < 3; i++) await assert.rejects(ask(`cut ${i}`), code("outbound-reset"));
  assert.equal(sent, 13, "each once");
  await assert.rejects(ask("more"), code("system-away"));
  assert.equal(sent, 13);
});

test("a repeat that surely did nothing does not hide that the first may have had an effect", async () => {
  const { ask, will } = shop();
  will(reset, refused);
  await assert.rejects(ask("idempotent"), ({ code, outcome }: MortiseError) => {
    assert.deepEqual([code, outcome], ["outbound-reset", "unknown"]);
    return true;
  });
});
