/** The commands about code versions: deploy, reload, versions, promote, rollback, rehearse, and `runs move`. */
import type { Command } from "commander";
import type { Context } from "./context.ts";

type Run = (context: Context, args: readonly string[], options: never) => Promise<number> | number;
export type Leaf = (
  parent: Command,
  usage: string,
  description: string,
  examples: readonly string[],
  load: () => Promise<Run>,
) => Command;

/** Deploying, and what is about code versions. */
export function versionsCommands(
  program: Command,
  group: (name: string, description: string) => Command,
  leaf: Leaf,
): void {
  const module = () => import("./commands/versions.ts");
  const reason = (command: Command): Command =>
    command.option("--reason <text>", "why, for the audit log", "by the command line");
  reason(
    leaf(
      program,
      "deploy",
      "check the project, and register its code as a version of the running server; the files must be where the server runs",
      ["mortise deploy", 'mortise deploy --promote --note "credit check before shipping"'],
      async () => (await module()).deploy,
    ),
  )
    .option("--promote", "start new runs on it at once")
    .option("--note <text>", "what is new; stands in the list of versions", "")
    .option("--no-types", "leave the compiler out of the check");
  reason(
    leaf(
      program,
      "reload",
      "let the running server take the project's files as they are now, without a gap; refused as a whole where anything is wrong",
      ["mortise reload", 'mortise reload --reason "new limits for partners"', "mortise reload --promote"],
      async () => (await import("./commands/reload.ts")).reload,
    ),
  ).option("--promote", "start new runs on the code in the project's files, whatever was promoted before");
  const versions = group("versions", "code versions; needs a running server");
  leaf(
    versions,
    "list",
    "list the code versions that are kept, the promoted one first",
    ["mortise versions list"],
    async () => (await module()).listVersions,
  );
  leaf(
    versions,
    "show <version>",
    "show one code version, by its id or the beginning of it",
    ["mortise versions show 1f0c9a"],
    async () => (await module()).showVersion,
  );
  reason(
    leaf(
      program,
      "promote <version>",
      "start new runs on a registered version from now on; open runs stay where they are",
      ["mortise promote 1f0c9a", 'mortise promote 1f0c9a --reason "tested with the warehouse"'],
      async () => (await module()).promote,
    ),
  );
  reason(
    leaf(
      program,
      "rollback",
      "start new runs on the version that was promoted before the current one",
      ['mortise rollback --reason "orders without tax"'],
      async () => (await module()).rollback,
    ),
  );
  leaf(
    program,
    "rehearse",
    "replay open runs on other code, without side effects, and say which go on and where others diverge; exits with 3 if any does not go on",
    [
      "mortise rehearse",
      "mortise rehearse --version 1f0c9a --process order-to-cash",
      "mortise rehearse --quiet --json",
    ],
    async () => (await import("./commands/rehearse.ts")).rehearse,
  )
    .option("--version <version>", "a registered version (default: the sources in the server's folder)")
    .option("--process <name>", "only runs of this process")
    .option("--run <run>", "only this run")
    .option("--quiet", "print the summary only, and not a line for each run");
}

export function moveCommand(runs: Command, leaf: Leaf): void {
  leaf(
    runs,
    "move",
    "move open runs to other code: rehearses them, and moves those that go on from where they are",
    [
      'mortise runs move --run 01J9ZQ6K3V --reason "the rate is there now"',
      "mortise runs move --to 1f0c9a --process order-to-cash",
      "mortise runs move --all",
    ],
    async () => (await import("./commands/rehearse.ts")).moveRuns,
  )
    .option("--to <version>", "a registered version (default: the promoted one)")
    .option("--run <run>", "only this run")
    .option("--process <name>", "runs of this process")
    .option("--all", "every open run")
    .option("--reason <text>", "why, for the audit log and the run's history", "by the command line");
}
