/** `mortise runs ...` that change something: shows what an act would do, asks, and does it; on one run, or on all that a filter finds. */
import { setTimeout as pause } from "node:timers/promises";
import { asMortiseError, failure } from "../../errors.ts";
import { type AdminClient, adminClient } from "../admin-client.ts";
import type { Context } from "../context.ts";
import { exit } from "../exit.ts";
import { count, type Terminal, time } from "../terminal.ts";
import { durationOption, jsonOption, numberOption, segment } from "../values.ts";
import { runOf, taskOfRun } from "./run-of.ts";

// What the admin API answers; its OpenAPI document says the same.
interface EffectOf {
  readonly step: string;
  readonly operation?: string;
  readonly key?: string;
  readonly at: number;
  readonly why: string;
}
interface Preview {
  readonly act: string;
  readonly possible: boolean;
  readonly happens: string;
  readonly mayDouble: readonly EffectOf[];
  readonly undoes: readonly {
    readonly step: string;
    readonly with: string;
    readonly key?: string;
    readonly sure: boolean;
  }[];
  readonly stays: readonly EffectOf[];
}
interface Counted {
  readonly what: string;
  readonly times: number;
}
interface BulkPreview {
  readonly runs: number;
  readonly looked: number;
  readonly possible: number;
  readonly refused: readonly Counted[];
  readonly mayDouble: readonly Counted[];
  readonly undoes: readonly Counted[];
  readonly stays: readonly Counted[];
}
export interface Job {
  readonly id: string;
  readonly act: { readonly kind: string };
  readonly by: string;
  readonly reason: string;
  readonly status: string;
  readonly total: number;
  readonly done: number;
  readonly refused: number;
  readonly createdAt: number;
  readonly refusals?: readonly { readonly run: string; readonly code: string; readonly message: string }[];
}

/** An act as the admin API takes it. */
interface Act {
  readonly act: string;
  readonly [name: string]: unknown;
}

export interface FilterOptions {
  readonly all?: boolean;
  readonly process?: string;
  readonly status?: string;
  readonly cause?: string;
  readonly step?: string;
  readonly keyPrefix?: string;
  readonly codeVersion?: string;
  readonly since?: string;
}
export interface ActOptions extends FilterOptions {
  readonly reason: string;
  readonly yes?: boolean;
  readonly question?: string;
}

/** The filter that the options say, as the admin API takes it. */
export function filterIn({
  process,
  status,
  cause,
  step,
  keyPrefix,
  codeVersion,
  since,
}: FilterOptions): Record<string, unknown> {
  const from = since === undefined ? undefined : Math.floor(Date.now() - durationOption("--since", since));
  const given = { process, status, cause, step, keyPrefix, version: codeVersion, from };
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
}

const done: Readonly<Record<string, string>> = {
  retry: "tries again",
  pause: "is paused",
  resume: "goes on",
  cancel: "is being cancelled",
  terminate: "is ended; nothing is undone",
  undo: "is being undone",
  repeat: "is repeated",
  happened: "has its result",
  edit: "is called with the new input",
  rewind: "goes back",
  restart: "is restarted",
};

/** Acts that can't be taken back, so that people are always asked. */
const grave = new Set(["cancel", "terminate", "undo", "rewind", "restart", "edit", "repeat"]);

export function retryRuns(context: Context, runs: readonly string[], options: ActOptions): Promise<number> {
  return act(context, runs, { act: "retry" }, options);
}
export function pauseRuns(context: Context, runs: readonly string[], options: ActOptions): Promise<number> {
  return act(context, runs, { act: "pause" }, options);
}
export function resumeRuns(context: Context, runs: readonly string[], options: ActOptions): Promise<number> {
  return act(context, runs, { act: "resume" }, options);
}
export function cancelRuns(
  context: Context,
  runs: readonly string[],
  options: ActOptions & { readonly now?: boolean },
): Promise<number> {
  return act(context, runs, { act: options.now === true ? "terminate" : "cancel" }, options);
}
export function editRuns(
  context: Context,
  runs: readonly string[],
  options: ActOptions & { readonly input?: string; readonly patch?: string },
): Promise<number> {
  const { input, patch } = options;
  if (input === undefined && patch === undefined)
    throw failure("option-invalid", {
      option: "--input",
      reason: "say what is sent: --input, or --patch of what was sent",
    });
  const given =
    input === undefined ? { patch: jsonOption("--patch", patch!) } : { input: jsonOption("--input", input) };
  return act(context, runs, { act: "edit", ...given }, options);
}
export function rewindRuns(
  context: Context,
  runs: readonly string[],
  options: ActOptions & { readonly to: string },
): Promise<number> {
  return act(context, runs, { act: "rewind", to: options.to }, options);
}
export function restartRuns(
  context: Context,
  runs: readonly string[],
  options: ActOptions & { readonly input?: string; readonly now?: boolean },
): Promise<number> {
  if (options.input !== undefined && runs.length !== 1)
    throw failure("option-invalid", { option: "--input", reason: "it is the input of one run" });
  const input = options.input === undefined ? {} : { input: jsonOption("--input", options.input) };
  const first = options.now === true ? { first: "terminate" } : {};
  return act(context, runs, { act: "restart", ...input, ...first }, options);
}

