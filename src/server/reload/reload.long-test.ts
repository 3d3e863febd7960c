/** The promise in its full length: 10,000 reloads of a server of its own process, under load, each with another definition. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { type TestContext, test } from "node:test";
import { fileURLToPath } from "node:url";
import { testProject } from "../test-project.ts";
import { files, processText, send } from "../versions/test-versions.ts";
import { keepAliveLoad } from "./load.ts";

const reloads = Number(process.env.MORTISE_RELOADS ?? 10_000);
/** One in so many changes the code of the process too, which makes a new code version with a worker of its own. */
const versionEvery = 250;
const bin = fileURLToPath(new URL("../../../bin/mortise.mjs", import.meta.url));

const definition = (
  count: number,
) => `import { apiKey, defineApi, get, post, published } from "mortise"; import { order } from "../processes/order.ts";
  const table = ${JSON.stringify(Object.fromEntries(Array.from({ length: 40 }, (_, at) => [`k${at}`, `${count}-${at}`])))};
  export default defineApi({ name: "orders", version: "1.0.0", base: "/orders/v1", lifecycle: published(), access: [apiKey()],
    operations: { placeOrder: post("/orders", { access: "public", starts: order }),
      m${count}: get("/m${count}/{key}", { access: "public", run: order, allow: () => table.k1 === "${count}-1" }) } });`;

async function startChild(t: TestContext, folder: string): Promise<void> {
  const child = spawn(process.execPath, [bin, "start", "--json"], {
    cwd: folder,
    stdio: ["ignore", "pipe", "inherit"],
  });
  t.after(async () => {
    if (child.exitCode !== null) return;
    child.kill("SIGTERM");
    await once(child, "exit");
  });
  const lines = createInterface({ input: child.stdout! });
  for await (const line of lines) if (line.includes('"msg":"started"')) break;
  child.stdout!.resume();
}

/** Resident memory in MiB. */
function residentMiB(pid: number): number {
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0) / 1024;
}

test(`${reloads} reloads under load: no failed request, flat memory`, {
  skip: process.platform !== "linux",
}, async (t) => {
  const project = testProject({ ...files, "apis/orders.v1.ts": definition(0) });
  t.after(project.remove);
  const config = files["mortise.config.ts"].replace("defineConfig({", 'defineConfig({ log: { level: "warn" },');
  // The line of the start is of level info.
  project.write({ "mortise.config.ts": files["mortise.config.ts"] });
  await startChild(t, project.folder);
  project.write({ "mortise.config.ts": config });
  // The server says which process it is: the one that was started may be the launcher, with the server below it.
  const { url, apiUrl, token, pid } = JSON.parse(readFileSync(join(project.folder, ".mortise/admin.json"), "utf8"));
  const load = keepAliveLoad(apiUrl, "/orders/v1/openapi.json", 2);
  const memory: number[] = [];
  const begun = performance.now();
  for (let count = 1; count <= reloads; count++) {
    project.write({ "apis/orders.v1.ts": definition(count) });
    if (count % versionEvery === 0) project.write({ "processes/order.ts": processText(`version ${count}`) });
    const { status, body } = await send(`${url}/reload`, { authorization: `Bearer ${token}` }, { reason: "r" });
    assert.equal(status, 200, JSON.stringify(body));
    load.reached(count);
    if (count % Math.ceil(reloads / 20) === 0) memory.push(Math.round(residentMiB(pid)));
  }
  const seconds = Math.round((performance.now() - begun) / 1000);
  const { answers, failed, mixed } = await load.stop();
  t.diagnostic(`${reloads} reloads in ${seconds} s, ${answers} requests; resident MiB: ${memory.join(" ")}`);
  assert.deepEqual({ failed: failed.slice(0, 5), mixed: mixed.slice(0, 5) }, { failed: [], mixed: [] });
  // The heap finds its size in the first quarter; from there to the end it must not grow with the reloads.
  assert.ok(Math.min(...memory) > 100, `${memory[0]} MiB is no server with its threads: another process was measured`);
  const early = Math.max(...memory.slice(0, memory.length / 4 + 1));
  const late = Math.max(...memory.slice(-memory.length / 4));
  assert.ok(late - early < 64, `resident memory grew from ${early} to ${late} MiB`);
});
