/** The page of limits, from the code's own constants. `UPDATE_DOCS=1` writes it: a default that changes shows in the diff. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { milliseconds } from "../../src/operation.ts";
import { listenerDefaults } from "../../src/publish/listener.ts";
import { configOptions } from "../../src/server/project/config.ts";
import { limitRows } from "./limit-rows.ts";
import { files, root, text } from "./sources.ts";

const page = "docs/reference/limits.md";

/** Names of tests as they are written, with the file of each. */
async function names(): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>();
  for (const file of await files("src/**/*.test.ts", "test/**/*.test.ts"))
    for (const [, name = ""] of text(file).matchAll(/^test\(\s*"([^"]*)"/gm)) found.set(name, file);
  return found;
}

test("each limit names a test that there is", async () => {
  const named = await names();
  assert.deepEqual(
    limitRows.filter((row) => !named.has(row.test)),
    [],
  );
});

test("the page of limits says what the code says", async () => {
  const named = await names();
  const lines = [
    "# Limits",
    "",
    "What a caller, a system or a message may take where nothing is configured, and what happens beyond it. Options are described in [Configuration](configuration.md); what",
    "somebody may try against them stands in [Attacks](attacks.md). Each is tried at the limit, one below and one above it, by the test that is named; times are tried with shorter ones.",
    "",
    "| limit | default | set by | beyond it | tried by |",
    "|---|---|---|---|---|",
    ...limitRows.map(
      ({ what, value, set, beyond, note, test }) =>
        `| ${what} | ${value}${note === undefined ? "" : ` (${note})`} | ${set === "none" ? "fixed" : set} | ${beyond} | ${test} (\`${named.get(test)}\`) |`,
    ),
  ];
  const expected = `${lines.join("\n")}\n`;
  if (process.env.UPDATE_DOCS === "1") writeFileSync(join(root, page), expected);
  else assert.equal(text(page), expected, "run this test with UPDATE_DOCS=1");
});

test("the configuration's defaults are those of the listener", () => {
  const { limits } = configOptions;
  assert.deepEqual(
    [limits.headersTimeout, limits.requestTimeout, limits.keepAlive].map((option) => milliseconds(option.default)),
    [listenerDefaults.headersMs, listenerDefaults.bodyMs, listenerDefaults.keepAliveMs],
  );
  assert.deepEqual(
    [limits.connections.default, limits.connectionsPerAddress.default],
    [listenerDefaults.connections, listenerDefaults.perAddress],
  );
});
