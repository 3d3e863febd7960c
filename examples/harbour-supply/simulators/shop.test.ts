/** The shop simulator: it tries one order again under one key until acknowledged, follows it, and remembers through a kill. */
import assert from "node:assert/strict";
import test from "node:test";
import { kindOf, makeOrder } from "./orders.ts";
import { send } from "./send.ts";
import { folder, launched, receiver, until } from "./test-bench.ts";

const environment = {
  SHOP_TOKEN: "t",
  SHOP_API_KEY: "key",
  SHOP_WEBHOOK_SECRET: `whsec_${Buffer.from("secret").toString("base64")}`,
};

test("an order is placed again under the same key until it is acknowledged, then followed to its end", async (t) => {
  const { url, received } = await receiver(t, (one, count) => {
    if (one.method === "GET") return { status: 200, body: { status: count < 5 ? "running" : "completed" } };
    return count < 3
      ? { status: 503 }
      : { status: 202, headers: { location: "/orders/v1/orders/HS-100001" }, body: { run: "r1" } };
  });
  const shop = await launched(t, "shop", ["--data", folder(t), "--api-url", url], environment);
  assert.deepEqual(await shop.command("place", { kind: "plain" }), { ids: ["HS-100001"] });
  const ended = await until(async () => (await shop.ledger()).find((line) => line.kind === "ended"));
  assert.equal(ended.state, "completed");
  const posts = received.filter((one) => one.method === "POST");
  assert.equal(posts.length, 3);
  assert.equal(new Set(posts.map((one) => `${one.headers["idempotency-key"]} ${one.body}`)).size, 1);
  assert.equal(posts[0]?.headers.authorization, "Bearer key");
});

test("after a kill, orders that are not acknowledged are placed again, and no number is used twice", async (t) => {
  const data = folder(t);
  const before = await launched(t, "shop", ["--data", data], environment);
  await before.command("place", { count: 2 });
  await before.stop("SIGKILL");
  const { url, received } = await receiver(t, () => ({ status: 422, body: { code: "no" } }));
  const after = await launched(t, "shop", ["--data", data, "--api-url", url], environment);
  await until(async () => (await after.ledger()).filter((line) => line.kind === "refused").length === 2);
  assert.deepEqual(received.map((one) => one.headers["idempotency-key"]).sort(), ["HS-100001", "HS-100002"]);
  assert.deepEqual(await after.command("place", {}), { ids: ["HS-100003"] });
});

test("it takes statuses and availability, behind its token, and asks by webhook", async (t) => {
  const { url, received } = await receiver(t);
  const shop = await launched(t, "shop", ["--data", folder(t), "--webhook-url", url], environment);
  const order = makeOrder(7, "plain", "web-shop");
  await shop.command("place", { order });
  const put = (path: string, body: object, token = "t") =>
    send(shop.url + path, { method: "PUT", headers: { authorization: `Bearer ${token}` }, body: JSON.stringify(body) });
  assert.equal((await put("/orders/HS-7/status", { status: "paid" })).status, 200);
  assert.equal((await put("/orders/HS-8/status", { status: "paid" })).status, 404);
  assert.equal((await put("/orders/HS-7/status", { status: "paid" }, "wrong")).status, 401);
  assert.equal((await put("/products/ROPE-12MM/availability", { available: 3 })).status, 204);
  assert.deepEqual(await shop.command("orders", {}), [{ id: "HS-7", status: "paid" }]);
  await shop.command("ask", { sku: "FENDER-L" });
  await until(() => received.length === 1);
  assert.equal((JSON.parse(received[0]?.body ?? "") as { sku: string }).sku, "FENDER-L");
});

test("the mix shows every way an order can go within twenty, and totals are the sum of the lines", () => {
  const kinds = new Set(Array.from({ length: 20 }, (_, n) => kindOf(n)));
  assert.equal(kinds.size, 7);
  for (let n = 0; n < 40; n += 1) {
    const order = makeOrder(n, kindOf(n), "web-shop");
    const cents = (text: string) => Number(text.replace(".", ""));
    const sum = order.lines.reduce((total, line) => total + cents(line.unitPrice) * line.quantity, 0);
    assert.equal(cents(order.total), sum);
    const big = kindOf(n) === "big" || kindOf(n) === "refused" || kindOf(n) === "scarce";
    assert.equal(sum >= 500_000, big);
    assert.equal(sum > 900_000, kindOf(n) === "refused" || kindOf(n) === "scarce");
  }
});
