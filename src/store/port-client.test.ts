import assert from "node:assert/strict";
import { test } from "node:test";
import { asMessagePort, LocalPort } from "./local-channel.ts";
import { portClient } from "./port-client.ts";
import type { ToClient, ToWriter } from "./protocol.ts";

/** A client whose writer is this test, and its ticks. */
function between(onPost: (messages: readonly unknown[]) => void = () => {}) {
  const acts: (() => void)[] = [];
  const { port1, port2 } = LocalPort.pair((_lane, act) => act(), ["to client", "to writer"]);
  const failed: string[] = [];
  const client = portClient(
    asMessagePort(port1),
    onPost,
    (reason) => failed.push(reason),
    (act) => void acts.push(act),
    24,
  );
  const sent: ToWriter[] = [];
  port2.on("message", (message) => sent.push(message as ToWriter));
  return {
    client,
    failed,
    sent,
    tell: (message: ToClient) => port2.postMessage(message),
    end: () => port2.close(),
    /** All that was put off until now. */
    turn: () => {
      for (const act of acts.splice(0)) act();
    },
    waits: () => acts.length > 0,
  };
}
const command = (name: string) => [{ name, parameters: null }];
const names = (sent: readonly ToWriter[]) => sent.map(([more, ...batches]) => [more, batches.length] as const);

test("what the writer answers to many is handed on in portions, and it is told that more follows until the last one is sent", () => {
  const { client, sent, tell, turn, waits } = between();
  const told: number[] = [];
  const broken = (error: Error) => assert.fail(error);
  for (let at = 0; at < 60; at++)
    client.send(
      command("first"),
      () => {
        told.push(at);
        client.send(command("next"), () => {}, broken);
      },
      broken,
    );
  turn();
  assert.deepEqual(names(sent), [[false, 60]]);
  tell({ answers: Array.from({ length: 60 }, (_, at) => at + 1), posts: [] });
  assert.equal(told.length, 24, "the first portion at once");
  while (waits()) turn();
  assert.deepEqual(
    told,
    Array.from({ length: 60 }, (_, at) => at),
  );
  // 24 and 36: a rest of up to half a portion goes with the last.
  assert.deepEqual(names(sent.slice(1)), [
    [true, 24],
    [false, 36],
  ]);
});

test("a writer that was told that more follows is told when nothing does", () => {
  const { client, sent, tell, turn, waits } = between();
  const broken = (error: Error) => assert.fail(error);
  for (let at = 0; at < 60; at++)
    client.send(command("first"), () => at < 10 && client.send(command("next"), () => {}, broken), broken);
  turn();
  tell({ answers: Array.from({ length: 60 }, (_, at) => at + 1), posts: [] });
  while (waits()) turn();
  assert.deepEqual(names(sent.slice(1)), [
    [true, 10],
    [false, 0],
  ]);
});

test("nothing is promised, and nothing sent, where the answers bring nothing on", () => {
  const { client, sent, tell, turn, waits } = between();
  for (let at = 0; at < 60; at++) client.send(command("first"), () => {}, assert.fail);
  turn();
  tell({ answers: Array.from({ length: 60 }, (_, at) => at + 1), posts: [] });
  while (waits()) turn();
  assert.equal(sent.length, 1);
});

test("posts come after the answers of their message and before those of the next, however many there are", () => {
  const seen: string[] = [];
  const { client, tell, turn, waits } = between((messages) => seen.push(...messages.map(String)));
  for (let at = 1; at <= 41; at++) client.send(command("first"), () => seen.push(`answer ${at}`), assert.fail);
  turn();
  const numbers = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, at) => from + at);
  tell({ answers: numbers(1, 40), posts: numbers(1, 40).map((at) => `post ${at}`) });
  tell({ answers: [41], posts: ["post 41"] });
  while (waits()) turn();
  assert.deepEqual(seen, [
    ...numbers(1, 40).map((at) => `answer ${at}`),
    ...numbers(1, 40).map((at) => `post ${at}`),
    "answer 41",
    "post 41",
  ]);
});

test("who waits until all is answered waits for what is not handed on yet too", async () => {
  const posts: unknown[] = [];
  const { client, tell, turn, waits } = between((messages) => posts.push(...messages));
  let idle = false;
  client.send(command("first"), () => {}, assert.fail);
  turn();
  const whenIdle = client.idle().then(() => {
    idle = true;
  });
  tell({ answers: [1], posts: Array.from({ length: 60 }, (_, at) => at) });
  await Promise.resolve();
  assert.equal(idle, false);
  while (waits()) turn();
  await whenIdle;
  assert.equal(posts.length, 60);
});

