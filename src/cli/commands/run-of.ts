/** The run that somebody names: people know orders by their number. */
import { asMortiseError, failure } from "../../errors.ts";
import type { AdminClient } from "../admin-client.ts";
import type { Detail, Summary, Task } from "../run-shapes.ts";
import { segment } from "../values.ts";

/** By its id, else by its business key. Of runs of one process, which were restarted, the newest is meant; several processes may have a key, and then none is. */
export async function runOf(client: AdminClient, idOrKey: string): Promise<Detail> {
  try {
    return await client.get(`/runs/${segment(idOrKey)}`);
  } catch (error) {
    if (asMortiseError(error).code !== "run-unknown") throw error;
    const { runs }: { runs: Summary[] } = await client.get("/runs", { key: idOrKey, limit: 50 });
    const [newest] = runs;
    if (newest === undefined) throw error;
    if (runs.some(({ process }) => process !== newest.process))
      throw failure("option-invalid", {
        option: "<run>",
        reason: `runs of several processes have this business key; name one of them by its id: ${idsOf(runs)}`,
      });
    return await client.get(`/runs/${segment(newest.id)}`);
  }
}

/** The newest run of each process. */
function idsOf(runs: readonly Summary[]): string {
  const newest = runs.filter(({ process }, at) => runs.findIndex((run) => run.process === process) === at);
  return newest.map(({ id, process, status }) => `${id} (${process}, ${status})`).join(", ");
}

/** The open task of the run that somebody names in place of it, by its id or business key. `undefined`: no such run, or it has none. */
export async function taskOfRun(client: AdminClient, idOrKey: string): Promise<string | undefined> {
  const { runs }: { runs: Summary[] } = await client.get("/runs", { key: idOrKey, limit: 50 });
  const open: Task[] = [];
  for (const run of [idOrKey, ...runs.map(({ id }) => id)]) {
    const { tasks }: { tasks: Task[] } = await client.get("/tasks", { status: "open", run });
    open.push(...tasks);
  }
  if (open.length > 1)
    throw failure("option-invalid", {
      option: "<task>",
      reason: `several tasks are open there; name one of them: ${open.map(({ id, title }) => `${id} (${title})`).join(", ")}`,
    });
  return open[0]?.id;
}
