/** With a key, the files of the store hold no value of any run in clear; without the right key, nothing is started. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import test from "node:test";
import type { Json } from "../../operation.ts";
import { defineProcess } from "../../process/define.ts";
import { anything, FakeSystem, fault, type Rig, remove, rig } from "../../process/embedded/engine-harness.ts";
import { defineTask } from "../../process/task.ts";
import { openStore } from "../../store/open.ts";
import { createCipher } from "./encryption.ts";
import { checkStoreKeys } from "./store-keys.ts";

const canary = "canary-4111-1111";
const key = () => new Uint8Array(randomBytes(32));
const event = { kind: "event", system: "s", name: "e" } as const;
const form = defineTask({ name: "look", title: "Look", input: anything, answer: anything });
const by = { by: "test", reason: "because" };
const secretOf = (what: string): Json => ({ what, token: `${canary} ${what}` });

function inFiles(folder: string, text: string): string[] {
  return readdirSync(folder).filter((name) => readFileSync(join(folder, name)).includes(text));
}
async function started(one: Rig, input: Json, name = "k"): Promise<string> {
  return ((await one.engine.start({ process: "p", key: name, input, origin: "test" })) as { run: string }).run;
}
const signal = (one: Rig, name: string, payload: Json) =>
  one.engine.signal({ system: "s", event: "e", key: name, delivery: name, payload });

const system = new FakeSystem();
const act = system.operation("act", "idempotent", (input) => ({ echo: input }));
const refuse = system.operation("refuse", "read", () => fault("No", secretOf("fault")));
const lose = system.operation("lose", "unrepeatable", () => {
  throw new Error(`lost ${canary}`);
});
const back = system.operation("back", "idempotent");
const process = defineProcess({
  name: "p",
  input: anything,
  key: () => "k",
  run: async (flow, input) => {
    await flow.call(act, input, { undo: { call: back, with: ({ output }) => output ?? input } });
    await flow.attempt(refuse, secretOf("asked"));
    await flow.step("own", { effect: "read" }, () => `${canary}${"x".repeat(400_000)}`);
    const signal = await flow.receive(event, { key: "c" });
    await flow.task(form, { assign: "x", input: signal });
    const given = await flow.call(lose, secretOf("lose"));
    if (input === null) return given;
    return flow.reject(`not with ${canary}`, given);
  },
});

test("no value of a run stands in the files in clear, whatever it is and however large", async () => {
  const keys = [key()];
  const options = { processes: [process], system, cipher: createCipher(keys) };
  const first = await rig(options);
  const { folder } = first;
  const input = secretOf("input");
  const run = await started(first, input);
  // Kept for nobody yet, and one that comes before it is wanted.
  await signal(first, "nobody", secretOf("kept"));
  await signal(first, "c", secretOf("signal"));
  await first.when(run, () => first.engine.tasks({ status: "open" }).length === 1);
  assert.deepEqual(first.engine.tasks({ status: "open" })[0]?.input, secretOf("signal"));
  assert.deepEqual(inFiles(folder, canary), []);
  await first.stop();

  const second = await rig({ ...options, folder });
  await second.engine.answer(second.engine.tasks({ status: "open" })[0]?.id ?? "", secretOf("answer"), by);
  const parked = await second.until(run, "parked");
  assert.match(parked.parked?.message ?? "", new RegExp(canary));
  assert.match(second.engine.runs({})[0]?.reason ?? "", new RegExp(canary));
  assert.deepEqual(inFiles(folder, canary), []);
  // By an act on many runs, which is kept until it is done, and after.
  await second.engine.bulk({ status: "parked" }, { kind: "happened", result: secretOf("given") }, by, 1);
  const end = await second.until(run, "rejected");
  assert.deepEqual(end.input, input);
  assert.equal(end.failure?.reason, `not with ${canary}`);
  assert.deepEqual(end.failure?.detail, secretOf("given"));
  assert.deepEqual(system.calls("back")[0]?.input, { echo: input });
  assert.equal((await second.engine.settled(run, 1000)).reason, `not with ${canary}`);
  const again = await second.engine.start({ process: "p", key: "k", input, origin: "test" });
  assert.deepEqual(again, { kind: "exists", run, status: "rejected" });
  await assert.rejects(started(second, secretOf("other")), { code: "run-key-conflict" });
  assert.deepEqual(inFiles(folder, canary), []);
  await second.stop();
  assert.deepEqual(inFiles(folder, canary), []);
  remove(folder);
});

test("a new key takes over, and what the old one wrote is read", async () => {
  const [old, fresh] = [key(), key()];
  const first = await rig({ processes: [process], system, cipher: createCipher([old]) });
  const run = await started(first, null);
  await first.until(run, "waiting");
  await first.stop();
  const second = await rig({ processes: [process], system, folder: first.folder, cipher: createCipher([fresh, old]) });
  await signal(second, "c", 1);
  await second.when(run, () => second.engine.tasks({ status: "open" }).length === 1);
  const again = await second.engine.start({ process: "p", key: "k", input: null, origin: "test" });
  assert.equal(again.kind, "exists");
  await second.stop();
  remove(first.folder);
});

for (const [what, harm] of [
  ["damaged", "update history set body = substr(body, 1, 60) || 'AAAA' || substr(body, 65) where seq = 1"],
  ["moved", "update history set body = (select body from history where seq = 0) where seq = 1"],
  ["unreadable from its start", "update history set body = '~nonsense' where seq = 0"],
] as const) {
  test(`a history that is ${what} parks its run, and goes on when it is restored`, async () => {
    const options = { processes: [process], system, cipher: createCipher([key()]) };
    const first = await rig(options);
    const { folder } = first;
    const run = await started(first, null);
    await first.until(run, "waiting");
    await first.stop();
    const db = new DatabaseSync(join(folder, "mortise.db"));
    db.exec(`create table saved as select * from history; ${harm}`);
    db.close();
    const calls = system.received.length;
    const second = await rig({ ...options, folder });
    await signal(second, "c", 1);
    const { parked } = await second.until(run, "parked");
    assert.equal(parked?.code, "process-unreadable");
    assert.deepEqual(
      parked?.answers.map(({ kind }) => kind),
      ["retry", "terminate"],
    );
    // It is asked once, also by another life.
    await second.engine.operate(run, { kind: "retry" }, by);
    await second.when(run, (one) => one.parked !== undefined && one.parked.number > (parked?.number ?? 0));
    await second.stop();
    assert.equal(system.received.length, calls);
    const mended = new DatabaseSync(join(folder, "mortise.db"));
    mended.exec(
      "update history set body = (select body from saved where saved.id = history.id) where id in (select id from saved)",
    );
    mended.close();
    const third = await rig({ ...options, folder });
    await third.engine.operate(run, { kind: "retry" }, by);
    await third.when(run, () => third.engine.tasks({ status: "open" }).length === 1);
    await third.stop();
    remove(folder);
  });
}

const opened = (folder: string) =>
  openStore({
    file: join(folder, "mortise.db"),
    parts: [
      "../../process/embedded/store/store-part.ts",
      "../../publish/store-part.ts",
      "../../publish/lifecycle/store-part.ts",
      "./store-part.ts",
    ].map((part) => new URL(part, import.meta.url).href),
  });

test("a start without the key is refused while anything needs it, and forgets it when nothing does", async () => {
  const [old, fresh] = [key(), key()];
  const cipher = createCipher([old]);
  const first = await rig({ processes: [process], system, cipher });
  const { folder } = first;
  const run = await started(first, null);
  await first.until(run, "waiting");
  await first.engine.operate(run, { kind: "terminate" }, by);
  await first.until(run, "terminated");
  await first.stop();
  const store = await opened(folder);
  try {
    await checkStoreKeys(store, cipher, [old]);
    await checkStoreKeys(store, createCipher([fresh, old]), [fresh, old]);
    const missing = { code: "encryption-key-missing" };
    await assert.rejects(checkStoreKeys(store, undefined, []), missing);
    await assert.rejects(checkStoreKeys(store, createCipher([fresh]), [fresh]), missing);
    const later = Date.now() + 1000;
    const parameters = { process: "p", historyBefore: later, keyBefore: later, rows: 100, bytes: 1e6 };
    await store.submit([
      { name: "process.retain", parameters },
      { name: "process.retain", parameters },
    ]);
    await checkStoreKeys(store, createCipher([fresh]), [fresh]);
    await checkStoreKeys(store, undefined, []);
  } finally {
    await store.close();
    remove(folder);
  }
});

test("a state that a run showed under the old key keeps that key needed, also where its history began anew since", async () => {
  const [old, fresh] = [key(), key()];
  const parts = defineProcess({
    name: "p",
    input: anything,
    key: () => "k",
    async run(flow, part) {
      if (part === 1) flow.state({ step: "first" } as never);
      await flow.receive(event, { key: part === 1 ? "c" : "d" });
      return part === 1 ? flow.continueAs(2 as never) : null;
    },
  });
  const first = await rig({ processes: [parts], system, cipher: createCipher([old]) });
  const { folder } = first;
  const run = await started(first, 1);
  await first.until(run, "waiting");
  await first.stop();
  const second = await rig({ processes: [parts], system, folder, cipher: createCipher([fresh, old]) });
  await signal(second, "c", 1);
  await second.when(run, ({ input, status }) => input === 2 && status === "waiting");
  await second.stop();
  const store = await opened(folder);
  try {
    await checkStoreKeys(store, createCipher([old]), [old]);
    const missing = { code: "encryption-key-missing" };
    await assert.rejects(checkStoreKeys(store, createCipher([fresh]), [fresh]), missing);
  } finally {
    await store.close();
  }
  const third = await rig({ processes: [parts], system, folder, cipher: createCipher([fresh, old]) });
  assert.deepEqual(third.engine.run(run)?.state, { step: "first" });
  await third.stop();
  remove(folder);
});
