import assert from "node:assert/strict";
import { test } from "node:test";
import { allScopes, assertProblem, openBench } from "../harness.test.ts";
import type { ConnectionMemory } from "../http.ts";
import { openKeyring, parseKey } from "./keyring.ts";

const stock = "/orders/v1/stock/rope";

test("a key is shown once, stored as a hash, and recognised by its form", async () => {
  await using bench = await openBench();
  assert.match(bench.key, /^mtz_live_[0-9A-Za-z]{12}_[0-9A-Za-z]{43}_[0-9A-Za-z]{6}$/);
  const secret = parseKey(bench.key)?.secret as string;
  const kept = JSON.stringify(bench.store.read.prepare("SELECT * FROM publish_keys").all());
  assert.ok(!kept.includes(secret));
  assert.ok(!JSON.stringify(bench.publisher.keys.list()).includes(secret));
});

test("a key is taken from Authorization or X-API-Key, and from one place only", async () => {
  await using bench = await openBench();
  assert.equal((await bench.ask("GET", stock)).status, 200);
  assert.equal((await bench.ask("GET", stock, { key: null, headers: { "x-api-key": bench.key } })).status, 200);
  const missing = await bench.ask("GET", stock, { key: null });
  assertProblem(missing, 401, "api-key-missing");
  assert.equal(missing.headers["www-authenticate"], "Bearer");
  assertProblem(await bench.ask("GET", stock, { headers: { "x-api-key": bench.key } }), 400, "credential-several");
  assertProblem(await bench.ask("GET", `${stock}?api_key=${bench.key}`, { key: null }), 401, "api-key-missing");
});

test("attack 6: a changed, revoked or expired key is refused at once, with the same answer", async () => {
  await using bench = await openBench();
  const { keys } = bench.publisher;
  const start = bench.key.slice(0, -8);
  const wrong = [
    `${start}0_000000`,
    bench.key.slice(0, -1),
    `${bench.key}0`,
    "mtz_live_x",
    "x",
    bench.key.replace("live", "test"),
  ];
  for (const key of wrong)
    assertProblem(
      await bench.ask("GET", stock, { key, address: `10.0.0.${wrong.indexOf(key)}` }),
      401,
      "api-key-invalid",
    );

  const brief = await keys.create({ consumer: "a", scopes: allScopes, expiresAt: bench.time.now + 1000, by: "t" });
  assert.equal((await bench.ask("GET", stock, { key: brief.key })).status, 200);
  bench.time.now += 1000;
  assertProblem(await bench.ask("GET", stock, { key: brief.key }), 401, "api-key-invalid");

  const id = parseKey(bench.key)?.id as string;
  await keys.revoke(id, "alice");
  assertProblem(await bench.ask("GET", stock), 401, "api-key-invalid");
  await assert.rejects(keys.revoke(id, "alice"), { code: "api-key-unknown" });
  assert.equal(keys.list().find((key) => key.id === id)?.revokedBy, "alice");
});

test("a key without the scope is 403", async () => {
  await using bench = await openBench();
  const { key } = await bench.publisher.keys.create({ consumer: "a", scopes: ["orders:read"], by: "t" });
  const answer = await bench.ask("GET", stock, { key });
  assertProblem(answer, 403, "scope-missing");
  assert.match(answer.headers["www-authenticate"] ?? "", /insufficient_scope.*stock:read/);
});

test("the last use is written behind: time, version and operation", async () => {
  await using bench = await openBench();
  const id = parseKey(bench.key)?.id;
  await bench.ask("GET", stock);
  assert.equal(bench.publisher.keys.list().find((key) => key.id === id)?.lastUsed, undefined);
  await bench.publisher.keys.flush();
  const used = bench.publisher.keys.list().find((key) => key.id === id)?.lastUsed;
  assert.deepEqual(used, { at: bench.time.now, by: "orders 1.0.0 getStock" });
});

test("a use that the store did not take is written the next time, unless a later one came", async () => {
  await using bench = await openBench();
  let full = false;
  let now = 1000;
  const store: Parameters<typeof openKeyring>[0] = {
    read: bench.store.read,
    submit: (commands) => (full ? Promise.reject(new Error("no space")) : bench.store.submit(commands)),
  };
  const keys = openKeyring(store, () => now);
  const [a, b] = [
    await keys.create({ consumer: "a", scopes: ["s"], by: "t" }),
    await keys.create({ consumer: "b", scopes: ["s"], by: "t" }),
  ];
  full = true;
  keys.used(a.record.id, "orders 1.0.0 getStock");
  keys.used(b.record.id, "orders 1.0.0 getStock");
  const failing = keys.flush();
  now = 2000;
  keys.used(b.record.id, "orders 1.0.0 placeOrder");
  await assert.rejects(failing, /no space/);
  full = false;
  await keys.flush();
  const lastUsed = (id: string) => keys.list().find((key) => key.id === id)?.lastUsed;
  assert.deepEqual(lastUsed(a.record.id), { at: 1000, by: "orders 1.0.0 getStock" });
  assert.deepEqual(lastUsed(b.record.id), { at: 2000, by: "orders 1.0.0 placeOrder" });
});

test("a key that makes no sense is not made", async () => {
  await using bench = await openBench();
  const { keys } = bench.publisher;
  const fine = { consumer: "a", scopes: ["s"], by: "t" };
  for (const bad of [
    { consumer: "" },
    { consumer: "a\nb" },
    { scopes: [] },
    { scopes: ["a b"] },
    { environment: "LIVE" },
    { expiresAt: 1 },
    { expiresAt: 8.64e15 + 1 },
    { expiresAt: 1e300 },
  ]) {
    await assert.rejects(keys.create({ ...fine, ...bad }), { code: "api-key-definition" });
  }
});

