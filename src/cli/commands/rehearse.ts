/** `mortise rehearse` and `mortise runs move`: open runs and other code, through the admin API of the running server. */
import { failure } from "../../errors.ts";
import type { Json } from "../../operation.ts";
import { type AdminClient, adminClient } from "../admin-client.ts";
import type { Context } from "../context.ts";
import { exit } from "../exit.ts";
import { count, type Terminal } from "../terminal.ts";
import { runOf } from "./run-of.ts";
import { deployPatience, short, versionOf } from "./versions.ts";

// What the admin API answers; its OpenAPI document says the same.
interface Rehearsal {
  readonly id: string;
  readonly version: string;
  readonly state: "running" | "done" | "failed";
  readonly continues: number;
  readonly diverges: number;
  readonly stops: number;
  readonly points: readonly Point[];
  readonly error?: string;
}
interface Point {
  readonly process: string;
  readonly kind: "diverges" | "stops";
  readonly at: string;
  readonly place?: string;
  readonly message: string;
  readonly runs: number;
  readonly example: { readonly run: string; readonly key: string; readonly recorded?: Json; readonly asked?: Json };
}
interface Fared {
  readonly run: string;
  readonly process: string;
  readonly key: string;
  readonly verdict: "continues" | "diverges" | "stops";
  readonly comes?: string;
  readonly next?: readonly { readonly step: string; readonly fresh: boolean; readonly at?: string }[];
  readonly at?: string;
  readonly place?: string;
}
interface Moved {
  readonly moved: readonly { readonly run: string; readonly key: string; readonly goesOn: boolean }[];
  readonly refused: readonly {
    readonly run: string;
    readonly key: string;
    readonly code: string;
    readonly message: string;
  }[];
  readonly next: string | null;
}

const pollMs = 200;

interface RehearseOptions {
  readonly version?: string;
  readonly process?: string;
  readonly run?: string;
  readonly quiet?: boolean;
}

export async function rehearse(context: Context, _: readonly string[], options: RehearseOptions): Promise<number> {
  const { terminal } = context;
  const client = await adminClient(context, deployPatience);
  const version = options.version === undefined ? undefined : (await versionOf(client, options.version)).id;
  const { rehearsal, runs } = await rehearsed(
    client,
    terminal,
    { version, ...(await filterOf(client, options)) },
    options.quiet !== true,
  );
  terminal.result({ ...rehearsal, runs }, () => summary(terminal, rehearsal));
  if (rehearsal.state === "failed") return exit.failed;
  return rehearsal.diverges + rehearsal.stops === 0 ? exit.done : exit.found;
}

/** Starts a rehearsal, prints runs as they come, and waits for its end. With `--json` the runs are collected. */
async function rehearsed(
  client: AdminClient,
  terminal: Terminal,
  request: Readonly<Record<string, string | undefined>>,
  show: boolean,
): Promise<{ readonly rehearsal: Rehearsal; readonly runs: readonly Fared[] }> {
  const body = Object.fromEntries(Object.entries(request).filter(([, value]) => value !== undefined));
  let rehearsal: Rehearsal = await client.post("/rehearsals", body);
  const runs: Fared[] = [];
  let after: string | undefined;
  for (;;) {
    const { state } = rehearsal;
    const page: { runs: Fared[]; next: string | null } = await client.get(`/rehearsals/${rehearsal.id}/runs`, {
      after,
      limit: 500,
    });
    after = page.next ?? after;
    for (const run of page.runs) {
      if (terminal.json) runs.push(run);
      else if (show) line(terminal, run);
    }
    if (page.runs.length === 500) continue;
    if (state !== "running") return { rehearsal, runs };
    await new Promise((resolve) => setTimeout(resolve, pollMs));
    rehearsal = await client.get(`/rehearsals/${rehearsal.id}`);
  }
}

function line(terminal: Terminal, run: Fared): void {
  const what =
    run.verdict === "continues"
      ? terminal.paint("green", "continues")
      : terminal.paint("red", run.verdict === "diverges" ? `diverges at ${run.at}` : `stops: ${run.at}`);
  const place = run.place === undefined ? "" : `  ${terminal.paint("dim", run.place)}`;
  terminal.line(`${run.run}  ${run.process} ${run.key}  ${what}${comes(terminal, run)}${place}`);
}

function comes(terminal: Terminal, { comes: then, next }: Fared): string {
  if (then === undefined) return "";
  if (then !== "steps") return terminal.paint("dim", `  then ${then}`);
  const list = (next ?? []).map(({ step, fresh, at }) => (fresh && at !== undefined ? `${step} (${at})` : step));
  return list.length === 0 ? "" : terminal.paint("dim", `  then ${list.join(", ")}`);
}

