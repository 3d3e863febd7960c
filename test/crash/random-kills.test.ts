/** A few random kills under load; `npm run crash -- --kills 2000` makes many. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { ScenarioName } from "./journey.ts";
import { assertSound } from "./judge.ts";
import { randomKills } from "./random-kills.ts";

async function kill(scenario: ScenarioName, kills: number): Promise<Awaited<ReturnType<typeof randomKills>>> {
  const folder = mkdtempSync(join(tmpdir(), "mortise-kills-"));
  const seed = Date.now() % 1_000_000;
  try {
    const result = await randomKills({ folder, seed, kills, scenario });
    assertSound(result, `seed ${seed}`);
    assert.ok(result.accepted > 0 && result.replayed > 0, `seed ${seed}: something was accepted and ended`);
    assert.ok(
      result.parked <= result.unrepeatableInFlight,
      `seed ${seed}: ${result.parked} parked, ${result.unrepeatableInFlight} in flight at the kills`,
    );
    return result;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

test("killed again and again under load, where each call has a key or a probe: nothing lost, doubled, stuck or asked", async () => {
  assert.equal((await kill("keyed", 4)).parked, 0);
});

test("a call with neither key nor probe that was in flight at a kill asks a person, and is done once", async () => {
  await kill("all", 4);
});
