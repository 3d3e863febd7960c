/** The page of limits, from the code's own constants. `UPDATE_DOCS=1` writes it: a default that changes shows in the diff. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { milliseconds } from "../../src/operation.ts";
import { listenerDefaults } from "../../src/publish/listener.ts";
import { configOptions } from "../../src/server/project/config.ts";
import { limitRows } from "./limit-rows.ts";
import { root, text } from "./sources.ts";

const page = "docs/reference/limits.md";

test("the page of limits says what the code says", () => {
  const lines = [
    "# Limits",
    "",
    "What a caller, a system or a message may take where nothing is configured, and what happens beyond it. Options are described in [Configuration](configuration.md); what",
    "somebody may try against them stands in [Attacks](attacks.md). Each is tried at the limit, one below and one above it, in `test/attacks/limits.test.ts` or beside its code.",
    "",
    "| limit | default | set by | beyond it |",
    "|---|---|---|---|",
    ...limitRows.map(
      ({ what, value, set, beyond, note }) =>
        `| ${what} | ${value}${note === undefined ? "" : ` (${note})`} | ${set === "none" ? "fixed" : set} | ${beyond} |`,
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
