import assert from "node:assert/strict";
import { test } from "node:test";
import { request } from "../../http.ts";
import { type ApiDefinition, type ApiOptions, defineApi } from "../define.ts";
import { allScopes, anOrder, assertProblem, openBench, ordersOptions } from "../harness.test.ts";
import { listen } from "../listener.ts";
import { lifecycleHeaders } from "./gate.ts";
import { lifecycleProblems } from "./policy.ts";
import { deprecated, draft, type Lifecycle, preview, published, retired } from "./states.ts";

const v2 = defineApi({ ...ordersOptions, version: "2.0.0", base: "/orders/v2" });
const ending = deprecated({
  since: "2027-01-01",
  sunset: "2027-07-01T12:00:00+02:00",
  migration: "https://docs.harbour.example/orders-v2",
  successor: v2,
});
const at = (text: string) => Date.parse(text);
const first = (lifecycle: Lifecycle, more: Partial<ApiOptions> = {}): ApiDefinition =>
  defineApi({ ...ordersOptions, lifecycle, ...more });
const links =
  '<https://docs.harbour.example/orders-v2>; rel="deprecation"; type="text/html", ' +
  '<https://docs.harbour.example/orders-v2>; rel="sunset"; type="text/html", </orders/v2>; rel="successor-version"';

test("a draft is not served, and described all the same", async () => {
  await using bench = await openBench({ apis: [first(draft())] });
  assertProblem(await bench.ask("GET", "/orders/v1/stock/rope"), 404, "route-unknown");
  assertProblem(await bench.ask("GET", "/orders/v1/openapi.json"), 404, "route-unknown");
  assert.equal(bench.publisher.openapi("orders", "1.0.0")?.info.version, "1.0.0");
});

test("a preview is called by the consumers that it names, and says in each answer that it may change", async () => {
  await using bench = await openBench({ apis: [first(preview({ consumers: ["auth0|62f", "shop"] }))] });
  const served = await bench.ask("GET", "/orders/v1/stock/rope");
  assert.deepEqual([served.status, served.headers["x-api-lifecycle"]], [200, "preview"]);
  const { key } = await bench.publisher.keys.create({ consumer: "acme", scopes: allScopes, by: "test" });
  const other = await bench.ask("POST", "/orders/v1/orders", { key, body: anOrder });
  assertProblem(other, 403, "api-preview");
  assert.equal(other.headers["x-api-lifecycle"], "preview");
  assert.equal(bench.backend.started.length, 0);
  assertProblem(await bench.ask("GET", "/orders/v1/stock/rope", { key: null }), 401, "api-key-missing");
  assert.throws(() => preview({ consumers: [] }), TypeError);
  for (const wrong of ["", "two\nlines", "x".repeat(201)])
    assert.throws(() => preview({ consumers: [wrong] }), TypeError);
});

test("DS-1: Deprecation is a date of a structured field, in Unix seconds", async () => {
  await using bench = await openBench({ apis: [first(ending), v2] });
  const { headers } = await bench.ask("GET", "/orders/v1/stock/rope");
  assert.equal(headers.deprecation, `@${at("2027-01-01T00:00:00Z") / 1000}`);
  const successor = await bench.ask("GET", "/orders/v2/stock/rope");
  assert.deepEqual(
    ["deprecation", "sunset", "link"].map((name) => successor.headers[name]),
    [undefined, undefined, undefined],
  );
});

test("DS-2: a deprecation may lie ahead or behind, and is said in both cases", async () => {
  await using bench = await openBench({ apis: [first(ending), v2] });
  for (const now of ["2026-06-01T00:00:00Z", "2027-03-01T00:00:00Z"]) {
    bench.time.now = at(now);
    const { status, headers } = await bench.ask("GET", "/orders/v1/stock/rope");
    assert.deepEqual([status, headers.deprecation], [200, "@1798761600"]);
  }
});

test("DS-3: Sunset is an HTTP date, and never before the deprecation", async () => {
  await using bench = await openBench({ apis: [first(ending), v2] });
  const { headers } = await bench.ask("GET", "/orders/v1/stock/rope");
  assert.equal(headers.sunset, "Thu, 01 Jul 2027 10:00:00 GMT");
  const dates = (since: string, sunset: string) => () =>
    deprecated({ since, sunset, migration: "/m", successor: "/orders/v2" });
  assert.throws(dates("2027-01-02", "2027-01-01"), /sunset is before since/);
  assert.throws(dates("2027-01-02", "soon"), /sunset must be a day/);
  assert.throws(dates("2027-01-02T00:00:00.500Z", "2028-01-01"), /whole seconds/);
  assert.throws(dates("2027-01-02T00:00", "2028-01-01"), /with its zone/);
  dates("2027-01-02", "2027-01-02")();
});

