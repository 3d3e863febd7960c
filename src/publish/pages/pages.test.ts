/** Lists in pages: of a system's, of runs; cursors that belong to one list. */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import type { ContractModel } from "../../contract/model.ts";
import { MortiseError } from "../../errors.ts";
import type { Json, Operation } from "../../operation.ts";
import { apiKey } from "../access/api-key.ts";
import { defineApi } from "../define.ts";
import { assertProblem, openBench, orderToCash, warehouse } from "../harness.test.ts";
import { published } from "../lifecycle/states.ts";
import { get } from "../operations.ts";
import { openCursors } from "./cursor.ts";

interface Row {
  readonly sku: string;
  readonly onHand: number;
}
const listStock: Operation<{ readonly after?: string; readonly most: number; readonly site?: string }, readonly Row[]> =
  {
    kind: "operation",
    system: "depot",
    name: "listStock",
    effect: "read",
  };
const searchStock: Operation<
  { readonly page?: number; readonly count: number },
  { readonly data: readonly Row[]; readonly nextPage: number | null }
> = { kind: "operation", system: "depot", name: "searchStock", effect: "read" };

const text = { type: "string" } as const;
const integer = { type: "integer" } as const;
const row = { type: "object", properties: { sku: text, onHand: integer }, required: ["sku", "onHand"] };
const depot: ContractModel = {
  ...warehouse,
  name: "depot",
  schemas: { Row: row },
  operations: {
    listStock: {
      ...warehouse.operations.getStock!,
      name: "listStock",
      input: {
        type: "object",
        properties: { after: text, most: integer, site: text },
        required: ["most"],
        additionalProperties: false,
      },
      output: { type: "array", items: { $ref: "#/$defs/Row" } },
    },
    searchStock: {
      ...warehouse.operations.getStock!,
      name: "searchStock",
      input: {
        type: "object",
        properties: { page: integer, count: integer },
        required: ["count"],
        additionalProperties: false,
      },
      output: {
        type: "object",
        properties: {
          data: { type: "array", items: { $ref: "#/$defs/Row" } },
          nextPage: { type: ["integer", "null"] },
        },
        required: ["data", "nextPage"],
      },
    },
  },
};

const api = defineApi({
  name: "lists",
  version: "1.0.0",
  base: "/lists/v1",
  lifecycle: published(),
  access: [apiKey()],
  operations: {
    listStock: get("/stock", {
      scope: "stock:read",
      calls: listStock,
      pages: { limit: "most", start: { after: undefined }, after: (last) => ({ after: last.sku }), size: 2, most: 10 },
    }),
    searchStock: get("/search", {
      scope: "stock:read",
      calls: searchStock,
      pages: {
        limit: "count",
        start: { page: 1 },
        items: "data",
        next: ({ nextPage }) => (nextPage === null ? undefined : { page: nextPage }),
        size: 2,
      },
    }),
    listOrders: get("/orders", {
      scope: "orders:read",
      runs: orderToCash,
      allow: ({ caller, run }) => run.input.customerId === caller.id,
      pages: { size: 2, most: 5 },
    }),
    startedByMe: get("/started", { scope: "orders:read", runs: orderToCash, allow: () => true, startedBy: "caller" }),
  },
});

const contracts = new Map([["depot", depot]]);

async function openLists(t: TestContext) {
  const bench = await openBench({ apis: [api], contracts });
  t.after(() => bench[Symbol.asyncDispose]());
  const rows = ["a", "b", "c", "d", "e"].map((sku, at): Row & { secret: string } => ({ sku, onHand: at, secret: "s" }));
  bench.backend.answer = (input) => {
    const {
      after = "",
      most = 0,
      page,
      count = 0,
    } = input as { after?: string; most?: number; page?: number; count?: number };
    if (page === undefined)
      return { ok: true, output: rows.filter(({ sku }) => sku > after).slice(0, most) as unknown as Json };
    const data = rows.slice((page - 1) * count, page * count) as unknown as Json;
    return { ok: true, output: { data, nextPage: page * count < rows.length ? page + 1 : null } };
  };
  const start = async (id: string, customerId: string, consumer = "shop") => {
    const input = { id, customerId, lines: [{ sku: "a", quantity: 1 }] };
    await bench.backend.start({ process: "order-to-cash", key: id, input, origin: `api:x 1.0.0 place ${consumer}` });
  };
  return { ...bench, rows, start };
}

