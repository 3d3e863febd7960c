/** `mortise runs causes` and `mortise runs jobs`: parked runs in groups, and acts on many runs. */
import { adminClient } from "../admin-client.ts";
import type { Context } from "../context.ts";
import { exit } from "../exit.ts";
import { count, printable, time } from "../terminal.ts";
import { segment } from "../values.ts";
import { finish, type Job } from "./run-acts.ts";

export async function listJobs(
  context: Context,
  [id]: readonly string[],
  { stop, reason }: { readonly stop?: boolean; readonly reason: string },
): Promise<number> {
  const { terminal } = context;
  const client = await adminClient(context);
  if (id !== undefined) {
    if (stop === true) await client.post(`/runs/acts/${segment(id)}/stop`, { reason });
    finish(terminal, await client.get(`/runs/acts/${segment(id)}`));
    return exit.done;
  }
  const answered: { jobs: Job[] } = await client.get("/runs/acts");
  terminal.result(answered, () => {
    if (answered.jobs.length === 0) terminal.line("No acts on many runs.");
    else
      terminal.table(
        ["job", "act", "status", "done", "refused", "of", "began", "by"],
        answered.jobs.map((job) => [
          job.id,
          job.act.kind,
          job.status,
          String(job.done),
          String(job.refused),
          String(job.total),
          time(job.createdAt),
          `${job.by}: ${job.reason}`,
        ]),
      );
  });
  return exit.done;
}

interface Cause {
  readonly cause: string;
  readonly process: string;
  readonly code: string;
  readonly step?: string;
  readonly failure?: string;
  readonly message: string;
  readonly runs: number;
  readonly oldestAt: number;
  readonly example: string;
}

/** What no retry helps: somebody has to look, and say for each of the runs, or for all, what is known. */
const asksEach = new Set(["step-unknown", "process-after-pivot", "process-missing"]);

export async function listCauses(context: Context): Promise<number> {
  const { terminal } = context;
  const client = await adminClient(context);
  const answered: { causes: Cause[] } = await client.get("/runs/causes");
  terminal.result(answered, () => {
    if (answered.causes.length === 0) {
      terminal.line("No parked runs.");
      return;
    }
    for (const { runs, process, code, step, message, failure, oldestAt, example, cause } of answered.causes) {
      const where = step === undefined ? "" : ` at ${step}`;
      terminal.line(
        `${terminal.paint("bold", count(runs, "run"))}  ${process}${where}  ${terminal.paint("red", code)}${failure === undefined ? "" : ` ${terminal.paint("dim", failure)}`}`,
      );
      terminal.line(`  ${printable(message)}`);
      terminal.line(`  ${terminal.paint("dim", `since ${time(oldestAt)}; the first: mortise runs show ${example}`)}`);
      const all = asksEach.has(code) ? "list --status parked" : "retry --all";
      terminal.line(`  ${terminal.paint("dim", `all: mortise runs ${all} --process ${process} --cause ${cause}`)}`);
    }
  });
  return exit.done;
}
