/** What is known of our own documents says nothing of headers that a given contract promises. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { headers } from "../../../publish/openapi-words.ts";
import { comparePublished } from "./compare.ts";

function documentOf(names: readonly string[], declared: object = headers): string {
  const reference = (name: string) => [name, { $ref: `#/components/headers/${name}` }];
  const responses = Object.fromEntries(
    ["200", "429", "503"].map((status) => [
      status,
      { description: "-", headers: Object.fromEntries(names.map(reference)) },
    ]),
  );
  return JSON.stringify({
    openapi: "3.1.1",
    info: { title: "t", version: "1.0.0" },
    servers: [{ url: "/t" }],
    paths: { "/a": { get: { operationId: "a", responses } } },
    components: { headers: declared },
  });
}

const all = ["RateLimit", "RateLimit-Policy", "Retry-After"];
const kept = async (old: string, now: string) => {
  const { verdict, findings } = await comparePublished("old.json", old, now);
  return { verdict, places: findings.filter((one) => one.verdict !== "safe").map(({ at }) => at) };
};

test("headers of our own limits go without breaking anybody; Retry-After of what is no 429 is a promise", async () => {
  assert.equal((await kept(documentOf(["RateLimit", "RateLimit-Policy"]), documentOf([]))).verdict, "safe");
  assert.deepEqual(await kept(documentOf(all), documentOf([])), {
    verdict: "breaking",
    places: ["a: answer 200 header retry-after", "a: answer 503 header retry-after"],
  });
});

test("headers of the same names that a given contract promises break callers when they go", async () => {
  const own = { RateLimit: { description: "Calls left today.", schema: { type: "integer" } } };
  assert.deepEqual(await kept(documentOf(["RateLimit"], own), documentOf([], own)), {
    verdict: "breaking",
    places: ["a: answer 200 header ratelimit", "a: answer 429 header ratelimit", "a: answer 503 header ratelimit"],
  });
});
