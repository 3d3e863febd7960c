import assert from "node:assert/strict";
import { text } from "node:stream/consumers";
import { test } from "node:test";
import { EventStream, eventId } from "./event-stream.ts";

test("who does not read is kept one state, and gets the newest", async () => {
  const stream = new EventStream(1000);
  for (let count = 0; count < 100; count++) stream.state(String(count), String(count));
  stream.finish("final");
  stream.state("late", "late");
  stream.problem("late");
  assert.equal(await text(stream), 'retry: 1000\n\nid: 99\ndata: 99\n\nevent: end\ndata: {"reason":"final"}\n\n');
});

test("who may not listen any more does not get what was still due", async () => {
  const stream = new EventStream(1000);
  stream.state("1", "for its owner");
  stream.problem("{}");
  stream.finish("refused");
  assert.equal(
    await text(stream),
    'retry: 1000\n\nevent: problem\ndata: {}\n\nevent: end\ndata: {"reason":"refused"}\n\n',
  );
  const other = new EventStream(1000);
  other.state("1", "for its owner");
  other.withhold();
  other.leave(2000);
  assert.equal(await text(other), "retry: 1000\n\nretry: 2000\n\n");
});

test("a state after trouble takes the trouble's place; comments don't pile up", async () => {
  const stream = new EventStream(0.5);
  stream.problem("{}");
  stream.state("1", "1");
  for (let count = 0; count < 10; count++) stream.beat();
  stream.leave(1);
  assert.equal(await text(stream), "retry: 1\n\nid: 1\ndata: 1\n\nretry: 1\n\n");
});

test("a state has one name, whoever asks", () => {
  assert.equal(eventId("a"), eventId("a"));
  assert.notEqual(eventId("a"), eventId("b"));
});
