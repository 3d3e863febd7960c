/** What Harbour Supply has published (examples/harbour-supply/apis/published) is kept: by its own code, and by how Mortise writes OpenAPI. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { loadProject } from "../src/server/project.ts";
import { publicationOf } from "../src/server/publication.ts";

test("nothing that is published of Harbour Supply would break its callers", async () => {
  const project = await loadProject(join(import.meta.dirname, "..", "examples", "harbour-supply"));
  const { problems, locks } = await publicationOf(project);
  assert.deepEqual(
    problems.map(({ message }) => message),
    [],
  );
  assert.deepEqual(
    locks.map(({ file, state }) => [file, state.kind === "same" || state.kind === "changed"]),
    [
      ["apis/published/orders.v1.json", true],
      ["apis/published/chandlers.v1.json", true],
    ],
  );
});
