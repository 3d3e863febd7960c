/** Every error code has its page entry, a remedy and a use; every page entry has its code. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { errorTable } from "../../src/errors.ts";
import { files, isTest, text } from "./sources.ts";

const codes = Object.keys(errorTable).sort();

test("PD-3: the codes and the headings of docs/reference/errors/ are the same", async () => {
  const headings = new Map<string, string>();
  for (const page of await files("docs/reference/errors/*.md")) {
    for (const [, code] of text(page).matchAll(/^## `?([a-z0-9-]+)`?$/gm)) {
      assert.equal(headings.get(code!), undefined, `${code} stands in ${page} and ${headings.get(code!)}`);
      headings.set(code!, page);
    }
  }
  assert.deepEqual(
    {
      undocumented: codes.filter((code) => !headings.has(code)),
      unknown: [...headings.keys()].filter((code) => !codes.includes(code)),
    },
    { undocumented: [], unknown: [] },
  );
});

test("each entry of the reference says something", async () => {
  for (const page of await files("docs/reference/errors/*.md")) {
    const entries = text(page).split(/^## /m).slice(1);
    for (const entry of entries) {
      const [code, ...rest] = entry.split("\n");
      assert.ok(rest.join(" ").trim().length >= 60, `${page}: ${code} needs two sentences at least`);
    }
  }
});

test("each text is a sentence, ending with a full stop or with the command to type", () => {
  for (const [code, { text: sentence }] of Object.entries(errorTable)) {
    assert.match(code, /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/);
    assert.match(sentence, /^[A-Z{"`]/, `${code} begins like a sentence`);
    assert.match(sentence, /[.?]$|: [a-z]+ \S.*$/, `${code} ends with a full stop or a command`);
    assert.ok(sentence.length > 30, `${code} says what to do`);
  }
});

test("every code is used somewhere in the sources", async () => {
  const sources = (await files("src/**/*.ts")).filter((path) => path !== "src/errors.ts" && !isTest(path));
  // "internal" is raised by errors.ts itself.
  const all = `${sources.map(text).join("\n")} "internal"`;
  assert.deepEqual(
    codes.filter((code) => !all.includes(`"${code}"`)),
    [],
  );
});
