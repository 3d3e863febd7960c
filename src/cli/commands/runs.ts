/** `mortise runs ...`: looks at runs and acts on them, through the admin API of the running server. */
import { randomUUID } from "node:crypto";
import { failure } from "../../errors.ts";
import type { Json } from "../../operation.ts";
import { type AdminClient, adminClient } from "../admin-client.ts";
import type { Context } from "../context.ts";
import { exit } from "../exit.ts";
import type { Detail, Question, Reference, Summary, Task, Valued } from "../run-shapes.ts";
import { count, type Style, type Terminal, time } from "../terminal.ts";
import { jsonOption, numberOption, segment } from "../values.ts";
import { known } from "./known.ts";
import { type FilterOptions, filterIn } from "./run-acts.ts";
import { runOf } from "./run-of.ts";

const styles: Readonly<Record<string, Style>> = {
  completed: "green",
  parked: "red",
  rejected: "yellow",
  undone: "yellow",
  cancelled: "yellow",
  terminated: "yellow",
  undoing: "yellow",
  paused: "yellow",
  queued: "cyan",
  waiting: "cyan",
  running: "cyan",
};
const painted = (terminal: Terminal, status: string): string => terminal.paint(styles[status] ?? "dim", status);

interface ListOptions extends FilterOptions {
  readonly key?: string;
  readonly before?: string;
  readonly limit: string;
}

export async function listRuns(context: Context, _: readonly string[], options: ListOptions): Promise<number> {
  const { terminal } = context;
  const { key, before } = options;
  const query = { ...filterIn(options), key, before, limit: numberOption("--limit", options.limit, 500) };
  const client = await adminClient(context);
  const answer: { runs: Summary[]; next: string | null } = await client.get("/runs", query);
  const stopped = terminal.json ? undefined : await parkedBelow(client, answer.runs);
  terminal.result(answer, () => {
    if (answer.runs.length === 0) {
      terminal.line("No runs.");
      return;
    }
    terminal.table(
      ["run", "process", "key", "status", "started", "why"],
      answer.runs.map((run) => [run.id, run.process, run.key, run.status, time(run.createdAt), whyOf(run, stopped)]),
      (cell, column) => (column === 3 ? styles[cell] : undefined),
      "cut",
    );
    if (answer.next !== null) terminal.line(terminal.paint("dim", `more: --before ${answer.next}`));
  });
  return exit.done;
}

export async function showRun(
  context: Context,
  [idOrKey]: readonly string[],
  { values }: { readonly values?: boolean } = {},
): Promise<number> {
  const { terminal } = context;
  const client = await adminClient(context);
  const found = await runOf(client, idOrKey!);
  const run = values === true ? await withValues(client, found) : found;
  const asks = run.steps.some(({ kind, status, superseded }) => kind === "task" && status === "open" && !superseded);
  const { tasks }: { tasks: readonly Task[] } = asks
    ? await client.get("/tasks", { status: "open", run: run.id })
    : { tasks: [] };
  terminal.result(run, () => {
    terminal.line(`${terminal.paint("bold", run.process)} ${run.key}  ${painted(terminal, run.status)}`);
    const facts: [string, string][] = [
      ["run", run.id],
      ["started", `${time(run.createdAt)} by ${run.origin}`],
      ["changed", time(run.updatedAt)],
      ["code version", run.version],
      ["input", shown(run.input, run.inputReference)],
    ];
    if (run.reason !== undefined && run.parked === undefined && run.failure === undefined)
      facts.push(["why", whyOf(run)]);
    if (run.state !== undefined) facts.push(["state", shown(run.state)]);
    if (run.restartOf !== undefined) facts.push(["restart of", run.restartOf]);
    if (run.restartedAs !== undefined) facts.push(["restarted as", run.restartedAs]);
    if (run.output !== undefined || run.outputReference !== undefined)
      facts.push(["output", shown(run.output, run.outputReference)]);
    if (run.failure !== undefined) {
      const detail = run.failure.detail === undefined ? "" : ` ${shown(run.failure.detail)}`;
      facts.push(["because", `${run.failure.reason}${detail}`]);
    }
    if (run.part !== undefined) facts.push(["part", String(run.part)]);
    if (run.warning !== undefined) facts.push(["warning", run.warning]);
    for (const child of run.children ?? [])
      facts.push(["child", `${child.run}  ${child.process} ${child.key}  ${painted(terminal, child.status)}`]);
    for (const [name, value] of facts) terminal.line(`  ${terminal.paint("dim", name.padEnd(13))} ${value}`);
    terminal.line();
    if (run.historyGone === true) terminal.line("Its history was removed by retention.");
    else {
      terminal.table(
        ["#", "step", "kind", "status", "at", "took", ""],
        run.steps.map((step) => [
          String(step.position),
          step.id,
          step.kind,
          step.superseded === true ? "superseded" : step.status,
          time(step.at),
          step.endedAt === undefined ? "" : took(step.endedAt - step.at),
          [
            step.attempts !== undefined && step.attempts > 1 ? count(step.attempts, "attempt") : "",
            step.failure === undefined ? "" : `${step.failure.message} (${step.failure.code})`,
            localTimes(step.note ?? ""),
            step.kind === "log" && step.output !== undefined ? shown(step.output) : "",
          ]
            .filter((part) => part !== "")
            .join("; "),
        ]),
      );
    }
    for (const task of tasks) {
      terminal.line();
      openTask(terminal, task);
    }
    if (run.parked !== undefined) question(terminal, run.id, run.parked);
  });
  return exit.done;
}