const linked = (link: string | undefined): string => /^<([^>]+)>; rel="next"$/.exec(link ?? "")?.[1] ?? "";

test("a list of a system comes in pages; the link leads through all of them, with the same parameters", async (t) => {
  const { ask, backend } = await openLists(t);
  const seen: string[] = [];
  let path = "/lists/v1/stock?site=north";
  for (let pages = 0; path !== ""; pages++) {
    const { status, json, headers, text: body } = await ask("GET", path);
    assert.equal(status, 200, body);
    seen.push(...json.items.map(({ sku }: Row) => sku));
    assert.deepEqual(Object.keys(json.items[0]), ["sku", "onHand"]);
    path = linked(headers.link);
    assert.equal(path === "", json.next === undefined);
    if (path !== "") assert.equal(path, `/lists/v1/stock?site=north&cursor=${json.next}`);
    assert.ok(pages < 5);
  }
  assert.deepEqual(seen, ["a", "b", "c", "d", "e"]);
  assert.deepEqual(
    backend.called.map(({ input }) => input),
    [
      { site: "north", most: 3 },
      { site: "north", after: "b", most: 3 },
      { site: "north", after: "d", most: 3 },
    ],
  );
});

test("a page that has not changed has the same cursor, and so the same tag: it is not sent again", async (t) => {
  const { ask, publisher, backend } = await openLists(t);
  const listOrders = { ...api.operations.listOrders, etag: true };
  const tagged = { ...api.operations.listStock, etag: true };
  const apis = [defineApi({ ...api, operations: { ...api.operations, listOrders, listStock: tagged } })];
  publisher.prepare({ apis, backend, contracts })();
  const first = await ask("GET", "/lists/v1/stock");
  assert.ok(first.json.next);
  const headers = { "if-none-match": String(first.headers.etag) };
  assert.equal((await ask("GET", "/lists/v1/stock", { headers })).status, 304);
  // Of other parameters, or for another caller, it is another.
  assert.notEqual((await ask("GET", "/lists/v1/stock?site=north")).json.next, first.json.next);
  const { key } = await publisher.keys.create({ consumer: "other", scopes: ["stock:read"], by: "test" });
  assert.notEqual((await ask("GET", "/lists/v1/stock", { key })).json.next, first.json.next);
});

test("what is added or taken away meanwhile moves no item to another page", async (t) => {
  const { ask, rows } = await openLists(t);
  const first = await ask("GET", "/lists/v1/stock?limit=3");
  rows.unshift({ sku: "0", onHand: 0, secret: "s" });
  rows.splice(2, 1);
  const second = await ask("GET", linked(first.headers.link));
  assert.deepEqual(second.json, {
    items: [
      { sku: "d", onHand: 3 },
      { sku: "e", onHand: 4 },
    ],
  });
  assert.equal(second.headers.link, undefined);
});

test("a system that says itself where the next page is, is followed", async (t) => {
  const { ask } = await openLists(t);
  const sizes: number[] = [];
  for (let path = "/lists/v1/search"; path !== ""; ) {
    const { json, headers } = await ask("GET", path);
    sizes.push(json.items.length);
    path = linked(headers.link);
  }
  assert.deepEqual(sizes, [2, 2, 1]);
});

test("OW-4: a page is bounded; a limit that is none is refused", async (t) => {
  const { ask, backend } = await openLists(t);
  for (const limit of ["0", "11", "-1", "x", "1.5"])
    assertProblem(await ask("GET", `/lists/v1/stock?limit=${limit}`), 400, "input-invalid");
  assertProblem(await ask("GET", "/lists/v1/stock?after=a"), 400, "input-invalid");
  assertProblem(await ask("GET", "/lists/v1/stock?most=100000"), 400, "input-invalid");
  assertProblem(await ask("GET", `/lists/v1/stock?cursor=${"A".repeat(3000)}`), 400, "input-invalid");
  assert.equal(backend.called.length, 0);
});

