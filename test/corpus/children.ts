/** A few child processes that share the contracts. One that takes too long, or dies, is replaced, and its contract has the reason. */
import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { Done, Task } from "./child.ts";

export interface Outcome extends Done {
  readonly seconds: number;
}

export interface Limits {
  readonly jobs: number;
  /** Of one contract. */
  readonly seconds: number;
  readonly memoryMb: number;
}

const file = fileURLToPath(new URL("./child.ts", import.meta.url));

/** The outcome of every task, in their order. */
export async function runTasks(tasks: readonly Task[], limits: Limits): Promise<readonly Outcome[]> {
  const outcomes: Outcome[] = [];
  let next = 0;
  const lane = async (): Promise<void> => {
    let child: ChildProcess | undefined;
    for (let at = next++; at < tasks.length; at = next++) {
      child ??= start(limits);
      const begun = performance.now();
      const done = await ask(child, tasks[at]!, limits.seconds);
      outcomes[at] = { ...done, seconds: (performance.now() - begun) / 1000 };
      if (child.killed || !child.connected) child = undefined;
    }
    child?.disconnect();
  };
  await Promise.all(Array.from({ length: Math.min(limits.jobs, tasks.length) }, lane));
  return outcomes;
}

function start({ memoryMb }: Limits): ChildProcess {
  const execArgv = [...process.execArgv, `--max-old-space-size=${memoryMb}`];
  return fork(file, { execArgv, stdio: ["ignore", "ignore", "ignore", "ipc"] });
}

function ask(child: ChildProcess, task: Task, seconds: number): Promise<Done> {
  return new Promise((resolve) => {
    const failed = (reason: string): Done => ({
      ...{ operations: 0, events: 0, called: null, read: false, generated: false, bytes: 0, notes: 0 },
      reason,
    });
    const settle = (done: Done): void => {
      clearTimeout(timer);
      child.off("message", settle as (message: unknown) => void);
      child.off("exit", ended);
      resolve(done);
    };
    const ended = (code: number | null, signal: string | null): void => {
      child.kill("SIGKILL");
      settle(failed(`the process that read it ended (${signal ?? `code ${code}`}): out of memory, most likely`));
    };
    const timer = setTimeout(() => {
      child.kill("SIGKILL");
      settle(failed(`it took longer than ${seconds} seconds`));
    }, seconds * 1000);
    child.once("message", settle as (message: unknown) => void);
    child.once("exit", ended);
    child.send(task);
  });
}
