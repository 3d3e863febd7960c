/** Test seam: an installation whose wall clock is moved (clock-jumps-clock.ts). Commands a line on standard input, answers as JSON. */
import { createInterface } from "node:readline";

if (import.meta.main) await serve(process.argv[2] as string);

async function serve(folder: string): Promise<void> {
  const { defineProcess } = await import("../define.ts");
  const { FlowTimeout } = await import("../flow.ts");
  const { anything, FakeSystem, rig } = await import("./engine-harness.ts");
  const system = new FakeSystem();
  const act = system.operation("act", "idempotent", (input) => input);
  const never = { kind: "event", system: "s", name: "never" } as const;
  const waits = {
    sleep: (ms: number) =>
      defineProcess<{ id: string }, unknown>({
        name: `sleep-${ms}`,
        input: anything as never,
        key: ({ id }) => id,
        async run(flow, { id }) {
          const began = flow.now();
          await flow.sleep(ms);
          await flow.call(act, id);
          return flow.now() - began;
        },
      }),
    receive: (ms: number) =>
      defineProcess<{ id: string }, unknown>({
        name: `receive-${ms}`,
        input: anything as never,
        key: ({ id }) => id,
        async run(flow, { id }) {
          try {
            await flow.receive(never, { key: id, within: ms });
          } catch (error) {
            await flow.call(act, id);
            return error instanceof FlowTimeout;
          }
          return "it came";
        },
      }),
  };
  const processes = [waits.sleep(1), waits.sleep(2000), waits.sleep(3_600_000), waits.receive(3_600_000)];
  const open = () => rig({ processes, system, folder });
  let one = await open();
  const runs = new Map<string, string>();
  const commands: Readonly<Record<string, (name: string) => unknown>> = {
    async start(name) {
      const begun = await one.engine.start({ process: name, key: name, input: { id: name }, origin: "test" });
      if (begun.kind !== "started") throw new Error(`${name} ${begun.kind}`);
      runs.set(name, begun.run);
      return (await one.until(begun.run, "waiting", "completed", "parked")).status;
    },
    /** After what is due was done: a run that begins after it has ended. */
    async state(name) {
      const { run } = (await one.engine.start({
        process: "sleep-1",
        key: `${name} ${performance.now()}`,
        input: { id: "between" },
        origin: "test",
      })) as { run: string };
      await one.until(run, "completed", "parked");
      const { status, output } = one.engine.run(runs.get(name) as string) ?? {};
      return { status, output, calls: system.received.filter(({ input }) => input === name).length };
    },
    async ended(name) {
      const { status, output } = await one.until(runs.get(name) as string, "completed", "parked");
      return { status, output, calls: system.received.filter(({ input }) => input === name).length };
    },
    async stop() {
      await one.stop();
      return "stopped";
    },
    async open() {
      one = await open();
      return "open";
    },
  };
  for await (const line of createInterface({ input: process.stdin })) {
    const [command, name = ""] = line.split(" ");
    process.stdout.write(`${JSON.stringify(await commands[command as string]?.(name))}\n`);
  }
  await one.stop();
}
