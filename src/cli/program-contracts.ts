/** The commands about contracts that change: `mortise watch` and `mortise contracts ...`. */
import type { Command } from "commander";
import type { Leaf } from "./program-versions.ts";

const why = ["--reason <text>", "why, for the audit log", "by the command line"] as const;

export function implementCommand(program: Command, leaf: Leaf): void {
  leaf(
    program,
    "implement <name> <contract>",
    "take an OpenAPI document that says what an API of yours must be, and write its types to implement it",
    [
      "mortise implement stock.v1 ./partner/openapi.yaml",
      "mortise implement orders.v2 https://standards.example.org/orders/openapi.json",
      "mortise implement stock.v1 ./partner/openapi-1.1.yaml --replace",
    ],
    async () => (await import("./commands/implement.ts")).implement,
  )
    .option("--internal", "allow a private or loopback address in the URL")
    .option("--root <folder>", "folder that the document's references may reach (default: the document's own)")
    .option("--replace", "take the document anew where there is one already");
}

export function contractCommands(program: Command, contracts: Command, leaf: Leaf): void {
  leaf(
    program,
    "watch [name]",
    "compare the contract that each system has now with the one that is pinned; exits with 3 if they differ",
    ["mortise watch", "mortise watch erp --json"],
    async () => (await import("./commands/watch.ts")).watch,
  );
  leaf(
    program,
    "upgrade <system>",
    "take a new version of a system's contract: shows what it breaks first, and writes all of it or nothing",
    [
      "mortise upgrade erp --from ./erp-2027.wsdl",
      "mortise upgrade shop --from https://shop.example.com/openapi.yaml --yes",
      "mortise upgrade warehouse --from env:WAREHOUSE_URL --json",
    ],
    async () => (await import("./commands/upgrade.ts")).upgrade,
  )
    .option(
      "--from <contract>",
      "its new version: a file, a URL, a database, or a file at a git revision (default: the URL it was pinned from)",
    )
    .option("--yes", "take it over without asking, unless it breaks what the project uses")
    .option("--force", "with --yes: take it over even so")
    .option("--no-types", "leave the compiler's check against the new types out")
    .option("--overrides <file>", "what owners have decided about findings, until when (JSON)")
    .option("--internal", "allow a private or loopback address in the URL")
    .option("--root <folder>", "folder that the contract's imports may reach (default: the contract's own)")
    .option("--statements <file>", "database: the named statements (default: those that are pinned)")
    .option("--user <user>", "database: the user, as it is, env:NAME or secret:NAME")
    .option("--password <reference>", "database: where the password is: env:NAME or secret:NAME")
    .addHelpText(
      "after",
      "\nWithout --yes it asks on a terminal, and elsewhere only shows. Ends with 0 if it was taken over or breaks nothing that is used,\nwith 3 if it breaks something, with 5 if something needs a review.",
    );
  const module = () => import("./commands/contracts.ts");
  leaf(
    contracts,
    "list",
    "list contracts, what changed in their systems, and which operations will end",
    ["mortise contracts list"],
    async () => (await module()).listContracts,
  );
  leaf(
    contracts,
    "look [system]",
    "have the server compare now, without waiting for its schedule",
    ["mortise contracts look", "mortise contracts look erp"],
    async () => (await module()).lookAtContracts,
  ).option(...why);
  leaf(
    contracts,
    "close <system> <kind> [operation]",
    "close an item; it opens again when it is seen again",
    ['mortise contracts close erp deprecated createOrder --reason "moved to v2 in the release of May"'],
    async () => (await module()).closeContractItem,
  ).option(...why);
}
