import assert from "node:assert/strict";
import { mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { testProject } from "../test-project.ts";
import { files, place, send, setUp, until } from "../versions/test-versions.ts";
import { openProjectWatch } from "./watch.ts";

/** A watch over a project, and what it said. */
function watched(t: TestContext, given: Readonly<Record<string, string>> = files) {
  const project = testProject(given);
  const watch = openProjectWatch(project.folder, { everyMs: 10 });
  const said: string[] = [];
  let answer: () => Promise<unknown> = async () => {};
  let waiting: (() => void) | undefined;
  t.after(() => {
    watch.close();
    project.remove();
  });
  watch.begin(
    async (changed) => {
      said.push(changed.join(" "));
      waiting?.();
      await answer();
    },
    join(project.folder, "secrets"),
  );
  return {
    project,
    said,
    answers(by: () => Promise<unknown>) {
      answer = by;
    },
    /** What it says next. */
    async next(): Promise<string> {
      if (said.length === 0)
        await new Promise<void>((resolve) => {
          waiting = resolve;
        });
      return said.shift() as string;
    },
  };
}

test("each file that a project is made of is watched, also one that is new, taken away, or wanted and not there", async (t) => {
  const { project, next } = watched(t);
  project.write({ "processes/order.ts": `${files["processes/order.ts"]}\n// changed` });
  assert.equal(await next(), "processes/order.ts");
  project.write({ "systems/shelf/index.ts": 'import { price } from "../../lib/price.ts"; export const it = price;' });
  assert.equal(await next(), "systems/shelf/index.ts");
  project.write({ "lib/price.ts": "export const price = 1;" });
  assert.equal(await next(), "lib/price.ts");
  project.write({ "lib/price.ts": "export const price = 2;" });
  assert.equal(await next(), "lib/price.ts");
  project.write({ "systems/shelf/contract.json": "{}", "systems/shelf/contract.ts": "export {};" });
  project.write({ "systems/shelf/index.ts": 'import "./contract.ts";' });
  assert.equal(
    await next(),
    "lib/price.ts systems/shelf/contract.json systems/shelf/contract.ts systems/shelf/index.ts",
  );
  project.write({ "systems/shelf/contract.json": '{ "format": 1 }' });
  assert.equal(await next(), "systems/shelf/contract.json");
  project.write({ "apis/published/orders.v1.json": "{}" });
  assert.equal(await next(), "apis/published/orders.v1.json");
  rmSync(join(project.folder, "systems"), { recursive: true });
  assert.equal(await next(), "systems/shelf/contract.json systems/shelf/contract.ts systems/shelf/index.ts");
});

test("a file that is put in its place by renaming counts once; one that is saved as it was, and one that belongs to nothing, do not", async (t) => {
  const { project, next, said } = watched(t);
  const order = join(project.folder, "processes/order.ts");
  writeFileSync(order, files["processes/order.ts"]);
  project.write({ "README.md": "text", "processes/order.test.ts": "test", ".mortise/mortise.db": "data" });
  mkdirSync(join(project.folder, "node_modules/some"), { recursive: true });
  project.write({ "node_modules/some/index.ts": "" });
  writeFileSync(`${order}.new`, `${files["processes/order.ts"]}\n// renamed`);
  renameSync(`${order}.new`, order);
  assert.equal(await next(), "processes/order.ts");
  assert.deepEqual(said, []);
});

test("while a change is taken others wait and come together; what changed before the watch began is found too", async (t) => {
  const project = testProject(files);
  const watch = openProjectWatch(project.folder, { everyMs: 10 });
  t.after(() => {
    watch.close();
    project.remove();
  });
  project.write({ "processes/order.ts": "// one" });
  const told: string[] = [];
  let go = (): void => {};
  const first = new Promise<void>((taken) => {
    watch.begin(
      async (changed) => {
        told.push(changed.join(" "));
        taken();
        if (told.length === 1)
          await new Promise<void>((resolve) => {
            go = resolve;
          });
      },
      join(project.folder, "secrets"),
    );
  });
  await first;
  project.write({ "processes/order.ts": "// two", "apis/orders.v1.ts": "// two" });
  project.write({ "processes/order.ts": "// three" });
  go();
  await until(async () => (told.length > 1 ? true : undefined));
  assert.deepEqual(told, ["processes/order.ts", "apis/orders.v1.ts processes/order.ts"]);
});

test("what could not be taken is tried again when a file or a secret comes, and not before", async (t) => {
  const { project, next, said, answers } = watched(t);
  answers(async () => {
    throw new Error("no");
  });
  project.write({ "apis/orders.v1.ts": "export const broken = ;" });
  assert.equal(await next(), "apis/orders.v1.ts");
  answers(async () => {});
  project.write({ "secrets/shop-token": "x".repeat(20) });
  assert.equal(await next(), "", "a secret came");
  project.write({ "secrets/shop-token": "y".repeat(21) });
  project.write({ "apis/orders.v1.ts": "export const mended = 1;" });
  assert.equal(await next(), "apis/orders.v1.ts");
  assert.deepEqual(said, [], "a secret alone is no change of the project");
});

test("a server that is watched serves what is saved, keeps the last good one where it is broken, and says why once, with its place", async (t) => {
  const { project, lines, start } = setUp(t);
  const watch = openProjectWatch(project.folder, { everyMs: 10 });
  const server = await start();
  t.after(() => watch.close());
  watch.begin((changed) => server.reload(`changed: ${changed.join(", ")}`), join(project.folder, "secrets"));
  const asked = async (path: string) => (await send(`${server.apiUrl}/orders/v1/openapi.json`, {})).body.paths[path];
  const first = server.version;
  assert.equal((await place(server, { order: "o-1" })).status, 202);

  project.write({ "apis/orders.v1.ts": files["apis/orders.v1.ts"].replace('"/orders"', '"/purchases"') });
  await until(() => asked("/purchases"));
  assert.equal(server.version, first, "an API is no code of a process");

  const refused = () => lines.filter((line) => line.includes("the project was not reloaded"));
  project.write({ "apis/orders.v1.ts": `${files["apis/orders.v1.ts"]}\n\nexport const broken = ;\n` });
  await until(async () => (refused().length > 0 ? true : undefined));
  project.write({ "processes/order.ts": `${files["processes/order.ts"]}\n// while it is broken` });
  await until(async () => (refused().length > 1 ? true : undefined));
  assert.match(refused()[0] as string, /apis\/orders\.v1\.ts:5: syntax: /);
  assert.ok(await asked("/purchases"), "the last good one is served");
  assert.equal(server.version, first);

  project.write({ "apis/orders.v1.ts": files["apis/orders.v1.ts"] });
  await until(() => asked("/orders"));
  assert.notEqual(server.version, first, "the code that was saved meanwhile came with it");
  assert.equal((await place(server, { order: "o-2" })).status, 202);
  assert.equal(refused().length, 2, "each change that was refused is told once");
  const reasons = () =>
    lines.filter((line) => line.includes('"reloaded the project"')).map((line) => JSON.parse(line).reason);
  // What is served is told a little later.
  await until(async () => (reasons().length > 1 ? true : undefined));
  assert.deepEqual(reasons(), ["changed: apis/orders.v1.ts", "changed: apis/orders.v1.ts"]);
});
