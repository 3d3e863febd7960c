/** Default limits of runs, each one below, at, and one above it, in the engine as it is. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import type { Json } from "../../src/operation.ts";
import { defineProcess } from "../../src/process/define.ts";
import { policyOf } from "../../src/process/embedded/attempts/policy.ts";
import { stored } from "../../src/process/embedded/attempts/probing.ts";
import { anything, FakeSystem, failing, type Rig, remove, rig } from "../../src/process/embedded/engine-harness.ts";
import { largestInline } from "../../src/process/embedded/history/named.ts";
import { configOptions } from "../../src/server/project/config.ts";

const { limits } = configOptions;

/** What `tried` gives one below, at, and one above the limit. */
async function around<T>(limit: number, tried: (n: number) => T | Promise<T>): Promise<T[]> {
  return [await tried(limit - 1), await tried(limit), await tried(limit + 1)];
}
async function withRig(options: Parameters<typeof rig>[0], body: (one: Rig) => Promise<void>): Promise<void> {
  const one = await rig(options);
  try {
    await body(one);
  } finally {
    await one.stop();
    remove(one.folder);
  }
}
const begin = async ({ engine }: Rig, key: string, value: Json): Promise<string> => {
  const answer = await engine.start({ process: "p", key, input: { key, value }, origin: "test" });
  return (answer as { run: string }).run;
};
const keyed = { name: "p", input: anything, key: (input: unknown) => (input as { key: string }).key };
const nested = (levels: number): Json => {
  let value: Json = 1;
  for (let level = 0; level < levels; level += 1) value = [value];
  return value;
};
function rows({ folder }: Rig, sql: string, run: string): Readonly<Record<string, unknown>>[] {
  const db = new DatabaseSync(join(folder, "mortise.db"), { readOnly: true });
  try {
    return db.prepare(sql).all(run);
  } finally {
    db.close();
  }
}

test("limits: a step that fails is tried so often, and no more, before its run parks", async () => {
  const most = policyOf().none.attempts;
  const system = new FakeSystem();
  const act = system.operation("act", "idempotent");
  const process = defineProcess({
    ...keyed,
    retry: { backoff: 1, maxBackoff: 1 },
    run: (flow) => flow.call(act, null),
  });
  await withRig({ processes: [process], system }, async (one) => {
    /** The attempt of this number is the first that works. */
    const tried = async (good: number) => {
      const before = system.received.length;
      system.behave("act", () => {
        if (system.received.length - before < good) throw failing("none");
        return "done";
      });
      const { status, parked } = await one.until(await begin(one, String(good), null), "completed", "parked");
      return [status, parked?.code, system.received.length - before];
    };
    assert.deepEqual(await around(most, tried), [
      ["completed", undefined, most - 1],
      ["completed", undefined, most],
      ["parked", "step-attempts", most],
    ]);
  });
});

test("limits: a value of a run is taken at the limit of its bytes and of its levels, and refused by name above it", async () => {
  const seen: number[] = [];
  const process = defineProcess({
    ...keyed,
    run: async (flow, input) => {
      const { value } = input as { value: { size?: number; levels?: number } | string };
      if (typeof value === "string") return null;
      const made = await flow.step("make", { effect: "read" }, () =>
        value.size === undefined ? nested(value.levels ?? 0) : "x".repeat(value.size - '""'.length),
      );
      seen.push(JSON.stringify(made).length);
      return null;
    },
  });
  const valueLimits = { bytes: limits.valueBytes.default, depth: limits.valueDepth.default };
  await withRig({ processes: [process], valueLimits }, async (one) => {
    const code = (error: { readonly code: string }) => error.code;
    const shell = JSON.stringify({ key: "0000000", value: "" }).length;
    const input = (n: number) =>
      begin(one, String(n).padStart(7, "0"), "x".repeat(n - shell)).then(() => "taken", code);
    assert.deepEqual(await around(valueLimits.bytes, input), ["taken", "taken", "value-too-large"]);
    // The input itself is a level.
    const deep = (n: number) => begin(one, `levels ${n}`, nested(n - 1)).then(() => "taken", code);
    assert.deepEqual(await around(valueLimits.depth, deep), ["taken", "taken", "value-too-deep"]);

    const step = async (key: string, value: Json) => {
      const { status, parked } = await one.until(await begin(one, key, value), "completed", "parked");
      return status === "completed" ? status : parked?.message;
    };
    const bytes = await around(valueLimits.bytes, (size) => step(`step of ${size}`, { size }));
    assert.deepEqual(bytes.slice(0, 2), ["completed", "completed"]);
    assert.match(
      bytes[2] ?? "",
      new RegExp(`${valueLimits.bytes + 1} bytes of JSON; a history takes ${valueLimits.bytes}`),
    );
    const levels = await around(valueLimits.depth, (n) => step(`step of ${n} levels`, { levels: n }));
    assert.deepEqual(levels.slice(0, 2), ["completed", "completed"]);
    assert.match(levels[2] ?? "", new RegExp(`more than ${valueLimits.depth} levels`));
    assert.ok(seen.includes(valueLimits.bytes));
  });
});

test("limits: a value stands in its history up to a size, and beside it above", async () => {
  const process = defineProcess({ ...keyed, run: async () => null });
  await withRig({ processes: [process] }, async (one) => {
    const shell = JSON.stringify({ key: "000000", value: "" }).length;
    const beside = async (n: number) => {
      const run = await begin(one, String(n), "x".repeat(n - shell));
      await one.until(run, "completed");
      return rows(one, "select 1 from stored_values where run = ?", run).length > 0;
    };
    assert.deepEqual(await around(largestInline, beside), [false, false, true]);
  });
});

test("limits: a run parks when its history has as many bytes as it may have", async () => {
  const process = defineProcess({
    ...keyed,
    run: async (flow) => {
      await flow.step("one", { effect: "read" }, () => "r".repeat(1000));
      await flow.step("two", { effect: "read" }, () => null);
      return null;
    },
  });
  const tried = async (historyBytes: number) => {
    let found = { code: "", size: 0 };
    await withRig({ processes: [process], valueLimits: { bytes: 1e6, depth: 100, historyBytes } }, async (one) => {
      const run = await begin(one, "k", null);
      const { status, parked } = await one.until(run, "completed", "parked");
      const history = rows(
        one,
        "select body from history where run = (select number from runs where id = ?) order by seq",
        run,
      );
      const before = history.map(({ body }) => body).join("");
      found = { code: parked?.code ?? status, size: before.indexOf(',{"t":"park"') };
    });
    return found;
  };
  // What it has when the second step is asked for.
  const { size } = await tried(500);
  const codes = await around(size, async (n) => (await tried(2 * size - n)).code);
  assert.deepEqual(
    codes,
    ["completed", "history-full", "history-full"],
    "one byte less than it may have, as many, one more",
  );
});

test("limits: so much is kept of a failure's text", async () => {
  const most = stored(new Error("x".repeat(1_048_576))).message.length;
  const kept = (n: number) => stored(new Error("x".repeat(n))).message.length;
  assert.deepEqual(await around(most, kept), [most - 1, most, most]);
});
