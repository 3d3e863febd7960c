/**
 * The long crash tests, from the command line:
 *   npm run crash -- --kills 200 [--scenario all|small|keyed]     SIGKILL at random moments under load
 *   npm run crash -- --every-write                           SIGKILL at every write, fsync and truncation of the journal [--jobs N] [--part 1/4]
 *   npm run crash -- --power 1000                            power-cut images, with a control
 *   npm run crash -- --fsync-errors                          an fsync of the journal fails, each in turn
 *   npm run crash -- --between                               SIGKILL between each effect and its record
 * Each takes --seed S (default: from the clock; printed) and --json (the last line is one JSON object; progress goes to standard error).
 * Ends with 1 if anything was lost, doubled, stuck, or did not replay.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { killBetween } from "./between.ts";
import { chanceOf } from "./chance.ts";
import { whyNoStrace } from "./child.ts";
import { sweep } from "./every-write.ts";
import { failFsyncs } from "./fsync-error.ts";
import { cutPower, record } from "./power.ts";
import { randomKills } from "./random-kills.ts";

const { values } = parseArgs({
  options: {
    kills: { type: "string" },
    scenario: { type: "string", default: "all" },
    "every-write": { type: "boolean", default: false },
    "fsync-errors": { type: "boolean", default: false },
    jobs: { type: "string", default: "1" },
    part: { type: "string" },
    between: { type: "boolean", default: false },
    power: { type: "string" },
    seed: { type: "string" },
    json: { type: "boolean", default: false },
  },
});
const seed = Number(values.seed ?? Date.now() % 1_000_000);
const scenario = values.scenario === "keyed" || values.scenario === "small" ? values.scenario : "all";
const tell = (line: string): void => void process.stderr.write(`${line}\n`);
const began = Date.now();
const folder = mkdtempSync(join(tmpdir(), "mortise-crash-"));
tell(`seed ${seed}`);

interface Outcome {
  readonly figures: Readonly<Record<string, unknown>>;
  readonly cases: readonly string[];
}

async function byKills(kills: number): Promise<Outcome> {
  const result = await randomKills({ folder, seed, kills, scenario, tell });
  const { accepted, lost, duplicated, stuck, differs, parked, unrepeatableInFlight, replayed } = result;
  const { encrypted, ticks, presses, claims, moves, jobs } = result;
  const cases = [...lost, ...duplicated, ...stuck, ...differs];
  if (parked > unrepeatableInFlight) cases.push(`${parked} runs parked, ${unrepeatableInFlight} calls were in flight`);
  const figures = {
    scenario,
    encrypted,
    kills,
    accepted,
    ticks,
    presses,
    claims,
    moves,
    jobs,
    lost: lost.length,
    duplicated: duplicated.length,
    stuck: stuck.length,
    parked,
    unrepeatableInFlight,
    replayed,
    differs: differs.length,
  };
  return { figures, cases };
}

async function byWrites(): Promise<Outcome> {
  const [number = 1, of = 1] = (values.part ?? "").split("/").map((text) => Number(text) || 1);
  const { counts, points, late, parked, accepted, ...variant } = await sweep({
    folder,
    seed,
    every: true,
    jobs: Number(values.jobs),
    part: { number, of },
    tell,
  });
  return {
    figures: {
      part: `${number}/${of}`,
      ...variant,
      counts,
      points,
      late,
      parked,
      accepted,
      lost: 0,
      duplicated: 0,
      stuck: 0,
    },
    cases: [],
  };
}

async function byErrors(): Promise<Outcome> {
  const { wentOn, ...figures } = await failFsyncs({ folder, seed, tell });
  const cases = wentOn.map((nth) => `fsync ${nth} failed, and the process went on`);
  return { figures: { ...figures, wentOn: wentOn.length, lost: 0, duplicated: 0, stuck: 0 }, cases };
}

async function byMoments(): Promise<Outcome> {
  const figures = await killBetween({ folder, seed });
  return { figures: { ...figures, lost: 0, duplicated: 0, stuck: 0 }, cases: [] };
}

async function byPower(images: number): Promise<Outcome> {
  const events = await record(folder);
  const real = await cutPower(events, folder, images, chanceOf(seed));
  const control = await cutPower(events, folder, Math.ceil(images / 4), chanceOf(seed), { forgets: 100 });
  const seen = control.corrupt.length + control.lost.length;
  const cases = [...real.corrupt, ...real.lost];
  if (seen === 0) cases.push("the control, a disk that forgets, lost nothing: the harness proves nothing");
  const { asked, corrupt, lost } = real;
  const figures = { events: events.length, images, asked, corrupt: corrupt.length, lost: lost.length };
  return { figures: { ...figures, controlImages: control.images, controlLostOrCorrupt: seen }, cases };
}

function chosen(): Promise<Outcome> {
  if (values["every-write"]) return byWrites();
  if (values["fsync-errors"]) return byErrors();
  if (values.between) return byMoments();
  if (values.power !== undefined) return byPower(Number(values.power));
  return byKills(Number(values.kills ?? 50));
}

try {
  const traced = values["every-write"] || values["fsync-errors"] || values.power !== undefined;
  const missing = traced ? whyNoStrace() : undefined;
  if (missing !== undefined) throw new Error(missing);
  const { figures, cases } = await chosen();
  const seconds = Math.round((Date.now() - began) / 1000);
  for (const one of cases.slice(0, 50)) tell(one);
  const all = { seed, ...figures, seconds };
  if (values.json) process.stdout.write(`${JSON.stringify(all)}\n`);
  else for (const [name, value] of Object.entries(all)) process.stdout.write(`${name}: ${JSON.stringify(value)}\n`);
  process.exitCode = cases.length === 0 ? 0 : 1;
  if (cases.length === 0) rmSync(folder, { recursive: true, force: true });
  else tell(`Its files are kept in ${folder}`);
} catch (error) {
  tell(`${(error as Error).message}\nIts files are kept in ${folder}`);
  process.exitCode = 1;
}
