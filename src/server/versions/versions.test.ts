import assert from "node:assert/strict";
import { appendFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { testProject } from "../test-project.ts";
import { listVersions, loadVersion, movedPackages, pinVersion, planVersion, removeVersions } from "./versions.ts";

const files = {
  "package.json": '{"type":"module"}',
  "processes/a.ts": `import { b } from "../lib/b.ts"; export const a = b;`,
  "lib/b.ts": "export const b = 1;",
};

test("the same sources give the same version in any folder, and another source gives another one", (t) => {
  const one = testProject(files);
  const two = testProject({ ...files, "README.md": "not a source", "processes/a.test.ts": "" });
  t.after(one.remove);
  t.after(two.remove);
  const plan = (folder: string) => planVersion({ folder, processFiles: ["processes/a.ts"] });
  const { id } = plan(one.folder);
  assert.match(id, /^[0-9a-f]{32}$/);
  assert.equal(plan(two.folder).id, id);
  appendFileSync(join(two.folder, "lib/b.ts"), "\n");
  assert.notEqual(plan(two.folder).id, id);
});

test("a snapshot keeps the layout, can be pinned twice, and can be imported from", async (t) => {
  const project = testProject(files);
  t.after(project.remove);
  const store = join(project.folder, ".mortise");
  const plan = planVersion({ folder: project.folder, processFiles: ["processes/a.ts"] });
  const version = pinVersion(store, plan);
  assert.deepEqual(pinVersion(store, plan), version);
  assert.deepEqual(listVersions(store), [plan.id]);
  project.write({ "lib/b.ts": "export const b = 2;" });
  const module = (await import(join(version.folder, "processes/a.ts"))) as { a: number };
  assert.equal(module.a, 1);
});

test("a snapshot that was tampered with is refused", (t) => {
  const project = testProject(files);
  t.after(project.remove);
  const store = join(project.folder, ".mortise");
  const { id, folder } = pinVersion(store, planVersion({ folder: project.folder, processFiles: ["processes/a.ts"] }));
  writeFileSync(join(folder, "lib/b.ts"), "export const b = 666;");
  assert.throws(() => loadVersion(store, id), /lib\/b\.ts was changed/);
  const manifest = readFileSync(join(folder, "version.json"), "utf8");
  writeFileSync(join(folder, "version.json"), manifest.replace("lib/b.ts", "lib/c.ts"));
  assert.throws(() => loadVersion(store, id), /its manifest was changed/);
  assert.throws(() => loadVersion(store, "../x"), /its name is none of a version/);
});

test("versions that nothing needs are removed, with what an interrupted pin left", (t) => {
  const project = testProject(files);
  t.after(project.remove);
  const store = join(project.folder, ".mortise");
  const pin = () => pinVersion(store, planVersion({ folder: project.folder, processFiles: ["processes/a.ts"] })).id;
  const old = pin();
  project.write({ "lib/b.ts": "export const b = 3;" });
  const current = pin();
  mkdirSync(join(store, "versions", ".new-abc"));
  assert.deepEqual(removeVersions(store, new Set([old, current])), []);
  assert.equal(existsSync(join(store, "versions", ".new-abc")), false);
  assert.deepEqual(removeVersions(store, new Set([current])), [old]);
  assert.deepEqual(listVersions(store), [current]);
});

test("the locked versions of packages, and of what they need, belong to the version", (t) => {
  const lock = (version: string) =>
    JSON.stringify({
      packages: {
        "": {},
        "node_modules/pack": { version: "1.0.0", dependencies: { inner: "*" } },
        "node_modules/inner": { version },
        "node_modules/other": { version: "9.0.0" },
      },
    });
  const project = testProject({
    ...files,
    "processes/a.ts": `import pack from "pack";`,
    "package-lock.json": lock("2.0.0"),
  });
  t.after(project.remove);
  const plan = () => planVersion({ folder: project.folder, processFiles: ["processes/a.ts"] });
  const before = plan();
  assert.deepEqual(before.manifest.packages, [
    { name: "inner", version: "2.0.0" },
    { name: "pack", version: "1.0.0" },
  ]);
  project.write({ "package-lock.json": lock("2.0.1") });
  assert.notEqual(plan().id, before.id);
  assert.deepEqual(movedPackages(project.folder, before.manifest), [{ name: "inner", was: "2.0.0", is: "2.0.1" }]);
});
