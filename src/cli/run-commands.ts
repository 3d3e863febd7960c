/** `mortise runs ...`: the commands with their arguments, options and examples. */
import { type Command, Option } from "commander";

// biome-ignore lint/suspicious/noExplicitAny: each function states the options that it takes
type Load = () => Promise<any>;
type Leaf = (parent: Command, usage: string, description: string, examples: readonly string[], load: Load) => Command;

const statuses = "queued running waiting paused parked undoing completed rejected undone cancelled terminated".split(
  " ",
);

const filtered = (command: Command): Command =>
  command
    .option("--process <name>", "only of this process")
    .addOption(new Option("--status <status>", "only in this status").choices(statuses))
    .option("--cause <cause>", "only those parked for this cause (mortise runs causes) or question code")
    .option("--step <step>", "only those parked at this step")
    .option("--key-prefix <text>", "only those whose business key begins so")
    .option("--code-version <id>", "only those on this code version")
    .option("--since <duration>", "only those started within this time, such as 2h");
const reasoned = (command: Command): Command =>
  command
    .option("--reason <text>", "why, for the audit log and the run's history", "by the command line")
    .option("--yes", "don't ask; without it, what can't be taken back is shown first");
const answering = (command: Command): Command =>
  command.option("--question <number>", "refused if the run asks another question by now; show names the number");
/** Of acts on the runs that are named, or on all that a filter finds. */
const many = (command: Command): Command =>
  filtered(command.option("--all", "all runs that these options find, in the background"));