/** What it came to, by process and place. */
function summary(terminal: Terminal, rehearsal: Rehearsal): void {
  const { version, continues, diverges, stops, points, state, error } = rehearsal;
  const total = continues + diverges + stops;
  for (const point of [...points].sort((a, b) => b.runs - a.runs)) {
    const what = point.kind === "diverges" ? `diverge at ${point.at}` : `stop: ${point.at}`;
    terminal.line();
    terminal.line(
      `${terminal.paint("red", `${point.process}: ${point.runs} ${what}`)}${point.place === undefined ? "" : `  ${point.place}`}`,
    );
    terminal.line(`  ${point.message}`);
    const { run, key, recorded, asked } = point.example;
    terminal.line(terminal.paint("dim", `  such as run ${run} (${key})`));
    if (recorded !== undefined) terminal.line(`  the history holds  ${shown(recorded)}`);
    if (asked !== undefined) terminal.line(`  the code asks for  ${shown(asked)}`);
  }
  if (points.length > 0) terminal.line();
  if (state === "failed") terminal.line(terminal.paint("red", `The rehearsal failed: ${error}`));
  const parts = [terminal.paint("green", `${continues} continue`)];
  for (const [number, word] of [
    [diverges, "diverge"],
    [stops, "stop"],
  ] as const)
    if (number > 0) parts.push(terminal.paint("red", `${number} ${word}`));
  terminal.line(
    `${count(total, "open run")} on ${short(version)}: ${total === 0 ? "nothing to rehearse" : parts.join(", ")}`,
  );
}

interface MoveOptions extends RehearseOptions {
  readonly to?: string;
  readonly all?: boolean;
  readonly reason: string;
}

/** Rehearses the runs, and moves those that continue. */
export async function moveRuns(context: Context, _: readonly string[], options: MoveOptions): Promise<number> {
  const { terminal } = context;
  const given = [options.run, options.process, options.all].filter((value) => value !== undefined);
  if (given.length !== 1)
    throw failure("option-invalid", { option: "--run", reason: "say which runs: one of --run, --process and --all" });
  const client = await adminClient(context, deployPatience);
  const to = await targetOf(client, options.to);
  const filter = await filterOf(client, options);
  const { rehearsal } = await rehearsed(client, terminal, { version: to, ...filter }, false);
  if (!terminal.json) summary(terminal, rehearsal);
  if (rehearsal.state === "failed") throw failure("internal", { reason: `the rehearsal failed: ${rehearsal.error}` });
  const moved: Moved["moved"][number][] = [];
  const refused: Moved["refused"][number][] = [];
  for (let after: string | undefined; ; ) {
    const body = { to, ...filter, reason: options.reason, ...(after === undefined ? {} : { after }) };
    const answer: Moved = await client.post("/runs/move", body);
    moved.push(...answer.moved);
    refused.push(...answer.refused);
    if (answer.next === null) break;
    after = answer.next;
  }
  terminal.result({ to, moved, refused, rehearsal }, () => {
    for (const { run, key, message, code } of refused)
      if (code !== "run-diverges") terminal.line(`${terminal.paint("red", run)} (${key}) stays: ${message}`);
    const goOn = moved.filter(({ goesOn }) => goesOn).length;
    const on = goOn === 0 ? "" : `, ${goOn} of them parked until now and going on`;
    terminal.line(`${terminal.paint("green", `${count(moved.length, "run")} moved`)} to ${short(to)}${on}`);
    if (refused.length > 0) terminal.line(`${count(refused.length, "run")} stayed where they were`);
  });
  return refused.length === 0 ? exit.done : exit.found;
}

/** The version that is named, else the promoted one. */
async function targetOf(client: AdminClient, given: string | undefined): Promise<string> {
  if (given !== undefined) return (await versionOf(client, given)).id;
  const { versions }: { versions: { id: string; current: boolean }[] } = await client.get("/versions");
  return versions.find(({ current }) => current)?.id ?? "";
}

/** A run is named by its id or its business key. */
async function filterOf(
  client: AdminClient,
  { process, run }: RehearseOptions,
): Promise<{ readonly process?: string; readonly run?: string }> {
  return {
    ...(process === undefined ? {} : { process }),
    ...(run === undefined ? {} : { run: (await runOf(client, run)).id }),
  };
}

function shown(value: Json): string {
  const text = JSON.stringify(value);
  return text.length <= 300 ? text : `${text.slice(0, 297)}...`;
}
