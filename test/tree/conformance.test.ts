/**
 * The conformance page: which behaviour of the standards is shown by which test, from the names of the tests. `UPDATE_DOCS=1` writes it. An id that no test bears has its
 * reason here; an id of a test that is not listed is a mistake.
 */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { behaviours } from "./behaviours.ts";
import { files, root, testGlobs, text } from "./sources.ts";

const page = "docs/reference/conformance.md";
const name = /\btest\(\s*(?:"((?:[^"\\]|\\.)*)"|`([^`]*)`)/g;
const id = /\b(?:AT|DS|IK|JB|MT|OA2|OW|PD|RL|SW)-\d+\b/g;

async function borne(): Promise<ReadonlyMap<string, readonly string[]>> {
  const found = new Map<string, string[]>();
  for (const file of await files(...testGlobs)) {
    for (const [, plain, template] of text(file).matchAll(name)) {
      const title = (plain ?? template ?? "").replaceAll('\\"', '"');
      for (const [one] of title.matchAll(id)) {
        const entry = `${title.replaceAll("|", "\\|")} (\`${file}\`)`;
        const known = found.get(one) ?? [];
        if (!known.includes(entry)) found.set(one, [...known, entry]);
      }
    }
  }
  return found;
}

test("each id has a test that bears it, or a reason why not; each id of a test is known", async () => {
  const found = await borne();
  const listed = behaviours.flatMap(({ entries }) => Object.entries(entries));
  const without = listed.filter(([one, { why }]) => !found.has(one) && why === undefined).map(([one]) => one);
  const both = listed.filter(([one, { why }]) => found.has(one) && why !== undefined).map(([one]) => one);
  const unknown = [...found.keys()].filter((one) => !listed.some(([known]) => known === one));
  assert.deepEqual({ without, both, unknown }, { without: [], both: [], unknown: [] });
});

test("the conformance page tells what the tests say", async () => {
  const found = await borne();
  const lines = [
    "# Conformance",
    "",
    "Which behaviour is shown by which test, read from the names of the tests; the ids are this project's own. A draft is a draft, and may change.",
  ];
  for (const { title, entries } of behaviours) {
    lines.push("", `## ${title}`, "", "| id | behaviour | shown by |", "|---|---|---|");
    for (const [one, { what, why }] of Object.entries(entries))
      lines.push(`| ${one} | ${what} | ${found.get(one)?.join("<br>") ?? `not shown: ${why}`} |`);
  }
  const expected = `${lines.join("\n")}\n`;
  if (process.env.UPDATE_DOCS === "1") writeFileSync(join(root, page), expected);
  else assert.equal(text(page), expected, "run this test with UPDATE_DOCS=1");
});

test("RL-7: the revision of the rate limit fields is named, and that it is a draft", () => {
  assert.match(text("docs/guide/publish-an-api.md"), /draft-ietf-httpapi-ratelimit-headers-11; that is a draft/);
  assert.match(text("src/publish/limits/rate.ts"), /draft-ietf-httpapi-ratelimit-headers-11 \(a draft/);
});
