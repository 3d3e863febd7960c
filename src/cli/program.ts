/**
 * The command line: every command with its arguments, options and examples. A command's own module is loaded only when it
 * runs, so that help is instant, and so that `init` runs where the rest of Mortise can't.
 */
import { readFileSync } from "node:fs";
import { Command, CommanderError, Help, Option } from "commander";
import { asMortiseError } from "../errors.ts";
import type { Context } from "./context.ts";
import { exit } from "./exit.ts";
import { consumerCommands, keyCommands, secretCommands } from "./program-access.ts";
import { apiCommands, publishCommand } from "./program-apis.ts";
import { contractCommands, implementCommand } from "./program-contracts.ts";
import { diffCommand } from "./program-diff.ts";
import { fakeCommand } from "./program-fake.ts";
import { scheduleCommands, startCommand } from "./program-schedules.ts";
import { moveCommand, versionsCommands } from "./program-versions.ts";
import { runsCommands } from "./run-commands.ts";
import { type Io, terminal } from "./terminal.ts";

type Options = Readonly<Record<string, unknown>>;
/** A command's function; each states the options that it takes. */
type Run = (context: Context, args: readonly string[], options: never) => Promise<number> | number;

/** Runs the command line, and gives the exit code. */
export async function main(args: readonly string[], io: Io): Promise<number> {
  let code: number = exit.done;
  let asked = args.includes("--json");
  const program = build(
    io,
    async (load, command, given) => {
      const options = command.opts() as Options;
      asked = options.json === true;
      const context: Context = {
        terminal: terminal(io, asked),
        io,
        ...(typeof options.project === "string" ? { project: options.project } : {}),
      };
      code = await (await load())(context, given, options as never);
    },
    () => asked,
  );
  try {
    await program.parseAsync(args, { from: "user" });
    return code;
  } catch (error) {
    if (error instanceof CommanderError) {
      if (error.exitCode === 0) return exit.done;
      if (asked) terminal(io, true).fail({ code: "usage", message: error.message.replace(/^error: /, "") });
      return exit.usage;
    }
    const known = asMortiseError(error);
    terminal(io, asked).fail(known);
    return known.code === "server-unreachable" ? exit.unreachable : exit.failed;
  }
}

type Act = (load: () => Promise<Run>, command: Command, args: readonly string[]) => Promise<void>;

const examplesOf = new WeakMap<Command, readonly string[]>();

const plainHelp = new Help();

/** What can't be left out stands in the first line, too. */
function usageOf(command: Command): string {
  const needed = command.options.filter(({ mandatory }) => mandatory).map(({ flags }) => ` ${flags}`);
  return plainHelp.commandUsage(command).replace("[options]", () => `[options]${needed.join("")}`);
}

function described(option: Option): string {
  return `${plainHelp.optionDescription(option)}${option.mandatory ? " (required)" : ""}`;
}