/** The run with all the values that it only names. */
async function withValues(client: AdminClient, run: Detail): Promise<Detail> {
  const filled = async <T extends Valued>(one: T): Promise<T> => {
    const { inputReference, outputReference, ...rest } = one;
    const load = async (hash: string): Promise<unknown> =>
      ((await client.get(`/runs/${segment(run.id)}/values/${segment(hash)}`)) as { value: unknown }).value;
    return {
      ...rest,
      ...(inputReference === undefined ? {} : { input: await load(inputReference.hash) }),
      ...(outputReference === undefined ? {} : { output: await load(outputReference.hash) }),
    } as T;
  };
  const steps = [];
  for (const step of run.steps) steps.push(await filled(step));
  return { ...(await filled(run)), steps };
}

/** Parked runs by the run that started them, where one of these waits: who waits for a child does not know that it stands still. */
async function parkedBelow(client: AdminClient, runs: readonly Summary[]): Promise<ReadonlyMap<string, Summary>> {
  if (!runs.some(({ status }) => status === "waiting")) return new Map();
  const parked: { runs: Summary[] } = await client.get("/runs", { status: "parked", limit: 500 });
  return new Map(parked.runs.flatMap((run) => (run.parent === undefined ? [] : [[run.parent, run] as const])));
}

/** Why it is where it is, with times as everywhere else here. */
function whyOf({ id, status, reason = "" }: Summary, stopped?: ReadonlyMap<string, Summary>): string {
  const below = status === "waiting" ? stopped?.get(id) : undefined;
  const stands = below !== undefined && reason === `waits for ${below.process} ${below.key}` ? ", which is parked" : "";
  return localTimes(reason) + stands;
}

/** What was announced for a time that is over is due: it is being made, or was held up. */
function localTimes(text: string): string {
  const iso = "\\d{4}-\\d\\d-\\d\\dT[\\d:.]+Z";
  return text
    .replace(new RegExp(`(next attempt|again) ((?:at |from )?)(${iso})`, "g"), (whole, what: string, _, at: string) =>
      Date.parse(at) <= Date.now() ? `${what} now` : whole,
    )
    .replace(new RegExp(iso, "g"), (at) => time(Date.parse(at)));
}

