import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { failure } from "../errors.ts";
import { keepHouse } from "./housekeeping.ts";
import { testProject } from "./test-project.ts";
import { takeTurns } from "./turns.ts";
import { createDeployments } from "./versions/deployments.ts";
import { pinVersion, planVersion } from "./versions/versions.ts";

const files = { "package.json": '{"type":"module"}', "processes/a.ts": "export const a = 1;" };
const log = { info() {}, warn() {}, error() {} } as never;

function setUp(t: { after(act: () => void): void }) {
  const project = testProject(files);
  t.after(project.remove);
  const folder = join(project.folder, ".mortise");
  const plan = planVersion({ folder: project.folder, processFiles: ["processes/a.ts"] });
  const inTurn = takeTurns();
  const engine = { version: "none", openVersions: () => [], workerLost() {}, retain: async () => 0 };
  const registered: { id: string; promoted: object; registeredAt: number }[] = [];
  const book = {
    previous: () => undefined,
    list: () => [...registered],
    get: () => undefined,
    async removed(ids: readonly string[]) {
      for (const id of ids)
        registered.splice(
          registered.findIndex((one) => one.id === id),
          1,
        );
    },
  };
  const workers = { state: () => "none" as "none" | "running", retire: async (_: string) => {} };
  const house = keepHouse({
    engine: engine as never,
    workers,
    folder,
    book: book as never,
    history: { atMost: 1, retention: 1, keys: 1 },
    processes: () => new Map(),
    inTurn,
    log,
  });
  t.after(house.close);
  return { project, folder, plan, inTurn, engine, book, registered, workers, house };
}

test("a version that is being deployed is not removed before it is registered, whatever housekeeping is due", async (t) => {
  const { folder, plan, inTurn, engine, house } = setUp(t);
  const tried = Promise.withResolvers<void>();
  const version = pinVersion(folder, plan);
  const deployed = inTurn(async () => {
    await tried.promise;
    engine.version = version.id;
  });
  const tidied = house.removeDrained();
  // Whatever it would do at once is done by then.
  await new Promise((resolve) => setImmediate(resolve));
  assert.ok(existsSync(version.folder));
  tried.resolve();
  await deployed;
  await tidied;
  assert.ok(existsSync(version.folder));
  engine.version = "another";
  await house.removeDrained();
  assert.ok(!existsSync(version.folder));
});

test("a deployment that is refused leaves the version to a rehearsal that uses it", async (t) => {
  const { project, folder, plan, inTurn, engine, book, house } = setUp(t);
  const { deploy } = createDeployments({
    project: { folder: project.folder } as never,
    folder,
    book: book as never,
    engine: engine as never,
    trials: {
      plan: () => plan,
      tried: async () => Promise.reject(failure("version-refused", { problems: "x" })),
    } as never,
    live: {} as never,
    held: house.held,
    serverFiles: () => new Map(),
    inTurn,
    log,
  });
  const refused = () =>
    assert.rejects(deploy({ note: "", promote: false }, {} as never), (error: { code: string }) => {
      assert.equal(error.code, "version-refused");
      return true;
    });
  const { folder: version } = pinVersion(folder, plan);
  const letGo = house.hold(plan.id);
  await refused();
  assert.ok(existsSync(version));
  letGo();
  await refused();
  assert.ok(!existsSync(version));
});

test("a version that runs are moved to while its worker is ended is not removed", async (t) => {
  const { folder, plan, workers, house } = setUp(t);
  const version = pinVersion(folder, plan);
  let letGo = () => {};
  workers.state = () => "running";
  workers.retire = async (id) => {
    letGo = house.hold(id);
  };
  await house.removeDrained();
  assert.ok(existsSync(version.folder));
  letGo();
  workers.state = () => "none";
  await house.removeDrained();
  assert.ok(!existsSync(version.folder));
});

test("a version whose files are gone, and which nothing needs, is no longer listed", async (t) => {
  const { registered, engine, house } = setUp(t);
  for (const id of ["lost", "needed"]) registered.push({ id, promoted: {}, registeredAt: 0 });
  engine.version = "needed";
  await house.removeDrained();
  assert.deepEqual(
    registered.map(({ id }) => id),
    ["needed"],
  );
});
