/** What a person sees who types the address of the server, or of an API, and nothing behind it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { defineApi } from "./define.ts";
import { assertProblem, openBench, ordersOptions } from "./harness.test.ts";
import { draft, preview, published, retired } from "./lifecycle/states.ts";

const nowhere =
  "There is nothing under this path. The API's own description, openapi.json under its base path, lists what there is.";

test("the address of the server and the base of an API lead to the docs, and to nothing that is not for everybody", async () => {
  const of = (version: string, more: object) =>
    defineApi({ ...ordersOptions, version, base: `/orders/v${version[0]}`, ...more });
  await using bench = await openBench({
    apis: [
      of("1.0.0", { lifecycle: published() }),
      of("2.0.0", { lifecycle: published(), docs: false }),
      of("3.0.0", { lifecycle: preview({ consumers: ["shop"] }) }),
      of("4.0.0", { lifecycle: draft() }),
      of("5.0.0", { lifecycle: retired() }),
    ],
  });
  const detail = async (path: string): Promise<unknown> => {
    const answer = await bench.ask("GET", path, { key: null });
    assertProblem(answer, 404, "route-unknown");
    return answer.json?.detail;
  };
  const before = "There is nothing under this path. ";
  assert.equal(await detail("/"), `${before}What there is stands under /orders/v1/docs, /orders/v2/openapi.json.`);
  for (const path of ["/orders/v1", "/orders/v1/", "/orders/v1/nothing"])
    assert.equal(await detail(path), `${before}What its API has stands under /orders/v1/docs.`);
  assert.equal(await detail("/orders/v2"), `${before}What its API has stands under /orders/v2/openapi.json.`);
  for (const path of ["/orders/v3", "/orders/v4", "/orders/v5", "/orders/v6", "/orders/v10", "/favicon.ico"])
    assert.equal(await detail(path), nowhere);
  const { blocks } = bench.publisher.lifecycle;
  await blocks.block({ api: "orders", version: "1.0.0", reason: "double bookings", by: "anna", retryAfterMs: 1000 });
  assert.equal(await detail("/"), `${before}What there is stands under /orders/v2/openapi.json.`);
});

test("a server without an API for everybody says nothing of the others", async () => {
  await using bench = await openBench({ apis: [defineApi({ ...ordersOptions, lifecycle: draft() })] });
  const answer = await bench.ask("GET", "/", { key: null });
  assertProblem(answer, 404, "route-unknown");
  assert.equal(answer.json?.detail, nowhere);
});
