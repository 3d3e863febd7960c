/** `mortise apis migration`, `retire` and `reinstate`: who still uses a version, and taking its route away. */
import type { Finding } from "../../contract/compare/finding.ts";
import { exampleInWords, findingInWords } from "../../contract/compare/words.ts";
import { type AdminClient, adminClient } from "../admin-client.ts";
import type { Context } from "../context.ts";
import { exit } from "../exit.ts";
import { count, type Terminal, time } from "../terminal.ts";
import { numberOption } from "../values.ts";
import { addressOf, trend } from "./apis.ts";

// What the admin API answers; its OpenAPI document says the same.
interface Used {
  readonly calls: number;
  readonly lastAt: number;
  readonly recent: number;
  readonly before: number;
  readonly trend: string;
}
interface Entry extends Used {
  readonly consumer: string;
  readonly operations: readonly (Used & { readonly operation: string })[];
  readonly changes?: readonly Finding[];
}
interface Board {
  readonly from: string;
  readonly successor?: { readonly name: string; readonly version: string };
  readonly consumers: readonly Entry[];
  readonly openRuns: number;
  readonly runs: readonly {
    readonly id: string;
    readonly process: string;
    readonly consumer: string;
    readonly createdAt: number;
  }[];
}

/** Comparing two large versions takes the server some seconds. */
const patienceMs = 120_000;

export async function apiMigration(context: Context, [api, version]: readonly string[]): Promise<number> {
  const { terminal } = context;
  const client: AdminClient = await adminClient(context, patienceMs);
  const board: Board = await client.get(`${addressOf(api!, version!)}/migration`);
  terminal.result(board, () => {
    const { successor } = board;
    const to = successor === undefined ? "" : `; what comes next is ${successor.name} ${successor.version}`;
    terminal.line(
      `${count(board.consumers.length, "consumer")} called ${api} ${version} since ${board.from}, ${count(board.openRuns, "open run")}${to}`,
    );
    for (const entry of board.consumers) showEntry(terminal, entry);
    if (board.runs.length === 0) return;
    terminal.line();
    terminal.table(
      ["open run", "process", "consumer", "since"],
      board.runs.map(({ id, process, consumer, createdAt }) => [id, process, consumer, time(createdAt)]),
    );
  });
  return exit.done;
}

function showEntry(terminal: Terminal, { consumer, operations, changes, lastAt }: Entry): void {
  terminal.line();
  terminal.line(`${terminal.paint("bold", consumer)}  last call ${time(lastAt)}`);
  for (const { operation, recent, before, trend: towards } of operations)
    terminal.line(`  ${operation}: ${trend(recent, before)} in the last 7 days, ${towards}`);
  if (changes === undefined) return;
  const told = changes.filter(({ verdict }) => verdict !== "safe");
  if (told.length === 0) terminal.line(terminal.paint("green", "  nothing that it uses changes for it"));
  for (const change of told) {
    terminal.line(terminal.paint(change.verdict === "breaking" ? "red" : "yellow", `  ${findingInWords(change)}`));
    if (change.example !== undefined) terminal.line(terminal.paint("dim", `    ${exampleInWords(change.example)}`));
  }
}

export async function retireApi(
  context: Context,
  [api, version]: readonly string[],
  options: { readonly reason: string; readonly despite?: readonly string[]; readonly despiteRuns?: string },
): Promise<number> {
  const { reason, despite = [], despiteRuns } = options;
  const openRuns =
    despiteRuns === undefined || despiteRuns === "0" ? 0 : numberOption("--despite-runs", despiteRuns, 1e9);
  const client = await adminClient(context);
  const answer: { major: number } = await client.post(`${addressOf(api!, version!)}/retire`, {
    reason,
    consumers: despite,
    openRuns,
  });
  context.terminal.result(answer, () => {
    context.terminal.line(
      `${api} ${answer.major} is retired: its route is gone; its contract, audit and usage are kept`,
    );
    context.terminal.line(context.terminal.paint("dim", "say so in its definition too, with lifecycle: retired()"));
  });
  return exit.done;
}

export async function reinstateApi(
  context: Context,
  [api, version]: readonly string[],
  { reason }: { readonly reason: string },
): Promise<number> {
  const answer: { lifecycle: string } = await (await adminClient(context)).post(
    `${addressOf(api!, version!)}/reinstate`,
    { reason },
  );
  context.terminal.result(answer, () => context.terminal.line(`${api} ${version} is ${answer.lifecycle} again`));
  return exit.done;
}
