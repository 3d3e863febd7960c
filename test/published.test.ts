/** What Harbour Supply has published (examples/harbour-supply/apis/published) is kept: by its own code, and by how Mortise writes OpenAPI. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { openBench } from "../src/publish/harness.test.ts";
import { publicationOf } from "../src/server/apis/publication.ts";
import { loadProject } from "../src/server/project/project.ts";

const folder = join(import.meta.dirname, "..", "examples", "harbour-supply");

test("nothing that is published of Harbour Supply would break its callers", async () => {
  const project = await loadProject(folder);
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

test("an error in a given contract's own form says what is wrong with the request, and speaks of no list that is not there", async () => {
  const { apis, systems } = await loadProject(folder);
  const contracts = new Map([...systems].map(([name, { contract }]) => [name, contract]));
  await using bench = await openBench({ apis: apis.filter(({ name }) => name === "chandlers"), contracts });
  const { key } = await bench.publisher.keys.create({ consumer: "shop", scopes: ["stock:read"], by: "test" });
  const ask = (path: string, sent: string) =>
    bench.ask("GET", `/chandlers/v1${path}`, { key: null, headers: { "x-api-key": sent } });
  const wrong = await ask("/articles/SHACKLE-8?quantity=x", key);
  assert.deepEqual([wrong.status, wrong.json], [400, { code: 400, text: "/quantity must be integer" }]);
  const stranger = await ask("/articles/SHACKLE-8", "mtz_live_none");
  assert.equal(stranger.json.code, 401);
  assert.doesNotMatch(stranger.json.text, /`errors`/);
});
