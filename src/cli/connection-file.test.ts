import assert from "node:assert/strict";
import { test } from "node:test";
import { one } from "../contract/read/openapi-harness.test.ts";
import { connectionFile } from "./connection-file.ts";

const settings = async (body: string): Promise<string> => connectionFile(await one(body));

test("the security scheme that most operations ask for becomes the credentials, others a comment", async () => {
  const text = await settings(`
security: [{ key: [] }, { login: [write, read] }]
paths:
  /a: { get: { operationId: a, responses: {} }, put: { operationId: b, security: [], responses: {} } }
  /c: { get: { operationId: c, security: [{ digest: [] }], responses: {} } }
components:
  securitySchemes:
    key: { type: apiKey, in: query, name: api_key }
    login: { type: oauth2, flows: { clientCredentials: { tokenUrl: https://id.example/token, scopes: {} } } }
    digest: { type: http, scheme: digest }`);
  assert.match(text, /^ {2}credentials: \{ kind: "query", name: "api_key", value: secret\("TEST_API_KEY"\) \},$/m);
  assert.match(text, /^ {2}\/\/ as the contract's security scheme key says; 1 of the operations need none$/m);
  assert.match(
    text,
    /or, as login says: \{ kind: "oauth", tokenUrl: "https:\/\/id\.example\/token", client: env\("TEST_CLIENT"\), secret: secret\("TEST_CLIENT_SECRET"\), scopes: \["read","write"\] \}/,
  );
  assert.match(text, /digest \(http\) has no setting/);
  assert.match(text, /^import \{ env, rest, secret \} from "mortise";$/m);
});

test("each kind of scheme has its setting; without any there is a hint only", async () => {
  const scheme = (text: string) =>
    settings(
      `security: [{ s: [] }]\npaths: { /a: { get: { responses: {} } } }\ncomponents: { securitySchemes: { s: ${text} } }`,
    );
  assert.match(await scheme("{ type: http, scheme: Basic }"), /^ {2}credentials: \{ kind: "basic", user: env/m);
  assert.match(await scheme("{ type: http, scheme: bearer }"), /^ {2}credentials: \{ kind: "bearer", token: secret/m);
  assert.match(await scheme("{ type: apiKey, in: cookie, name: sid }"), /kind: "cookie", name: "sid"/);
  assert.match(await scheme("{ type: openIdConnect, openIdConnectUrl: https://x }"), /kind: "bearer"/);
  assert.match(
    await scheme("{ type: oauth2, flows: { implicit: { authorizationUrl: https://x, scopes: {} } } }"),
    /kind: "bearer"/,
  );
  assert.doesNotMatch(await scheme("{ type: mutualTLS }"), /^ {2}credentials/m);
  const none = await settings("paths: { /a: { get: { responses: {} } } }");
  assert.match(none, /^ {2}\/\/ credentials: /m);
  assert.match(none, /^import \{ env, rest \} from "mortise";$/m);
});

test("servers of single operations are named in a comment: nothing is sent there by itself", async () => {
  const text = await settings("paths: { /a: { servers: [{ url: https://up.example }], get: { responses: {} } } }");
  assert.match(
    text,
    /^ {2}\/\/ servers: \{\n {2}\/\/ {3}"https:\/\/up\.example": env\("TEST_URL_2", "https:\/\/up\.example"\),\n {2}\/\/ \},$/m,
  );
});

test("a system that only tells of events asks for no address and no credentials", async () => {
  const text = await settings(`
paths: {}
webhooks:
  paid: { post: { requestBody: { content: { application/json: { schema: { type: object } } } }, responses: {} } }`);
  assert.match(text, /^ {2}connection: "https:\/\/test\.invalid",$/m);
  assert.match(text, /^ {2}webhookSecret: secret\("TEST_WEBHOOK_SECRET"\),$/m);
  assert.doesNotMatch(text, /credentials|env\(/);
  assert.match(text, /^import \{ rest, secret \} from "mortise";$/m);
});