test("DS-3: the sunset is at least the configured time after the deprecation", () => {
  const day = 86_400_000;
  const one = first(ending);
  const span = at("2027-07-01T10:00:00Z") - at("2027-01-01T00:00:00Z");
  assert.deepEqual(lifecycleProblems([one, v2], span), []);
  const [problem] = lifecycleProblems([one, v2], span + 1);
  assert.match(problem?.message ?? "", /its sunset is 181 days after .* asks for 182/);
  assert.deepEqual(lifecycleProblems([one, v2], 181 * day), []);
});

test("DS-4: links lead to how to move, to what the sunset means, and to the successor", async () => {
  await using bench = await openBench({ apis: [first(ending), v2] });
  assert.equal((await bench.ask("GET", "/orders/v1/stock/rope")).headers.link, links);
  for (const bad of ["/m>; rel=x", "/m\r\nx: y", "//evil.example/x", "ftp://a/b", "", "/a b"]) {
    const made = () =>
      deprecated({ since: "2027-01-01", sunset: "2028-01-01", migration: bad, successor: "/orders/v2" });
    assert.throws(made, /migration must be a URL or a path/, bad);
  }
});

test("DS-4: the successor is a version that is published here, or an address elsewhere", () => {
  const to = (successor: string) =>
    first(deprecated({ since: "2027-01-01", sunset: "2028-01-01", migration: "/m", successor }));
  const said = (apis: readonly ApiDefinition[]) => lifecycleProblems(apis, 0).map(({ message }) => message);
  assert.deepEqual(said([to("https://other.example/orders"), v2]), []);
  assert.deepEqual(said([to("/orders/v2"), v2]), []);
  assert.match(said([to("/orders/v3"), v2])[0] ?? "", /is the base of no API here/);
  assert.match(said([to("/orders/v1"), v2])[0] ?? "", /its own successor/);
  const early = defineApi({ ...ordersOptions, version: "2.0.0", base: "/orders/v2", lifecycle: draft() });
  assert.match(said([to("/orders/v2"), early])[0] ?? "", /not published, but draft/);
});

test("DS-5: the headers stand once in every answer over the wire: successes, problems, HEAD, pages", async (t) => {
  await using bench = await openBench({ apis: [first(ending), v2] });
  const listener = await listen(bench.publisher.handle, { port: 0 });
  t.after(() => listener.close(0));
  const send = (method: string, path: string, key: string | undefined, body?: unknown) =>
    new Promise<{ status: number; raw: string[]; length: number }>((resolve, reject) => {
      const headers = {
        ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
        ...(body === undefined ? {} : { "content-type": "application/json", "idempotency-key": '"k"' }),
      };
      const sent = request(`${listener.url}/orders/v1${path}`, { method, headers, agent: false }, (answer) => {
        let length = 0;
        answer.on("data", (part: Buffer) => {
          length += part.length;
        });
        answer.on("end", () => resolve({ status: answer.statusCode ?? 0, raw: answer.rawHeaders, length }));
      });
      sent.on("error", reject);
      sent.end(body === undefined ? undefined : JSON.stringify(body));
    });
  const cases: readonly [number, string, string, string | undefined, unknown?][] = [
    [200, "GET", "/stock/rope", bench.key],
    [200, "HEAD", "/stock/rope", bench.key],
    [202, "POST", "/orders", bench.key, anOrder],
    [202, "POST", "/orders", bench.key, anOrder], // a replay
    [400, "POST", "/orders", bench.key, { id: 1 }],
    [401, "GET", "/stock/rope", undefined],
    [401, "HEAD", "/stock/rope", undefined],
    [404, "GET", "/orders/none", bench.key],
    [405, "DELETE", "/stock/rope", bench.key],
    [200, "GET", "/openapi.json", undefined],
    [200, "HEAD", "/docs", undefined],
  ];
  for (const [status, method, path, key, body] of cases) {
    const answer = await send(method, path, key, body);
    assert.equal(answer.status, status, `${method} ${path}`);
    const names = answer.raw.filter((_, index) => index % 2 === 0).map((name) => name.toLowerCase());
    for (const name of ["deprecation", "sunset", "link"])
      assert.equal(names.filter((one) => one === name).length, 1, `${method} ${path}: ${name}`);
    if (method === "HEAD") assert.equal(answer.length, 0);
  }
  // What is exposed to scripts of other origins, where an API is opened to them.
  assert.deepEqual(lifecycleHeaders.slice(0, 3), ["Deprecation", "Sunset", "Link"]);
});

