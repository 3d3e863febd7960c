/** Code that ends its worker again and again: its run is parked, the others go on, and the API is there all the time. */
import assert from "node:assert/strict";
import test, { type TestContext } from "node:test";
import { request } from "undici";
import type { RunDetail } from "../../process/engine.ts";
import { loadProject } from "../project/project.ts";
import { startServer } from "../server.ts";
import { testProject } from "../test-project.ts";

const files = {
  "package.json": '{"name":"hostile","type":"module"}',
  "mortise.config.ts": `import { defineConfig } from "mortise";
    export default defineConfig({ api: { port: 0 }, admin: { port: 0 }, shutdown: { grace: "5s" }, workers: { memoryMiB: 64, blockedAfter: "2s" } });`,
  "processes/work.ts": `import { defineProcess, t } from "mortise";
    export const work = defineProcess({ name: "work", key: (input) => input.id, input: t.object({ id: t.string(), does: t.string() }),
      async run(flow, { does }) {
        const one = await flow.step("one", { effect: "idempotent" }, () => 1);
        await flow.sleep("20ms");
        if (does === "exits") process.exit(7);
        if (does === "blocks") for (;;);
        if (does === "eats") { const all: unknown[] = []; for (;;) all.push(new Array(100_000).fill(Math.random())); }
        if (does === "rejects") void Promise.reject(new Error("nobody caught it"));
        // Such code is not at work by then: another run is.
        if (does === "throws") setTimeout(() => { throw new Error("astray"); }, 20);
        if (does !== "works") for (let times = 0; times < 30; times++) await flow.sleep("40ms");
        return { one };
      } });`,
  "apis/work.v1.ts": `import { apiKey, defineApi, post, published } from "mortise"; import { work } from "../processes/work.ts";
    export default defineApi({ name: "jobs", version: "1.0.0", base: "/jobs/v1", lifecycle: published(), access: [apiKey()],
      operations: { begin: post("/work", { scope: "work", starts: work }) } });`,
};

async function setUp(t: TestContext) {
  const folder = testProject(files);
  const server = await startServer(await loadProject(folder.folder), { environment: {}, log: () => {} });
  t.after(async () => {
    await server.stop();
    folder.remove();
  });
  const admin = (path: string, body?: object) => send(`${server.adminUrl}${path}`, server.adminToken, body);
  const { key } = (await admin("/keys", { consumer: "shop", scopes: ["work"], reason: "test" })) as { key: string };
  return {
    admin,
    begin: (id: string, does: string) => send(`${server.apiUrl}/jobs/v1/work`, key, { id, does }),
    /** The run, once it is in one of the statuses. */
    async becomes(id: string, ...statuses: string[]): Promise<RunDetail> {
      for (;;) {
        const { runs } = (await admin(`/runs?key=${id}`)) as { runs: RunDetail[] };
        const [run] = runs;
        if (run !== undefined && statuses.includes(run.status)) return (await admin(`/runs/${run.id}`)) as RunDetail;
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    },
  };
}

async function send(url: string, token: string, body?: object): Promise<unknown> {
  const answer = await request(url, {
    method: body === undefined ? "GET" : "POST",
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    body: body === undefined ? null : JSON.stringify(body),
  });
  const text = await answer.body.text();
  assert.ok(answer.statusCode < 300, `${url}: ${answer.statusCode} ${text}`);
  return JSON.parse(text);
}

for (const [does, what, reason] of [
  ["exits", "ends its worker", /ended with code 7/],
  ["eats", "eats its worker's memory", /memory/],
  ["blocks", "blocks its worker", /blocked its thread/],
  ["throws", "throws outside of its own path", /astray/],
  ["rejects", "leaves a rejection to nobody", /nobody caught it/],
] as const) {
  test(`a run whose code ${what} is parked after the third time; the API stays up, and the others end`, {
    timeout: 120_000,
  }, async (t) => {
    const { begin, becomes, admin } = await setUp(t);
    const others = does === "throws" ? "idles" : "works";
    await Promise.all(Array.from({ length: 10 }, (_, number) => begin(`before-${number}`, others)));
    await begin("hostile", does);
    // The API takes work the whole time.
    await Promise.all(Array.from({ length: 10 }, (_, number) => begin(`after-${number}`, "works")));
    const parked = await becomes("hostile", "parked");
    assert.equal(parked.parked?.code, "process-quarantined");
    assert.match(parked.parked?.message ?? "", reason);
    for (let number = 0; number < 10; number += 1) {
      assert.equal((await becomes(`before-${number}`, "completed", "parked")).status, "completed");
      await becomes(`after-${number}`, "completed");
    }
    await begin("later", "works");
    await becomes("later", "completed");
    assert.deepEqual(await admin("/ready"), { ready: true, reasons: [] });
  });
}
