/** `mortise contracts ...`: what is open about contracts, through the admin API of the running server. */
import type { Example, Verdict } from "../../contract/compare/finding.ts";
import { exampleInWords, findingInWords } from "../../contract/compare/words.ts";
import { adminClient } from "../admin-client.ts";
import type { Context } from "../context.ts";
import { exit } from "../exit.ts";
import { count, printable, type Style, type Terminal, time } from "../terminal.ts";

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
/** As the server keeps them: the worst ones. */
interface KeptFinding {
  readonly rule: string;
  readonly verdict: Verdict;
  readonly at: string;
  readonly reason: string;
  readonly example?: Example;
  readonly also: number;
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
    readonly findings?: readonly KeptFinding[];
    readonly counts?: Readonly<Record<string, number>>;
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
    for (const item of answer.items) showFindings(terminal, item);
  });
  return exit.done;
}

const styles: Readonly<Record<Verdict, Style>> = { breaking: "red", review: "yellow", safe: "green" };

/** What changed, the worst first. Safe ones are only counted. */
function showFindings(terminal: Terminal, { system, detail: { findings = [], counts = {} } }: Item): void {
  const telling = findings.filter(({ verdict }) => verdict !== "safe");
  if (telling.length === 0) return;
  terminal.line();
  terminal.line(terminal.paint("bold", system));
  for (const finding of telling) {
    const { verdict, example, also } = finding;
    terminal.line(
      `  ${terminal.paint(styles[verdict], verdict)}  ${printable(findingInWords(finding))}${also === 0 ? "" : terminal.paint("dim", ` and at ${count(also, "other place")}`)}`,
    );
    if (example !== undefined) terminal.line(terminal.paint("dim", `    ${printable(exampleInWords(example))}`));
  }
  const left = (counts.breaking ?? 0) + (counts.review ?? 0) - telling.length;
  if (left > 0) terminal.line(terminal.paint("dim", `  and ${left} more`));
  terminal.line(
    terminal.paint("dim", `  what of it your code uses: mortise watch ${system}, or mortise upgrade ${system}`),
  );
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