test("OW-1: a cursor belongs to its list, its caller and its parameters, and can't be changed", async (t) => {
  const { ask, publisher, backend, restart } = await openLists(t);
  const { json } = await ask("GET", "/lists/v1/stock?site=north");
  const cursor = json.next as string;
  const flipped = `${cursor.slice(0, 20)}${cursor[20] === "A" ? "B" : "A"}${cursor.slice(21)}`;
  const { key } = await publisher.keys.create({ consumer: "other", scopes: ["stock:read", "orders:read"], by: "test" });
  const calls = backend.called.length;
  for (const [path, own] of [
    [`stock?site=south&cursor=${cursor}`],
    [`stock?cursor=${cursor}`],
    [`stock?site=north&cursor=${flipped}`],
    [`stock?site=north&cursor=${cursor.slice(0, -4)}`],
    ["stock?site=north&cursor=nonsense"],
    [`search?cursor=${cursor}`],
    [`orders?cursor=${cursor}`],
    [`stock?site=north&cursor=${cursor}`, key],
  ] as const)
    assertProblem(await ask("GET", `/lists/v1/${path}`, own === undefined ? {} : { key: own }), 400, "cursor-invalid");
  assert.equal(backend.called.length, calls);
  assert.doesNotMatch(Buffer.from(cursor, "base64url").toString("latin1"), /after|"b"/);
  // It is good for another size, and after a restart.
  assert.equal((await ask("GET", `/lists/v1/stock?site=north&limit=1&cursor=${cursor}`)).json.items.length, 1);
  assert.equal((await ask("GET", `/lists/v1/stock?site=north&cursor=${cursor}`, { by: restart() })).status, 200);
});

test("OW-1: a cursor of a definition that began its pages otherwise is refused, and is no failure of the server", async (t) => {
  const { ask, publisher, backend } = await openLists(t);
  const { json } = await ask("GET", "/lists/v1/stock");
  const otherwise = get("/stock", {
    scope: "stock:read",
    calls: searchStock,
    pages: { limit: "count", start: { page: 1 }, items: "data", next: () => undefined },
  });
  const apis = [defineApi({ ...api, operations: { ...api.operations, listStock: otherwise } })];
  publisher.prepare({ apis, backend, contracts })();
  assertProblem(await ask("GET", `/lists/v1/stock?cursor=${json.next}`), 400, "cursor-invalid");
});

test("where a place of the next page is no input, the page says so, and gives no cursor that can't be used", async (t) => {
  const { ask, publisher, backend } = await openLists(t);
  const odd = { after: 7 } as unknown as { after: string };
  const wrong = get("/stock", {
    scope: "stock:read",
    calls: listStock,
    pages: { limit: "most", start: { after: undefined }, after: () => odd, size: 2 },
  });
  const apis = [defineApi({ ...api, operations: { ...api.operations, listStock: wrong } })];
  publisher.prepare({ apis, backend, contracts })();
  assertProblem(await ask("GET", "/lists/v1/stock"), 500, "internal");
});

test("OW-1: runs are listed to whom the object rule shows them, the newest first, and others are not counted", async (t) => {
  const { ask, start } = await openLists(t);
  for (let at = 1; at <= 120; at++) await start(`o-${at}`, at % 40 === 0 ? "shop" : "somebody");
  await start("o-last", "shop");
  const first = await ask("GET", "/lists/v1/orders");
  assert.deepEqual(
    first.json.items.map(({ key }: { key: string }) => key),
    ["o-last", "o-120"],
  );
  assert.equal(first.json.items[0].input, undefined);
  assert.equal(first.json.items[0].status, "running");
  // Stable: what starts meanwhile is on no later page.
  await start("o-new", "shop");
  const second = await ask("GET", linked(first.headers.link));
  assert.deepEqual(
    second.json.items.map(({ key }: { key: string }) => key),
    ["o-80", "o-40"],
  );
  const third = await ask("GET", linked(second.headers.link));
  assert.deepEqual(third.json, { items: [] });
  assert.doesNotMatch(JSON.stringify([first.json, second.json]), /somebody|o-119/);
  const mine = await ask("GET", "/lists/v1/started?limit=200");
  assert.equal(mine.json.items.length, 122);
});

test("OW-4: one page looks at so many runs at most, and goes on with the next", async (t) => {
  const { ask, start } = await openLists(t);
  await start("o-first", "shop");
  for (let at = 1; at <= 600; at++) await start(`o-${at}`, "somebody");
  const first = await ask("GET", "/lists/v1/orders");
  assert.deepEqual(first.json.items, []);
  const second = await ask("GET", linked(first.headers.link));
  assert.deepEqual(
    second.json.items.map(({ key }: { key: string }) => key),
    ["o-first"],
  );
  assert.equal(second.headers.link, undefined);
});

