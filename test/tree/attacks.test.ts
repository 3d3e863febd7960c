/**
 * The page of attacks: which row is shown by which test, from the names of the tests ("attack 12", "rows 20 and 34"). `UPDATE_DOCS=1` writes it. A row that no test bears
 * has its reason in attack-rows.ts.
 */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { attackRows } from "./attack-rows.ts";
import { files, root, testGlobs, text } from "./sources.ts";

const page = "docs/reference/attacks.md";
/** The name of a test; of a table of cases, the name that they share. */
const title = /\btest\(\s*(?:"((?:[^"\\]|\\.)*)"|`([^`]*)`)|^ {2}"((?:attacks?|rows?) [^"]*)": \[$/gm;
/** Rows of the fault table have tests of their own, beside the engine's. */
const faults = /^(?:src\/(?:process|store|server\/schedules)|test\/crash)\//;

/** `rows 1 to 4, 6 and 9`. */
function numbers(name: string): number[] {
  const found: number[] = [];
  for (const [, list = ""] of name.matchAll(/\b(?:attacks?|rows?) (\d+(?:(?:, | and | to )\d+)*)/g)) {
    for (const part of list.split(/, | and /)) {
      const [from = 0, to = from] = part.split(" to ").map(Number);
      for (let row = from; row <= to; row += 1) found.push(row);
    }
  }
  return found;
}

async function borne(): Promise<ReadonlyMap<number, readonly string[]>> {
  const found = new Map<number, string[]>();
  for (const file of await files(...testGlobs)) {
    if (faults.test(file)) continue;
    for (const [, plain, template, table] of text(file).matchAll(title)) {
      const name = (plain ?? template ?? table ?? "").replaceAll('\\"', '"');
      for (const row of numbers(name)) {
        const known = found.get(row) ?? [];
        const entry = `${name.replaceAll("|", "\\|").replaceAll("$", "")} (\`${file}\`)`;
        if (!known.includes(entry)) found.set(row, [...known, entry]);
      }
    }
  }
  return found;
}

test("numbers are read as they are written", () => {
  assert.deepEqual(numbers("OW-10 rows 1 to 4, 6 and 9: x"), [1, 2, 3, 4, 6, 9]);
  assert.deepEqual(numbers("attack 12, 13: x of 40"), [12, 13]);
});

test("each attack has a test that bears its number, or a reason why not; each number of a test is known", async () => {
  const found = await borne();
  const rows = Object.entries(attackRows).map(([row, { why }]) => ({ row: Number(row), why }));
  const without = rows.filter(({ row, why }) => !found.has(row) && why === undefined).map(({ row }) => row);
  const both = rows.filter(({ row, why }) => found.has(row) && why !== undefined).map(({ row }) => row);
  const unknown = [...found.keys()].filter((row) => attackRows[row] === undefined);
  assert.deepEqual({ without, both, unknown }, { without: [], both: [], unknown: [] });
});

test("the page of attacks tells what the tests say", async () => {
  const found = await borne();
  const lines = [
    "# Attacks",
    "",
    "What somebody may try, what happens then, and which test shows it, read from the names of the tests. Those in `test/attacks` run the whole server and talk to it over",
    "bare sockets: the system behind it must not have been called, the log must hold no secret and one line for each event, and a normal request must work afterwards.",
    "The limits that are met on the way stand in [Limits](limits.md), failures of machines and systems in [Faults](faults.md).",
    "",
    "| | what is tried | what happens | shown by |",
    "|---|---|---|---|",
  ];
  for (const [row, { what, expected, why }] of Object.entries(attackRows))
    lines.push(
      `| ${row} | ${what} | ${expected} | ${found.get(Number(row))?.join("<br>") ?? `not shown by its number: ${why}`} |`,
    );
  const expected = `${lines.join("\n")}\n`;
  if (process.env.UPDATE_DOCS === "1") writeFileSync(join(root, page), expected);
  else assert.equal(text(page), expected, "run this test with UPDATE_DOCS=1");
});
