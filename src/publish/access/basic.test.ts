import assert from "node:assert/strict";
import { randomBytes, scryptSync } from "node:crypto";
import { test } from "node:test";
import { secret } from "../../operation.ts";
import { defineApi } from "../define.ts";
import { assertProblem, openBench, ordersOptions } from "../harness.test.ts";
import { openWay } from "./access.ts";
import { apiKey } from "./api-key.ts";
import { type BasicOptions, basic } from "./basic.ts";
import { testSources, testTools } from "./test-issuer.ts";

const stock = "/orders/v1/stock/rope";
const salt = randomBytes(16);
const kept = scryptSync("correct horse battery", salt, 32, { N: 16_384, r: 8, p: 1 });
const secrets = {
  ERP: "a password of the ERP",
  CRM: `scrypt:16384:8:1:${salt.toString("base64url")}:${kept.toString("base64url")}`,
};

async function openBasicBench() {
  const sources = testSources(secrets);
  const users = {
    erp: { password: secret("ERP"), scopes: ["stock:read"] },
    crm: { password: secret("CRM"), scopes: ["stock:read"], consumer: "sales" },
  };
  const time = { now: Date.now() };
  const api = defineApi({ ...ordersOptions, access: [apiKey(), basic({ users })] });
  const bench = await openBench({ apis: [api], access: sources, clock: () => time.now, monotonic: () => time.now });
  return {
    bench,
    time,
    ask: (user: string, password: string, address = "10.0.0.1") =>
      raw(Buffer.from(`${user}:${password}`).toString("base64"), address),
    raw,
    async [Symbol.asyncDispose]() {
      await bench[Symbol.asyncDispose]();
      await sources[Symbol.asyncDispose]();
    },
  };
  function raw(token: string, address: string) {
    return bench.ask("GET", stock, { key: null, address, headers: { authorization: `Basic ${token}` } });
  }
}

test("a user comes in with a password that is kept as text or as its hash", async () => {
  await using open = await openBasicBench();
  assert.equal((await open.ask("erp", secrets.ERP)).status, 200);
  assert.equal((await open.ask("crm", "correct horse battery")).status, 200);
  const none = await open.bench.ask("GET", stock, { key: null });
  assert.equal(none.headers["www-authenticate"], 'Bearer, Basic realm="api", charset="UTF-8"');
  const document = open.bench.publisher.openapi("orders", "1.0.0");
  assert.deepEqual(Object.keys(document?.components.securitySchemes ?? {}), ["bearer", "apiKey", "basic"]);
});

test("OW-2: a wrong password, an unknown user and what is no pair are told apart by nobody", async () => {
  await using open = await openBasicBench();
  const answers = [
    await open.ask("erp", "another password", "10.0.1.1"),
    await open.ask("crm", "another password", "10.0.1.2"),
    await open.ask("nobody", secrets.ERP, "10.0.1.3"),
    await open.ask("__proto__", secrets.ERP, "10.0.1.4"),
    await open.raw(Buffer.from("no colon").toString("base64"), "10.0.1.5"),
    await open.raw("%%%", "10.0.1.6"),
    await open.raw(Buffer.from([0xff, 0x3a, 0xff]).toString("base64"), "10.0.1.7"),
    await open.raw("A".repeat(2000), "10.0.1.8"),
  ];
  for (const answer of answers) {
    assertProblem(answer, 401, "password-refused");
    assert.equal(answer.json.detail, answers[0]?.json.detail);
  }
});

test("OW-2: guessing is slow per user and per address, for users that there are and that there are not; the right caller goes on", async () => {
  await using open = await openBasicBench();
  const { ask, time } = open;
  assert.equal((await ask("erp", secrets.ERP, "10.0.9.9")).status, 200);
  for (const user of ["erp", "nobody"]) {
    for (let i = 0; i < 10; i++)
      assertProblem(await ask(user, `guess number ${i}`, `10.1.0.${i}`), 401, "password-refused");
    assertProblem(await ask(user, "guess number 11", "10.1.1.1"), 429, "quota-exceeded");
    time.now += 10_000;
  }
  assert.equal((await ask("erp", secrets.ERP, "10.1.1.2")).status, 200, "who was right before is remembered");
  for (let i = 0; i < 20; i++) await ask(`user-${i}`, "guess", "10.2.0.1");
  assertProblem(await ask("crm", "correct horse battery", "10.2.0.1"), 429, "quota-exceeded");
  assert.equal((await ask("crm", "correct horse battery", "10.2.0.2")).status, 200);
  time.now += 60_000;
  assertProblem(await ask("erp", "guess again", "10.1.1.3"), 401, "password-refused");
});

test("basic() with a password that is written down, too short, or a hash that is none is refused", async () => {
  const wrongUsers: readonly BasicOptions["users"][] = [
    {},
    { erp: { password: "written down" as never, scopes: [] } },
    { "a:b": { password: secret("ERP"), scopes: [] } },
  ];
  for (const users of wrongUsers)
    assert.throws(() => defineApi({ ...ordersOptions, access: [basic({ users })] }), { code: "api-definition" });
  const access = basic({ users: { erp: { password: secret("X"), scopes: [] } } });
  for (const wrong of [
    "short",
    "scrypt:16384:8:1:AAAA",
    secrets.CRM.replace("16384", "1024"),
    secrets.CRM.replace("16384", "16385"),
  ]) {
    await using sources = testSources({ X: wrong });
    assert.throws(() => openWay(access, testTools(sources)), {
      code: "server-failed",
      message: /password of the user erp/,
    });
  }
});
