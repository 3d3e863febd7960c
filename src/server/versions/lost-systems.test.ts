import assert from "node:assert/strict";
import { join } from "node:path";
import test from "node:test";
import { testProject } from "../test-project.ts";
import { lostSystems } from "./lost-systems.ts";
import { pinVersion, planVersion } from "./versions.ts";

test("of open runs whose code has a system that is gone is told, and of no others", (t) => {
  const project = testProject({
    "package.json": '{"type":"module"}',
    "systems/erp/index.ts": "export const erp = 1;",
    "systems/shop/index.ts": "export const shop = 1;",
    "processes/a.ts": `import { erp } from "../systems/erp/index.ts"; import { shop } from "../systems/shop/index.ts";
      export const a = [erp, shop];`,
  });
  t.after(project.remove);
  const store = join(project.folder, ".mortise");
  const { id } = pinVersion(store, planVersion({ folder: project.folder, processFiles: ["processes/a.ts"] }));
  const open = [
    { version: id, runs: 2 },
    { version: "0".repeat(32), runs: 1 },
  ];
  const told = (...names: readonly string[]) =>
    lostSystems(store, open, { places: new Map(names.map((name) => [`system ${name}`, `systems/${name}/index.ts`])) });
  assert.deepEqual(told("erp", "shop", "other"), []);
  const [sentence, ...others] = told("shop");
  assert.deepEqual(others, []);
  assert.match(
    sentence ?? "",
    new RegExp(`^2 open runs are on the code version ${id.slice(0, 8)}, which has systems/erp,`),
  );
  assert.match(told()[0] ?? "", /systems\/erp, systems\/shop, and/);
});
