/** What publishing asks for, from the engine and the front's clients. */
import type { Json } from "../../operation.ts";
import { type Engine, wholeRun } from "../../process/engine.ts";
import { epochOf } from "../../process/instant.ts";
import type { Backend } from "../../publish/backend.ts";
import type { Masking } from "../secrets/masking.ts";

/** `version`: the code version whose schemas the requests are checked with; runs start on it. */
export function backendOf(
  engine: Pick<Engine, "start" | "settled" | "runByKey" | "runs" | "mark" | "value">,
  { call, read, pass }: Pick<Backend, "call" | "read" | "pass">,
  version: string,
  masking: Pick<Masking, "run">,
): Backend {
  return {
    async start({ at, ...command }) {
      return engine.start({ ...command, version, ...(at === undefined ? {} : { at: epochOf(at) }) });
    },
    settled: (run, ms) => engine.settled(run, ms),
    runByKey(process, key) {
      const run = engine.runByKey(process, key);
      if (run === undefined) return undefined;
      if (run.historyGone !== true) {
        const whole = wholeRun(run, engine.value);
        if (run.state === undefined) return whole;
        // Input and output are the caller's own business; the state is what a process says, and may repeat what is sensitive.
        return { ...whole, state: masking.run(run).state as Json };
      }
      const { input: _, ...rest } = run;
      return rest;
    },
    runsOf: (process, before, limit) => engine.runs({ process, limit, ...(before === undefined ? {} : { before }) }),
    mark: (process, key) => engine.mark(process, key),
    call,
    read,
    pass,
  };
}