/** The program. `act` runs a command's module; help and usage errors are printed by commander. */
function build(io: Io, act: Act, asJson: () => boolean): Command {
  const json = (): Option => new Option("--json", "print one JSON document instead of text");
  const configured = (command: Command): Command =>
    command
      .exitOverride()
      .helpOption("-h, --help", "show this help")
      .configureHelp({ commandUsage: usageOf, optionDescription: described })
      .configureOutput({
        writeOut: (text) => void io.stdout.write(text),
        // With --json the error is one JSON object, printed by main.
        writeErr: (text) => void (asJson() || io.stderr.write(text)),
        getOutHelpWidth: () => io.stdout.columns ?? 100,
        getErrHelpWidth: () => io.stderr.columns ?? 100,
      })
      .showHelpAfterError("Add --help to see what can be written.");
  const leaf = (
    parent: Command,
    usage: string,
    description: string,
    examples: readonly string[],
    load: () => Promise<Run>,
    { project = true } = {},
  ): Command => {
    const command = configured(parent.command(usage).description(description)).addOption(json());
    if (project) command.option("-C, --project <folder>", "the project, if not the one around the current folder");
    examplesOf.set(command, examples);
    command.addHelpText("after", `\nExamples:\n${examples.map((example) => `  ${example}`).join("\n")}`);
    return command.action((...given: unknown[]) => {
      const positional = given
        .slice(0, -2)
        .flat()
        .filter((value): value is string => typeof value === "string");
      return act(load, command, positional);
    });
  };
  const group = (name: string, description: string): Command =>
    configured(program.command(name).description(description)).helpCommand(false);

  const program = configured(new Command("mortise"))
    .description("Joins your systems: contracts in, durable processes across them, managed APIs out.")
    .version(version(), "-V, --version", "show the version")
    // So that a command can have a --version of its own.
    .enablePositionalOptions()
    .helpCommand(false)
    .addHelpText(
      "after",
      "\nA first project:\n  mortise init demo && cd demo && npm start\n\nEvery command takes --json, and has examples in its own --help.",
    );

  leaf(
    program,
    "init <folder>",
    "make a small project that runs as it stands",
    ["mortise init demo && cd demo && npm start", "mortise init . --mortise ^0.1.0"],
    async () => (await import("./commands/init.ts")).init,
    { project: false },
  )
    .option("--name <name>", "name of the project (default: of the folder)")
    .option("--mortise <spec>", "the dependency on mortise, as npm takes it (default: where this mortise comes from)");
  leaf(
    program,
    "add <name> <contract>",
    "add a system from its contract: a file or URL of OpenAPI, WSDL, SQL or a CSV description, or a database",
    [
      "mortise add shop ./openapi.yaml",
      "mortise add erp https://erp.example.com/orders?wsdl",
      "mortise add warehouse ./warehouse.sql",
      "mortise add warehouse postgres://app@db.example.com/warehouse --password secret:WAREHOUSE_PASSWORD",
      "mortise add warehouse env:WAREHOUSE_URL --replace",
      "mortise add payments ./openapi.yaml --only authorize,capture",
    ],
    async () => (await import("./commands/add.ts")).add,
  )
    .option("--internal", "allow a private or loopback address in the URL")
    .option("--only <names>", "operations and events to take, separated by commas (default: all)")
    .option("--root <folder>", "folder that the contract's imports may reach (default: the contract's own)")
    .option("--replace", "take the contract anew where the system is there already")
    .option(
      "--statements <file>",
      "database: the named statements (default: systems/<name>/<name>.sql, or some to begin with)",
    )
    .option("--user <user>", "database: the user, as it is, env:NAME or secret:NAME")
    .option("--password <reference>", "database: where the password is: env:NAME or secret:NAME")
    .option("--schema <name...>", "PostgreSQL: schemas to read (default: the search path)")
    .option("--table <name...>", "database: tables to read; * stands for any text (default: all)");
  implementCommand(program, leaf);
  leaf(
    program,
    "types [name]",
    "write contract.ts again from the pinned contracts: all of them, or of one system or API",
    ["mortise types", "mortise types erp", "mortise types --check", "mortise types erp --only createSalesOrder"],
    async () => (await import("./commands/types.ts")).types,
  )
    .option("--check", "write nothing; exit with 3 if something would change")
    .option("--only <names>", "take these operations and events from now on, separated by commas; * takes all");
  diffCommand(program, leaf);
  leaf(
    program,
    "check",
    "check the project without starting it: contracts, configuration, types, processes, requirements",
    ["mortise check", "mortise check --strict --json"],
    async () => (await import("./commands/check.ts")).check,
  )
    .option("--strict", "let warnings fail too")
    .option("--no-types", "leave the compiler out");
  publishCommand(program, leaf);
  leaf(
    program,
    "start",
    "start the server of the project; Ctrl-C stops it, and what is open resumes at the next start",
    ["mortise start", "PORT=9000 mortise start", "mortise start --watch", "mortise start --promote"],
    async () => (await import("./commands/start.ts")).start,
  )
    .option("--promote", "start new runs on the code in the project's files, whatever was promoted before")
    .option(
      "--watch",
      "take each change of the project's files once it is saved; what does not fit leaves all as it is",
    );
  fakeCommand(program, leaf);
  versionsCommands(program, group, leaf);
  const runs = group("runs", "look at runs, and act on them; needs a running server");
  startCommand(runs, leaf);
  runsCommands(runs, leaf);
  moveCommand(runs, leaf);
  leaf(
    program,
    "trace <key>",
    "did it post twice? The chain of a key: who asked, which run, and every call downstream; needs a running server",
    [
      "mortise trace order-17",
      "mortise trace 8e03978e-40d5-43dd-bc93-6894a57f9324 --consumer acme",
      "mortise trace 01ksa8h3x0t5m9v2c4e6-2 --json",
    ],
    async () => (await import("./commands/trace.ts")).trace,
  )
    .option("--consumer <name>", "only where this consumer asked")
    .option("--api <name>", "only where it was asked through this API")
    .option("--process <name>", "only runs of this process")
    .option("--limit <number>", "list at most so many calls, up to 500; those in doubt come first", "100");
  scheduleCommands(group("schedules", "what starts by the clock; needs a running server"), leaf);
  apiCommands(group("apis", "versions of the published APIs; needs a running server"), leaf);
  contractCommands(program, group("contracts", "contracts that change; needs a running server"), leaf);
  leaf(
    group("store", "the server's database; needs a running server"),
    "size",
    "show what takes space in the store, and what makes it less",
    ["mortise store size", "mortise store size --json"],
    async () => (await import("./commands/store.ts")).storeSize,
  );
  keyCommands(group("keys", "API keys of consumers; needs a running server"), leaf);
  secretCommands(group("secrets", "secrets of the running server; needs a running server"), leaf);
  consumerCommands(group("consumers", "who calls the published APIs; needs a running server"), leaf);
  return program;
}

/** Of Mortise's own package.json, which stands above both src/ and dist/. */
function version(): string {
  const { version: own } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")) as {
    version: string;
  };
  return own;
}

/** A command, its options in their long forms, and its subcommands by name: what docs and tests compare with. */
export interface CommandNode {
  readonly name: string;
  readonly description: string;
  readonly options: readonly string[];
  readonly help: string;
  readonly examples: readonly string[];
  readonly commands: Readonly<Record<string, CommandNode>>;
}

/** Every command, from the program itself. */
export function commandTree(): CommandNode {
  const quiet = { write: () => true, columns: 100 };
  const describe = (command: Command): CommandNode => ({
    name: command.name(),
    description: command.description(),
    options: [...command.options.map((option) => option.long ?? option.flags), "--help"],
    help: command.helpInformation(),
    examples: examplesOf.get(command) ?? [],
    commands: Object.fromEntries(command.commands.map((inner) => [inner.name(), describe(inner)])),
  });
  return describe(
    build(
      { stdout: quiet, stderr: quiet, env: {}, folder: "." },
      async () => {},
      () => false,
    ),
  );
}
