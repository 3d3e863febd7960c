/** The docs page, made from the document alone: what it tells about the lifecycle, about access, and how to call. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";
import { parseSync } from "oxc-parser";
import { type JsonSchema, secret } from "../../operation.ts";
import type { Access } from "../access/access.ts";
import { apiKey } from "../access/api-key.ts";
import { basic } from "../access/basic.ts";
import { mtls } from "../access/mtls.ts";
import { oauth } from "../access/oauth.ts";
import { signed } from "../access/signed.ts";
import { type ApiOptions, defineApi } from "../define.ts";
import { getStock, openBench, ordersOptions } from "../harness.test.ts";
import { deprecated } from "../lifecycle/states.ts";
import { get } from "../operations.ts";
import { toldAtMost, toldVersions } from "./changelog.ts";
import { changesPage } from "./changes-page.ts";
import { curlExample } from "./examples.ts";
import { link } from "./frame.ts";
import { pathOf } from "./sample.ts";
import { propertyTable, schemaTable } from "./schema-html.ts";
import { typeLabel } from "./schema-text.ts";

const text = (html: string) =>
  html.replace(/<[^>]+>/g, "").replace(/&#(\d+);/g, (_, code: string) => String.fromCharCode(Number(code)));

async function docsOf(more: Partial<ApiOptions>): Promise<string> {
  await using bench = await openBench({ apis: [defineApi({ ...ordersOptions, ...more })] });
  const page = await bench.ask("GET", "/orders/v1/docs", { key: null });
  assert.equal(page.status, 200);
  return page.text;
}

/** Examples for the shell, then those in JavaScript. */
function examplesOf(page: string): readonly [shell: readonly string[], script: readonly string[]] {
  const all = [...page.matchAll(/<pre>(.*?)<\/pre>/gs)].map(([, inner = ""]) => text(inner));
  return [all.filter((one) => one.startsWith("curl ")), all.filter((one) => one.startsWith("const answer"))];
}

test("the page of a deprecated version says since when, until when, what comes next and how to move (DS-4, DS-6)", async () => {
  const lifecycle = deprecated({
    since: "2030-01-01",
    sunset: "2030-07-01",
    migration: "https://docs.harbour.example/v2",
    successor: "/orders/v2",
  });
  const page = await docsOf({ lifecycle });
  const [, notice = ""] = /<p class="notice">(.*?)<\/p>/s.exec(page) ?? [];
  assert.equal(
    text(notice),
    "Deprecated since 2030-01-01. It ends on 2030-07-01. Its successor is /orders/v2; how to move: https://docs.harbour.example/v2",
  );
  assert.ok(notice.includes('href="/orders/v2/docs"') && notice.includes('href="https://docs.harbour.example/v2"'));
  assert.ok(page.includes("Place orders, follow them to the end"), "its own description stays");
  for (const address of [
    "javascript:alert(1)",
    "//elsewhere.example",
    "/\\elsewhere.example",
    "/\t/elsewhere.example",
    "data:text/html,x",
  ])
    assert.equal(link(address).html, address, "what a link must not be stays text");
});

test("each way of access is told with what it looks like, and the examples use the first", async () => {
  const ways: readonly (readonly [Access, string, RegExp, RegExp])[] = [
    [
      apiKey(),
      "Authorization: Bearer ...",
      /-H "Authorization: Bearer \$API_KEY"/,
      /"Authorization": `Bearer \$\{key\}`/,
    ],
    [
      oauth({ issuer: "https://login.example", audience: "orders" }),
      "Authorization: Bearer ...",
      /-H "Authorization: Bearer \$API_TOKEN"/,
      /"Authorization": `Bearer \$\{token\}`/,
    ],
    [
      basic({ users: { erp: { password: secret("ERP"), scopes: ["stock:read"] } } }),
      "Authorization: Basic ...",
      /-u "\$API_USER:\$API_PASSWORD"/,
      /"Basic " \+ btoa/,
    ],
    [
      mtls({ anchors: ["ca.pem"], consumers: { shop: { dns: "shop.example", scopes: ["stock:read"] } } }),
      "TLS client certificate",
      /--cert client\.pem --key client\.key/,
      /^const answer/,
    ],
    [
      signed({ consumers: { shop: { secrets: [secret("SHOP")], scopes: ["stock:read"] } } }),
      "webhook-signature: ...",
      /-H "webhook-signature: \$API_SIGNATURE"/,
      /"webhook-signature": signature/,
    ],
  ];
  for (const [access, shown, shell, script] of ways) {
    const page = await docsOf({ access: [access] });
    assert.ok(text(page).includes(shown), shown);
    const [curl, fetches] = examplesOf(page);
    assert.ok(curl.length > 4 && curl.every((one) => shell.test(one)), curl[0]);
    assert.ok(fetches.length === curl.length && fetches.every((one) => script.test(one)), fetches[0]);
  }
});

