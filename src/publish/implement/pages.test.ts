/** Lists of a contract that is given: its own parameters and its own form of a page, made of what the system gives. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { ContractModel } from "../../contract/model.ts";
import type { Operation } from "../../operation.ts";
import { apiKey } from "../access/api-key.ts";
import { openBench, warehouse } from "../harness.test.ts";
import { published } from "../lifecycle/states.ts";
import { implementApi } from "./implement.ts";
import { pinned } from "./stock-harness.test.ts";

const document = `
openapi: 3.1.0
info: { title: Articles, version: 1.0.0 }
paths:
  /articles:
    get:
      operationId: listArticles
      parameters:
        - { name: limit, in: query, schema: { type: integer, minimum: 1, maximum: 3 } }
        - { name: cursor, in: query, schema: { type: string, maxLength: 40 } }
      responses:
        "200":
          description: A page, by number of article.
          headers:
            Link: { description: Where the next page is., schema: { type: string } }
          content:
            application/json:
              schema:
                type: object
                required: [articles]
                properties:
                  articles: { type: array, items: { type: object, required: [no], properties: { no: { type: string } } } }
                  next: { type: string }
`;
interface Articles {
  readonly operations: {
    readonly listArticles: {
      readonly input: { readonly limit?: number; readonly cursor?: string };
      readonly output: { readonly articles: readonly { readonly no: string }[]; readonly next?: string };
      readonly faults: Readonly<Record<never, never>>;
    };
  };
  readonly events: Readonly<Record<never, never>>;
  readonly schemas: Readonly<Record<never, never>>;
}

const listStock: Operation<{ readonly after: string; readonly most: number }, readonly { readonly sku: string }[]> = {
  kind: "operation",
  system: "depot",
  name: "listStock",
  effect: "read",
};
const text = { type: "string" } as const;
const depot: ContractModel = {
  ...warehouse,
  name: "depot",
  operations: {
    listStock: {
      ...warehouse.operations.getStock!,
      name: "listStock",
      input: { type: "object", properties: { after: text, most: { type: "integer" } }, required: ["after", "most"] },
      output: { type: "array", items: { type: "object", properties: { sku: text }, required: ["sku"] } },
    },
  },
};

test("a list of a given contract comes in its own pages: each begins behind the one before, and what is added meanwhile moves nothing", async (t) => {
  const contract = await pinned<Articles>("articles", { "openapi.yaml": document }, (undo) => t.after(undo));
  const api = implementApi(contract, {
    base: "/articles/v1",
    lifecycle: published(),
    access: [apiKey()],
    operations: {
      listArticles: {
        scope: "stock:read",
        calls: listStock,
        // One more than is shown is asked for: it says whether there is a next page.
        accepts: ({ cursor = "", limit = 2 }) => ({ after: cursor, most: limit + 1 }),
        responds: (rows, { request: { limit = 2 } }) => {
          const articles = rows.slice(0, limit).map(({ sku }) => ({ no: sku }));
          const last = articles.at(-1);
          return rows.length > limit && last !== undefined ? { articles, next: last.no } : { articles };
        },
        headers: ({ next }) =>
          next === undefined ? {} : { Link: `</articles/v1/articles?cursor=${encodeURIComponent(next)}>; rel="next"` },
      },
    },
  });
  await using bench = await openBench({ apis: [api], contracts: new Map([["depot", depot]]) });
  const skus = ["a", "b 1", "c", "d", "e"];
  bench.backend.answer = (input) => {
    const { after, most } = input as { readonly after: string; readonly most: number };
    return {
      ok: true,
      output: skus
        .toSorted()
        .filter((sku) => sku > after)
        .slice(0, most)
        .map((sku) => ({ sku })),
    };
  };
  const seen: string[] = [];
  let path: string | undefined = "/articles/v1/articles";
  while (path !== undefined) {
    const { status, json, headers } = await bench.ask("GET", path);
    assert.equal(status, 200, JSON.stringify(json));
    seen.push(json.articles.map(({ no }: { readonly no: string }) => no).join(" "));
    assert.equal(headers.link === undefined, json.next === undefined);
    path = /^<([^>]+)>; rel="next"$/.exec(headers.link ?? "")?.[1];
    // In front of what is still to come, and of what was.
    if (seen.length === 1) skus.push("0", "c 1");
  }
  assert.deepEqual(seen, ["a b 1", "c c 1", "d e"]);
  assert.deepEqual((await bench.ask("GET", "/articles/v1/articles?limit=3")).json.articles.length, 3);
  for (const wrong of ["limit=4", "limit=0", `cursor=${"x".repeat(41)}`, "page=2"])
    assert.equal((await bench.ask("GET", `/articles/v1/articles?${wrong}`)).status, 400, wrong);
});
