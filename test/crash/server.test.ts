/**
 * The whole server: Mortise is killed at random moments while orders come, and while it recovers from the kill before. What its systems
 * wrote into their ledgers is compared with the orders that the shop had acknowledged.
 */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import type { OrderKind } from "../../examples/harbour-supply/simulators/orders.ts";
import type { TraceAnswer } from "../../src/server/tracing/answer.ts";
import { type Facts, type Harbour, startHarbour } from "../harbour.ts";
import { type Chance, chanceOf } from "./chance.ts";

const kills = 3;
const ordersPerLife = 6;
const kinds = ["plain", "plain", "declined", "plain", "stranger"] as const satisfies readonly OrderKind[];
type Kind = (typeof kinds)[number];

interface Left {
  readonly state: string;
  readonly held: number;
  readonly payments: readonly string[];
  readonly sales: number;
}
/** What an order of a kind leaves in the systems, however often Mortise was killed. */
const expected: Readonly<Record<Kind, Left>> = {
  plain: { state: "completed", held: 1, payments: ["settled"], sales: 1 },
  declined: { state: "rejected", held: 0, payments: [], sales: 0 },
  stranger: { state: "rejected", held: 0, payments: ["voided"], sales: 0 },
};
const leftBy = (state: string, { held, payments, sales }: Facts): Left => ({
  state,
  held,
  payments,
  sales: sales.length,
});

test("the server is killed at random moments under load: every acknowledged order ends, nothing is done twice", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "mortise-server-kills-"));
  const seed = Date.now() % 1_000_000;
  t.diagnostic(`seed ${seed}`);
  let harbour: Harbour | undefined;
  try {
    harbour = await startHarbour(folder);
    const placed = await placeAndKill(harbour, chanceOf(seed));
    for (const [id, kind] of placed) {
      const { state } = await harbour.ended(id);
      assert.deepEqual(leftBy(state, await harbour.facts(id)), expected[kind], `seed ${seed}: ${id}, ${kind}`);
    }
    const acknowledged = (await harbour.systems.shop.ledger()).filter(({ kind }) => kind === "acknowledged");
    assert.equal(acknowledged.length, placed.size, `seed ${seed}: each order was acknowledged once`);
    assert.deepEqual(await harbour.admin("GET", "/runs?status=parked").then(runsIn), [], `seed ${seed}`);
    await compareTraces(harbour, [...placed.keys()], seed);
  } finally {
    await harbour?.stop();
    rmSync(folder, { recursive: true, force: true });
  }
});

async function placeAndKill(harbour: Harbour, chance: Chance): Promise<Map<string, Kind>> {
  const placed = new Map<string, Kind>();
  const place = async () => {
    const kind = kinds[chance.below(kinds.length)] as Kind;
    placed.set(await harbour.place(kind), kind);
  };
  for (let kill = 0; kill < kills; kill++) {
    for (let order = 0; order < ordersPerLife; order++) {
      await place();
      await pause(chance.next() * 100);
    }
    await pause(chance.next() * 500);
    const restarted = harbour.restart("SIGKILL");
    // One more comes while nobody is there to take it: the shop tries until it is acknowledged.
    await place();
    await restarted;
  }
  return placed;
}

/** What `mortise trace` says of each order against what the payment provider received: never less often than it did, and once where it says once. */
async function compareTraces(harbour: Harbour, orders: readonly string[], seed: number): Promise<void> {
  const received = new Map<unknown, number>();
  for (const { kind, key } of await harbour.systems.payments.ledger())
    if (kind === "received") received.set(key, (received.get(key) ?? 0) + 1);
  for (const order of orders) {
    const { chains } = (await harbour.admin("GET", `/trace?key=${order}`)) as TraceAnswer;
    const at = `seed ${seed}: ${order}`;
    assert.deepEqual(
      chains.map(({ verdict, requests }) => [verdict.kind.startsWith("no"), requests[0]?.key]),
      [[true, order]],
      at,
    );
    for (const { operation = "", keys, verdict } of chains[0]?.runs.flatMap(({ calls }) => calls) ?? []) {
      if (!operation.startsWith("payments.")) continue;
      const [, said = "once"] = /sent (once|twice|\d+ times)/i.exec(verdict.text) ?? [];
      const most = { once: 1, twice: 2 }[said] ?? Number.parseInt(said, 10);
      const times = received.get(keys[0]?.key) ?? 0;
      assert.ok(
        times >= 1 && times <= most,
        `${at}: ${operation} came ${times} times, and the trace says: ${verdict.text}`,
      );
    }
  }
}

function runsIn(answer: unknown): readonly string[] {
  return (answer as { readonly runs: readonly { readonly key: string; readonly reason?: string }[] }).runs.map(
    ({ key, reason }) => `${key}: ${reason ?? ""}`,
  );
}