test("DS-6: the OpenAPI document has the same facts", async () => {
  await using bench = await openBench({ apis: [first(ending), v2] });
  const document = bench.publisher.openapi("orders", "1.0.0");
  assert.equal(document?.info["x-sunset"], "2027-07-01T10:00:00.000Z");
  assert.equal(document?.info["x-successor"], "/orders/v2");
  assert.match(String(document?.info.description), /^Deprecated since 2027-01-01; it ends on 2027-07-01\./);
  const operations = Object.values(document?.paths ?? {}).flatMap((item) => Object.values(item));
  assert.equal(operations.length, 6);
  for (const operation of operations) assert.equal((operation as { deprecated?: boolean }).deprecated, true);
});

test("DS-7: until its sunset nothing changes; from that second on it is 410 with the successor, while the server runs", async () => {
  await using bench = await openBench({ apis: [first(ending), v2] });
  const sunset = at("2027-07-01T10:00:00Z");
  bench.time.now = sunset - 1;
  const before = await bench.ask("GET", "/orders/v1/stock/rope");
  assert.deepEqual([before.status, before.json], [200, { sku: "rope", onHand: 7 }]);
  assert.equal((await bench.ask("POST", "/orders/v1/orders", { body: anOrder })).status, 202);
  bench.time.now = sunset;
  for (const [method, path] of [
    ["GET", "/orders/v1/stock/rope"],
    ["HEAD", "/orders/v1/stock/rope"],
    ["POST", "/orders/v1/orders"],
    ["GET", "/orders/v1/orders/o-1"],
    ["DELETE", "/orders/v1/stock/rope"],
    ["GET", "/orders/v1/openapi.json"],
  ] as const) {
    const gone = await bench.ask(method, path, method === "POST" ? { body: { ...anOrder, id: "o-2" } } : {});
    assertProblem(gone, 410, "api-sunset");
    assert.equal(gone.json.successor, "/orders/v2");
    assert.equal(gone.json.sunset, "2027-07-01T10:00:00.000Z");
    assert.equal(gone.headers.link, links);
    assert.equal(gone.headers.sunset, "Thu, 01 Jul 2027 10:00:00 GMT");
  }
  assert.equal(bench.backend.started.length, 1);
  // The key is valid elsewhere.
  assert.equal((await bench.ask("GET", "/orders/v2/stock/rope")).status, 200);
});

test("DS-8: brownouts are announced; calls in one are 503 until its end, do nothing, and are on record for each consumer", async () => {
  const resting = deprecated({
    since: "2027-01-01",
    sunset: "2027-07-01",
    migration: "/move",
    successor: v2,
    brownouts: [
      { from: "2027-06-02T09:00:00Z", until: "2027-06-02T10:00:00Z" },
      { from: "2027-06-01T09:00:00Z", until: "2027-06-01T09:30:00Z" },
    ],
  });
  await using bench = await openBench({ apis: [first(resting), v2] });
  const stock = "/orders/v1/stock/rope";
  const begins = at("2027-06-01T09:00:00Z");
  const ends = at("2027-06-01T09:30:00Z");
  bench.time.now = begins - 1;
  assert.equal((await bench.ask("GET", stock)).status, 200);
  bench.time.now = begins;
  for (const [method, path] of [
    ["GET", stock],
    ["HEAD", stock],
    ["POST", "/orders/v1/orders"],
  ] as const) {
    const refused = await bench.ask(method, path, method === "POST" ? { body: anOrder } : {});
    assertProblem(refused, 503, "api-brownout");
    assert.equal(refused.headers["retry-after"], "1800");
    assert.equal(refused.headers.sunset, "Thu, 01 Jul 2027 00:00:00 GMT");
    assert.deepEqual([refused.json.successor, refused.json.migration], ["/orders/v2", "/move"]);
  }
  assert.equal(bench.backend.started.length, 0);
  // Who does not say who it is learns no more than ever, and the description and the other version are there.
  assertProblem(await bench.ask("GET", stock, { key: null }), 401, "api-key-missing");
  assert.equal((await bench.ask("GET", "/orders/v2/stock/rope")).status, 200);
  const { json } = await bench.ask("GET", "/orders/v1/openapi.json");
  assert.deepEqual(json.info["x-brownouts"], [
    { from: "2027-06-01T09:00:00.000Z", until: "2027-06-01T09:30:00.000Z" },
    { from: "2027-06-02T09:00:00.000Z", until: "2027-06-02T10:00:00.000Z" },
  ]);
  assert.match(json.info.description, /Without service, as a reminder: 2027-06-01T09:00:00\.000Z to/);
  bench.time.now = ends;
  assert.equal((await bench.ask("GET", stock)).status, 200);
  await bench.publisher.lifecycle.flush();
  const items = bench.publisher.lifecycle.strays.list().filter(({ kind }) => kind === "brownout");
  assert.deepEqual(items.map(({ consumer, method, path, hits }) => [consumer, method, path, hits]).sort(), [
    ["shop", "GET", "/orders/v1/stock/{}", 1],
    ["shop", "HEAD", "/orders/v1/stock/{}", 1],
    ["shop", "POST", "/orders/v1/orders", 1],
  ]);
  const day = { since: "2027-01-01", sunset: "2027-07-01", migration: "/move", successor: v2 };
  for (const brownouts of [
    [{ from: "2027-06-02", until: "2027-06-01" }],
    [{ from: "2026-12-31", until: "2027-01-02" }],
    [{ from: "2027-06-30", until: "2027-07-02" }],
    [
      { from: "2027-06-01", until: "2027-06-03" },
      { from: "2027-06-02", until: "2027-06-04" },
    ],
  ])
    assert.throws(() => deprecated({ ...day, brownouts }), TypeError);
});