interface AnswerOptions extends ActOptions {
  readonly with?: string;
  readonly happened?: string;
  readonly repeat?: boolean;
  readonly undo?: boolean;
}

export async function answer(context: Context, runs: readonly string[], options: AnswerOptions): Promise<number> {
  const { terminal } = context;
  if (options.with !== undefined) {
    const [id] = runs;
    if (id === undefined || runs.length > 1 || options.all === true)
      throw failure("option-invalid", { option: "--with", reason: "name one task: each has a form of its own" });
    const client = await adminClient(context);
    const body = { answer: jsonOption("--with", options.with), reason: options.reason };
    let task = id;
    const answered = (): Promise<unknown> => client.post(`/tasks/${segment(task)}/answer`, body);
    const result = await answered().catch(async (error: unknown) => {
      if (asMortiseError(error).code !== "task-unknown") throw error;
      task = (await taskOfRun(client, id)) ?? id;
      if (task === id) throw error;
      return answered();
    });
    terminal.result(result, () => terminal.line(`${terminal.paint("green", "answered")} ${task}`));
    return exit.done;
  }
  if (options.happened !== undefined)
    return act(context, runs, { act: "happened", result: jsonOption("--happened", options.happened) }, options);
  if (options.repeat === true) return act(context, runs, { act: "repeat" }, options);
  if (options.undo === true) return act(context, runs, { act: "undo" }, options);
  const why = "say the answer: --with for a task; --happened, --repeat or --undo for a parked run";
  throw failure("option-invalid", { option: "<task-or-run>", reason: why });
}

async function act(context: Context, runs: readonly string[], what: Act, options: ActOptions): Promise<number> {
  if (options.all === true) {
    if (runs.length > 0)
      throw failure("option-invalid", { option: "--all", reason: "name runs, or say --all with a filter; not both" });
    return actOnAll(context, what, options);
  }
  if (runs.length === 0)
    throw failure("option-invalid", { option: "<run...>", reason: "name the runs, or say --all with a filter" });
  return actOnEach(context, runs, what, options);
}

/** The same act on each run; one that is refused does not keep the others from it. */
async function actOnEach(
  context: Context,
  runs: readonly string[],
  { act: kind, ...more }: Act,
  { reason, yes, question }: ActOptions,
): Promise<number> {
  const { terminal } = context;
  const client = await adminClient(context);
  const results: { run: string; done: boolean; as?: string; error?: { code: string; message: string } }[] = [];
  const asked = question === undefined ? {} : { question: numberOption("--question", question, 1_000_000) };
  for (const idOrKey of runs) {
    let run = idOrKey;
    try {
      const look = (): Promise<Preview> => client.post(`/runs/${segment(run)}/preview`, { act: kind, ...more });
      const preview = await look().catch(async (error: unknown) => {
        if (asMortiseError(error).code !== "run-unknown") throw error;
        run = (await runOf(client, idOrKey)).id;
        return look();
      });
      // What is not possible is refused by the act itself, with its reason.
      if (preview.possible && yes !== true && needsAsking(preview)) {
        terminal.line(`${terminal.paint("bold", `${kind} ${run}`)}`);
        show(terminal, preview);
        if (!(await confirmed(context, preview))) {
          results.push({ run, done: false });
          terminal.line("Nothing was done.");
          continue;
        }
      }
      const answered: { run?: string } = await client.post(`/runs/${segment(run)}/${kind}`, {
        reason,
        ...more,
        ...asked,
      });
      const anew = kind === "restart" ? answered.run : undefined;
      results.push({ run, done: true, ...(anew === undefined ? {} : { as: anew }) });
      terminal.line(`${terminal.paint("green", run)} ${done[kind] ?? kind}${anew === undefined ? "" : ` as ${anew}`}`);
    } catch (error) {
      const { code, message } = asMortiseError(error);
      if (code === "server-unreachable" || code === "confirmation-needed") throw error;
      results.push({ run, done: false, error: { code, message } });
      if (!terminal.json) terminal.fail({ code, message });
    }
  }
  terminal.result(results, () => {});
  return results.every((result) => result.done) ? exit.done : exit.failed;
}

