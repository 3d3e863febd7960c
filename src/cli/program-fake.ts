/** The command `mortise fake`. */
import { type Command, Option } from "commander";
import type { Leaf } from "./program-versions.ts";

const collect = (value: string, before: readonly string[] = []): readonly string[] => [...before, value];

export function fakeCommand(program: Command, leaf: Leaf): void {
  leaf(
    program,
    "fake <contract>",
    "serve a fake of a system: one of the project's, or a contract's file or URL; Ctrl-C ends it",
    [
      "mortise fake erp",
      "mortise fake ./petstore.yaml --port 4010",
      "mortise fake payments --set 'authorize=503*2' --set 'capture=drop:after*1'",
      "mortise fake payments --emit paymentSettled --to http://127.0.0.1:8080/webhooks/payments --secret PAYMENTS_WEBHOOK_SECRET",
      "mortise fake carrier --emit shipped --to .mortise/carrier --count 3",
      "mortise fake warehouse --database .mortise/fakes/warehouse.db",
    ],
    async () => (await import("./commands/fake.ts")).fake,
  )
    .option("-p, --port <number>", "where it listens; 0: any free port", "4010")
    .option("--host <address>", "on which address of this machine", "127.0.0.1")
    .option("--seed <number>", "other seeds give other examples", "1")
    .addOption(
      new Option(
        "--set <operation=what>",
        "a rule, as often as wanted: a status (503, 429:30s), fault:Name, delay:2s, drop:before, drop:after, slow:5s, malformed; *2 at its end: twice",
      ).argParser(collect),
    )
    .addOption(
      new Option("--unknown <how>", "what was never created is made up, or missing")
        .choices(["made", "missing"])
        .default("made"),
    )
    .option("--emit <event>", "send an example of an event and end")
    .option("--to <place>", "where events go: a URL for webhooks, a folder for files")
    .option("--secret <variable>", "environment variable with the secret that signs webhooks")
    .option("--count <number>", "how many events", "1")
    .option("--database <file>", "SQL contracts: the SQLite file to make (default: .mortise/fakes/<name>.db)")
    .option("--rows <number>", "SQL contracts: rows of each table", "10")
    .option("--replace", "SQL contracts: take the place of a file that is there")
    .option("--internal", "allow a private or loopback address in the contract's URL");
}
