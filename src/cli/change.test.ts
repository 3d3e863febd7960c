import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { type TestContext, test } from "node:test";
import { fileURLToPath } from "node:url";
import { applyChange, changedBy, settle } from "./change.ts";
import { pinnedSystems } from "./pin.ts";

const before = {
  "erp.wsdl": "old wsdl",
  "types/sales.xsd": "old xsd",
  "contract.json": "old json",
  "contract.ts": "old ts",
};
const after = {
  "erp.wsdl": "new wsdl",
  "types/more.xsd": "new xsd",
  "contract.json": "new json",
  "contract.ts": "new ts",
};
const remove = ["types/sales.xsd"];

function system(t: TestContext): { readonly project: string; readonly folder: string } {
  const project = mkdtempSync(join(tmpdir(), "mortise-change-"));
  t.after(() => rmSync(project, { recursive: true, force: true }));
  const folder = join(project, "systems", "erp");
  for (const [path, text] of Object.entries(before)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  return { project, folder };
}

function contents(folder: string): Record<string, string> {
  const files = readdirSync(folder, { recursive: true }) as string[];
  return Object.fromEntries(
    files
      .filter((path) => statSync(join(folder, path)).isFile())
      .sort()
      .map((path) => [path.replaceAll("\\", "/"), readFileSync(join(folder, path), "utf8")]),
  );
}

const change = { write: new Map(Object.entries(after).map(([path, text]) => [path, Buffer.from(text)])), remove };
const sorted = (files: Readonly<Record<string, string>>) => Object.fromEntries(Object.entries(files).sort());

test("a change is all of its files, and says which differ", (t) => {
  const { folder } = system(t);
  assert.deepEqual(changedBy(folder, change).toSorted(), [...Object.keys(after), ...remove].sort());
  applyChange(folder, change);
  assert.deepEqual(contents(folder), sorted(after));
  assert.deepEqual(changedBy(folder, change), []);
});

/** The steps of a change, by their names. */
function steps(t: TestContext): readonly string[] {
  const names: string[] = [];
  applyChange(system(t).folder, change, (name) => void names.push(name));
  return names;
}

test("what fails on the way leaves everything as it was", (t) => {
  const names = steps(t);
  assert.ok(names.length >= 8, names.join());
  for (const name of names.slice(0, -1)) {
    const { folder } = system(t);
    const failing = () =>
      applyChange(folder, change, (at) => {
        if (at === name) throw new Error(`no space left at ${name}`);
      });
    assert.throws(failing, new RegExp(`no space left at ${name}`));
    assert.deepEqual(contents(folder), sorted(before), name);
  }
});

test("a crash at any step leaves the old state to whoever comes next, or the whole new one", (t) => {
  const module = JSON.stringify(fileURLToPath(new URL("./change.ts", import.meta.url)));
  const names = steps(t);
  for (const name of names) {
    const { project, folder } = system(t);
    const script = `import { applyChange } from ${module};
      const write = new Map(Object.entries(${JSON.stringify(after)}).map(([path, text]) => [path, Buffer.from(text)]));
      applyChange(${JSON.stringify(folder)}, { write, remove: ${JSON.stringify(remove)} }, (at) => {
        if (at === ${JSON.stringify(name)}) process.kill(process.pid, "SIGKILL");
      });`;
    const { signal } = spawnSync(process.execPath, ["--input-type=module", "-e", script]);
    assert.equal(signal, "SIGKILL", name);
    // Every command that reads pins comes by here.
    pinnedSystems(project);
    assert.deepEqual(contents(folder), sorted(name === "clean" ? after : before), name);
  }
});

test("taking back may be cut short as well", (t) => {
  const { folder } = system(t);
  const work = join(folder, ".mortise-upgrade");
  mkdirSync(join(work, "old"), { recursive: true });
  writeFileSync(join(work, "old", "contract.ts"), "old ts");
  writeFileSync(join(work, "journal.json"), JSON.stringify({ old: ["contract.ts"], fresh: ["fresh.xsd"] }));
  writeFileSync(join(folder, "contract.ts"), "half");
  writeFileSync(join(folder, "fresh.xsd"), "fresh");
  // A copy of the first attempt lies there still.
  mkdirSync(join(work, "back"));
  writeFileSync(join(work, "back", "contract.ts"), "ol");
  assert.equal(settle(folder), true);
  assert.deepEqual(contents(folder), sorted(before));
  assert.equal(existsSync(work), false);
  assert.equal(settle(folder), false);
});

test("a change that another process is at is left to it", (t) => {
  const { folder } = system(t);
  const work = join(folder, ".mortise-upgrade");
  mkdirSync(work);
  writeFileSync(join(work, "owner"), String(process.ppid));
  assert.equal(settle(folder), false);
  assert.equal(existsSync(work), true);
  utimesSync(join(work, "owner"), new Date(0), new Date(0));
  settle(folder);
  assert.equal(existsSync(work), false);
});

test("a path that leads out of the folder is refused", (t) => {
  const { folder } = system(t);
  assert.throws(
    () => applyChange(folder, { write: new Map([["../other.ts", Buffer.from("")]]), remove: [] }),
    /lies outside/,
  );
  assert.throws(() => applyChange(folder, { write: new Map(), remove: ["../../package.json"] }), /lies outside/);
  assert.deepEqual(contents(folder), sorted(before));
});
