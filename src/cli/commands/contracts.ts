/** `mortise contracts ...`: what is open about contracts, through the admin API of the running server. */
import { adminClient } from "../admin-client.ts";
import type { Context } from "../context.ts";
import { exit } from "../exit.ts";
import { time } from "../terminal.ts";

interface Answer {
  readonly contracts: readonly {
    readonly system: string;
    readonly language: string;
    readonly hash: string;
    readonly url?: string;
    readonly state: string;
    readonly lookedAt?: number;
  }[];
  readonly items: readonly Item[];
}
interface Item {
  readonly system: string;
  readonly kind: string;
  readonly operation: string;
  readonly firstSeen: number;
  readonly lastSeen: number;
  readonly detail: {
    readonly words?: string;
    readonly touches?: readonly string[];
    readonly deprecated?: number;
    readonly sunset?: number;
    readonly link?: string;
  };
}

/** A look fetches, and reads, a contract of each system. */
const patienceMs = 600_000;

export async function listContracts(context: Context): Promise<number> {
  return show(context, await (await adminClient(context)).get("/contracts"));
}

export async function lookAtContracts(
  context: Context,
  [system]: readonly string[],
  { reason }: { readonly reason: string },
): Promise<number> {
  const client = await adminClient(context, patienceMs);
  const answer: Answer = await client.post("/contracts/look", { reason, ...(system === undefined ? {} : { system }) });
  return show(context, answer);
}

export async function closeContractItem(
  context: Context,
  [system, kind, operation = ""]: readonly string[],
  { reason }: { readonly reason: string },
): Promise<number> {
  return show(
    context,
    await (await adminClient(context)).post("/contracts/close", { system, kind, operation, reason }),
  );
}

function show({ terminal }: Context, answer: Answer): number {
  terminal.result(answer, () => {
    terminal.table(
      ["system", "contract", "pinned", "live", "looked at"],
      answer.contracts.map(({ system, language, hash, state, lookedAt }) => [
        system,
        language,
        hash.slice(0, 12),
        state,
        lookedAt === undefined ? "" : time(lookedAt),
      ]),
      (cell, column) => (column === 3 && (cell === "changed" || cell === "unreadable") ? "yellow" : undefined),
    );
    terminal.line();
    if (answer.items.length === 0) {
      terminal.line("Nothing is open.");
      return;
    }
    terminal.table(
      ["system", "what", "operation", "first seen", "last seen", ""],
      answer.items.map((item) => [
        item.system,
        item.kind,
        item.operation,
        time(item.firstSeen),
        time(item.lastSeen),
        about(item),
      ]),
    );
  });
  return exit.done;
}

function about({ kind, detail }: Item): string {
  const { words, touches = [], deprecated, sunset, link } = detail;
  if (kind !== "deprecated")
    return touches.length === 0 ? (words ?? "") : `${words ?? ""} (touches ${touches.join(", ")})`;
  const parts = [
    deprecated === undefined ? "" : `deprecated ${time(deprecated)}`,
    sunset === undefined ? "" : `ends ${time(sunset)}`,
    link ?? "",
  ];
  return parts.filter((part) => part !== "").join(", ");
}