export function runsCommands(runs: Command, leaf: Leaf): void {
  const looks = () => import("./commands/runs.ts");
  const groups = () => import("./commands/run-groups.ts");
  const acts = () => import("./commands/run-acts.ts");
  filtered(
    leaf(
      runs,
      "list",
      "list runs, newest first",
      ["mortise runs list --status parked", "mortise runs list --process order-to-cash --since 2h"],
      async () => (await looks()).listRuns,
    ),
  )
    .option("--key <key>", "only with this business key")
    .option("--before <run>", "the page after the one that ended with this run")
    .option("--limit <number>", "at most so many, up to 500", "50");
  leaf(
    runs,
    "show <run-or-key>",
    "show one run with its history, and what a parked one asks",
    ["mortise runs show 01J9ZQ6K3V", "mortise runs show order-17", "mortise runs show order-17 --values --json"],
    async () => (await looks()).showRun,
  ).option("--values", "load the values of more than 128 kB too, which are only named else");
  leaf(
    runs,
    "causes",
    "why runs are parked: groups of the same cause, the largest first",
    ["mortise runs causes"],
    async () => (await groups()).listCauses,
  );
  answering(
    many(
      reasoned(
        leaf(
          runs,
          "retry [run...]",
          "let parked runs try again; of one that pauses between attempts, make the next at once",
          [
            'mortise runs retry 01J9ZQ6K3V 01J9ZQ7A1B --reason "the ERP is back"',
            'mortise runs retry --all --cause step-attempts --process order-to-cash --reason "the ERP is back"',
          ],
          async () => (await acts()).retryRuns,
        ),
      ),
    ),
  );
  many(
    reasoned(
      leaf(
        runs,
        "pause [run...]",
        "begin nothing new; an attempt under way ends, and what comes waits",
        ["mortise runs pause 01J9ZQ6K3V", 'mortise runs pause --all --process order-to-cash --reason "the ERP moves"'],
        async () => (await acts()).pauseRuns,
      ),
    ),
  );
  many(
    reasoned(
      leaf(
        runs,
        "resume [run...]",
        "end the pause",
        ["mortise runs resume 01J9ZQ6K3V", "mortise runs resume --all --status paused"],
        async () => (await acts()).resumeRuns,
      ),
    ),
  );
  answering(
    many(
      reasoned(
        leaf(
          runs,
          "edit [run...]",
          "make the call that a parked run asks about with another input, under a new key",
          [
            `mortise runs edit 01J9ZQ6K3V --input '{"sku":"A-1","quantity":2}' --reason "the article was renamed"`,
            `mortise runs edit --all --cause b04c2e2297 --patch '{"currency":"EUR"}' --reason "the shop left it out"`,
          ],
          async () => (await acts()).editRuns,
        ),
      ),
    ),
  )
    .addOption(new Option("--input <json>", "what is sent instead").conflicts("patch"))
    .addOption(
      new Option("--patch <json>", "what differs from what each run sent (JSON Merge Patch: null takes a member away)"),
    );
  many(
    reasoned(
      leaf(
        runs,
        "rewind [run...]",
        "go back to before a step; it and those after it are asked anew, under new keys",
        ["mortise runs rewind 01J9ZQ6K3V --to erp.createSalesOrder"],
        async () => (await acts()).rewindRuns,
      ),
    ),
  ).requiredOption("--to <step>", "the step, as show names it");
  many(
    reasoned(
      leaf(
        runs,
        "restart [run...]",
        "start a new run in the place of an ended or parked one (which is undone first)",
        ["mortise runs restart 01J9ZQ6K3V", 'mortise runs restart 01J9ZQ6K3V --now --reason "tidied up by hand"'],
        async () => (await acts()).restartRuns,
      ),
    ),
  )
    .option("--input <json>", "input of the new run (default: that of the old one)")
    .option("--now", "end a parked run at once and undo nothing");
  many(
    reasoned(
      leaf(
        runs,
        "cancel [run...]",
        "undo what was done, and end as cancelled",
        ['mortise runs cancel 01J9ZQ6K3V --reason "ordered twice"', "mortise runs cancel 01J9ZQ6K3V --now --yes"],
        async () => (await acts()).cancelRuns,
      ),
    ),
  ).option("--now", "end at once and undo nothing (the run ends as terminated)");
  leaf(
    runs,
    "signal <event> <key>",
    "deliver an event by hand to the run that waits for it",
    [`mortise runs signal carrier.shipped order-17 --payload '{"tracking":"T1"}'`],
    async () => (await looks()).signalRun,
  )
    .option("--payload <json>", "what the event says", "{}")
    .option("--delivery <id>", "a second delivery with the same id does nothing (default: a new id)");
  answering(
    many(
      reasoned(
        leaf(
          runs,
          "answer [task-or-run...]",
          "answer a task, or the question of parked runs",
          [
            `mortise runs answer task_41 --with '{"approved":true}'`,
            `mortise runs answer 01J9ZQ6K3V --happened '{"number":"S-100"}' --question 1`,
            "mortise runs answer 01J9ZQ6K3V --repeat",
            `mortise runs answer --all --cause b04c2e2297 --happened null --reason "the carrier has all of them"`,
          ],
          async () => (await acts()).answer,
        ),
      ),
    ),
  )
    .option("--with <json>", "the answer to a task")
    .addOption(
      new Option("--happened <json>", "the call happened, and this is its result").conflicts([
        "with",
        "repeat",
        "undo",
      ]),
    )
    .addOption(new Option("--repeat", "the call did not happen: repeat it").conflicts(["with", "undo"]))
    .addOption(new Option("--undo", "undo what was done, and end as undone").conflicts(["with"]));
  leaf(
    runs,
    "tasks",
    "list tasks that wait for people",
    ["mortise runs tasks", "mortise runs tasks --run 01J9ZQ6K3V"],
    async () => (await looks()).listTasks,
  )
    .option("--run <run>", "only of this run")
    .option("--all", "answered and closed ones too");
  leaf(
    runs,
    "jobs [job]",
    "list acts on many runs and how far they are, or show one with what it was refused",
    ["mortise runs jobs", "mortise runs jobs bulk-01J9ZQ6K3V --stop"],
    async () => (await groups()).listJobs,
  )
    .option("--stop", "stop it; what was done stays done")
    .option("--reason <text>", "why, for the audit log", "by the command line");
}
