/** The run that somebody names: people know orders by their number. */
import { asMortiseError, failure } from "../../errors.ts";
import type { AdminClient } from "../admin-client.ts";
import type { Detail, Summary } from "../run-shapes.ts";
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
        reason: `runs of several processes have this business key; take one of: mortise runs list --key ${idOrKey}`,
      });
    return await client.get(`/runs/${segment(newest.id)}`);
  }
}
