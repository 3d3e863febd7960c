import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { Desk } from "./desk.ts";

/** A project whose TypeScript is this text. */
function projectWith(t: TestContext, api: string): string {
  const folder = mkdtempSync(join(tmpdir(), "mortise-desk-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const home = join(folder, "node_modules", "typescript");
  mkdirSync(home, { recursive: true });
  writeFileSync(join(folder, "package.json"), '{"type":"module"}');
  writeFileSync(join(folder, "tsconfig.json"), "{}");
  writeFileSync(
    join(home, "package.json"),
    '{"name":"typescript","version":"9.0.0","type":"module","exports":{"./unstable/sync":"./sync.js","./unstable/ast":"./sync.js"}}',
  );
  writeFileSync(join(home, "sync.js"), `export const TypeFlags = {}, SyntaxKind = {};\n${api}`);
  return folder;
}

test("a compiler that is another, that fails, that ends or that hangs is a reason, not a crash", async (t) => {
  const ways: readonly (readonly [api: string, reason: RegExp])[] = [
    [
      "export class API { constructor() { throw new Error('of another kind'); } }",
      /could not be asked: of another kind/,
    ],
    ["export class API { updateSnapshot() { return {}; } close() {} }", /could not be asked: .*is not a function/],
    ["process.exit(7);", /ended with 7/],
    ["export class API { constructor() { for (;;); } }", /took longer than 0\.5 seconds/],
  ];
  for (const [api, reason] of ways) {
    const desk = /took longer/.test(reason.source) ? new Desk(500) : new Desk();
    t.after(() => desk.close());
    const answer = await desk.ask({ ask: "errors", folder: projectWith(t, api), overlay: {} });
    assert.ok("reason" in answer, api);
    assert.match(answer.reason, reason);
  }
});

test("after one that ended the desk asks a new one", async (t) => {
  const desk = new Desk();
  t.after(() => desk.close());
  const ends = projectWith(t, "process.exit(7);");
  const fails = projectWith(t, "export class API { constructor() { throw new Error('asked again'); } }");
  await desk.ask({ ask: "errors", folder: ends, overlay: {} });
  const answer = await desk.ask({ ask: "errors", folder: fails, overlay: {} });
  assert.ok("reason" in answer && /asked again/.test(answer.reason), JSON.stringify(answer));
});
