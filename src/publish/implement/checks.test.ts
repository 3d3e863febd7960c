/** What of a given contract is refused when the project is loaded, and the remedy that is named. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { apiKey } from "../access/api-key.ts";
import { published } from "../lifecycle/states.ts";
import { implementApi } from "./implement.ts";
import { order, pinned } from "./stock-harness.test.ts";

test("what a contract says and nothing here can do is refused, with what to do about it", async (t) => {
  const base = (paths: string, more = "") => `
openapi: 3.1.0
info: { title: X, version: 1.0.0 }
paths: ${paths}
${more}`;
  const ok = '{ "200": { description: ok, content: { application/json: { schema: {} } } } }';
  const op = (text: string, responses = ok) => `{ operationId: act, ${text} responses: ${responses} }`;
  const call = { kind: "operation", system: "warehouse", name: "getStock", effect: "read" };
  const refuse = async (
    text: string,
    reason: RegExp,
    behind: object = { scope: "s", calls: call },
    more: object = {},
  ) => {
    const contract = await pinned("x", { "openapi.yaml": text }, (undo) => t.after(undo));
    const options = { base: "/x", lifecycle: published(), access: [apiKey()], operations: { act: behind }, ...more };
    assert.throws(() => implementApi(contract as never, options as never), reason);
  };
  await refuse(
    base(`{ /a: { head: ${op("")} } }`),
    /act is a HEAD, which is answered wherever GET is; name act in without/,
  );
  const taking = (schema: string) =>
    `{ /a: { post: ${op(`requestBody: { content: { application/json: { schema: { ${schema} } } } },`)} } }`;
  for (const [schema, what] of [
    ['type: string, pattern: "^S-[0-9"', "no regular expression"],
    ['type: string, pattern: "^a(?=S)b"', "look-around.*several patterns in an allOf"],
    ["type: object, properties: { a: { type: number, required: 1 } }", '"required" is no list of names'],
    ["type: string, maxLength: many", '"maxLength" has a value of the wrong type'],
    ["$ref: '#/components/schemas/Gone'", "any value is taken"],
  ] as const)
    await refuse(
      base(taking(schema)),
      new RegExp(`says what can't be checked, and callers would be promised it: openapi.yaml at /paths/.*${what}`),
    );
  await refuse(base(`{ /a: { trace: ${op("")} } }`), /the method TRACE, which is not served/);
  await refuse(base(`{ "/a/{b}.json": { get: ${op("")} } }`), /"\{b\}\.json" is neither plain text nor one \{name\}/);
  for (const [path, reason] of [
    ["/a/../b", /which no request can have: it has a segment of dots; name act in without/],
    ["/a//b", /it has an empty segment/],
    ["/a/%2e%2e/b", /it has an encoded slash, dot or control character/],
    ["/a\\nb", /it has an encoded slash, dot or control character/],
    ["/a/%ff", /its percent-encoding is not UTF-8/],
    ["/a/%24b", /it has an encoded sign that means something in addresses/],
  ] as const)
    await refuse(base(`{ "${path}": { get: ${op("")} } }`), reason);
  await refuse(
    base(`{ /a: { post: ${op("requestBody: { content: { multipart/mixed: { schema: { type: object } } } },")} } }`),
    /takes multipart\/mixed, which is not read here/,
  );
  await refuse(
    base(`{ /a: { get: ${op("", '{ "200": { description: ok, content: { text/event-stream: {} } } }')} } }`),
    /answers 200 as text\/event-stream.*in an API of its own.*name act in without/,
  );
  await refuse(
    base(
      `{ /a: { get: ${op('callbacks: { told: { "{$request.query.url}": { post: { responses: { "200": { description: ok } } } } } },')} } }`,
    ),
    /has the callback \w+ of act, and an API sends no requests of its own; name \w+ in without/,
  );
  await refuse(
    base(`{ /a: { get: ${op("")} } }`, `webhooks: { told: { post: { responses: {} } } }`),
    /has the webhook told/,
  );
  await refuse(
    base(
      `{ /a: { get: ${op("security: [{ q: [] }],")} } }`,
      "components: { securitySchemes: { q: { type: apiKey, in: query, name: key } } }",
    ),
    /act asks for a key in the query, which nothing in access takes/,
  );
  await refuse(
    base(`{ /a: { get: ${op("security: [{ q: [] }],")} } }`),
    /a security scheme that its contract does not declare/,
  );
  await refuse(base(`{ /a: { get: ${op("security: [],")} } }`), /lets anybody call act; say access: "public"/);
  await refuse(
    base(
      `{ /a: { get: ${op("security: [{ b: [] }],")} } }`,
      "components: { securitySchemes: { b: { type: http, scheme: bearer } } }",
    ),
    /act is public, and its contract asks for b/,
    { access: "public", calls: call },
  );
  const header =
    '{ "200": { description: ok, headers: { X-A: { required: true, schema: {} } }, content: { application/json: { schema: {} } } } }';
  await refuse(base(`{ /a: { get: ${op("", header)} } }`), /has to answer 200 with the field x-a; say it with headers/);
  const post201 = base(
    `{ /a: { post: ${op("", '{ "201": { description: ok, content: { application/json: { schema: {} } } } }')} } }`,
  );
  await refuse(post201, /has no 202 for a run that is not over; say what is answered then, with accepted/, {
    scope: "s",
    starts: order,
  });
  await refuse(post201, /says nothing that stands behind it: starts, calls, run or adapts/, { scope: "s" });
  await refuse(
    post201,
    /act, other of its contract are not implemented|its contract has no operation other/,
    { scope: "s", calls: call },
    { operations: { other: {} } },
  );
  await refuse(
    post201,
    /its contract has the version/,
    { scope: "s", calls: call },
    { without: ["act"], operations: { act: {} } },
  ).catch(() => {});
  await refuse(post201, /without names gone, which its contract does not have/, undefined, { without: ["gone"] });
  await refuse(
    base(`{ /a: { get: ${op("")} } }`).replace("1.0.0", "March"),
    /has the version "March", which is not like 1\.0\.0/,
  );
  await refuse(base(`{ /a: { get: ${op("")} } }`), /states neither a scope, nor roles/, { calls: call });
});

test("a webhook in capitals is left out by the name that it had when its contract was pinned", async (t) => {
  const text = `
openapi: 3.1.0
info: { title: X, version: 1.0.0 }
paths: { /a: { get: { operationId: getA, responses: { "200": { description: ok, content: { application/json: { schema: {} } } } } } } }
webhooks: { STOCK_GONE: { post: { requestBody: { content: { application/json: { schema: {} } } }, responses: { "200": { description: ok } } } } }
`;
  const contract = await pinned("x", { "openapi.yaml": text }, (undo) => t.after(undo));
  const before = { ...contract.model.events.stockGone, name: "stockGONE" };
  const earlier = { ...contract, model: { ...contract.model, events: { stockGONE: before } } };
  for (const [given, name] of [
    [contract, "stockGone"],
    [contract, "STOCK_GONE"],
    [earlier, "stockGONE"],
  ] as const)
    implementApi(given as never, {
      base: "/x",
      lifecycle: published(),
      access: [],
      without: [name] as never,
      operations: {
        getA: {
          access: "public",
          calls: { kind: "operation", system: "warehouse", name: "getStock", effect: "read" },
          accepts: () => ({ sku: "a" }),
        },
      } as never,
    });
});
