import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import type { ContractModel } from "../../src/contract/model.ts";
import { modelValidator } from "../../src/contract/validate.ts";
import { rulings } from "./rulings.ts";

const page = readFileSync(new URL("../../docs/reference/contract-rulings.md", import.meta.url), "utf8");

test("every ruling is written down, and none is written that nothing refers to", () => {
  const written = [...page.matchAll(/^## (.+)$/gm)].map(([, id]) => id);
  assert.deepEqual(
    written,
    rulings.map(({ id }) => id),
  );
});

test("the value of every ruling does with both versions what the ruling says", () => {
  const nothing = { schemas: {} } as unknown as ContractModel;
  for (const { id, proof } of rulings) {
    const takes = (schema: typeof proof.old): boolean => modelValidator(nothing, schema)(proof.value).length === 0;
    assert.equal(takes(proof.old), proof.oldTakes, `${id}, old`);
    assert.equal(takes(proof.now), proof.nowTakes, `${id}, new`);
  }
});
