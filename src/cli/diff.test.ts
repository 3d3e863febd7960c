import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { mortise } from "./test-terminal.ts";

const folder = mkdtempSync(join(tmpdir(), "mortise-diff-"));
after(() => rmSync(folder, { recursive: true }));

const api = (sku: string, more = "") => `openapi: 3.1.0
info: { title: Stock, version: "1" }
paths:
  /stock/{sku}:
    get:
      operationId: getStock
      parameters: [{ name: sku, in: path, required: true, schema: ${sku} }]
      responses: { "200": { description: ok, content: { application/json: { schema: { type: object } } } } }
${more}`;
const write = (name: string, text: string): void => writeFileSync(join(folder, name), text);
write("old.yaml", api("{ type: string }"));
write("narrow.yaml", api("{ type: string, maxLength: 3 }"));
write("odd.yaml", api("{ type: string, format: sku }"));

test("what breaks ends with 3 and shows a value that fails", async () => {
  const { code, out } = await mortise(["diff", "old.yaml", "narrow.yaml"], { folder });
  assert.equal(code, 3);
  assert.match(
    out,
    /getStock: path sku: texts longer than 3 characters were accepted and are refused now \(text-length\)/,
  );
  assert.match(out, /fails: "text", since it must have at most 3 characters/);
});

test("nothing changed ends with 0, a safe change with 0, what can't be decided with 5", async () => {
  assert.equal((await mortise(["diff", "old.yaml", "old.yaml"], { folder })).code, 0);
  assert.equal((await mortise(["diff", "narrow.yaml", "old.yaml"], { folder })).code, 0);
  assert.equal((await mortise(["diff", "old.yaml", "odd.yaml"], { folder })).code, 5);
});

test("as JSON and as Markdown, in which a contract's own text stays text", async () => {
  const json = await mortise(["diff", "old.yaml", "narrow.yaml", "--json"], { folder });
  const { verdict, summary, findings } = JSON.parse(json.out) as {
    verdict: string;
    summary: object;
    findings: { rule: string; example: { value: unknown; proven: boolean } }[];
  };
  assert.deepEqual([verdict, summary], ["breaking", { breaking: 1, review: 0, safe: 0 }]);
  assert.deepEqual([findings[0]?.example.value, findings[0]?.example.proven], ["text", true]);
  write("loud.yaml", api("{ type: string }").replaceAll("getStock", "get<script>"));
  const markdown = await mortise(["diff", "old.yaml", "loud.yaml", "--markdown"], { folder });
  assert.match(markdown.out, /^## Contract changes/);
  assert.doesNotMatch(markdown.out, /[^\\]<script/);
  const object = "{ type: object }";
  write("steering.yaml", api("{ type: string }").replace(object, '{ type: object, required: ["k\\e]0;t\\a\\u202E"] }'));
  const tame = await mortise(["diff", "steering.yaml", "old.yaml", "--markdown"], { folder });
  assert.match(tame.out, /k\\+u001b/);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  assert.doesNotMatch(tame.out, /[\0-\x09\x0b-\x1f\x7f-\x9f\u202e]/);
});

test("an override counts until its day; then the finding is what it was, and says so", async () => {
  const decided = (expires: string) =>
    JSON.stringify([
      { rule: "text-length", at: "getStock", verdict: "safe", reason: "short anyway", owner: "anna", expires },
    ]);
  write("valid.json", decided("9999-01-01"));
  write("over.json", decided("2020-01-01"));
  write(
    "nameless.json",
    JSON.stringify([{ rule: "text-length", verdict: "safe", reason: "x", expires: "2030-01-01" }]),
  );
  const run = (file: string) => mortise(["diff", "old.yaml", "narrow.yaml", "--overrides", file], { folder });
  const valid = await run("valid.json");
  assert.equal(valid.code, 0);
  assert.match(valid.out, /breaking by itself; anna decided until 9999-01-01: short anyway/);
  const over = await run("over.json");
  assert.equal(over.code, 3);
  assert.match(over.out, /the override of anna ended on 2020-01-01 and counts no more/);
  const nameless = await run("nameless.json");
  assert.equal(nameless.code, 1);
  assert.match(nameless.err, /entry 1, it has no "owner"/);
});

test("a file at a git revision is compared with the file of today", async () => {
  const git = (...args: string[]): void =>
    void execFileSync("git", ["-c", "user.name=t", "-c", "user.email=t@example.com", ...args], {
      cwd: folder,
      stdio: "pipe",
    });
  git("init", "-q");
  write("api.yaml", api("{ type: string }"));
  git("add", "api.yaml");
  git("commit", "-q", "-m", "one");
  write("api.yaml", api("{ type: string, minLength: 1 }"));
  assert.equal((await mortise(["diff", "HEAD:api.yaml", "api.yaml"], { folder })).code, 3);
  const missing = await mortise(["diff", "HEAD:nothing.yaml", "api.yaml"], { folder });
  assert.equal(missing.code, 1);
  assert.match(missing.err, /contract-source/);
  assert.match((await mortise(["diff", "nothing.yaml", "api.yaml"], { folder })).err, /there is no such file/);
});

test("of very many findings of one rule 50 are told, the rest is counted; as JSON all of them", async () => {
  const wide = (type: string): string =>
    `openapi: 3.1.0
info: { title: Wide, version: "1" }
paths:
  /things:
    post:
      operationId: putThing
      requestBody: { content: { application/json: { schema: { type: object, properties: { ${Array.from({ length: 70 }, (_, n) => `p${n}: ${type}`).join(", ")} } } } } }
      responses: { "204": { description: ok } }
`;
  write("wide.yaml", wide("{ type: string }"));
  write("wide-narrow.yaml", wide("{ type: string, maxLength: 3 }"));
  const { out } = await mortise(["diff", "wide.yaml", "wide-narrow.yaml"], { folder });
  assert.equal(out.match(/\(text-length\)/g)?.length, 50);
  assert.match(out, /and 20 more by the rule text-length; --json tells all of them\n/);
  assert.match(out, /70 breaking changes, 0 for review, 0 safe/);
  const markdown = await mortise(["diff", "wide.yaml", "wide-narrow.yaml", "--markdown"], { folder });
  assert.match(markdown.out, /- and 20 more by the rule text-length/);
  const json = await mortise(["diff", "wide.yaml", "wide-narrow.yaml", "--json"], { folder });
  assert.equal((JSON.parse(json.out) as { findings: unknown[] }).findings.length, 70);
});
