/** `mortise schedules ...`: what starts by the clock, through the admin API of the running server. */
import { adminClient } from "../admin-client.ts";
import type { Context } from "../context.ts";
import { exit } from "../exit.ts";
import { time } from "../terminal.ts";
import { segment } from "../values.ts";

interface Schedule {
  readonly name: string;
  readonly process: string;
  readonly cron: string;
  readonly timeZone: string;
  readonly catchUp: string;
  readonly description?: string;
  readonly next: readonly number[];
  readonly started?: { readonly tick: number; readonly run: string };
  readonly problem?: { readonly at: number; readonly reason: string };
  readonly paused?: { readonly at: number; readonly by: string; readonly reason: string };
}

export async function listSchedules(context: Context): Promise<number> {
  const { terminal } = context;
  const answer: { schedules: Schedule[] } = await (await adminClient(context)).get("/schedules");
  terminal.result(answer, () => {
    if (answer.schedules.length === 0) {
      terminal.line("No schedules.");
      return;
    }
    terminal.table(
      ["schedule", "process", "cron", "zone", "state", "next", "last"],
      answer.schedules.map((one) => [
        one.name,
        one.process,
        one.cron,
        one.timeZone,
        stateOf(one),
        one.paused === undefined && one.next[0] !== undefined ? time(one.next[0]) : "",
        one.started === undefined ? "" : time(one.started.tick),
      ]),
      (cell, column) => (column === 4 ? (cell === "on" ? "green" : cell === "paused" ? "yellow" : "red") : undefined),
    );
  });
  return exit.done;
}

function stateOf({ paused, problem }: Schedule): string {
  if (paused !== undefined) return "paused";
  return problem === undefined ? "on" : "problem";
}

export async function showSchedule(context: Context, [name]: readonly string[]): Promise<number> {
  const { terminal } = context;
  const one: Schedule = await (await adminClient(context)).get(`/schedules/${segment(name!)}`);
  terminal.result(one, () => {
    terminal.line(`${terminal.paint("bold", one.name)}  starts ${one.process}, ${stateOf(one)}`);
    const facts: [string, string][] = [
      ["cron", `${one.cron}  (${one.timeZone})`],
      ["catch-up", one.catchUp],
    ];
    if (one.description !== undefined) facts.unshift(["what", one.description]);
    if (one.paused !== undefined)
      facts.push(["paused", `${time(one.paused.at)} by ${one.paused.by}: ${one.paused.reason}`]);
    if (one.problem !== undefined) facts.push(["problem", `${time(one.problem.at)}: ${one.problem.reason}`]);
    if (one.started !== undefined) facts.push(["last", `${time(one.started.tick)}  run ${one.started.run}`]);
    for (const at of one.next) facts.push([one.paused === undefined ? "next" : "would be", time(at)]);
    for (const [label, value] of facts) terminal.line(`  ${terminal.paint("dim", label.padEnd(9))} ${value}`);
  });
  return exit.done;
}

interface Reasoned {
  readonly reason: string;
}

export function pauseSchedule(context: Context, [name]: readonly string[], { reason }: Reasoned): Promise<number> {
  return act(context, name!, "pause", reason, "is paused: nothing is started until it is resumed");
}

export function resumeSchedule(context: Context, [name]: readonly string[], { reason }: Reasoned): Promise<number> {
  return act(context, name!, "resume", reason, "goes on with its next tick");
}

async function act(context: Context, name: string, what: string, reason: string, done: string): Promise<number> {
  const { terminal } = context;
  const answer = await (await adminClient(context)).post(`/schedules/${segment(name)}/${what}`, { reason });
  terminal.result(answer, () => terminal.line(`${terminal.paint("green", name)} ${done}`));
  return exit.done;
}

export async function runSchedule(context: Context, [name]: readonly string[], { reason }: Reasoned): Promise<number> {
  const { terminal } = context;
  const client = await adminClient(context);
  const answer: { run: string; key: string } = await client.post(`/schedules/${segment(name!)}/run-now`, { reason });
  terminal.result(answer, () => terminal.line(`${terminal.paint("green", "started")} run ${answer.run}`));
  return exit.done;
}
