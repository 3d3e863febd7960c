/** The script that runs folders of contracts: what it takes for one, and that none can stop it. */
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { runTasks } from "./children.ts";
import { findEntries } from "./entries.ts";

const home = mkdtempSync(join(tmpdir(), "mortise-corpus-"));
after(() => rmSync(home, { recursive: true }));

function folder(name: string, files: Readonly<Record<string, string>>): string {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(home, name, path)), { recursive: true });
    writeFileSync(join(home, name, path), text);
  }
  return join(home, name);
}

test("entries are told by content; what another file holds is a part of that", () => {
  const wsdl = (inner: string) =>
    `<?xml version="1.0"?><!-- <x> --><wsdl:definitions xmlns:wsdl="http://schemas.xmlsoap.org/wsdl/">${inner}</wsdl:definitions>`;
  const found = findEntries(
    folder("entries", {
      "a/main.yaml": "openapi: 3.1.0\npaths:\n  /a: { $ref: 'parts/p.yaml#/x' }",
      "a/parts/p.yaml": "openapi: 3.1.0\npaths: []\nx: { $ref: '../main.yaml' }",
      "min.json": '{"info":{"title":"a","version":"1"},"swagger":"2.0","paths":{}}',
      "pretty.json": '{\n  "info": { "openapi": "x" },\n  "openapi": "3.0.0"\n}',
      "other.json": '{"$ref":"#/openapi","x":{"openapi":"3.0.0"}}',
      "arazzo.yaml": "arazzo: 1.0.0\nsourceDescriptions: [{ type: openapi, url: min.json }]",
      "w/main.wsdl": wsdl('<wsdl:import location="part.wsdl"/><import location="http://e.example/far.wsdl"/>'),
      "w/part.wsdl": wsdl(""),
      "w/far.wsdl": wsdl(""),
      "w/manifest.yml": "http://e.example/far.wsdl: far.wsdl",
      "w/schema.xsd": "<schema/>",
      "node_modules/x/a.yaml": "openapi: 3.0.0",
    }),
  );
  assert.deepEqual(
    found.map(({ file, kind, urls }) => [file, kind, urls]),
    [
      ["a/main.yaml", "openapi", undefined],
      ["min.json", "swagger", undefined],
      ["pretty.json", "openapi", undefined],
      ["w/main.wsdl", "wsdl", { "http://e.example/far.wsdl": "w/far.wsdl" }],
    ],
  );
});

test("a contract that takes too long, or all memory, has that as its reason; those after it are run", async () => {
  const at = fileURLToPath(new URL("../../src/contract/read/fixtures/openapi/", import.meta.url));
  const bad = folder("bad", { "a.yaml": "openapi: 3.1.0\npaths: {" });
  const task = (from: string, file: string) => ({ folder: from, file, out: join(home, `out-${file}`) });
  const all = [task(at, "petstore-expanded-3.0.yaml"), task(bad, "a.yaml"), task(at, "uspto-3.0.yaml")];
  const good = await runTasks(all, { jobs: 1, seconds: 30, memoryMb: 512 });
  assert.deepEqual(
    good.map(({ read, generated, operations }) => [read, generated, operations]),
    [
      [true, true, 4],
      [false, false, 0],
      [true, true, 3],
    ],
  );
  assert.match(good[1]!.reason!, /a\.yaml.*line 2/);
  const late = await runTasks(all.slice(0, 2), { jobs: 1, seconds: 0.001, memoryMb: 512 });
  assert.deepEqual(
    late.map(({ reason }) => reason),
    Array.from({ length: 2 }, () => "it took longer than 0.001 seconds"),
  );
});
