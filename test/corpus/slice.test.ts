/** Contracts of others, from the file to the called operation, by the code that tries whole folders of them. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { isWhole, runCorpus } from "./corpus.ts";

test("contracts of others, over several files and of each version, are read, generated, compiled, and each operation is called", async () => {
  const folder = fileURLToPath(new URL("./slice/", import.meta.url));
  const { rows, summary } = await runCorpus([folder], { jobs: 2, seconds: 60, memoryMb: 1024 });
  const refused = rows.filter((row) => !isWhole(row));
  assert.deepEqual(
    refused.map(({ file }) => file),
    ["wsdl/feature-recursive-xsd/recursive_schema_main.wsdl"],
    JSON.stringify(refused),
  );
  assert.match(
    refused[0]!.reason!,
    /recursive_schema_main\.wsdl.*at 2:1, its bindings have no operation that can be called/,
  );
  const told = rows.map(({ file, kind, operations, called, events, notes }) => [
    file.split("/").at(-1),
    kind,
    operations,
    called,
    events,
    notes,
  ]);
  assert.deepEqual(told, [
    ["callback-example-3.0.yaml", "openapi", 1, 1, 1, 0],
    ["link-example-3.0.yaml", "openapi", 6, 6, 0, 0],
    ["swagger.yaml", "swagger", 4, 4, 0, 0],
    ["tags-3.2.yaml", "openapi", 4, 4, 0, 0],
    ["header_rpc_lit.wsdl", "wsdl", 4, 4, 0, 0],
    ["recursive_schema_main.wsdl", "wsdl", 0, null, 0, 0],
    ["rio2.wsdl", "wsdl", 4, 4, 0, 0],
    ["rio2_0.wsdl", "wsdl", 4, 4, 0, 0],
  ]);
  assert.deepEqual([summary.total, summary.whole], [8, 7]);
});
