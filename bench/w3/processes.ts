/** Ten recorded local steps, each on disk before the next begins. */
import { defineProcess } from "../../src/process/define.ts";

export const steps = 10;

export const tenSteps = defineProcess({
  name: "ten-steps",
  input: { kind: "schema", json: true } as never,
  key: ({ id }: { readonly id: string }) => id,
  async run(flow, { id }: { readonly id: string }) {
    let sum = 0;
    for (let number = 0; number < steps; number++)
      sum += await flow.step("add", { effect: "idempotent" }, () => number);
    return { id, sum };
  },
});
