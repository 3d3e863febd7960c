/** Power cuts at random moments of one recorded run; `npm run crash -- --power 1000` makes more. */
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { chanceOf } from "./chance.ts";
import { whyNoStrace } from "./child.ts";
import { imageAt } from "./image.ts";
import { cutPower, lay, missingIn, record } from "./power.ts";
import type { TraceEvent } from "./trace.ts";

const skip = whyNoStrace() ?? false;
const seed = Date.now() % 1_000_000;
let folder: string;
let events: readonly TraceEvent[] = [];

before(async () => {
  folder = mkdtempSync(join(tmpdir(), "mortise-power-"));
  if (skip === false) events = await record(folder);
});
after(() => rmSync(folder, { recursive: true, force: true }));

test("after a power cut at any moment the database is sound and holds everything acknowledged", { skip }, async (t) => {
  const { images, asked, corrupt, lost } = await cutPower(events, folder, 100, chanceOf(seed));
  t.diagnostic(`seed ${seed}: ${images} images, ${asked} acknowledgements and intents asked for`);
  assert.deepEqual([...corrupt, ...lost], [], `seed ${seed}`);
  assert.ok(asked > images, "the run acknowledges, and the cuts come after acknowledgements");
});

test("control: with every write kept, all of it is there, and what was never acknowledged is missed", { skip }, () => {
  const always = { next: () => 0, below: () => 0 };
  const place = join(folder, "whole");
  mkdirSync(place);
  const file = lay(imageAt(events, events.length, always), place);
  const lines = events.flatMap((event) => (event.kind === "log" ? [event.line] : []));
  assert.ok(lines.length > 100);
  assert.deepEqual(missingIn(file, lines), []);
  const never = [
    { kind: "accepted", what: "start", key: "w-0", run: "never" },
    { kind: "accepted", what: "signal", key: "never", payload: null },
    { kind: "accepted", what: "answer", key: "never", answer: null },
    { kind: "calling", key: "w-0", effect: "never-1" },
  ] as const;
  assert.equal(missingIn(file, never).length, never.length);
});

test("control: a disk that answers an fsync without doing it loses, and the harness sees it", { skip }, async () => {
  const { images, corrupt, lost } = await cutPower(events, folder, 30, chanceOf(seed), { forgets: 100 });
  assert.ok(lost.length + corrupt.length > images / 2, `seed ${seed}: only ${lost.length + corrupt.length} were seen`);
});
