import assert from "node:assert/strict";
import { mkdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { MortiseError } from "../../errors.ts";
import { testProject } from "../test-project.ts";
import { lockStore } from "./lock.ts";

function codeOf(act: () => unknown): string {
  try {
    act();
    return "none";
  } catch (error) {
    assert.ok(error instanceof MortiseError, String(error));
    return error.code;
  }
}

test("a store is held once, and again when it was let go; its folder is its owner's only", (t) => {
  const project = testProject({});
  t.after(project.remove);
  const store = join(project.folder, "deep", "store");
  const unlock = lockStore(store);
  if (process.platform !== "win32") assert.equal(statSync(store).mode & 0o777, 0o700);
  assert.equal(
    codeOf(() => lockStore(store)),
    "store-in-use",
  );
  unlock();
  lockStore(store)();
});

test("a folder that can't be used is not said to be in use", (t) => {
  const project = testProject({ file: "x", "damaged/lock": "no database ".repeat(1000) });
  t.after(project.remove);
  mkdirSync(join(project.folder, "taken", "lock"), { recursive: true });
  writeFileSync(join(project.folder, "other"), "x");
  for (const name of ["file", "damaged", "taken", "other/below"]) {
    assert.equal(
      codeOf(() => lockStore(join(project.folder, name))),
      "store-open",
      name,
    );
  }
});
