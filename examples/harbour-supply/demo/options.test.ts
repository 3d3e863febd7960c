/** The options of `npm start`, and the folder that it keeps. */
import assert from "node:assert/strict";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import test from "node:test";
import { folder } from "../simulators/test-bench.ts";
import { readOptions } from "./options.ts";
import { freePort, openPlaces } from "./places.ts";

test("options are read, and what does not fit is said", () => {
  assert.deepEqual(readOptions(["--rate", "2.5", "--orders", "7", "--for", "20s"]), {
    rate: 2.5,
    orders: 7,
    forMs: 20_000,
    faults: false,
    fresh: false,
    anyPort: false,
    folder: undefined,
  });
  assert.equal(readOptions(["-h"]), "help");
  assert.throws(() => readOptions(["--rate", "0"]), /--rate takes/);
  assert.throws(() => readOptions(["--orders", "1.5"]), /--orders takes/);
  assert.throws(() => readOptions(["--for", "20"]), /--for takes/);
  assert.throws(() => readOptions(["--nope"]), TypeError);
});

test("secrets are made once; a fresh start removes our own folder and no other", (t) => {
  const path = join(folder(t), "demo");
  const first = openPlaces(path, false).secret("A");
  assert.equal(openPlaces(path, false).secret("A"), first);
  assert.notEqual(openPlaces(path, true).secret("A"), first);
  const other = folder(t);
  writeFileSync(join(other, "mine.txt"), "");
  assert.throws(() => openPlaces(other, true), /remove it yourself/);
  assert.ok(existsSync(join(other, "mine.txt")));
});

test("a second start on the same folder is refused while the first runs", (t) => {
  const path = join(folder(t), "demo");
  mkdirSync(path);
  writeFileSync(join(path, "running.pid"), `${process.ppid}\n`);
  assert.throws(() => openPlaces(path, true), /running already/);
});

test("a port that is taken is replaced by a free one", async (t) => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => server.close());
  const { port } = server.address() as { port: number };
  const other = await freePort(port);
  assert.notEqual(other, port);
  assert.ok(other > 0);
});
