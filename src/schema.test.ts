import assert from "node:assert/strict";
import { test } from "node:test";
import type { Infer } from "./operation.ts";
import { schema } from "./schema.ts";

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const same = <T extends true>(_?: T): void => {};

test("the type of a schema follows from its keywords", () => {
  const order = schema({
    type: "object",
    properties: {
      id: { type: "string" },
      lines: { type: "array", items: { type: "object", properties: { quantity: { type: "integer" } } } },
      state: { enum: ["open", "paid"] },
      note: { type: ["string", "null"] },
      amount: { anyOf: [{ type: "number" }, { const: "free" }] },
    },
    required: ["id", "lines"],
  });
  same<
    Same<
      Infer<typeof order>,
      {
        readonly id: string;
        readonly lines: readonly { readonly quantity?: number }[];
        readonly state?: "open" | "paid";
        readonly note?: string | null;
        readonly amount?: number | "free";
      }
    >
  >();
  assert.equal(order.kind, "schema");
  assert.equal((order.json as { type: string }).type, "object");
});

test("a type can be stated instead", () => {
  interface Tree {
    readonly children: readonly Tree[];
  }
  const tree = schema<Tree>({ $ref: "#/$defs/Tree", $defs: { Tree: { type: "object" } } });
  same<Same<Infer<typeof tree>, Tree>>();
  assert.ok(Object.isFrozen(tree));
});