function needsAsking({ act: kind, mayDouble }: Preview): boolean {
  return grave.has(kind) || mayDouble.length > 0;
}

function show(terminal: Terminal, { happens, mayDouble, undoes, stays }: Preview): void {
  terminal.line(`  ${happens}`);
  const lines = (title: string, effects: readonly EffectOf[]) => {
    if (effects.length === 0) return;
    terminal.line(`  ${terminal.paint("yellow", title)}`);
    for (const { step, at, key, why } of effects)
      terminal.line(
        `    ${step}  ${terminal.paint("dim", `${time(at)}${key === undefined ? "" : `  key ${key}`}`)}\n      ${why}`,
      );
  };
  lines("may happen twice:", mayDouble);
  if (undoes.length > 0) {
    terminal.line("  is undone, in this order:");
    for (const { step, with: by, sure } of undoes)
      terminal.line(
        `    ${step}  ${terminal.paint("dim", `by ${by}${sure ? "" : "; it is not known whether it happened"}`)}`,
      );
  }
  lines("stays:", stays);
}

/** Asks on a terminal. Throws `confirmation-needed` where nobody can be asked. */
async function confirmed({ io, terminal }: Context, shown: unknown): Promise<boolean> {
  if (io.confirm === undefined || terminal.json) throw failure("confirmation-needed", {}, { details: shown });
  return io.confirm("Go on? [y/N] ");
}

async function actOnAll(context: Context, what: Act, options: ActOptions): Promise<number> {
  const { terminal } = context;
  const { act: kind, ...more } = what;
  const filter = filterIn(options);
  if (Object.keys(filter).length === 0)
    throw failure("option-invalid", {
      option: "--all",
      reason: "say which: --process, --status, --cause, --step, ...",
    });
  const client = await adminClient(context);
  const preview: BulkPreview = await client.post("/runs/acts/preview", { filter, act: kind, ...more });
  showAll(terminal, kind, preview);
  if (preview.runs === 0) {
    terminal.result({ job: null, preview }, () => {});
    return exit.done;
  }
  if (options.yes !== true && !(await confirmed(context, preview))) {
    terminal.line("Nothing was done.");
    return exit.failed;
  }
  const body = { filter, act: kind, ...more, reason: options.reason, expect: preview.runs };
  const begun: Job = await client.post("/runs/acts", body);
  terminal.line(`${terminal.paint("green", begun.id)} began; it goes on if you leave: mortise runs jobs ${begun.id}`);
  return finish(terminal, await followed(client, terminal, begun));
}

function showAll(terminal: Terminal, kind: string, preview: BulkPreview): void {
  terminal.line(`${terminal.paint("bold", kind)} ${count(preview.runs, "run")}`);
  if (preview.looked < preview.runs)
    terminal.line(terminal.paint("dim", `  the newest ${preview.looked} were looked at:`));
  terminal.line(`  possible for ${preview.possible} of ${preview.looked}`);
  const lines = (title: string, all: readonly Counted[]) => {
    if (all.length === 0) return;
    terminal.line(`  ${title}`);
    for (const { what, times } of all) terminal.line(`    ${String(times).padStart(6)}  ${what}`);
  };
  lines("refused:", preview.refused);
  lines(terminal.paint("yellow", "may happen twice:"), preview.mayDouble);
  lines("is undone by:", preview.undoes);
  lines(terminal.paint("yellow", "stays:"), preview.stays);
}

const lookEveryMs = 300;

async function followed(client: AdminClient, terminal: Terminal, begun: Job): Promise<Job> {
  let job = begun;
  let told = -1;
  while (job.status === "running") {
    await pause(lookEveryMs);
    job = await client.get(`/runs/acts/${segment(begun.id)}`);
    const tenth = Math.floor((10 * (job.done + job.refused)) / Math.max(1, job.total));
    if (tenth > told && job.status === "running") terminal.note(`${job.done + job.refused} of ${job.total}`);
    told = Math.max(told, tenth);
  }
  return await client.get(`/runs/acts/${segment(begun.id)}`);
}

export function finish(terminal: Terminal, job: Job): number {
  terminal.result(job, () => {
    terminal.line(
      `${job.status}: ${count(job.done, "run")}${job.refused === 0 ? "" : `, ${job.refused} refused`} of ${job.total}`,
    );
    for (const { run, message, code } of job.refusals?.slice(0, 10) ?? [])
      terminal.line(`  ${run}  ${message} ${terminal.paint("dim", `(${code})`)}`);
    if ((job.refusals?.length ?? 0) > 10) terminal.line(terminal.paint("dim", "  ... all of them with --json"));
  });
  return job.refused === 0 ? exit.done : exit.failed;
}
