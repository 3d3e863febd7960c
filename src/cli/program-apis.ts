/** The commands about the versions of published APIs: `mortise apis ...`. */
import type { Command } from "commander";
import type { Leaf } from "./program-versions.ts";

const why = ["--reason <text>", "why, for the audit log"] as const;

export function publishCommand(program: Command, leaf: Leaf): void {
  leaf(
    program,
    "publish [api]",
    "write the contracts that callers may rely on to apis/published/, for a review in git; refuses what breaks a caller",
    [
      "mortise publish",
      'mortise publish orders --note "Carts may be paid in euros."',
      'mortise publish orders@2.0.0 --note "Prices are in euros."',
    ],
    async () => (await import("./commands/publish.ts")).publish,
  )
    .option("--note <text>", "what callers should know about the one version that is written, for the changelog")
    .addHelpText(
      "after",
      "\nEnds with 0 if everything is published, with 3 if something breaks a caller, with 5 if something needs a review.",
    );
}

export function apiCommands(apis: Command, leaf: Leaf): void {
  const module = () => import("./commands/apis.ts");
  const retiring = () => import("./commands/api-retire.ts");
  leaf(
    apis,
    "list",
    "list the versions of each API and how they stand",
    ["mortise apis list"],
    async () => (await module()).listApis,
  );
  leaf(
    apis,
    "usage <api> <version>",
    "show who called which operation of a version, how often and when last",
    ["mortise apis usage orders 1.0.0", "mortise apis usage orders 1.0.0 --days 90 --json"],
    async () => (await module()).apiUsage,
  ).option("--days <days>", "today and so many days before it (default: lifecycle.window, 30)");
  leaf(
    apis,
    "strays",
    "list what consumers ask for and what no version declares, or only one that has ended",
    ["mortise apis strays"],
    async () => (await module()).listStrays,
  );
  leaf(
    apis,
    "changelog <api> [from] [to]",
    "show what was published of an API and when, and what changed; or what changed between two of its versions",
    [
      "mortise apis changelog orders",
      "mortise apis changelog orders 1.0.0 2.0.0 --markdown",
      "mortise apis changelog orders 1.0.0@2026-11-27 --json",
    ],
    async () => (await import("./commands/changelog.ts")).apiChangelog,
  ).option("--markdown", "print Markdown");
  leaf(
    apis,
    "block <api> <version>",
    "answer a version with 503 from now on, also after a restart; runs that it started go on",
    ['mortise apis block orders 1.0.0 --reason "orders are booked twice" --retry-after 10m'],
    async () => (await module()).blockApi,
  )
    .requiredOption(...why)
    .option("--retry-after <duration>", "when callers may try again (default: 5m)");
  leaf(
    apis,
    "unblock <api> <version>",
    "end the block of a version",
    ['mortise apis unblock orders 1.0.0 --reason "mended"'],
    async () => (await module()).unblockApi,
  ).requiredOption(...why);
  leaf(
    apis,
    "migration <api> <version>",
    "show who still uses a version, what changes in its successor for the operations they use, their last calls, and open runs",
    ["mortise apis migration orders 1.0.0", "mortise apis migration orders 1.0.0 --json"],
    async () => (await retiring()).apiMigration,
  );
  leaf(
    apis,
    "retire <api> <version>",
    "take the route of a version away; refused while it is called or has open runs, unless all of them are named",
    [
      'mortise apis retire orders 1.0.0 --reason "its sunset was in July"',
      'mortise apis retire orders 1.0.0 --reason "agreed with them" --despite acme harbour-app --despite-runs 2',
    ],
    async () => (await retiring()).retireApi,
  )
    .requiredOption(...why)
    .option(
      "--despite <consumer...>",
      "consumers that called it within the window, all of them; (public) for unknown ones",
    )
    .option("--despite-runs <number>", "how many open runs were started through it");
  leaf(
    apis,
    "reinstate <api> <version>",
    "give a version that was retired its route back",
    ['mortise apis reinstate orders 1.0.0 --reason "retired by mistake"'],
    async () => (await retiring()).reinstateApi,
  ).requiredOption(...why);
}