test("small messages that came while a large one was handed on share their portions", () => {
  const { client, tell, turn, waits } = between();
  const told: unknown[] = [];
  for (let at = 0; at < 96; at++) client.send(command("first"), (answer) => void told.push(answer), assert.fail);
  turn();
  tell({ answers: Array.from({ length: 48 }, (_, at) => at + 1), posts: [] });
  // One by one, as from a writer that has little to do: each for itself would keep the next ones waiting, and whatever they bring on too.
  for (let at = 49; at <= 96; at++) tell({ answers: [at], posts: [] });
  let turns = 0;
  while (waits()) {
    turn();
    turns += 1;
  }
  assert.equal(told.length, 96);
  assert.ok(turns <= 8, `${turns} turns`);
});

test("portions grow while anything is left: the last answer of many comes after few turns", () => {
  const { client, sent, tell, turn, waits } = between();
  const told: number[] = [];
  for (let at = 0; at < 960; at++) client.send(command("first"), () => void told.push(at), assert.fail);
  turn();
  tell({ answers: Array.from({ length: 960 }, (_, at) => at + 1), posts: [] });
  const after: number[] = [told.length];
  while (waits()) {
    turn();
    if (told.length > (after.at(-1) as number)) after.push(told.length);
  }
  assert.deepEqual(after, [24, 72, 168, 360, 744, 960]);
  // And begin small again.
  for (let at = 0; at < 60; at++) client.send(command("first"), () => void told.push(at), assert.fail);
  turn();
  const [, ...batches] = sent.at(-1) as ToWriter;
  tell({ answers: batches.map(([id]) => id), posts: [] });
  assert.equal(told.length, 984);
});

test("what comes of the last portion a little later is sent with the word that nothing follows", async () => {
  const { client, sent, tell, turn, waits } = between();
  const broken = (error: Error) => assert.fail(error);
  for (let at = 0; at < 60; at++)
    client.send(
      command("first"),
      // As whoever awaits a promise.
      () => queueMicrotask(() => client.send(command("next"), () => {}, broken)),
      broken,
    );
  turn();
  tell({ answers: Array.from({ length: 60 }, (_, at) => at + 1), posts: [] });
  do {
    await Promise.resolve();
    turn();
  } while (waits());
  assert.deepEqual(names(sent.slice(1)), [
    [true, 24],
    [false, 36],
  ]);
});

test("what throws in the middle of a portion keeps back nothing but itself", () => {
  const seen: unknown[] = [];
  const { client, tell, turn, waits } = between((messages) => {
    seen.push(...messages);
    if (messages.includes("first")) throw new Error("posts");
  });
  for (let at = 1; at <= 60; at++)
    client.send(
      command("first"),
      () => {
        if (at === 3) throw new Error("answer");
        seen.push(at);
      },
      assert.fail,
    );
  turn();
  assert.throws(() => tell({ answers: Array.from({ length: 60 }, (_, at) => at + 1), posts: ["first"] }), /answer/);
  tell({ answers: [], posts: ["second"] });
  const thrown: string[] = [];
  while (waits())
    try {
      turn();
    } catch (error) {
      thrown.push((error as Error).message);
    }
  assert.deepEqual(thrown, ["posts"]);
  assert.deepEqual(seen, [
    ...Array.from({ length: 60 }, (_, at) => at + 1).filter((at) => at !== 3),
    "first",
    "second",
  ]);
});

for (const how of ["fails", "ends"] as const)
  test(`of a writer that ${how} all is told first that it committed before`, () => {
    const posts: unknown[] = [];
    const { client, failed, tell, end, turn } = between((messages) => posts.push(...messages));
    const told: string[] = [];
    for (let at = 0; at < 61; at++)
      client.send(
        command("first"),
        () => void told.push("done"),
        (error) => void told.push((error as Error & { code: string }).code),
      );
    turn();
    tell({ answers: Array.from({ length: 60 }, (_, at) => at + 1), posts: [1, 2] });
    if (how === "fails") tell({ failed: "the disk is gone" });
    else end();
    assert.deepEqual(told, [...Array.from({ length: 60 }, () => "done"), "store-failed"]);
    assert.deepEqual(posts, [1, 2]);
    assert.deepEqual(failed, [how === "fails" ? "the disk is gone" : "its thread ended"]);
    turn();
    assert.equal(told.length, 61, "and once");
  });
