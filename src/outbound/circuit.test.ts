/** One circuit as several threads see it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Circuit, circuitTable } from "./circuit.ts";

const settings = { failures: 1, pauseMs: 1000, maxPauseMs: 1000, share: 0.2, floor: 5 };

function threads(count: number) {
  const clock = { now: 1000 };
  const [system] = circuitTable(new Map([["erp", settings]])).systems;
  assert.ok(system);
  const all = Array.from({ length: count }, () => new Circuit(system, () => clock.now));
  assert.equal(all[0]?.failed(1, true, 0, false, 0.5), "opened");
  clock.now += 1000;
  return { clock, all };
}

test("one thread looks; where it does not come back another one does, and then what the first one saw counts no more", () => {
  const { clock, all } = threads(2);
  const [first, second] = all as [Circuit, Circuit];
  assert.deepEqual([first.look(), second.look()], [true, false]);
  clock.now += 90_010;
  assert.deepEqual([second.look(), first.look()], [true, false]);
  // The system told the second one to come again in a minute.
  assert.equal(second.failed(2, true, 60_000, true, 0.5), "still");
  first.sawNothing();
  assert.deepEqual([first.look(), second.look()], [false, false]);
  first.failed(1, true, 0, true, 0.5);
  clock.now += 59_000;
  assert.deepEqual([first.look(), second.look()], [false, false]);
  clock.now += 1000;
  assert.equal(first.look(), true);
  // It takes all the time of its call again, and the second closes the circuit meanwhile.
  clock.now += 90_010;
  assert.equal(second.look(), true);
  assert.equal(second.answered(true), true);
  first.sawNothing();
  assert.equal(second.closed, true);
});

test("what looked and saw nothing lets another look at once; what is answered late closes the circuit all the same", () => {
  const { clock, all } = threads(2);
  const [first, second] = all as [Circuit, Circuit];
  assert.equal(first.look(), true);
  first.sawNothing();
  clock.now += 10;
  assert.equal(second.look(), true);
  clock.now += 90_010;
  assert.equal(first.look(), true);
  assert.equal(second.answered(true), true);
  assert.equal(first.closed, true);
});
