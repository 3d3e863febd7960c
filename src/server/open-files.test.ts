import assert from "node:assert/strict";
import { test } from "node:test";
import { connectionsAllowed, openFilesAllowed } from "./open-files.ts";

test("the limit of open files is read where the system tells it, and the APIs take half of it at most", () => {
  const limits = "Limit  Soft Limit  Hard Limit  Units\nMax open files            256                  1024  files\n";
  assert.equal(
    openFilesAllowed(() => limits),
    256,
  );
  assert.equal(
    openFilesAllowed(() => limits.replace("256", "unlimited")),
    undefined,
  );
  assert.equal(
    openFilesAllowed(() => {
      throw new Error("there is no such file");
    }),
    undefined,
  );
  assert.deepEqual(
    [
      [5000, 256],
      [100, 256],
      [5000, 4],
      [5000, undefined],
    ].map(([wished, files]) => connectionsAllowed(wished as number, files)),
    [128, 100, 10, 5000],
  );
});
