/** Test seam: commands of the engine's part of the store, as the front and a worker send them. */
import type { AppendParameters, StartParameters } from "../wire.ts";

/** The start of a run of `p`, whose worker knows of it. */
export const start = (run: string, more: Partial<StartParameters> = {}) => ({
  name: "process.start",
  parameters: {
    run,
    process: "p",
    key: run,
    inputHash: "h",
    version: "v1",
    origin: "test",
    told: true,
    body: "[0]",
    ...more,
  } satisfies StartParameters,
});

export const append = (run: string, seq: number, more: Partial<AppendParameters> = {}) => ({
  name: "process.append",
  parameters: { run, seq, body: `[${seq}]`, ...more } satisfies AppendParameters,
});

/** Is refused, whatever came before it in its batch. */
export const refused = { name: "process.answer", parameters: { task: "none", by: "olivia", answer: "null" } };
