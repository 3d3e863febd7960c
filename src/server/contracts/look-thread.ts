/** Looks at a contract in a thread of its own, with bounds on memory and time. */
import { Worker } from "node:worker_threads";
import { moduleUrl } from "../../module-url.ts";
import type { Look, LookTask } from "./look.ts";

const patienceMs = 180_000;
const memoryMiB = 512;

/** Never rejects. `signal` ends the thread. */
export async function lookInThread(task: LookTask, signal: AbortSignal): Promise<Look> {
  const unreadable = (reason: string): Look => ({ state: "unreadable", code: "internal", reason });
  if (signal.aborted) return unreadable("the server is stopping");
  const thread = new Worker(moduleUrl("./look-main", import.meta.url), {
    name: "mortise-look",
    workerData: task,
    resourceLimits: { maxOldGenerationSizeMb: memoryMiB },
  });
  let timer: NodeJS.Timeout | undefined;
  const stop = () => void thread.terminate();
  signal.addEventListener("abort", stop);
  const said = await new Promise<Look>((resolve) => {
    thread.once("message", resolve);
    thread.once("error", (error) => resolve(unreadable(error instanceof Error ? error.message : String(error))));
    thread.once("exit", () => resolve(unreadable("the thread that read it ended")));
    timer = setTimeout(() => resolve(unreadable(`it took longer than ${patienceMs / 1000} seconds`)), patienceMs);
    timer.unref();
  });
  clearTimeout(timer);
  signal.removeEventListener("abort", stop);
  await thread.terminate();
  return said;
}
