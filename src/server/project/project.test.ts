import assert from "node:assert/strict";
import test from "node:test";
import { MortiseError } from "../../errors.ts";
import { testContract, testContractTs, testProject } from "../test-project.ts";
import { loadProject, type ProjectProblem } from "./project.ts";

const good = {
  "package.json": '{"name":"harbour","type":"module"}',
  "mortise.config.ts": `import { defineConfig } from "mortise"; export default defineConfig({ api: { port: 0 } });`,
  "systems/shop/contract.json": testContract("shop"),
  "systems/shop/contract.ts": testContractTs,
  "systems/shop/index.ts": `import { rest, secret } from "mortise"; import { contract } from "./contract.ts";
    export const shop = rest(contract, { connection: "http://127.0.0.1:1", webhookSecret: secret("shop-webhook") });`,
  "processes/booking.ts": `import { defineProcess } from "mortise"; import { shop } from "../systems/shop/index.ts";
    export const booking = defineProcess({ name: "booking", input: { kind: "schema", json: true }, key: (paid: any) => paid.order, on: shop.paid,
      run: async (flow, paid: any) => flow.call(shop.book, { sku: paid.order }) });`,
  "processes/booking.test.ts": `throw new Error("tests are not part of a project");`,
  "requirements/booking.ts": `import { defineRequirement } from "mortise";
    export default defineRequirement({ process: "booking", purpose: "Books.", owner: "sales", systems: { shop: { sourceOfTruthFor: ["orders"] } },
      volume: { runs: 10, per: "day" }, turnaround: { within: "1h", percent: 95 }, data: { classification: "internal", personal: false } });`,
};

async function problemsOf(files: Readonly<Record<string, string>>): Promise<readonly string[]> {
  const project = testProject(files);
  try {
    await loadProject(project.folder);
    return [];
  } catch (error) {
    assert.ok(error instanceof MortiseError, String((error as Error).stack));
    assert.equal(error.code, "project-invalid");
    const details = error.details as readonly ProjectProblem[];
    return details.map(({ file, line, message }) => `${file}${line === undefined ? "" : `:${line}`} ${message}`);
  } finally {
    project.remove();
  }
}

test("a project is read from its folders, without its secrets", async (t) => {
  const folder = testProject(good);
  t.after(folder.remove);
  const project = await loadProject(folder.folder);
  assert.equal(project.name, "harbour");
  assert.deepEqual([...project.systems.keys()], ["shop"]);
  assert.deepEqual([...project.processes.keys()], ["booking"]);
  assert.equal(project.requirements[0]?.process, "booking");
  assert.deepEqual(project.processFiles, ["processes/booking.ts"]);
  assert.equal(project.places.get("process booking"), "processes/booking.ts");
});

test("a syntax error names file and line, and shows no stack", async () => {
  const problems = await problemsOf({ ...good, "processes/broken.ts": "export const a = {\n  b: ;\n};\n" });
  assert.deepEqual(problems, ["processes/broken.ts:2 syntax: Unexpected token"]);
});

test("an error thrown while a file is loaded names the place in the project", async () => {
  const problems = await problemsOf({
    ...good,
    "processes/bad-name.ts": `import { defineProcess } from "mortise";\n\nexport const bad = defineProcess({ name: "Bad Name" } as never);\n`,
  });
  assert.equal(problems.length, 1);
  assert.match(problems[0] ?? "", /^processes\/bad-name\.ts:3 a process is named in lower case with dashes/);
});

test("two definitions of one name are refused with both files", async () => {
  const problems = await problemsOf({
    ...good,
    "processes/copy.ts": `import { defineProcess } from "mortise";
      export const copy = defineProcess({ name: "booking", input: { kind: "schema", json: true }, key: () => "x", run: async () => null });`,
  });
  assert.deepEqual(problems, [
    "processes/copy.ts defines the process booking again; it stands in processes/booking.ts",
  ]);
});

