/** Tables on terminals of any width, and text that came from elsewhere. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { closeSync, existsSync, openSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { terminal } from "./terminal.ts";

const bin = fileURLToPath(new URL("../../bin/mortise.mjs", import.meta.url));

function table(
  columns: number,
  isTTY: boolean,
  env: Readonly<Record<string, string>> = { NO_COLOR: "1" },
  last?: "cut",
): string {
  let out = "";
  const write = (text: string): boolean => {
    out += text;
    return true;
  };
  const stream = { write, isTTY, columns };
  terminal({ stdout: stream, stderr: stream, env, folder: "." }, false).table(
    ["run", "status", "why"],
    [
      ["r-1", "waiting", "waits for people: credit-check until tomorrow"],
      ["r-22", "parked", ""],
    ],
    (cell, column) => (column === 1 && cell === "parked" ? "red" : undefined),
    last,
  );
  return out;
}

test("what fits, or nobody looks at, stays in lines", () => {
  const whole = "run   status   why\nr-1   waiting  waits for people: credit-check until tomorrow\nr-22  parked\n";
  assert.equal(table(80, true), whole);
  assert.equal(table(40, false), whole);
});

test("on a narrow terminal the last column is folded, and stands below where there is no room", () => {
  assert.equal(
    table(44, true),
    "run   status   why\nr-1   waiting  waits for people:\n               credit-check until tomorrow\nr-22  parked\n",
  );
  assert.equal(
    table(30, true),
    "run   status\nr-1   waiting\n    waits for people:\n    credit-check until\n    tomorrow\nr-22  parked\n",
  );
});

test("a list cuts its last column to the terminal with an ellipsis, so that a row is a line", () => {
  const cut = (columns: number, isTTY = true) => table(columns, isTTY, { NO_COLOR: "1" }, "cut");
  assert.equal(cut(80), table(80, true));
  assert.equal(cut(44), "run   status   why\nr-1   waiting  waits for people: credit-che…\nr-22  parked\n");
  for (const line of cut(44).split("\n")) assert.ok(line.length <= 44);
  assert.equal(cut(30), "run   status\nr-1   waiting\n    waits for people: credit-…\nr-22  parked\n");
  assert.equal(cut(20, false), table(80, true), "what nobody looks at is cut where it is longer than a sentence only");
});

test("a cell gets its colour without its padding", () => {
  assert.ok(table(80, true, {}).endsWith("\nr-22  \u001b[31mparked\u001b[39m\n"));
});

test("an error that names several things has a line for each of them", () => {
  let out = "";
  const stream = { write: (text: string) => (out += text), isTTY: false };
  const screen = terminal({ stdout: stream, stderr: stream, env: {}, folder: "." }, false);
  const problems = [
    { file: "mortise.config.ts", message: "api.prt is no option" },
    { file: "apis/a.ts", line: 3, message: "lacks a scope" },
  ];
  const message = "It can't be loaded: mortise.config.ts: api.prt is no option; apis/a.ts:3: lacks a scope. Mend them.";
  screen.fail({ code: "project-invalid", message, details: problems });
  screen.fail({ code: "secrets-missing", message: "Missing: A, B. Set A, B.", details: ["A", "B"] });
  screen.fail({ code: "secrets-missing", message: "Missing: A. Set A.", details: ["A"] });
  assert.equal(
    out,
    [
      "error It can't be loaded:",
      "  mortise.config.ts: api.prt is no option",
      "  apis/a.ts:3: lacks a scope",
      "Mend them. (project-invalid)",
      "error Missing:",
      "  A",
      "  B",
      "Set A, B. (secrets-missing)",
      "error Missing: A. Set A. (secrets-missing)",
      "",
    ].join("\n"),
  );
});

test("attack 37: text from elsewhere does not steer the terminal, in a line, a note or a document", () => {
  const steering = "k\u001b]0;title\u0007 \u001b[8m \u009b2J \u202e\r";
  const said = (json: boolean, isTTY: boolean) => {
    let text = "";
    const stream = { write: (part: string) => (text += part), isTTY, columns: 80 };
    const on = terminal({ stdout: stream, stderr: stream, env: {}, folder: "." }, json);
    on.line(`${on.paint("bold", "run")} ${steering}`);
    on.note(`${on.paint("dim", "note")} ${steering}`);
    on.result({ key: steering }, () => on.line(steering));
    on.fail({ code: "run-unknown", message: steering, details: { key: steering } });
    return text;
  };
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  const steers = /[\0-\x09\x0b-\x1f\x7f-\x9f\u202e]/;
  for (const json of [false, true]) assert.doesNotMatch(said(json, false), steers);
  const painted = said(false, true);
  assert.ok(painted.startsWith("\u001b[1mrun\u001b[22m k\\u001b]0;title"), painted);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  assert.doesNotMatch(painted.replaceAll(/\x1b\[(1|2|22|31|39)m/g, ""), steers);
  const [document] = said(true, false).split("\n}\n");
  assert.equal((JSON.parse(`${document}}`) as { key: string }).key, steering);
});

test("output that can't be written is one sentence, and no success", (t) => {
  if (!existsSync("/dev/full")) return t.skip("no device here that is always full");
  const full = openSync("/dev/full", "w");
  t.after(() => closeSync(full));
  const { status, stderr } = spawnSync(process.execPath, [bin, "--help"], {
    stdio: ["ignore", full, "pipe"],
    encoding: "utf8",
  });
  assert.equal(status, 1);
  assert.match(stderr, /^error What the command printed could not be written: ENOSPC[^\n]+\(output-unwritten\)\n$/);
});
