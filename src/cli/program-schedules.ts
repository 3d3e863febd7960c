/** The commands about when runs begin: `mortise schedules ...` and `mortise runs start`. */
import { type Command, Option } from "commander";
import type { Leaf } from "./program-versions.ts";

const why = ["--reason <text>", "why, for the audit log", "by the command line"] as const;

export function startCommand(runs: Command, leaf: Leaf): void {
  leaf(
    runs,
    "start <process>",
    "start a run by hand, now or for later; the input is checked like any other",
    [
      `mortise runs start quote --input '{"id":"q-1","customer":"acme","lines":[]}'`,
      "mortise runs start order-to-cash --input @order.json --at 2026-12-24T06:00:00+01:00",
      "mortise runs start order-to-cash --input @order.json --in 2h",
    ],
    async () => (await import("./commands/run-start.ts")).startRun,
  )
    .requiredOption("--input <json>", "the input as JSON, or @ and the name of a file that holds it")
    .option("--at <time>", "begin at this time: ISO 8601 with its zone")
    .addOption(new Option("--in <duration>", "begin after this time, such as 2h").conflicts("at"))
    .option(...why);
}

export function scheduleCommands(schedules: Command, leaf: Leaf): void {
  const module = () => import("./commands/schedules.ts");
  leaf(
    schedules,
    "list",
    "list schedules with their next ticks",
    ["mortise schedules list"],
    async () => (await module()).listSchedules,
  );
  leaf(
    schedules,
    "show <schedule>",
    "show one schedule: its next ticks, its last run, and why it is paused",
    ["mortise schedules show nightly-stock"],
    async () => (await module()).showSchedule,
  );
  leaf(
    schedules,
    "pause <schedule>",
    "start nothing until it is resumed",
    ['mortise schedules pause nightly-stock --reason "the warehouse counts by hand"'],
    async () => (await module()).pauseSchedule,
  ).option(...why);
  leaf(
    schedules,
    "resume <schedule>",
    "go on with the next tick; what passed meanwhile is not made up for",
    ["mortise schedules resume nightly-stock"],
    async () => (await module()).resumeSchedule,
  ).option(...why);
  leaf(
    schedules,
    "run-now <schedule>",
    "start one run of it now, besides its ticks; also where it is paused",
    ["mortise schedules run-now nightly-stock"],
    async () => (await module()).runSchedule,
  ).option(...why);
}
