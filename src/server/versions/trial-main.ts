/** The thread of a trial: imports a version's modules, looks at what they define, and says what is wrong. */
import { parentPort, workerData } from "node:worker_threads";
import { definitionProblems } from "../project/problems.ts";
import { importVersion, placeIn } from "./sources.ts";
import type { TrialMessage, TrialStart } from "./trial.ts";

const { folder, manifest, project } = workerData as TrialStart;

async function attempt(): Promise<TrialMessage> {
  try {
    const { processes, systems, places } = await importVersion({ folder, manifest }, project);
    const problems = definitionProblems({
      systems: new Map(systems.map((system) => [system.name, system])),
      processes: new Map(processes.map((process) => [process.name, process])),
      apis: [],
      schedules: [],
      places,
    });
    if (problems.length > 0) return { kind: "broken", problems };
    return {
      kind: "loaded",
      processes: processes.map(({ name }) => name),
      systems: systems.map(({ name }) => name),
    };
  } catch (error) {
    const message = error instanceof Error ? (error.message.split("\n")[0] as string) : String(error);
    const place = placeIn(folder, error instanceof Error ? error.stack : undefined);
    return { kind: "broken", problems: [{ file: manifest.entries[0] ?? "processes/", ...place, message }] };
  }
}

parentPort?.postMessage(await attempt());