test("the examples are for the address that the API says it has; without one the page says what to put there", async () => {
  const setting = async (more: Partial<ApiOptions>) =>
    text(/<pre data-base="\/orders\/v1">(.*?)<\/pre>/s.exec(await docsOf(more))?.[1] ?? "").split("\n")[0];
  assert.equal(await setting({ server: "https://api.harbour.example" }), "API_URL=https://api.harbour.example");
  assert.match(
    (await setting({})) ?? "",
    /^API_URL=https:\/\/api\.example\.com {3}# what stands before \/orders\/v1 in /,
  );
});

test("an API without access needs no key; every example in JavaScript can be parsed", async () => {
  const open = get("/stock/{sku}", { access: "public", calls: getStock });
  const page = await docsOf({ access: [], operations: { getStock: open } });
  assert.ok(page.includes("No key is needed.") && page.includes('<span class="tag">public</span>'));
  assert.ok(!/API_KEY|Authorization/.test(page));
  const [, scripts] = examplesOf(await docsOf({}));
  assert.equal(scripts.length, Object.keys(ordersOptions.operations).length);
  for (const script of scripts) {
    const { errors } = parseSync("example.mjs", script, { sourceType: "module" });
    assert.deepEqual(errors, [], script);
  }
});

test("an example for the shell is text to it, whatever a contract has for paths and names", {
  skip: process.platform === "win32",
}, () => {
  const path = `/a/$(id)/\`id\`/"; id; "/b!c/$HOME/é/{x}`;
  const fields = [
    { name: "x", in: "path", required: true, value: "$(id)'!`" },
    { name: 'q$(id)`id`"[a]', in: "query", required: true, value: '"$(id)' },
    { name: "X-It", in: "header", required: true, value: "'; id; '$(id)" },
  ] as const;
  const operation = { operationId: "a", responses: {}, security: [] };
  const document = { components: { schemas: {}, responses: {} } };
  const example = curlExample(document as never, "/x", { method: "GET", path, operation }, { fields });
  const script = `curl() { for one in "$@"; do printf '%s\\n' "$one"; done; }\n${example}`;
  const said = execFileSync("sh", ["-c", script], { encoding: "utf8", env: { API_URL: "http://h", HOME: "home" } });
  assert.deepEqual(said.split("\n"), [
    "http://h/x/a/$(id)/%60id%60/%22;%20id;%20%22/b%21c/$HOME/%C3%A9/%24(id)'%21%60?q%24(id)%60id%60%22%5Ba%5D=%22%24(id)",
    "-H",
    "X-It: '; id; '$(id)",
    "",
  ]);
});

test("what an answer holds is shown where its schema has no name, down to what stands in it; a parameter's example has its name", async () => {
  const page = await docsOf({});
  const section = (name: string) => new RegExp(`<section id="${name}".*?</section>`, "s").exec(page)?.[0] ?? "";
  const order = section("getOrder");
  assert.match(order, /<details class="more" open><summary>What 200 holds<\/summary>/);
  for (const property of ["key", "status", "output", "output.salesOrder", "createdAt"])
    assert.ok(order.includes(`<td><code>${property}</code>`), property);
  assert.match(order, /orders\/key-\d{3}/);
  const line = { type: "object", properties: { sku: { type: "string" } }, required: ["sku"] };
  const lists = { anyOf: [{ type: "array", items: line }, { type: "null" }] };
  const shown = propertyTable({ type: "object", properties: { lines: lists, named: { $ref: "#/$defs/A" } } }).html;
  assert.deepEqual(
    [...shown.matchAll(/<td><code>([^<]*)/g)].map(([, at]) => at),
    ["lines", "lines[].sku", "named"],
  );
  const deep = Array.from({ length: 9 }).reduce<JsonSchema>(
    (inner) => ({ type: "object", properties: { a: inner } }),
    {},
  );
  assert.equal([...propertyTable(deep).html.matchAll(/<td><code>/g)].length, 5, "it has an end");
  const wide = Object.fromEntries(Array.from({ length: 203 }, (_, at) => [`p${at}`, {}]));
  assert.match(propertyTable({ type: "object", properties: wide }).html, /and 3 more, in/);
});

