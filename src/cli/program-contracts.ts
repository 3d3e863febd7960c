/** The commands about contracts that change: `mortise watch` and `mortise contracts ...`. */
import type { Command } from "commander";
import type { Leaf } from "./program-versions.ts";

const why = ["--reason <text>", "why, for the audit log", "by the command line"] as const;

export function contractCommands(program: Command, contracts: Command, leaf: Leaf): void {
  leaf(
    program,
    "watch [name]",
    "compare the contract that each system has now with the one that is pinned; exits with 3 if they differ",
    ["mortise watch", "mortise watch erp --json"],
    async () => (await import("./commands/watch.ts")).watch,
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
