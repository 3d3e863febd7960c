/** Rows 9, 10, 11 and 19 over raw sockets: who calls, what is whose, what counts once, and addresses that somebody makes up. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { openWebhookSecret, signWebhook } from "../../src/connectors/webhook.ts";
import { addressBucket } from "../../src/publish/limits/address.ts";
import { shopContract, shopTs, webhookSecret } from "./project.ts";
import { openTarget, shortTimes, type Target } from "./target.ts";
import { bodyOf, codeOf } from "./wire.ts";

/** Looks until it is as wanted; what is looked at is what is waited for. */
async function until<T>(look: () => Promise<T | undefined>): Promise<T> {
  for (const end = Date.now() + 10_000; Date.now() < end; await new Promise((next) => setTimeout(next, 10))) {
    const found = await look();
    if (found !== undefined) return found;
  }
  throw new Error("it did not come to what is wanted");
}

interface Run {
  readonly id: string;
  readonly status: string;
  readonly output?: unknown;
  readonly steps: readonly { readonly kind: string }[];
}
async function runOf(target: Target, key: string, wanted: (run: Run) => boolean): Promise<Run> {
  return until(async () => {
    const [summary] = JSON.parse((await target.admin(`/runs?key=${key}`)).text).runs as readonly Run[];
    if (summary === undefined) return undefined;
    const run = JSON.parse((await target.admin(`/runs/${summary.id}`)).text) as Run;
    return wanted(run) ? run : undefined;
  });
}
const waits = (run: Run) => run.steps.some(({ kind }) => kind === "receive" || kind === "task");
const ended = (run: Run) => run.status === "completed";