test("runs that another consumer started are left out where a list asks for one's own", async (t) => {
  const { ask, start } = await openLists(t);
  await start("o-1", "shop", "other");
  await start("o-2", "shop", "shop");
  assert.deepEqual(
    (await ask("GET", "/lists/v1/started")).json.items.map(({ key }: { key: string }) => key),
    ["o-2"],
  );
});

test("the description tells of pages: their parameters, their form and the link", async (t) => {
  const { ask } = await openLists(t);
  const { paths, components } = (await ask("GET", "/lists/v1/openapi.json")).json;
  const stock = paths["/stock"].get;
  assert.deepEqual(
    stock.parameters.map(({ name }: { name: string }) => name),
    ["site", "limit", "cursor"],
  );
  assert.deepEqual(stock.parameters[1].schema, {
    type: "integer",
    minimum: 1,
    maximum: 10,
    default: 2,
    description: "Items of a page, at most.",
  });
  const { schema } = stock.responses["200"].content["application/json"];
  assert.deepEqual(schema.properties.items, { type: "array", items: { $ref: "#/components/schemas/Row" } });
  assert.ok(stock.responses["200"].headers.Link !== undefined && components.headers.Link !== undefined);
  assert.deepEqual(
    paths["/orders"].get.parameters.map(({ name }: { name: string }) => name),
    ["limit", "cursor"],
  );
  assert.ok(
    paths["/orders"].get.responses["200"].content["application/json"].schema.properties.items.items.properties.key,
  );
});

test("pages that can't work are refused where they are written", () => {
  const pages = { limit: "most", start: {}, after: () => ({}) } as const;
  // @ts-expect-error there is no such property of the input
  assert.ok(get("/a", { scope: "s", calls: listStock, pages: { ...pages, limit: "count" } }));
  assert.ok(
    get("/a", {
      scope: "s",
      calls: listStock,
      // @ts-expect-error a row has no name
      pages: { limit: "most", start: {}, after: (last) => ({ after: last.name }) },
    }),
  );
  // @ts-expect-error after or next
  const neither = () => get("/a", { scope: "s", calls: listStock, pages: { limit: "most", start: {} } });
  assert.throws(neither, /say after, or next/);
  assert.throws(() => get("/a", { scope: "s", calls: listStock, pages: { ...pages, most: 5000 } }), /at most 5000/);
  assert.throws(
    () => get("/a/{key}" as never, { scope: "s", runs: orderToCash, allow: () => true }),
    /has no parameters/,
  );
  const options = { name: "x", version: "1.0.0", base: "/x", lifecycle: published(), access: [apiKey()] };
  const write = { ...listStock, effect: "idempotent" } as const;
  assert.throws(() => get("/a", { scope: "s", calls: write, pages }), /use post/);
  assert.throws(
    () => defineApi({ ...options, operations: { a: get("/a", { scope: "s", calls: listStock, pages, every: "1s" }) } }),
    (error: unknown) =>
      error instanceof MortiseError && /it has no accepts, no responds and no every/.test(error.message),
  );
});

test("a key for cursors that can't be kept is tried again", async () => {
  let fails = true;
  let kept: string | undefined;
  const store = {
    submit: async (commands: readonly { readonly parameters: { readonly value: string } }[]) => {
      if (fails) throw new Error("full");
      kept ??= commands[0]!.parameters.value;
    },
    read: { prepare: () => ({ get: () => (kept === undefined ? undefined : { value: kept }) }) },
  } as never;
  const cursors = openCursors(store);
  const scope = { operation: "x", caller: "a", filters: {} };
  await assert.rejects(cursors.seal("p", scope), /full/);
  fails = false;
  const cursor = await cursors.seal({ after: "ä" }, scope);
  assert.deepEqual(await cursors.open(cursor, scope), { after: "ä" });
  assert.deepEqual(await openCursors(store).open(cursor, scope), { after: "ä" });
  await assert.rejects(cursors.open(cursor, { ...scope, caller: "b" }), /none of this list/);
  const encrypted = openCursors(store, { digest: (given: string) => `k${given}` } as never);
  await assert.rejects(encrypted.open(cursor, scope), /none of this list/);
});