test("a folder that is no project, and a configuration of wrong form, say what to do", async () => {
  assert.deepEqual(await problemsOf({}), ["mortise.config.ts is missing; `mortise init` makes a project"]);
  assert.deepEqual(await problemsOf({ "mortise.config.ts": "export default { api: 1 };" }), [
    "mortise.config.ts must have `export default defineConfig({...})`",
  ]);
  assert.deepEqual(
    await problemsOf({
      "mortise.config.ts": `import { defineConfig } from "mortise"; export default defineConfig({ api: { port: -1 } });`,
    }),
    ["mortise.config.ts api.port must be a whole number from 0 to 65535"],
  );
});

test("a requirement of wrong form names its field", async () => {
  const problems = await problemsOf({
    ...good,
    "requirements/booking.ts": (good["requirements/booking.ts"] ?? "").replace('"1h"', '"soon"'),
  });
  assert.equal(problems.length, 1);
  assert.match(problems[0] ?? "", /turnaround\.within must be a duration, such as "2h"/);
});

test("a schema that can't be compiled, a key or a run that is no function: said when the project is loaded", async () => {
  const problems = await problemsOf({
    ...good,
    "processes/odd.ts": `import { defineProcess } from "mortise"; const schema = (json: unknown) => ({ kind: "schema", json });
      export const odd = defineProcess({ name: "odd", input: schema({ type: "objekt" } as any), output: schema({ $ref: "http://127.0.0.1/x" } as any),
        key: undefined, run: undefined } as any);`,
  });
  assert.equal(problems.length, 4, problems.join("\n"));
  for (const [at, what] of ["key must be", "run must be", "its input schema", "its output schema"].entries())
    assert.match(problems[at] ?? "", new RegExp(`^processes/odd.ts odd: ${what}`));
});

test("an API over what is not there is one sentence; what fails in many files is told once", async () => {
  const api = (what: string) =>
    `import { apiKey, defineApi, post, published } from "mortise"; import { booking } from "../processes/booking.ts";
    export default defineApi({ name: "a", version: "1.0.0", base: "/a/v1", lifecycle: published(), access: [apiKey()],
      operations: { go: post("/go", { scope: "x", ${what} } as any) } });`;
  const [first, ...more] = await problemsOf({ ...good, "apis/a.ts": api("starts: undefined") });
  assert.match(first ?? "", /^apis\/a\.ts:3 post\("\/go"\) is given nothing as starts/);
  assert.deepEqual(more, []);
  const thrown = await problemsOf({
    ...good,
    "processes/booking.ts": `export const booking = 1; throw new Error("not today");`,
    "apis/a.ts": api("starts: booking"),
  });
  assert.deepEqual(thrown, ["processes/booking.ts:1 not today"]);
});

test("a schedule is read from schedules/; what can't be is said with its file when the project is loaded", async (t) => {
  const schedule = (name: string, cron: string, more = "") =>
    `import { defineSchedule } from "mortise";
     import { booking } from "../processes/booking.ts";
     export const ${name} = defineSchedule({ name: "${name}", process: booking, cron: "${cron}", input: () => ({}), ${more} } as never);`;
  const folder = testProject({ ...good, "schedules/nightly.ts": schedule("nightly", "0 6 * * *") });
  t.after(folder.remove);
  const { schedules, places } = await loadProject(folder.folder);
  assert.deepEqual([schedules[0]?.name, places.get("schedule nightly")], ["nightly", "schedules/nightly.ts"]);
  const problems = await problemsOf({
    ...good,
    "schedules/a.ts": schedule("nightly", "0 6 * * *"),
    "schedules/b.ts": schedule("nightly", "0 7 * * *"),
    "schedules/c.ts": schedule("never", "0 0 31 2 *"),
    "schedules/d.ts": schedule("wrong", "0 25 * * *"),
    "schedules/e.ts": schedule("away", "0 6 * * *", 'timeZone: "Mars/Olympus"'),
  });
  assert.deepEqual(
    problems.map((problem) => problem.replace(/: CronPattern.*| can't be read: .*/, " can't be read")),
    [
      "schedules/b.ts defines the schedule nightly again; it stands in schedules/a.ts",
      'schedules/c.ts never: cron "0 0 31 2 *" names no time that will come',
      'schedules/d.ts wrong: cron "0 25 * * *" can\'t be read',
      'schedules/e.ts away: timeZone "Mars/Olympus" is no IANA time zone such as "Europe/Berlin"',
    ],
  );
});
