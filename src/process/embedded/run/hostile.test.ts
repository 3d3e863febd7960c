/** Code that TypeScript would have refused, or that throws what nobody expects: it is told, its run parks, and its worker and the other runs go on. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { AnyProcess } from "../../define.ts";
import { FakeSystem } from "../engine-harness.ts";
import { act, begin, endRigs, open, processOf, restarted } from "../operating-rig.ts";

endRigs();

// biome-ignore lint/suspicious/noExplicitAny: what no compiler lets through
type Untyped = (flow: any) => unknown;
const evil = () => {
  throw new Error("evil");
};
const system = new FakeSystem();
const echo = system.operation("echo", "idempotent", (input) => input);
const event = { kind: "event", system: "carrier", name: "shipped" };

const cases: Readonly<Record<string, readonly [Untyped, RegExp]>> = {
  "throws what throws when it is looked at": [
    () => Promise.reject(new Proxy({}, { get: evil })),
    /can't be put in words/,
  ],
  "throws an error without words": [
    () => Promise.reject(Object.defineProperty(new Error("x"), "message", { get: evil })),
    /can't be put in words/,
  ],
  "throws null": [() => Promise.reject(null), /threw: null/],
  "rejects without a reason": [async (flow) => flow.reject(), /flow\.reject: say why, as text/],
  "has an effect with a slip of the pen": [
    (flow) => flow.step("s", { effect: "unrepeatble" }, () => 1),
    /flow\.step: the effect is "read", "idempotent" or "unrepeatable"; not unrepeatble/,
  ],
  "has no effect": [(flow) => flow.step("s", {}, () => 1), /the effect is .*; not undefined/],
  "calls what is no operation": [(flow) => flow.call({ system: "a", name: "b" }, 1), /takes an operation of a system/],
  "undoes by nothing": [(flow) => flow.call(echo, 1, { undo: { with: () => 1 } }), /undo is \{ call, with \}/],
  "waits for a key that is none": [(flow) => flow.receive(event, { key: 5 }), /the key is text of 1 to 200 characters/],
  "waits for a key that is too long": [
    (flow) => flow.receive(event, { key: "k".repeat(201) }),
    /the key is text of 1 to/,
  ],
  "names a step by nothing": [(flow) => flow.step("", { effect: "read" }, () => 1), /a name is text of 1 to 300/],
  "names a step like a repeated one": [
    (flow) => flow.step("s#2", { effect: "read" }, () => 1),
    /without a number such as #2/,
  ],
  "names a step over two lines": [
    (flow) => flow.step("a\nb", { effect: "read" }, () => 1),
    /without control characters/,
  ],
  "waits for longer than there are dates": [(flow) => flow.sleep("99999999999d"), /36,500 days at most/],
};

for (const [what, [run, told]] of Object.entries(cases)) {
  test(`code that ${what} parks its run, which says so; others go on`, async () => {
    let right = false;
    const mended: AnyProcess["run"] = async (flow) => (right ? "mended" : run(flow));
    const q = processOf((flow) => flow.call(echo, 7), { name: "q" });
    const one = await open({ processes: [processOf(mended), q], system });
    const stopped = await begin(one);
    const { parked } = await one.until(stopped, "parked");
    assert.equal(parked?.code, "process-threw");
    assert.match(parked?.message ?? "", told);
    assert.equal((await one.until(await begin(one, "other", null, "q"), "completed")).output, 7);
    right = true;
    await act(one, stopped, "retry");
    assert.equal((await one.until(stopped, "completed")).output, "mended");
  });
}

test("a process that gives no promise ends with what it gives, and a step that throws what can't be told is a failed step", async () => {
  const plain = processOf((() => 5) as unknown as AnyProcess["run"]);
  const q = processOf(
    (flow) =>
      flow.step("s", { effect: "read", retry: { attempts: 1 } }, () => {
        throw new Proxy({}, { get: evil });
      }),
    { name: "q" },
  );
  const one = await open({ processes: [plain, q], system });
  assert.equal((await one.until(await begin(one), "completed")).output, 5);
  const { parked } = await one.until(await begin(one, "q", null, "q"), "parked");
  assert.equal(parked?.code, "step-attempts");
});

test("an item of a map that throws what can't be told parks its run", async () => {
  const p = processOf((flow) => flow.map([1], () => Promise.reject(new Proxy({}, { get: evil }))));
  const one = await open({ processes: [p], system });
  const { parked } = await one.until(await begin(one), "parked");
  assert.match(parked?.message ?? "", /can't be put in words/);
});

const { rawJSON } = JSON as unknown as { rawJSON(text: string): unknown };
const reversed = () =>
  new Proxy({ "1": 2, b: 1 } as Record<string, unknown>, {
    ownKeys: () => ["b", "1"],
  });

for (const [what, input] of [
  ["a raw number", () => ({ price: rawJSON("1.50") })],
  ["a raw number in a value that stands beside the history", () => ({ n: rawJSON("1.50"), text: "x".repeat(200_000) })],
  ["members in an order of their own", reversed],
] as const) {
  test(`a call with ${what} is known again after a restart`, async () => {
    const waits = processOf(async (flow) => {
      await flow.call(echo, input());
      return flow.receive({ ...event, kind: "event" }, { key: "k" });
    });
    let one = await open({ processes: [waits], system });
    const run = await begin(one);
    await one.until(run, "waiting");
    one = await restarted(one, { processes: [waits], system });
    await one.engine.signal({ system: "carrier", event: "shipped", key: "k", delivery: "1", payload: "here" });
    assert.equal((await one.until(run, "completed", "parked")).output, "here");
  });
}
