import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import type { decimal, Infer, Schema } from "../operation.ts";
import { t } from "./shape.ts";
import { compileSchema } from "./validate.ts";

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const same = <T extends true>(value?: T): T | undefined => value;

test("types follow from how a schema is built", () => {
  const order = t.object({
    id: t.string({ minLength: 1 }),
    note: t.optional(t.string()),
    state: t.enum(["open", "paid"]),
    lines: t.array(t.object({ quantity: t.integer({ minimum: 1 }) })),
    total: t.decimal(),
    tags: t.record(t.number()),
    ref: t.nullable(t.union([t.literal("x"), t.boolean()])),
    more: t.optional(t.any()),
  });
  same<
    Same<
      Infer<typeof order>,
      {
        readonly id: string;
        readonly note?: string;
        readonly state: "open" | "paid";
        readonly lines: readonly { readonly quantity: number }[];
        readonly total: ReturnType<typeof decimal>;
        readonly tags: { readonly [name: string]: number };
        readonly ref: boolean | "x" | null;
        readonly more?: unknown;
      }
    >
  >(true);
  const check = compileSchema(order);
  const good = { id: "1", state: "open", lines: [{ quantity: 1 }], total: "1.50", tags: { a: 1 }, ref: null };
  assert.deepEqual(check(good), []);
  assert.deepEqual(check({ ...good, note: "n", more: [] }), []);
  for (const wrong of [
    { id: "" },
    { state: "x" },
    { lines: [{ quantity: 0 }] },
    { total: "1e3" },
    { tags: { a: "x" } },
    { ref: "y" },
    { other: 1 },
  ])
    assert.equal(check({ ...good, ...wrong }).length > 0, true, JSON.stringify(wrong));
  assert.ok(Object.isFrozen(order) && Object.isFrozen(order.json));
});

test("open objects take more", () => {
  assert.deepEqual(compileSchema(t.object({ a: t.string() }, { open: true }))({ a: "x", b: 1 }), []);
});

const from = <T>(json: object): Schema<T> => Object.freeze({ kind: "schema", json: json as never });

test("schemas of one contract share their named schemas", () => {
  const $defs = Object.freeze({
    Order: { type: "object", properties: { of: { $ref: "#/$defs/Id" } } },
    Id: { type: "string" },
  });
  const list = t.object({
    all: t.array(from<{ of: string }>({ $ref: "#/$defs/Order", $defs })),
    one: from<string>({ $ref: "#/$defs/Id", $defs }),
  });
  assert.equal((list.json as { $defs: unknown }).$defs, $defs);
  assert.deepEqual(compileSchema(list)({ all: [{ of: "a" }], one: "b" }), []);
  assert.equal(compileSchema(list)({ all: [{ of: 1 }], one: "b" })[0]!.at, "/all/0/of");
});

test("names of two contracts that clash are told apart, with all that refers to them", () => {
  const shop = {
    Id: { type: "string" },
    Order: { properties: { id: { $ref: "#/$defs/Id" } } },
    Same: { type: "null" },
  };
  const erp = {
    Id: { type: "integer" },
    Order: { properties: { id: { $ref: "#/$defs/Id" } } },
    Same: { type: "null" },
    Own: { $ref: "#/$defs/Order" },
  };
  const pair = t.object({
    shop: from({ $ref: "#/$defs/Order", $defs: shop }),
    erp: from({ $ref: "#/$defs/Own", $defs: erp }),
  });
  const check = compileSchema(pair);
  assert.deepEqual(check({ shop: { id: "a" }, erp: { id: 1 } }), []);
  assert.equal(check({ shop: { id: 1 }, erp: { id: 1 } })[0]!.at, "/shop/id");
  assert.equal(check({ shop: { id: "a" }, erp: { id: "1" } })[0]!.at, "/erp/id");
  assert.deepEqual(Object.keys((pair.json as { $defs: object }).$defs), [
    "Id",
    "Order",
    "Same",
    "Id2",
    "Order2",
    "Own",
  ]);
});

test("a schema of another hand comes in with its type stated", () => {
  interface Tree {
    readonly children: readonly Tree[];
  }
  const tree = t.json<Tree>({
    $ref: "#/$defs/Tree",
    $defs: {
      Tree: {
        type: "object",
        properties: { children: { type: "array", items: { $ref: "#/$defs/Tree" } } },
        required: ["children"],
      },
    },
  });
  const validate = compileSchema(t.object({ root: tree }));
  assert.deepEqual(validate({ root: { children: [{ children: [] }] } }), []);
  assert.equal(validate({ root: { children: [{}] } }).length, 1);
});

test("the guide names every builder, and no other", () => {
  const guide = readFileSync(new URL("../../docs/guide/schemas.md", import.meta.url), "utf8");
  const rows = [...guide.matchAll(/^\| `t\.(\w+)/gm)].map(([, name]) => name);
  assert.deepEqual(rows.toSorted(), Object.keys(t).toSorted());
});