test("of a version that was published several times, the changelog calls the newest one this documentation", () => {
  const version = (nth: number) => ({ version: "1.0.0", date: "2026-11-27", nth, changes: [] });
  const page = changesPage(
    { info: { title: "Orders", version: "1.0.0" } } as never,
    {
      versions: [version(2), version(1)],
      earlier: 0,
    } as never,
  );
  assert.equal([...page.matchAll(/this documentation/g)].length, 1);
  assert.match(page, /no\. 2<\/span><span class="tag published">this documentation/);
});

test("types and bounds are told as people say them", () => {
  const label = (schema: JsonSchema) =>
    typeLabel(schema)
      .map(({ text }) => text)
      .join("");
  assert.equal(label({ type: "integer", minimum: 1, maximum: 100 }), "integer from 1 to 100");
  assert.equal(label({ type: "number", exclusiveMinimum: 0, maximum: 1 }), "number > 0, <= 1");
  assert.equal(label({ type: "number", exclusiveMaximum: 5 }), "number < 5");
  assert.equal(label({ anyOf: [{ type: "object" }, { type: "null" }] }), "object | null");
});

test("what is no text where a text should be is shown as text, and is no markup", () => {
  const markup = { html: "<img src=x onerror=alert(1)>" };
  const properties = { one: { type: "string", description: markup }, two: { description: [markup, "<b>"] } };
  const shown = schemaTable({ type: "object", properties } as never).html;
  assert.ok(!/<img|<b>/.test(shown), shown);
});

test("a path of a contract that was given may name its parameters as it likes", () => {
  const field = { name: "article-no", in: "path", required: true, value: "a b/c" } as const;
  assert.equal(pathOf("/articles/{article-no}/stock", { fields: [field] }), "/articles/a%20b%2Fc/stock");
});

test("the changelog that a server shows is bounded, the newest and the worst first, and says what it leaves out", () => {
  const change = (at: number) => ({ verdict: "safe", rule: "r", at: `c${at}`, reason: "x" }) as const;
  const many = (version: string, count: number) => ({
    version,
    changes: Array.from({ length: count }, (_, at) => change(at)),
    document: {},
  });
  const { publications, changes, changesOfOne } = toldAtMost;
  const all = Array.from({ length: publications + 7 }, (_, at) =>
    many(`1.${1000 - at}.0`, at === 0 ? changesOfOne + 3 : 40),
  );
  const { versions, earlier } = toldVersions(all);
  assert.deepEqual([versions.length, earlier], [publications, 7]);
  assert.deepEqual(
    [versions[0]?.changes.length, versions[0]?.more, versions[0]?.changes[0]?.at],
    [changesOfOne, 3, "c0"],
  );
  assert.equal(
    versions.reduce((sum, one) => sum + one.changes.length, 0),
    changes,
  );
  const last = versions.at(-1);
  assert.deepEqual([last?.changes.length, last?.more], [0, 40]);
  assert.equal("document" in (last ?? {}), false);
  assert.ok(JSON.stringify(versions).length < 1_048_576);
  const page = changesPage({ info: { title: "Orders", version: "1.1000.0" } } as never, { versions, earlier });
  assert.match(page, /There are 7 earlier publications/);
  assert.match(page, /3 more changes, none of them worse, are not told here/);
  // Few are told whole, and as ever.
  assert.deepEqual(toldVersions([many("1.0.0", 1)]), {
    versions: [{ version: "1.0.0", changes: [change(0)] }],
    earlier: 0,
  });
});
