/** Rows 26, 28 and 37 through the whole server: texts that others would evaluate, match for ever, or write into the log as lines of their own. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { anyContractTs, shopContract } from "./project.ts";
import { measured, openTarget, runOf } from "./target.ts";
import { answering } from "./upstream.ts";
import { bodyOf } from "./wire.ts";

const evaluated: readonly string[] = [
  "{{7*7}}",
  "{{constructor.constructor('return process')().exit()}}",
  "{% debug %}",
  "$".concat("{7*7}"),
  "$".concat("{process.env.HOME}"),
  "#{7*7}",
  "<%= 7*7 %>",
  "@(7*7)",
  "%{(#a=7*7)}",
  "=cmd|'/c calc'!A1",
  "=7*7",
  "+7*7",
  "-7*7",
  "@SUM(1)",
  "$.store[?(@.a==1)]",
  "$..*",
  "$(id)",
  "`id`",
  "; id",
  "| id",
  "&& id",
  "\nid\n",
  "' OR 1=1--",
  '"; DROP TABLE runs; --',
  "*)(uid=*))(|(uid=*",
  '{"$ne":null}',
  "../../etc/passwd",
  "file:///etc/passwd",
  "javascript:alert(1)",
  "<img src=x onerror=alert(1)>",
  "<!--#exec cmd='id'-->",
  "<!DOCTYPE a [<!ENTITY x SYSTEM 'file:///etc/passwd'>]>&x;",
  "__import__('os').system('id')",
  "new Function('return 7*7')()",
  "require('child_process').execSync('id')",
  "import('node:fs')",
  "%7B%7B7*7%7D%7D",
  "\\u007b\\u007b7*7}}",
  "%n%n%n%s%x",
  "\u0000\u001b[31m\u202e\u2028",
  "env(SECRET)",
  'secret("shop-webhook")',
  "$run",
  '"$run"',
];

test("attack 28: what others would evaluate comes out as it went in: in calls, runs, histories, answers and the admin API", async (t) => {
  const target = await openTarget(t);
  const { upstream } = target;
  const all = JSON.stringify({ texts: evaluated, named: Object.fromEntries(evaluated.map((text) => [text, text])) });
  const echo = await target.ask("POST /orders/v1/echo", { body: all });
  assert.equal(echo.status, 200, echo.text);
  assert.equal(Buffer.from(bodyOf(echo.text), "latin1").toString("utf8"), all);
  assert.equal(upstream.ledger.splice(0)[0]?.body, all);
  // Through a process: business key, input, step, history.
  for (const text of evaluated) {
    const id = text.slice(0, 90);
    assert.equal((await target.ask("POST /orders/v1/orders", { body: { id } })).status, 202, text);
    const run = JSON.parse(await runOf(target, id, (found) => found.includes('"receive"')));
    assert.deepEqual([run.key, run.input.id], [id, id]);
    assert.equal(JSON.parse(upstream.ledger.splice(0)[0]?.body ?? "{}").sku, id);
  }
  target.quiet();
  await target.works();
});

test("attack 26: patterns of a contract that others never finish are checked at once, whatever comes in", async (t) => {
  const patterns = [
    "^(a|a)*$",
    "^(a+)+$",
    "^(([a-z])+.)+[A-Z]([a-z])+$",
    "^(a|aa)+$",
    "^([a-zA-Z0-9]+\\s?)*$",
    "(.*)*x",
    "^(?=(a+)+$)a*b",
  ];
  const contract = JSON.parse(shopContract("sieve"));
  contract.operations.book.input = {
    type: "object",
    properties: Object.fromEntries(patterns.map((pattern, n) => [`p${n}`, { type: "string", pattern }])),
    patternProperties: { "^(x+)+$": { type: "string" } },
    additionalProperties: false,
  };
  const target = await openTarget(t, {
    files: {
      "systems/sieve/contract.json": JSON.stringify(contract),
      "systems/sieve/contract.ts": anyContractTs,
      "systems/sieve/index.ts": `import { rest, secret } from "mortise"; import { contract } from "./contract.ts";
        export const sieve: any = rest(contract, { connection: "UPSTREAM", webhookSecret: secret("shop-webhook") });`,
      "apis/sieve.ts": `import { apiKey, defineApi, post, published } from "mortise"; import { sieve } from "../systems/sieve/index.ts";
        export default defineApi({ name: "sieve", version: "1.0.0", base: "/sieve/v1", lifecycle: published(), access: [apiKey()], operations: { book: post("/bookings", { scope: "orders", calls: sieve.book }) } } as any);`,
    },
  });
  const hostile = ["a".repeat(40), "a".repeat(50_000), "aA ".repeat(10_000), `${"a".repeat(30)}\n`].map(
    (text) => `${text}!`,
  );
  const took = await measured(async () => {
    for (const text of hostile)
      for (let n = 0; n < patterns.length; n += 1) {
        const begun = performance.now();
        await target.ask("POST /sieve/v1/bookings", { body: { [`p${n}`]: text, [`${"x".repeat(40)}!`]: "a" } });
        const answer = await target.ask("POST /sieve/v1/bookings", { body: { [`${"x".repeat(2000)}y`]: "a" } });
        assert.equal(answer.status, 400);
        assert.ok(performance.now() - begun < 2000, patterns[n]);
      }
    // Filters of lists are compared, not compiled.
    for (const filter of ["key=(a%2B)%2B$", "keyPrefix=%25", "keyPrefix=(a|a)*", "process=.*"])
      assert.ok((await target.admin(`/runs?${filter}`)).status < 500, filter);
  });
  // A tenth of a second on a machine of its own; this one may be busy.
  assert.ok(took.stalledMs < 400, `the event loop stood still for ${took.stalledMs} ms`);
  target.quiet();
  await target.works();
});

const injected =
  'a\r\n{"level":"error","msg":"forged"}\n\u0000\u001b[31m\u001b]0;x\u0007\u0085\u2028\u2029\u202e\ufeff\u009b31m';

test("attack 37: no caller, system or process writes a line of the log, hides one or fills it", async (t) => {
  const target = await openTarget(t, {
    config: 'log: { level: "trace" }, limits: { headersTimeout: "2s", keepAlive: "200ms" }',
    files: {
      "processes/loud.ts": `import { defineProcess } from "mortise";
        const any = { kind: "schema", json: true } as any;
        export const loud: any = defineProcess({ name: "loud", input: any, output: any, key: (input: any) => input.id, run: async (flow, input: any) => {
          flow.log(input.text, { [input.text]: input.text, long: input.text.repeat(20_000) }); console.log(input.text); console.error(input.text.repeat(5_000));
          throw Object.assign(new Error(input.text.repeat(2000)), { name: input.text }); } });`,
    },
  });
  const { ask, upstream } = target;
  const before = target.lines.length;
  const encoded = encodeURIComponent(injected.replaceAll("\ufeff", ""));
  await ask("POST /orders/v1/echo", { body: { [injected]: injected } });
  await ask(`GET /orders/v1/stock/a?note=${encoded}`);
  await ask(`GET /orders/v1/stock/${encoded}`);
  await ask(`GET /${encoded}/x`);
  await ask("GET /orders/v1/stock/a", {
    headers: ["User-Agent: \u001b[31mx", `X-Request-Id: ${encoded}`, "Referer: \u0085x"],
  });
  await ask("POST /orders/v1/bookings", { headers: [`Idempotency-Key: "${encoded}"`], body: { sku: injected } });
  await ask("POST /webhooks/shop", { headers: [`webhook-id: ${encoded}`, "webhook-timestamp: 1"], body: injected });
  await ask("POST /orders/v1/orders", { body: { id: injected.slice(0, 90) } });
  upstream.lie = (_, socket) =>
    void socket.write(
      answering(
        `500 \u001b[31m${"x".repeat(4000)}`,
        JSON.stringify({ title: injected, detail: injected.repeat(500) }),
        `x-y: ${encoded}\r\n`,
      ),
    );
  await ask("GET /orders/v1/stock/b");
  upstream.lie = undefined;
  await target.admin("/processes/loud/start", { input: { id: "loud", text: injected }, reason: injected });
  const run = await runOf(target, "loud", (text) => text.includes('"parked"'));
  assert.ok(JSON.parse(run).parked.message.length <= 4200, "what is kept of an error has an end");
  assert.ok(target.lines.length > before);
  for (const line of target.lines) {
    assert.ok(line.endsWith("\n"));
    assert.ok(!/[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]/u.test(line.slice(0, -1)), JSON.stringify(line));
    assert.ok(Buffer.byteLength(line) <= 16_384, `${line.length}: ${line.slice(0, 200)}`);
    assert.notEqual(JSON.parse(line).msg, "forged");
  }
  upstream.ledger.length = 0;
  await target.works();
});
