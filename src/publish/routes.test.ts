import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { MortiseError } from "../errors.ts";
import { checkPath, createRoutes, numbered, type RouterShelf, type RouteTable } from "./routes.ts";

test("the most specific route wins, and methods are told apart", () => {
  const routes = createRoutes<string>();
  routes.add("GET", "/orders/{key}", "one");
  routes.add("GET", "/orders/open", "open");
  routes.add("GET", "/orders/{key}/lines/{line}", "line");
  routes.add("POST", "/orders", "new");
  assert.equal(routes.find("GET", "/orders/open")?.value, "open");
  assert.equal(routes.find("GET", "/orders/opens")?.value, "one");
  assert.equal(routes.find("HEAD", "/orders/open")?.value, "open");
  assert.deepEqual({ ...routes.find("GET", "/orders/a-b.c/lines/7")?.params }, { key: "a-b.c", line: "7" });
  assert.equal(routes.find("GET", "/orders/"), undefined);
  assert.equal(routes.find("PUT", "/orders"), undefined);
  assert.equal(routes.find("TRACE", "/orders"), undefined);
  assert.deepEqual(routes.methods("/orders/x"), ["GET", "HEAD"]);
});

test("a table with the paths of the one before it shares its router, and answers with its own values; one that differs has its own", () => {
  const shelf: RouterShelf = {};
  const table = (paths: readonly string[], values: string) => {
    const routes = createRoutes<string>(shelf);
    for (const path of paths) routes.add("GET", path, `${values} ${path}`);
    return routes;
  };
  const paths = ["/orders/{key}", "/orders/open", "/stock/{sku}"];
  const found = (routes: RouteTable<string>) =>
    ["/orders/1", "/orders/open", "/stock/a", "/new/a"].map((path) => routes.find("GET", path)?.value);
  const one = table(paths, "one");
  assert.deepEqual(found(one), ["one /orders/{key}", "one /orders/open", "one /stock/{sku}", undefined]);
  const router = shelf.router;
  const two = table(paths, "two");
  assert.deepEqual(found(two), ["two /orders/{key}", "two /orders/open", "two /stock/{sku}", undefined]);
  assert.equal(shelf.router, router);
  assert.deepEqual(found(one), ["one /orders/{key}", "one /orders/open", "one /stock/{sku}", undefined]);

  assert.deepEqual(found(table(paths.slice(0, 2), "less")), [
    "less /orders/{key}",
    "less /orders/open",
    undefined,
    undefined,
  ]);
  const more = table(["/orders/{key}", "/new/{id}", "/orders/open"], "more");
  assert.deepEqual(found(more), ["more /orders/{key}", "more /orders/open", undefined, "more /new/{id}"]);
  assert.deepEqual(found(two), ["two /orders/{key}", "two /orders/open", "two /stock/{sku}", undefined]);
  assert.throws(() => table(["/orders/{key}", "/orders/{other}"], "x"), /already declared/);
  assert.throws(
    () => table(["/orders/{key}", "/new/{id}", "/orders/open", "/orders/{other}"], "x"),
    /already declared/,
  );
  assert.deepEqual(found(more), ["more /orders/{key}", "more /orders/open", undefined, "more /new/{id}"]);
  assert.throws(() => more.add("GET", "/late", "x"), /not added to/);
});

test("attack 13: whatever passes the check is decoded exactly once, and to one segment", () => {
  const routes = createRoutes<string>();
  routes.add("GET", "/r/{key}", "run");
  const passes = (path: string) => {
    try {
      checkPath(path);
      return true;
    } catch (error) {
      assert.ok(error instanceof MortiseError && error.code === "path-refused");
      return false;
    }
  };
  const key = fc.string({ unit: "binary", minLength: 1, maxLength: 40 });
  fc.assert(
    fc.property(key, (text) => {
      const path = `/r/${encodeURIComponent(text)}`;
      if (!passes(path)) {
        // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused
        assert.match(text, /[/\\\u0000-\u001f\u007f]|^\.{1,2}$/);
        return;
      }
      assert.equal(routes.find("GET", path)?.params.key, text);
    }),
  );
  const soup = fc.string({
    unit: fc.constantFrom("/", ".", "%", "2", "e", "f", "F", "5", "c", "a", ";", "\\", "0", "é"),
    maxLength: 16,
  });
  fc.assert(
    fc.property(soup, (text) => {
      const path = `/r/${text}`;
      if (!passes(path)) return;
      const found = routes.find("GET", path);
      assert.ok(!/\/\/|\/\.{1,2}(\/|$)|\\/.test(decodeURIComponent(path)));
      if (found !== undefined) assert.equal(found.params.key, decodeURIComponent(text));
    }),
    { numRuns: 2000 },
  );
});

test("a path of a given contract is found as requests write it, whatever its parameters are called", () => {
  const routes = createRoutes<number>();
  const paths = ["/größe/{article-no}", "/gr%C3%B6sse/{a.b}", "/$metadata/{x}", "/items:batch", "/a b"];
  for (const [at, path] of paths.entries()) routes.add("GET", numbered(path), at + 1);
  const asked = ["/gr%C3%B6%C3%9Fe/1", "/gr%C3%B6sse/1", "/$metadata/1", "/items:batch", "/a%20b"];
  assert.deepEqual(
    asked.map((path) => routes.find("GET", path)?.value),
    [1, 2, 3, 4, 5],
  );
});
