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

/** A document whose one operation takes this body. */
function taking(schema: object, schemas: object = {}): string {
  const content = { "application/json": { schema } };
  const answer = { description: "-" };
  return JSON.stringify({
    openapi: "3.1.1",
    info: { title: "t", version: "1.0.0" },
    servers: [{ url: "/t" }],
    paths: {
      "/a": { post: { operationId: "a", requestBody: { required: true, content }, responses: { 204: answer } } },
    },
    components: { schemas },
  });
}
const text = { type: "string" };
const object = (properties: object, more: object = {}) => ({ type: "object", properties, ...more });

test("a member that a request may have, and that is named no more, breaks callers: it is refused, though the object is open", async () => {
  const old = object({ sku: text, note: text });
  const { verdict, findings } = await comparePublished("old.json", taking(old), taking(object({ sku: text })));
  assert.equal(verdict, "breaking");
  assert.deepEqual(
    findings.map(({ rule, at, example }) => [rule, at, example]),
    [
      [
        "unknown-property",
        "a: request /note",
        { value: { note: "text" }, proven: true, refusal: "/note is no field of this operation" },
      ],
    ],
  );
  // Deep inside, and by the names of schemas.
  const line = (properties: object) => ({ Line: object(properties) });
  const lines = object({ lines: { type: "array", items: { $ref: "#/components/schemas/Line" } } });
  const deep = [taking(lines, line({ sku: text, note: text })), taking(lines, line({ sku: text }))] as const;
  assert.deepEqual(await kept(...deep), { verdict: "breaking", places: ["a: request /lines/*/note"] });
});

test("an object that took any member and lists some now breaks callers: others are refused, though nothing says so", async () => {
  const meta = (more: object) => taking(object({ meta: { type: "object", ...more } }));
  const places = ["a: request /meta"];
  const listed = { properties: { color: text } };
  assert.deepEqual(await kept(meta({}), meta(listed)), { verdict: "breaking", places });
  assert.deepEqual(await kept(meta({ ...listed, additionalProperties: true }), meta(listed)), {
    verdict: "breaking",
    places,
  });
  const typed = { ...listed, additionalProperties: { type: "integer" } };
  assert.deepEqual(await kept(meta(typed), meta(listed)), { verdict: "breaking", places });
  // What is demanded is taken, described or not; demanded no more and described nowhere, it is not.
  const demanded = { ...listed, required: ["size"] };
  assert.deepEqual(await kept(meta(demanded), meta(listed)), {
    verdict: "breaking",
    places: ["a: request /meta/size"],
  });
  for (const [old, now] of [
    [listed, { properties: { color: text, size: text } }],
    [listed, {}],
    [{}, { ...listed, additionalProperties: true }],
    [{}, { description: "Whatever." }],
  ] as const)
    assert.equal((await kept(meta(old), meta(now))).verdict, "safe", JSON.stringify([old, now]));
});

test("a member that is named no more breaks nobody where it is still taken", async () => {
  const old = object({ sku: text, note: text });
  const open = object({ sku: text }, { additionalProperties: true });
  assert.equal((await kept(taking(old), taking(open))).verdict, "safe");
  // What lists no members takes any.
  assert.equal((await kept(taking(object({ note: text })), taking({ type: "object" }))).verdict, "safe");
  // Another part of the same object names it.
  const parts = object({ sku: text }, { dependentSchemas: { sku: { properties: { note: text } } } });
  assert.equal((await kept(taking(old), taking(parts))).verdict, "review");
  // The other way round nothing is refused that was taken.
  assert.equal((await kept(taking(object({ sku: text })), taking(old))).verdict, "safe");
});

test("what the events of a stream hold is a promise: a member that goes breaks who listens", async () => {
  const streaming = (data: object, schemas: object = {}) => {
    const content = { "text/event-stream": { schema: { type: "string" }, "x-event-data": data } };
    return JSON.stringify({
      openapi: "3.1.1",
      info: { title: "t", version: "1.0.0" },
      servers: [{ url: "/t" }],
      paths: { "/a": { get: { operationId: "a", responses: { 200: { description: "-", content } } } } },
      components: { schemas },
    });
  };
  const old = object({ status: text, note: text }, { required: ["status", "note"] });
  assert.deepEqual(await kept(streaming(old), streaming(object({ status: text }, { required: ["status"] }))), {
    verdict: "breaking",
    places: ["a: answer 200 /*"],
  });
  const named = { $ref: "#/components/schemas/View" };
  const view = (status: object) => ({ View: object({ status }) });
  assert.deepEqual(await kept(streaming(named, view(text)), streaming(named, view({ type: "integer" }))), {
    verdict: "breaking",
    places: ["a: answer 200 /*/status"],
  });
  assert.equal((await kept(streaming(old), streaming({ ...old, description: "Of the run." }))).verdict, "safe");
});

test("a path that gets a slash at its end, or loses it, is another path for callers", async () => {
  const at = (path: string) => taking(object({ sku: text })).replace('"/a"', JSON.stringify(path));
  for (const [old, now] of [
    ["/a", "/a/"],
    ["/a/{id}/", "/a/{id}"],
  ] as const)
    assert.equal((await kept(at(old), at(now))).verdict, "breaking", old);
  assert.equal((await kept(at("/a/{id}/"), at("/a/{no}/"))).verdict, "safe");
});
