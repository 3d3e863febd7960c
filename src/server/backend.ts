/** What publishing asks for, from the engine and the front's clients. */
import type { Caller } from "../operation.ts";
import { type Engine, wholeRun } from "../process/engine.ts";
import type { Backend } from "../publish/backend.ts";

/** `version`: the code version whose schemas the requests are checked with; runs start on it. */
export function backendOf(
  engine: Pick<Engine, "start" | "settled" | "runByKey" | "value">,
  call: Caller,
  version: string,
): Backend {
  return {
    start: (command) => engine.start({ ...command, version }),
    settled: (run, ms) => engine.settled(run, ms),
    runByKey(process, key) {
      const run = engine.runByKey(process, key);
      if (run === undefined) return undefined;
      if (run.historyGone !== true) return wholeRun(run, engine.value);
      const { input: _, ...rest } = run;
      return rest;
    },
    call,
  };
}