test("OW-2: guessing keys costs an address its turn, and nobody else", async () => {
  await using bench = await openBench();
  const guess = (address: string) => bench.ask("GET", stock, { key: `mtz_live_${"a".repeat(12)}`, address });
  for (let i = 0; i < 20; i++) assert.equal((await guess("10.0.0.1")).status, 401);
  assertProblem(await guess("10.0.0.1"), 429, "quota-exceeded");
  assert.equal((await guess("10.0.0.2")).status, 401);
  assert.equal((await bench.ask("GET", stock, { address: "10.0.0.1" })).status, 200);
});

test("a rotated key is valid beside its successor until the stated time, and not longer", async () => {
  await using bench = await openBench();
  const { keys } = bench.publisher;
  const id = parseKey(bench.key)?.id as string;
  const next = await keys.rotate(id, { validUntil: bench.time.now + 60_000, by: "alice" });
  assert.equal(next.record.rotatedFrom, id);
  assert.equal(next.record.consumer, "shop");
  assert.deepEqual(next.record.scopes, allScopes);
  for (const key of [bench.key, next.key]) assert.equal((await bench.ask("GET", stock, { key })).status, 200);
  bench.time.now += 59_999;
  assert.equal((await bench.ask("GET", stock)).status, 200);
  bench.time.now += 1;
  assertProblem(await bench.ask("GET", stock), 401, "api-key-invalid");
  assert.equal((await bench.ask("GET", stock, { key: next.key })).status, 200);
  await assert.rejects(keys.rotate("nobody", { by: "alice" }), { code: "api-key-unknown" });
  const last = await keys.rotate(next.record.id, { validUntil: 1e300, by: "alice" });
  for (const key of [next.key, last.key]) assert.equal((await bench.ask("GET", stock, { key })).status, 200);
});

test("a key that expires, or is no longer valid, gains nothing by being rotated", async () => {
  await using bench = await openBench();
  const { keys } = bench.publisher;
  const expiresAt = Date.now() + 3_600_000;
  const brief = await keys.create({ consumer: "a", scopes: allScopes, expiresAt, by: "t" });
  const next = await keys.rotate(brief.record.id, { by: "t" });
  const list = keys.list();
  assert.equal(list.find(({ id }) => id === brief.record.id)?.expiresAt, expiresAt, "its end was before the overlap's");
  const lifetime = expiresAt - brief.record.createdAt;
  assert.equal(next.record.expiresAt, bench.time.now + lifetime, "the successor lives as long, not for ever");
  await keys.revoke(brief.record.id, "t");
  await assert.rejects(keys.rotate(brief.record.id, { by: "t" }), { code: "api-key-unknown" });
  assert.equal(keys.list().length, 3, "a refused rotation leaves no key behind");
});

test("a key that is rotated once more has a successor as the first time: the end that the overlap gave it is not its own", async () => {
  await using bench = await openBench();
  const { keys } = bench.publisher;
  const id = parseKey(bench.key)?.id as string;
  const lost = await keys.rotate(id, { by: "t" });
  await keys.revoke(lost.record.id, "t");
  const again = await keys.rotate(id, { by: "t" });
  assert.deepEqual([lost.record.expiresAt, again.record.expiresAt], [undefined, undefined]);
  const year = 365 * 86_400_000;
  const yearly = await keys.create({ consumer: "a", scopes: allScopes, expiresAt: bench.time.now + year, by: "t" });
  await keys.rotate(yearly.record.id, { by: "t" });
  const { record } = await keys.rotate(yearly.record.id, { by: "t" });
  assert.ok(Number(record.expiresAt) - record.createdAt > year - 60_000, String(record.expiresAt));
});

test("a key that a connection brings again is known from before, and looked at anew: wrong, revoked and other ones are told apart", async () => {
  await using bench = await openBench();
  const { keys } = bench.publisher;
  const memory: ConnectionMemory = {};
  const of = (presented: string) => keys.authenticate(presented, memory)?.consumer;
  const other = await keys.create({ consumer: "other", scopes: allScopes, by: "t" });
  assert.deepEqual([of(bench.key), of(bench.key), of(other.key), of(bench.key)], ["shop", "shop", "other", "shop"]);
  const swapped = bench.key.at(-1) === "0" ? "1" : "0";
  for (const wrong of [
    bench.key.slice(0, -1),
    `${bench.key} `,
    `${bench.key}0`,
    bench.key.slice(0, -1) + swapped,
    bench.key.toLowerCase(),
    "",
    "x".repeat(101),
    `${bench.key.slice(0, -1)}\u0130`,
  ]) {
    assert.equal(of(wrong), undefined, wrong);
    assert.equal(of(bench.key), "shop", "what is wrong takes nothing away");
  }
  // What is remembered is the last right one, and nobody else's connection knows it.
  assert.equal(of(other.key), "other");
  await keys.revoke(other.record.id, "t");
  assert.deepEqual([of(other.key), of(bench.key)], [undefined, "shop"]);
  const brief = await keys.create({ consumer: "brief", scopes: allScopes, expiresAt: bench.time.now + 1000, by: "t" });
  assert.deepEqual([of(brief.key), of(brief.key)], ["brief", "brief"]);
  bench.time.now += 1000;
  assert.equal(of(brief.key), undefined);
});