/** What an answer says, without what names the request. */
const said = (text: string) => bodyOf(text).replace(/urn:mortise:request:[^"]*/, "");

test("OW-1 attack 9: another consumer's run, key, credential or admin address is as one that is not there, and nothing of it changes", async (t) => {
  const target = await openTarget(t);
  const { admin, ask, upstream } = target;
  const other = `Authorization: Bearer ${target.otherKey}`;
  const place = (auth: string, id: string, headers: readonly string[] = []) =>
    ask("POST /orders/v1/orders", { auth, body: { id }, headers });
  const key = 'Idempotency-Key: "mine"';
  assert.equal((await place(target.auth, "mine", [key])).status, 202);
  const run = await runOf(target, "mine", waits);
  upstream.ledger.length = 0;

  // By its key, in other writings of it, by its id, and by names that lists have.
  const mine = await ask("GET /orders/v1/orders/mine");
  assert.equal(mine.status, 200);
  const unknown = await ask("GET /orders/v1/orders/none", { auth: other });
  assert.equal(unknown.status, 404);
  for (const path of ["mine", "%6dine", run.id, "MINE", "mine%20", "__proto__", "constructor", "*", "%25"]) {
    const answer = await ask(`GET /orders/v1/orders/${path}`, { auth: other });
    assert.deepEqual([answer.status, said(answer.text)], [404, said(unknown.text)], path);
  }
  // The same time, too: of many requests in turn, each as often the first of two, the middle one is looked at, so that a busy machine does not decide.
  const times: { readonly [path: string]: number[] } = { mine: [], none: [] };
  for (let n = 0; n < 40; n += 1)
    for (const path of n % 2 === 0 ? ["mine", "none"] : ["none", "mine"]) {
      const begun = performance.now();
      await ask(`GET /orders/v1/orders/${path}`, { auth: other });
      times[path]!.push(performance.now() - begun);
    }
  const middle = (list: readonly number[]) => list.toSorted((a, b) => a - b)[list.length / 2]!;
  assert.ok(Math.abs(middle(times.mine!) - middle(times.none!)) < 5, `${middle(times.mine!)} ${middle(times.none!)}`);

  // A start under the same business key: refused without a word about the run that there is.
  const taken = await place(other, "mine");
  assert.equal(taken.status, 409);
  assert.ok(!taken.text.includes(run.id) && !taken.text.includes("acme"), taken.text);
  // The same idempotency key is another consumer's own: nothing is replayed.
  const own = await place(other, "other", [key]);
  assert.deepEqual([own.status, own.text.includes("mine")], [202, false]);
  assert.doesNotMatch(own.text, /idempotency-replayed/i);
  await runOf(target, "other", waits);
  upstream.ledger.length = 0;

  // No credential of a consumer opens the admin API, none of the admin API a published one.
  const paths = ["/runs", `/runs/${run.id}`, "/keys", "/audit", "/tasks", `/runs/${run.id}/cancel`];
  for (const path of paths) {
    const answer = await fetch(`${target.server.adminUrl}${path}`, {
      headers: { authorization: `Bearer ${target.key}` },
    });
    assert.equal(answer.status, path.endsWith("/cancel") ? 405 : 401, path);
  }
  const token = `Authorization: Bearer ${target.server.adminToken}`;
  assert.equal((await ask("GET /orders/v1/orders/mine", { auth: token })).status, 401);
  assert.equal(codeOf((await ask("POST /orders/v1/purge", { body: { sku: "a" } })).text), "scope-missing");

  assert.deepEqual(await runOf(target, "mine", waits), run, "nothing changed");
  assert.equal((await admin("/runs")).text.match(/"ordering"/g)?.length, 2);
  target.quiet();
  await target.works();
});

test("OW-3 attack 10: fields that nobody declared (id, owner, role, status) are refused and change nothing", async (t) => {
  const target = await openTarget(t);
  const { ask, admin } = target;
  const fields: Readonly<Record<string, unknown>> = {
    customer: "bolt",
    tenantId: "b",
    consumer: "bolt",
    role: "admin",
    roles: ["admin"],
    scopes: ["operators"],
    createdAt: 0,
    status: "completed",
    key: "x",
    run: "x",
    version: "2",
    $ref: "#/x",
    "": 1,
  };
  for (const [name, value] of Object.entries(fields)) {
    const start = await ask("POST /orders/v1/orders", { body: { id: "a", [name]: value } });
    const call = await ask("POST /orders/v1/bookings", { body: { sku: "a", [name]: value } });
    for (const answer of [start, call]) {
      assert.deepEqual([answer.status, codeOf(answer.text)], [400, "input-invalid"], name);
      assert.match(answer.text, /"pointer":/);
    }
    const query = await ask(`GET /orders/v1/stock/a?${encodeURIComponent(name)}=1`);
    assert.equal(query.status, 400, name);
    // The admin API as well: a key is made of what its form names.
    const made = await admin("/keys", { consumer: "acme", scopes: ["orders"], [name]: value });
    if (!["consumer", "scopes"].includes(name)) assert.equal(made.status, 400, `${name}: ${made.text}`);
  }
  // The owner is who calls, whatever the body of a list or a text is.
  for (const body of [[], [{ id: "a" }], "a", 1, true, null])
    assert.equal((await ask("POST /orders/v1/orders", { body: JSON.stringify(body) })).status, 400);
  assert.equal(JSON.parse((await admin("/runs")).text).runs.length, 0);
  target.quiet();
  await target.works();
});

const secretOf = (text: string) => openWebhookSecret(text, "shop");
/** A signed delivery, to be sent as it is or changed. */
function delivery(order: string, id: string, secret = webhookSecret) {
  const body = JSON.stringify({ type: "paid", order });
  const timestamp = Math.floor(Date.now() / 1000);
  const headers = signWebhook({ id, timestamp, body, secrets: [secretOf(secret)] });
  return { body, headers: Object.entries(headers).map(([name, value]) => `${name}: ${value}`), auth: "" };
}

const otherSecret = `whsec_${Buffer.alloc(32, 9).toString("base64")}`;

test("attack 11: an answer or an event counts once, for the run that waits for it, and for no other, whoever repeats or guesses it", async (t) => {
  const target = await openTarget(t, {
    files: {
      "secrets/other-webhook": otherSecret,
      "systems/other/contract.json": shopContract("other"),
      "systems/other/contract.ts": `import { pinnedContract } from "mortise"; export const contract = pinnedContract<any>(import.meta.url) as any;`,
      "systems/other/index.ts": shopTs("http://127.0.0.1:9", "")
        .replace("shop-webhook", "other-webhook")
        .replace("const shop", "const other"),
    },
  });
  const { admin, ask, upstream } = target;
  for (const id of ["a", "b"]) assert.equal((await ask("POST /orders/v1/orders", { body: { id } })).status, 202);
  for (const id of ["a", "b"]) await runOf(target, id, waits);
  upstream.ledger.length = 0;

  // An event for run A: sent to the other system, with the other's secret, changed to run B. Then as it is, twice, and after the end.
  const event = delivery("a", "d-1");
  assert.equal((await ask("POST /webhooks/other", event)).status, 401);
  assert.equal((await ask("POST /webhooks/shop", delivery("a", "d-1", otherSecret))).status, 401);
  const changed = { ...event, body: event.body.replace('"a"', '"b"') };
  assert.equal((await ask("POST /webhooks/shop", changed)).status, 401);
  const renamed = { ...event, headers: event.headers.map((each) => each.replace("d-1", "d-2")) };
  assert.equal((await ask("POST /webhooks/shop", renamed)).status, 401);
  assert.equal((await ask("POST /webhooks/shop", event)).status, 204);
  const run = await runOf(target, "a", ended);
  for (let n = 0; n < 3; n += 1)
    assert.equal((await ask("POST /webhooks/shop", event)).status, 204, "a sender repeats");
  assert.deepEqual(await runOf(target, "a", ended), run);
  assert.ok(!ended(await runOf(target, "b", waits)), "the other run waits");

  // A task's answer: guessed, with another form, of another run, twice, after the end.
  for (const id of ["t1", "t2"])
    assert.equal((await admin("/processes/approval/start", { input: { id }, reason: "test" })).status, 201);
  const tasks = await until(async () => {
    const { tasks: open } = JSON.parse((await admin("/tasks")).text) as {
      tasks: readonly { id: string; run: string }[];
    };
    return open.length === 2 ? open : undefined;
  });
  const answerTo = (task: string, answer: unknown) => admin(`/tasks/${encodeURIComponent(task)}/answer`, { answer });
  const [first, second] = tasks;
  assert.equal((await answerTo("guessed", { approved: true })).status, 404);
  assert.equal((await answerTo(first!.run, { approved: true })).status, 404, "a run is not its task");
  assert.equal((await answerTo(`${first!.id}x`, { approved: true })).status, 404);
  assert.ok((await answerTo(first!.id, { approved: "yes" })).status >= 400);
  assert.ok((await answerTo(first!.id, { approved: true, by: "ceo" })).status >= 400, "nothing but what the form has");
  assert.ok((await answerTo(first!.id, { approved: true })).status < 300);
  await until(async () => (ended(JSON.parse((await admin(`/runs/${first!.run}`)).text)) ? true : undefined));
  assert.equal((await answerTo(first!.id, { approved: false })).status, 409);
  const other = JSON.parse((await admin(`/runs/${second!.run}`)).text) as Run;
  assert.ok(!ended(other));
  // What a parked run asks is answered by its number, and a number that is over is refused.
  const stale = await admin(`/runs/${first!.run}/repeat`, { reason: "guess", question: 1 });
  assert.equal(stale.status, 409, stale.text);
  target.quiet();
  await target.works();
});

const forged = (n: number): readonly string[] => [
  `X-Forwarded-For: 203.0.113.${n}`,
  `Forwarded: for=203.0.113.${n};proto=https`,
  `X-Real-IP: 203.0.113.${n}`,
  `CF-Connecting-IP: 203.0.113.${n}`,
  `True-Client-IP: 203.0.113.${n}`,
  `X-Client-IP: 203.0.113.${n}`,
  `X-Cluster-Client-IP: 203.0.113.${n}`,
  `Client-IP: 203.0.113.${n}`,
  `X-Forwarded-Host: h${n}`,
];

test("attack 19: whatever addresses headers name, one address has one count, of requests and of guesses, and a right key still works", async (t) => {
  const target = await openTarget(t);
  const { ask, upstream } = target;
  const answers: number[] = [];
  for (let n = 0; n < 9; n += 1)
    answers.push((await ask("GET /orders/v1/window/a", { auth: "", headers: [forged(n)[n]!] })).status);
  assert.deepEqual(answers, [200, 200, 200, 429, 429, 429, 429, 429, 429]);
  assert.equal(upstream.ledger.splice(0).length, 3);
  // Guesses: the same count, whatever the header says; nobody learns more from the last than from the first.
  const guesses = await Promise.all(
    Array.from({ length: 60 }, async (_, n) => {
      const guess = `${target.key.slice(0, -12)}${String(n).padStart(12, "0")}`;
      const headers = forged(n);
      return (await ask("GET /orders/v1/stock/a", { auth: `Authorization: Bearer ${guess}`, headers })).status;
    }),
  );
  assert.deepEqual([...new Set(guesses)].toSorted(), [401, 429]);
  target.quiet();
  await target.works();
});

test("attack 19: an IPv4 address inside an IPv6 one is the same address, and a /64 network is one caller", async (t) => {
  const target = await openTarget(t, {
    files: {
      "mortise.config.ts": `import { defineConfig } from "mortise";
        export default defineConfig({ api: { host: "::", port: 0 }, admin: { port: 0 }, watch: { every: "0s" }, ${shortTimes} });`,
    },
  });
  const { ask } = target;
  const status = async (host: string) => (await ask("GET /orders/v1/window/a", { auth: "", host })).status;
  assert.deepEqual([await status("127.0.0.1"), await status("127.0.0.1"), await status("127.0.0.1")], [200, 200, 200]);
  assert.equal(await status("127.0.0.1"), 429);
  assert.equal(await status("::1"), 200, "another address has a count of its own");
  target.upstream.ledger.length = 0;
  target.quiet();
  await target.works();

  const one = "2001:db8:1:2::1";
  const same = [
    "2001:db8:1:2:ffff::",
    "2001:DB8:1:2:0:0:0:9",
    "2001:0db8:0001:0002::1%eth0",
    "2001:db8:1:2:3:4:192.0.2.1",
  ];
  for (const address of same) assert.equal(addressBucket(address), addressBucket(one), address);
  for (const address of ["2001:db8:1:3::1", "2001:db8::1:2", "::1", "10.0.0.1"])
    assert.notEqual(addressBucket(address), addressBucket(one), address);
  for (const address of ["::ffff:10.0.0.1", "::FFFF:10.0.0.1", "::ffff:a00:1", "0:0:0:0:0:ffff:10.0.0.1"])
    assert.equal(addressBucket(address), "10.0.0.1", address);
});
