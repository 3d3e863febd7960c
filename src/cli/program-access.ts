/** The commands about who may call, and with what Mortise calls: `mortise keys ...`, `consumers ...` and `secrets ...`. */
import type { Command } from "commander";
import type { Leaf } from "./program-versions.ts";

export function keyCommands(keys: Command, leaf: Leaf): void {
  leaf(
    keys,
    "create <consumer>",
    "make a key; it is shown once",
    ["mortise keys create acme --scope orders:write --scope orders:read"],
    async () => (await import("./commands/keys.ts")).createKey,
  )
    .option("--scope <scope...>", "what the key may do", [])
    .option("--environment <name>", "stands in the key, to tell live from test (default: live)")
    .option("--expires <duration>", "such as 90d (default: never)");
  leaf(
    keys,
    "list",
    "list keys; the keys themselves are not stored",
    ["mortise keys list", "mortise keys list --consumer acme"],
    async () => (await import("./commands/keys.ts")).listKeys,
  ).option("--consumer <consumer>", "only of this consumer");
  leaf(
    keys,
    "rotate <key>",
    "make the successor of a key; both are valid for a while",
    ["mortise keys rotate 4kT0zQ9xWb2c", "mortise keys rotate 4kT0zQ9xWb2c --overlap 30d"],
    async () => (await import("./commands/keys.ts")).rotateKey,
  )
    .option("--overlap <duration>", "how long the old key stays valid; 0s ends it at once", "7d")
    .option("--expires <duration>", "of the new key (default: it lives as long as the old one was to)")
    .option("--reason <text>", "for the audit log", "rotated by the command line");
  leaf(
    keys,
    "revoke <key>",
    "end a key at once, by its id",
    ["mortise keys revoke key_7f3a"],
    async () => (await import("./commands/keys.ts")).revokeKey,
  ).option("--reason <text>", "for the audit log", "revoked by the command line");
}

export function secretCommands(secrets: Command, leaf: Leaf): void {
  const module = () => import("./commands/secrets.ts");
  leaf(
    secrets,
    "list",
    "list the secrets that the project uses and those of the store, with where they come from; never their values",
    ["mortise secrets list"],
    async () => (await module()).listSecrets,
  );
  leaf(
    secrets,
    "set <name>",
    "keep a secret in the store, encrypted, and put it in force; the value is typed unseen or piped in, and is never an argument",
    [
      "mortise secrets set payments-token",
      "openssl rand -hex 32 | mortise secrets set payments-token",
      "mortise secrets set payments-token --offline",
    ],
    async () => (await module()).setSecret,
  )
    .option("--reason <text>", "why, for the audit log", "set by the command line")
    .option("--offline", "write it into this machine's store while no server runs; in force from the next start on");
  leaf(
    secrets,
    "remove <name>",
    "remove a secret from the store; refused while something needs it",
    ['mortise secrets remove payments-token --reason "it is a file now"'],
    async () => (await module()).removeSecret,
  ).option("--reason <text>", "why, for the audit log", "removed by the command line");
}

export function consumerCommands(consumers: Command, leaf: Leaf): void {
  const module = () => import("./commands/consumers.ts");
  leaf(
    consumers,
    "list",
    "list consumers that have a key or were set, with their plans; whom another vouches for (access tokens) shows in: mortise apis usage",
    ["mortise consumers list"],
    async () => (await module()).listConsumers,
  );
  leaf(
    consumers,
    "set <consumer>",
    "set a consumer's plan or contact; in force for the next request",
    ["mortise consumers set acme --plan gold", "mortise consumers set acme --contact api@acme.example --plan none"],
    async () => (await module()).setConsumer,
  )
    .option("--plan <plan>", "a plan that an API names, or none (default: as it is)")
    .option("--contact <address>", "an address of people, or none (default: as it is)")
    .option("--reason <text>", "for the audit log");
  leaf(
    consumers,
    "disable <consumer>",
    "refuse every credential of a consumer; runs that it started go on",
    ['mortise consumers disable acme --reason "contract ended"'],
    async () => (await module()).disableConsumer,
  ).requiredOption("--reason <text>", "why, for the audit log");
  leaf(
    consumers,
    "enable <consumer>",
    "let a consumer in again",
    ["mortise consumers enable acme"],
    async () => (await module()).enableConsumer,
  ).option("--reason <text>", "for the audit log");
}