/** What a parked run asks, and what to type for each answer. */
function question(terminal: Terminal, run: string, parked: Question): void {
  terminal.line();
  const where = parked.step === undefined ? "" : ` at ${parked.step}`;
  terminal.line(
    `${terminal.paint("red", `parked${where}`)}: ${parked.message} ${terminal.paint("dim", `(${parked.code})`)}`,
  );
  if (parked.at !== undefined) terminal.line(`  in the code        ${parked.at}`);
  if (parked.recorded !== undefined) terminal.line(`  the history holds  ${shown(parked.recorded)}`);
  if (parked.asked !== undefined) terminal.line(`  the code asks for  ${shown(parked.asked)}`);
  if (parked.known !== undefined) known(terminal, parked.known);
  if (parked.code.startsWith("process-")) {
    terminal.line(`  mortise runs move --run ${run}`);
    terminal.line(
      `      ${terminal.paint("dim", "Goes on with mended code: deploy it first. No finished step is repeated.")}`,
    );
  }
  // An answer to a question that is no longer asked is refused.
  const number = ` --question ${parked.number}`;
  const commands: Readonly<Record<string, string>> = {
    retry: `mortise runs retry ${run}${number}`,
    happened: `mortise runs answer ${run} --happened '<result as JSON>'${number}`,
    repeat: `mortise runs answer ${run} --repeat${number}`,
    edit: `mortise runs edit ${run} --input '<input as JSON>'${number}`,
    undo: `mortise runs answer ${run} --undo${number}`,
    cancel: `mortise runs cancel ${run}`,
    terminate: `mortise runs cancel ${run} --now`,
  };
  for (const { kind, effect } of parked.answers) {
    terminal.line(`  ${commands[kind] ?? kind}`);
    terminal.line(`      ${terminal.paint("dim", effect)}`);
  }
  terminal.line(
    terminal.paint(
      "dim",
      `  or: mortise runs rewind ${run} --to STEP, mortise runs restart ${run}, mortise runs pause ${run}`,
    ),
  );
}

export async function signalRun(
  context: Context,
  [event, key]: readonly string[],
  options: { readonly payload: string; readonly delivery?: string },
): Promise<number> {
  const { terminal } = context;
  const [system, name, ...rest] = event!.split(".");
  if (name === undefined || rest.length > 0)
    throw failure("option-invalid", { option: "<event>", reason: 'write system and event, such as "carrier.shipped"' });
  const client = await adminClient(context);
  const answer: { result: string; run?: string } = await client.post("/signals", {
    system,
    event: name,
    key,
    payload: jsonOption("--payload", options.payload),
    delivery: options.delivery ?? randomUUID(),
    reason: "by the command line",
  });
  const means: Readonly<Record<string, string>> = {
    matched: "a run was waiting for it",
    kept: "no run waits for it yet; it is kept for one",
    dropped: "it came late, and the run that last waited for it drops such events",
    duplicate: "this delivery was here before; nothing was done",
    started: "it started a run",
  };
  terminal.result(answer, () => {
    const run = answer.run === undefined ? "" : ` (run ${answer.run})`;
    terminal.line(`${terminal.paint("green", answer.result)}: ${means[answer.result] ?? "taken"}${run}`);
  });
  return exit.done;
}

export async function listTasks(
  context: Context,
  _: readonly string[],
  { run, all }: { readonly run?: string; readonly all?: boolean },
): Promise<number> {
  const { terminal } = context;
  const client = await adminClient(context);
  const tasks: Task[] = [];
  for (const status of all === true ? ["open", "answered", "closed"] : ["open"]) {
    let after: string | undefined;
    do {
      const answer: { tasks: Task[]; next: string | null } = await client.get("/tasks", { status, run, after });
      tasks.push(...answer.tasks);
      after = answer.next ?? undefined;
    } while (after !== undefined);
  }
  terminal.result({ tasks }, () => {
    if (tasks.length === 0) terminal.line("No tasks.");
    for (const task of tasks) openTask(terminal, task);
  });
  return exit.done;
}

/** A task, and what to type for its answer while it is open. */
function openTask(terminal: Terminal, task: Task): void {
  const due = task.dueAt === undefined ? "" : `, due ${time(task.dueAt)}`;
  terminal.line(`${terminal.paint("bold", task.id)}  ${task.title}`);
  terminal.line(
    `  ${task.process} ${task.key}, for ${task.assign}${due}${task.status === "open" ? "" : `, ${task.status}`}`,
  );
  terminal.line(`  ${task.unreadable ?? shown(task.input, task.inputReference)}`);
  if (task.status === "open") terminal.line(terminal.paint("dim", `  mortise runs answer ${task.id} --with '<JSON>'`));
}

function shown(value: Json | undefined, reference?: Reference): string {
  if (reference !== undefined) return `${reference.bytes} bytes of JSON (--values shows them), ${reference.hash}`;
  if (value === undefined) return "";
  const text = JSON.stringify(value);
  return text.length <= 300 ? text : `${text.slice(0, 297)}...`;
}

function took(ms: number): string {
  if (ms < 1000) return `${ms} ms`;
  if (ms < 120_000) return `${(ms / 1000).toFixed(1)} s`;
  return ms < 7_200_000 ? `${Math.round(ms / 60_000)} min` : `${(ms / 3_600_000).toFixed(1)} h`;
}