test("OW-9: a retired version can't be reached by any address, and its description is kept", async () => {
  await using bench = await openBench({ apis: [first(retired()), v2] });
  for (const path of ["/stock/rope", "/orders/o-1", "/openapi.json", "/docs"])
    assertProblem(await bench.ask("GET", `/orders/v1${path}`), 404, "route-unknown");
  assertProblem(await bench.ask("POST", "/orders/v1/orders", { body: anOrder }), 404, "route-unknown");
  assert.equal(bench.publisher.openapi("orders", "1.0.0")?.info.version, "1.0.0");
});

test("a blocked version is 503 with Retry-After, after a restart too, until it is unblocked", async () => {
  await using bench = await openBench({ apis: [first(published()), v2] });
  const { blocks } = bench.publisher.lifecycle;
  await blocks.block({ api: "orders", version: "1.0.0", reason: "double bookings", by: "anna", retryAfterMs: 90_000 });
  for (const by of [bench.publisher, bench.restart()]) {
    const blocked = await bench.ask("POST", "/orders/v1/orders", { body: anOrder, by });
    assertProblem(blocked, 503, "api-blocked");
    assert.equal(blocked.headers["retry-after"], "90");
    assert.doesNotMatch(blocked.text, /double bookings|anna/);
    assert.equal((await bench.ask("GET", "/orders/v2/stock/rope", { by })).status, 200);
  }
  assert.equal(bench.backend.started.length, 0);
  await blocks.unblock("orders", "1.0.0");
  assert.equal((await bench.ask("POST", "/orders/v1/orders", { body: anOrder })).status, 202);
  await assert.rejects(blocks.unblock("orders", "1.0.0"), { code: "api-not-blocked" });
});

test("a block comes before the preview's list, and a sunset before a block", async () => {
  await using bench = await openBench({ apis: [first(ending), v2] });
  const block = { api: "orders", version: "1.0.0", reason: "r", by: "b", retryAfterMs: 1000 };
  await bench.publisher.lifecycle.blocks.block(block);
  const blocked = await bench.ask("GET", "/orders/v1/stock/rope");
  assertProblem(blocked, 503, "api-blocked");
  assert.equal(blocked.headers.link, links);
  bench.time.now = at("2028-01-01T00:00:00Z");
  assertProblem(await bench.ask("GET", "/orders/v1/stock/rope"), 410, "api-sunset");
});

test("a preview with a public operation is refused: nobody knows who calls it", () => {
  const { getStock } = ordersOptions.operations;
  const { scope: _, ...open } = getStock as { scope: string } & typeof getStock;
  const one = first(preview({ consumers: ["shop"] }), {
    operations: { getStock: { ...open, access: "public" } as typeof getStock & object },
  });
  assert.match(lifecycleProblems([one], 0)[0]?.message ?? "", /getStock is public/);
});
