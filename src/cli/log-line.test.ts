import assert from "node:assert/strict";
import { test } from "node:test";
import { logLine } from "./log-line.ts";
import { terminal } from "./terminal.ts";

const stream = { write: () => true };
const plain = terminal({ stdout: stream, stderr: stream, env: {}, folder: "." }, false);

test("a line of the log is a sentence with what belongs to it, without what only programs need", () => {
  const entry = {
    level: "info",
    time: "2026-11-23T08:30:00.000Z",
    channel: "server:worker",
    version: "20ba23df13dc9ea4c1280508b3263092",
    restarts: 0,
    msg: "worker started",
  };
  assert.match(
    logLine(JSON.stringify(entry), plain),
    /^\d\d:\d\d:\d\d info {2}worker started {2}version=20ba23df restarts=0$/,
  );
});

test("an error is told by its sentence and its code", () => {
  const error = { code: "reload-refused", message: "apis/a.ts:3: syntax.", class: "give-up", outcome: "none" };
  const entry = { level: "error", time: "2026-11-23T08:30:00.000Z", error, by: "server", msg: "not reloaded" };
  assert.match(
    logLine(JSON.stringify(entry), plain),
    /error not reloaded: apis\/a\.ts:3: syntax\. \(reload-refused\) {2}by=server$/,
  );
  assert.match(logLine(JSON.stringify({ ...entry, error: "gone" }), plain), /not reloaded {2}error=gone by=server$/);
});

test("what is no JSON stays, and steers no terminal", () => {
  assert.equal(logLine("plain \u001b[2J text\n", plain), "plain \\u001b[2J text");
});
