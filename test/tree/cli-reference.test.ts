/**
 * docs/reference/cli.md says what the command line really takes: the part between its marks is written from the program. To
 * write it anew after a change: UPDATE_DOCS=1 npm test -- test/tree/cli-reference.test.ts
 */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { rules } from "../../src/cli/check/finding.ts";
import { exit } from "../../src/cli/exit.ts";
import { type CommandNode, commandTree } from "../../src/cli/program.ts";
import { root, text } from "./sources.ts";

const page = "docs/reference/cli.md";
const [begin, end] = ["<!-- commands: written from the program -->\n", "<!-- end of commands -->\n"];

function render(node: CommandNode, path: readonly string[]): string {
  const own =
    Object.keys(node.commands).length > 0
      ? ""
      : `## ${path.join(" ")}\n\n\`\`\`text\n${node.help.trim()}\n\nExamples:\n${node.examples.map((line) => `  ${line}\n`).join("")}\`\`\`\n\n`;
  return (
    own +
    Object.values(node.commands)
      .map((inner) => render(inner, [...path, inner.name]))
      .join("")
  );
}

test("the reference of the command line is what the program says", () => {
  const written = `${begin}\n${render(commandTree(), ["mortise"])}${end}`;
  const before = text(page);
  const [start, stop] = [before.indexOf(begin), before.indexOf(end)];
  assert.ok(start >= 0 && stop > start, "the page has both marks");
  const wanted = before.slice(0, start) + written + before.slice(stop + end.length);
  if (process.env.UPDATE_DOCS === "1") writeFileSync(join(root, page), wanted);
  assert.equal(text(page), wanted, "write it anew with UPDATE_DOCS=1");
});

test("every exit code and every rule of check is explained", () => {
  const listed = (pattern: RegExp): string[] => [...text(page).matchAll(pattern)].map(([, name]) => name!).sort();
  assert.deepEqual(listed(/^\| (\d) \|/gm), Object.values(exit).map(String).sort());
  assert.deepEqual(listed(/^\| `([a-z-]+)` \| (?:error|warning)/gm), [...rules].sort());
});

test("every command has examples", () => {
  const missing: string[] = [];
  const visit = (node: CommandNode, path: string): void => {
    const inner = Object.values(node.commands);
    if (inner.length === 0 && node.examples.length === 0) missing.push(path);
    for (const one of inner) visit(one, `${path} ${one.name}`);
  };
  visit(commandTree(), "mortise");
  assert.deepEqual(missing, []);
});
