import assert from "node:assert/strict";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import test from "node:test";
import { createServer } from "../../http.ts";
import { loadProject } from "../project/project.ts";
import { startServer } from "../server.ts";
import { testProject } from "../test-project.ts";
import { contractOf } from "./test-passing.ts";

test("a project's download and upload go through the whole server; what it says of itself fits", async (t) => {
  const kept = new Map<string, string>();
  const archive = createServer((request, response) => {
    const id = String(request.url);
    if (request.method === "PUT")
      void text(request).then((body) => {
        kept.set(id, body);
        response.writeHead(201, { "content-type": "application/json" }).end(JSON.stringify({ bytes: body.length }));
      });
    else response.writeHead(200, { "content-type": "application/pdf" }).end(kept.get(id));
  });
  archive.listen(0, "127.0.0.1");
  await once(archive, "listening");
  t.after(() => archive.close());
  const folder = testProject({
    "package.json": '{"name":"harbour","type":"module"}',
    "mortise.config.ts": `import { defineConfig } from "mortise";
      export default defineConfig({ api: { port: 0 }, admin: { port: 0 } });`,
    "systems/archive/contract.json": JSON.stringify(await contractOf()),
    "systems/archive/contract.ts": `import { pinnedContract } from "mortise";
      interface Types { operations: {
        getFile: { input: { id: string; page?: number }; output: string; faults: {} };
        putFile: { input: { id: string; body: string }; output: { bytes: number }; faults: {} } }; events: {}; schemas: {} }
      export const contract = pinnedContract<Types>(import.meta.url);`,
    "systems/archive/index.ts": `import { rest } from "mortise"; import { contract } from "./contract.ts";
      export const archive = rest(contract, { connection: "http://127.0.0.1:${(archive.address() as AddressInfo).port}" });`,
    "apis/files.v1.ts": `import { defineApi, get, put, published } from "mortise"; import { archive } from "../systems/archive/index.ts";
      export default defineApi({ name: "files", version: "1.0.0", base: "/files/v1", lifecycle: published(), access: [],
        operations: { getFile: get("/{id}", { access: "public", calls: archive.getFile, download: { types: ["application/pdf"] } }),
          putFile: put("/{id}", { access: "public", calls: archive.putFile, upload: true }) } });`,
  });
  t.after(() => folder.remove());
  const server = await startServer(await loadProject(folder.folder), { environment: {}, log: () => {} });
  t.after(() => server.stop());
  const url = `${server.apiUrl}/files/v1/7`;
  const put = await fetch(url, {
    method: "PUT",
    headers: { "content-type": "application/octet-stream" },
    body: "rope ".repeat(100_000),
  });
  assert.deepEqual([put.status, await put.json()], [200, { bytes: 500_000 }]);
  const got = await fetch(url);
  assert.deepEqual(
    [got.status, got.headers.get("content-type"), (await got.text()).length],
    [200, "application/pdf", 500_000],
  );
});
